//! The database and PostgREST end and start again below a sync that is under way.

use crate::device::Device;
use crate::proxy::{Fault, Proxy};
use crate::rows::converge;
use crate::world::World;
use airi_tests::CloudOptions;
use airi_tests::postgres::Stop;
use serde_json::{Value, json};
use std::process::{Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn devices_carry_on_when_the_database_or_its_api_restarts_below_them() {
    // The archive's clusters are durable; a throw-away one would lose its last commits in a crash.
    let mut world = World::start(CloudOptions { archive: true, ..CloudOptions::default() });
    let user = world.account();
    let (device, line) = (Device::new(), Proxy::before(&world));
    let args = world.login_args(&line.url, &user);
    device.run_with(&args.each_ref().map(String::as_str), &user.password);
    device.run(&["sync"]);
    device.run(&["generate", "--messages", "1500", "--seed", "3"]);
    let mut broken = 0;
    for (stop, push) in [(Stop::Immediate, 2), (Stop::Fast, 1)] {
        let output = interrupted(&device, &line, "sync_push", push, || {
            world.runtime.block_on(world.cloud.restart_database(stop)).unwrap();
        });
        broken += judge(&output);
    }
    let output = interrupted(&device, &line, "sync_push", 1, || {
        world.runtime.block_on(world.cloud.restart_rest()).unwrap();
    });
    broken += judge(&output);
    assert!(broken > 0, "no sync noticed anything: the restarts came too late");
    let second = Device::new();
    let second_line = Proxy::before(&world);
    let args = world.login_args(&second_line.url, &user);
    second.run_with(&args.each_ref().map(String::as_str), &user.password);
    let output = interrupted(&second, &second_line, "sync_snapshot", 3, || {
        world.runtime.block_on(world.cloud.restart_database(Stop::Immediate)).unwrap();
    });
    judge(&output);
    let rows = converge(&world, &user, &[&device, &second]);
    assert_eq!(rows.keys().filter(|(table, _)| *table == "chat_messages").count(), 1500);
}

/// Starts a sync, and acts when it makes its n-th call of a function. That call is on its way meanwhile.
fn interrupted(device: &Device, line: &Proxy, function: &'static str, n: u32, act: impl FnOnce()) -> Output {
    let (told, heard) = mpsc::channel();
    let mut calls = 0;
    line.plan(move |call| {
        calls += u32::from(call.path.ends_with(function));
        if calls == n && call.path.ends_with(function) {
            let _ = told.send(());
        }
        Fault::Pass
    });
    let mut child =
        device.command(&["sync"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A sync that has nothing left to send makes no such call; then there is nothing to interrupt.
    let call = loop {
        match heard.recv_timeout(Duration::from_millis(20)) {
            Err(mpsc::RecvTimeoutError::Timeout) if child.try_wait().unwrap().is_none() => {}
            call => break call,
        }
    };
    if call.is_ok() {
        act();
    }
    let output = child.wait_with_output().unwrap();
    line.quiet();
    output
}

/// 1 when the sync was broken off, which it must call by its name.
fn judge(output: &Output) -> u32 {
    if output.status.success() {
        return 0;
    }
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], json!("offline"), "{error}");
    1
}
