//! Comparing the mirror with the server: what differs is found, repaired, and told.

use crate::device::Device;
use crate::sync::{account, shared, signed_in};
use serde_json::{Value, json};

/// Changes a mirror behind the app's back, as a defect or a disk would.
fn damage(device: &Device, sql: &str) {
    let profiles = std::fs::read_dir(device.path("data").join("profiles")).unwrap();
    let mut touched = 0;
    for profile in profiles {
        let path = profile.unwrap().path().join("mirror.sqlite");
        let mirror = rusqlite::Connection::open(path).unwrap();
        touched += mirror.execute(sql, []).unwrap();
    }
    assert!(touched > 0, "nothing was damaged by {sql}");
}

/// As an operator writes who works past every rule of the database.
fn past_the_triggers(sql: &str) {
    let shared = shared();
    let url = shared.cloud.superuser_url().unwrap();
    shared.runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("set session_replication_role = replica; {sql}")).await.unwrap();
    });
}

fn said(device: &Device, title: &str) -> Value {
    let conversation = device.run(&["new", "--title", title]);
    let id = conversation["id"].as_str().unwrap();
    device.run(&["add", id, "--role", "user", "what was said"]);
    conversation
}

#[test]
fn a_mirror_in_step_is_found_to_be_so() {
    let user = account();
    let device = signed_in(&user);
    said(&device, "One");
    device.run(&["sync"]);
    let report = device.run(&["verify", "--remote"]);
    assert_eq!(report["ranges_differing"], 0, "{report}");
    assert!(report["rows"].as_u64().unwrap() >= 2, "{report}");
    assert_eq!(report["findings"], json!([]));
    assert_eq!(device.run(&["status"])["audit"]["rows"], report["rows"]);
}

#[test]
fn a_row_that_was_lost_here_is_fetched_again() {
    let user = account();
    let device = signed_in(&user);
    let conversation = said(&device, "Lost and found");
    let id = conversation["id"].as_str().unwrap();
    device.run(&["sync"]);
    damage(&device, "delete from messages");
    let report = device.run(&["verify", "--remote"]);
    assert_eq!((&report["ranges_differing"], &report["fetched"]), (&json!(1), &json!(1)), "{report}");
    assert!(report["findings"][0].as_str().unwrap().contains("missing here"), "{report}");
    let shown = device.run(&["show", id]);
    assert_eq!(shown["messages"][0]["content"], "what was said");
    assert_eq!(device.run(&["verify", "--remote"])["ranges_differing"], 0);
}

#[test]
fn an_older_form_is_replaced() {
    let user = account();
    let device = signed_in(&user);
    said(&device, "The right title");
    device.run(&["sync"]);
    damage(
        &device,
        "update conversations set title = 'an old title', server_seq = server_seq - 1 where server_seq > 0",
    );
    let report = device.run(&["verify", "--remote"]);
    assert_eq!(report["fetched"], 1, "{report}");
    assert_eq!(device.list()[0]["title"], "The right title");
}

#[test]
fn a_row_that_the_server_lost_without_a_word_is_sent_again() {
    let user = account();
    let device = signed_in(&user);
    let conversation = said(&device, "Only here");
    let id = conversation["id"].as_str().unwrap();
    device.run(&["sync"]);
    past_the_triggers(&format!(
        "delete from public.chat_messages where conversation_id = '{id}'; \
         delete from public.conversations where id = '{id}'"
    ));
    let report = device.run(&["verify", "--remote"]);
    assert_eq!(report["sent_again"], 2, "{report}");
    device.run(&["sync"]);
    let other = signed_in(&user);
    assert_eq!(other.run(&["show", id])["messages"][0]["content"], "what was said");
}
