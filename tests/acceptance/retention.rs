//! The switch that has the server delete old messages by itself.

use crate::device::Device;
use crate::sync::{account, as_user, count, shared, signed_in};
use airi_tests::User;
use serde_json::{Value, json};

/// The night so many days from now, for one user.
fn night_in(days: i32, user: &User) -> i64 {
    shared().runtime.block_on(async {
        let client = shared().cloud.connect().await.unwrap();
        let job = "select airi_private.delete_old_messages($1, now() + make_interval(days => $2))";
        client.query_one(job, &[&user.id, &days]).await.unwrap().get(0)
    })
}

fn contents(device: &Device, conversation: &str) -> Vec<Value> {
    let shown = device.run(&["show", conversation]);
    shown["messages"].as_array().unwrap().iter().map(|message| message["content"].clone()).collect()
}

#[test]
fn old_messages_go_only_for_whoever_turned_it_on_and_come_back_when_asked_for() {
    let user = account();
    let (device, other) = (signed_in(&user), signed_in(&user));
    let id = device.run(&["new", "--title", "Old"])["id"].as_str().unwrap().to_owned();
    let said = device.run(&["add", &id, "--role", "user", "long ago"])["id"].as_str().unwrap().to_owned();
    device.run(&["sync"]);
    // What another client keeps there stays.
    as_user(
        &user,
        &format!("update public.user_profiles set preferences = '{{\"theme\": \"dark\"}}' where id = '{}'", user.id),
    );
    let off = json!({ "delete_messages_after_days": null });
    assert_eq!(device.run(&["retention"]), off, "off at first");
    assert_eq!(night_in(400, &user), 0);

    let (exit, code, text) = device.fail(&["retention", "on", "--days", "30"]);
    assert_eq!((exit, code.as_str()), (1, "invalid_input"), "{text}");
    assert_eq!(device.run(&["retention"]), off);
    let on = |days: u32| json!({ "delete_messages_after_days": days });
    assert_eq!(device.run(&["retention", "on"]), on(90));
    assert_eq!(other.run(&["retention"]), on(90), "it holds for the account");
    assert_eq!(other.run(&["retention", "on", "--days", "180"]), on(180));
    let kept = "select count(*) from public.user_profiles where id = $1 and preferences ->> 'theme' = 'dark' \
                and preferences #>> '{retention,delete_messages_after_days}' = '180'";
    assert_eq!(count(&user, kept), 1);

    assert_eq!(night_in(179, &user), 0, "not before its time");
    assert_eq!(night_in(181, &user), 1);
    device.run(&["sync"]);
    assert_eq!(contents(&device, &id), [] as [Value; 0]);
    device.run(&["undelete", &said]);
    device.run(&["sync"]);
    assert_eq!(contents(&device, &id), [json!("long ago")]);

    assert_eq!(device.run(&["retention", "off"]), off);
    assert_eq!(night_in(400, &user), 0);
    let alone = "select count(*) from public.user_profiles where id = $1 and preferences = '{\"theme\": \"dark\"}'";
    assert_eq!(count(&user, alone), 1);
    let (_, code, text) = Device::new().fail(&["retention", "on"]);
    assert_eq!(code, "signed_out", "{text}");
}
