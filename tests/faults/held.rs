//! A transaction that stays open while others commit: numbers are given in the order of commits, one user at a time.

use crate::rows::{converge, on_device};
use crate::world::shared;
use serde_json::json;
use std::sync::mpsc;
use uuid::Uuid;

#[test]
fn what_commits_late_is_not_skipped_and_keeps_no_other_user_waiting() {
    let world = shared();
    let (user, other) = (world.account(), world.account());
    let (first, second, theirs) = (world.signed_in(&user), world.signed_in(&user), world.signed_in(&other));
    let conversation = first.run(&["new", "--title", "Shared"])["id"].as_str().unwrap().to_owned();
    first.run(&["sync"]);
    second.run(&["sync"]);
    let other_id = theirs.run(&["new", "--title", "Theirs"])["id"].as_str().unwrap().to_owned();
    theirs.run(&["sync"]);
    let insert = |id: Uuid, text: &str| {
        format!(
            "insert into public.chat_messages (id, conversation_id, user_id, role, content)
             values ('{id}', '{conversation}', '{}', 'assistant', '{text}')",
            user.id
        )
    };
    for round in 0..5 {
        let (late, next) = (Uuid::now_v7(), Uuid::now_v7());
        let held = world.transaction(&user);
        world.execute(&held, &insert(late, &format!("late {round}")));

        // Of the same user: its own number comes after the one that is held, so it waits.
        let (told, heard) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                world.as_user(&user, &insert(next, &format!("next {round}")));
                told.send(()).unwrap();
            });
            // Both devices pull meanwhile, and are not kept waiting by it.
            for device in [&first, &second] {
                let report = device.run(&["sync"]);
                assert_eq!(report["refused"], json!(0), "{report}");
                let rows = on_device(device);
                assert!(!rows.contains_key(&("chat_messages", late.to_string())), "it has not been committed");
            }
            // Another user writes, by push and by hand, and is done before the transaction is.
            theirs.run(&["add", &other_id, "--role", "user", &format!("theirs {round}")]);
            assert_eq!(theirs.run(&["sync"])["pushed"], json!(1));
            world.as_user(
                &other,
                &format!("update public.conversations set title = 'renamed {round}' where id = '{other_id}'"),
            );
            assert!(heard.try_recv().is_err(), "the second write of the same user has overtaken the first");
            world.execute(&held, "commit");
            heard.recv().unwrap();
        });
        for device in [&first, &second] {
            device.run(&["sync"]);
            let rows = on_device(device);
            for id in [late, next] {
                assert!(rows.contains_key(&("chat_messages", id.to_string())), "{id} was skipped in round {round}");
            }
        }
    }
    converge(world, &user, &[&first, &second]);
    converge(world, &other, &[&theirs]);
}
