//! Conversations that stay on this device only, with the real cloud: nothing of them is sent, signing in does not change that,
//! and turning it off sends all of them.

use crate::device::Device;
use crate::sync::{account, converge, count, log_in, signed_in};
use serde_json::json;
use std::fs;

const ROWS: &str = "select (select count(*) from public.conversations where user_id = $1)
    + (select count(*) from public.chat_messages where user_id = $1)
    + (select count(*) from public.message_attachments where user_id = $1)
    + (select count(*) from storage.objects where name like $1::uuid::text || '/%')
    + (select count(*) from public.sync_ops where user_id = $1)";

fn id_of(made: &serde_json::Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// A conversation with two messages and a file.
fn filled(device: &Device, id: &str) {
    device.run(&["add", id, "--role", "user", "a secret of this computer"]);
    device.run(&["add", id, "--role", "assistant", "it stays here"]);
    let path = device.path("diary.txt");
    fs::write(&path, "only here").unwrap();
    device.run(&["attach", id, path.to_str().unwrap()]);
}

#[test]
fn nothing_of_it_is_sent_until_it_may_go_and_then_all_of_it() {
    let user = account();
    let device = signed_in(&user);
    let made = device.run(&["new", "--title", "Diary", "--only-here"]);
    assert_eq!((&made["only_here"], &made["waiting"]), (&json!(true), &json!(false)));
    let id = id_of(&made);
    filled(&device, &id);
    device.run(&["edit", &id, "--star", "--add-tag", "private", "--title", "My diary"]);
    let report = device.run(&["sync"]);
    assert_eq!((&report["pushed"], &report["files_uploaded"], &report["waiting"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(count(&user, ROWS), 0, "the server has heard of it");
    assert_eq!(device.run(&["verify", "--remote"])["sent_again"], json!(0));
    assert_eq!(count(&user, ROWS), 0, "a comparison sends nothing of it either");

    // Another device has nothing of it, and what is beside it goes its way.
    let beside = id_of(&device.run(&["new", "--title", "For all"]));
    device.run(&["add", &beside, "--role", "user", "hello"]);
    device.run(&["sync"]);
    let other = signed_in(&user);
    let titles: Vec<_> = other.list().into_iter().map(|row| row["title"].clone()).collect();
    assert_eq!(titles, [json!("For all")]);

    // Turned off, everything goes, files too.
    let freed = device.run(&["edit", &id, "--everywhere"]);
    assert_eq!((&freed["only_here"], &freed["waiting"]), (&json!(false), &json!(true)));
    let report = device.run(&["sync"]);
    assert_eq!((&report["refused"], &report["files_uploaded"]), (&json!(0), &json!(1)), "{report}");
    converge(&user, &[&device, &other]);
    let there = other.run(&["show", &id]);
    assert_eq!(there["conversation"]["title"], json!("My diary"));
    assert_eq!(
        (&there["conversation"]["is_starred"], &there["conversation"]["tags"]),
        (&json!(true), &json!(["private"]))
    );
    assert!(there["messages"].to_string().contains("a secret of this computer"));
    assert!(there["messages"].to_string().contains("diary.txt"));

    // What the server has cannot be taken back by a word here.
    let (exit, code, message) = device.fail(&["edit", &id, "--only-here", "--title", "Not this"]);
    assert_eq!((exit, code.as_str()), (1, "invalid_input"), "{message}");
    assert!(message.contains("on the server already"), "{message}");
    let shown = device.run(&["show", &id]);
    assert_eq!(
        (&shown["conversation"]["title"], &shown["conversation"]["only_here"]),
        (&json!("My diary"), &json!(false))
    );
}

#[test]
fn signing_in_takes_it_along_and_sends_nothing_of_it() {
    let user = account();
    let device = Device::new();
    let id = id_of(&device.run(&["new", "--title", "Diary"]));
    filled(&device, &id);
    // The choice is made before there is an account.
    assert_eq!(device.run(&["edit", &id, "--only-here"])["only_here"], json!(true));
    device.run(&["new", "--title", "For all"]);
    log_in(&device, &user);
    device.run(&["sync"]);
    let list = device.list();
    let of = |title: &str| list.iter().find(|row| row["title"] == json!(title)).unwrap_or_else(|| panic!("{list:?}"));
    assert_eq!((&of("Diary")["only_here"], &of("Diary")["message_count"]), (&json!(true), &json!(3)));
    assert_eq!(of("For all")["only_here"], json!(false));
    let private = "select count(*) from public.chat_messages where user_id = $1";
    assert_eq!(count(&user, private), 0, "its messages are on the server");
    assert_eq!(count(&user, "select count(*) from public.conversations where user_id = $1"), 1);
    // Erasing it is nobody else's affair.
    let along = id_of(of("Diary"));
    device.run(&["delete", &along]);
    device.run(&["sync"]);
    assert_eq!(
        count(&user, "select count(*) from public.sync_ops where user_id = $1"),
        1,
        "one insert, of the other one"
    );
    device.run(&["undelete", &along]);
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
}

#[test]
fn what_may_have_been_sent_already_is_not_kept_here() {
    let user = account();
    let device = signed_in(&user);
    // Made offline, and never on its way: it can stay.
    let id = id_of(&device.run(&["new", "--title", "Not yet sent"]));
    filled(&device, &id);
    assert_eq!(device.run(&["edit", &id, "--only-here"])["waiting"], json!(false));
    device.run(&["sync"]);
    assert_eq!(count(&user, ROWS), 0);
    // Tried, with an answer that never came: the server may have it.
    let id = id_of(&device.run(&["new", "--title", "Tried"]));
    let mirror = fs::read_dir(device.path("data/profiles"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("mirror.sqlite"))
        .find(|path| !path.parent().unwrap().ends_with("local"))
        .unwrap();
    let database = rusqlite::Connection::open(mirror).unwrap();
    assert_eq!(database.execute("update outbox set offered = 1", []).unwrap(), 1);
    drop(database);
    let (exit, code, _) = device.fail(&["edit", &id, "--only-here"]);
    assert_eq!((exit, code.as_str()), (1, "invalid_input"));
    device.run(&["sync"]);
    assert_eq!(count(&user, "select count(*) from public.conversations where user_id = $1"), 1);
}
