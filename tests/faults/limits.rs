//! A server that answers with few rows at once, and one that lacks our migrations for a while.

use crate::device::Device;
use crate::rows::converge;
use crate::world::World;
use airi_tests::{CloudOptions, Migrations, migrations};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// Waits until a call that is made again and again holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "{what} did not come to be");
    }
}

#[test]
fn a_server_that_cuts_answers_at_ten_rows_cuts_nothing_off() {
    let world = World::start(CloudOptions { max_rows: 10, ..CloudOptions::default() });
    let user = world.account();
    let first = world.signed_in(&user);
    let made = first.run(&["generate", "--messages", "400", "--seed", "7"]);
    let sent = first.run(&["sync"]);
    assert_eq!((&sent["refused"], &sent["waiting"]), (&json!(0), &json!(0)), "{sent}");
    let second = world.signed_in(&user);
    assert_eq!(second.run(&["status"])["messages"], made["messages"]);
    let id = second.run(&["new", "--title", "Back"])["id"].as_str().unwrap().to_owned();
    for n in 0..25 {
        second.run(&["add", &id, "--role", "user", &format!("back {n}")]);
    }
    let rows = converge(&world, &user, &[&second, &first]);
    assert_eq!(
        rows.keys().filter(|(table, _)| *table == "chat_messages").count() as u64,
        made["messages"].as_u64().unwrap() + 25
    );
}

#[test]
fn a_server_without_our_migrations_is_told_and_served_once_it_has_them() {
    let world = World::start(CloudOptions { migrations: Migrations::None, ..CloudOptions::default() });
    let user = world.account();
    let device = Device::new();
    let id = device.run(&["new", "--title", "Kept"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "before there was a server"]);
    let args = world.login_args(&world.cloud.url, &user);
    let args = args.each_ref().map(String::as_str);
    let (exit, code, message) = device.fail_with(&args, &user.password);
    assert_eq!((exit, code.as_str()), (1, "server_unsuitable"), "{message}");
    assert_eq!(device.search("before there").len(), 1);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    world.runtime.block_on(migrations::push(&repository, &world.cloud.database_url)).unwrap();
    // PostgREST reads the new schema when the database tells it.
    until("sign-in to the mended server", || device.output(&args, &user.password).status.success());
    let rows = converge(&world, &user, &[&device]);
    assert!(rows.values().any(|row| row["content"] == "before there was a server"));
}

#[test]
fn a_server_that_loses_our_functions_keeps_nobody_from_working_and_is_caught_up_with() {
    let world = World::start(CloudOptions::default());
    let user = world.account();
    let device = world.signed_in(&user);
    let id = device.run(&["new", "--title", "Before"])["id"].as_str().unwrap().to_owned();
    device.run(&["sync"]);
    // All forms of them, as the protocol may have more than one.
    let rename = |from: &str, to: &str| {
        let sql = format!(
            "do $$ declare f record; begin
               for f in select oid::regprocedure as name, replace(proname, '{from}', '{to}') as other from pg_proc
                 where pronamespace = 'public'::regnamespace and proname in ('{from}_pull', '{from}_push')
               loop execute format('alter function %s rename to %I', f.name, f.other); end loop;
             end $$"
        );
        let client = world.runtime.block_on(world.cloud.connect()).unwrap();
        world.execute(&client, &sql);
    };
    rename("sync", "gone");
    until("a sync that misses the functions", || !device.output(&["sync"], "").status.success());
    device.run(&["add", &id, "--role", "user", "while they were gone"]);
    let (exit, code, message) = device.fail(&["sync"]);
    assert_eq!((exit, code.as_str()), (1, "server_unsuitable"), "{message}");
    let status = device.run(&["status"]);
    assert_eq!((&status["sync"], &status["outbox"]), (&json!("server_unsuitable"), &json!(1)), "{status}");
    rename("gone", "sync");
    until("a sync that finds them again", || device.output(&["sync"], "").status.success());
    let rows = converge(&world, &user, &[&device]);
    assert!(rows.values().any(|row| row["content"] == "while they were gone"));
}
