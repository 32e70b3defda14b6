//! A suspended account: told as such, reads and exports, keeps what waits, and goes on by itself when it is over.

use crate::device::Device;
use airi_tests::{Cloud, CloudOptions};
use serde_json::Value;
use tokio::runtime::Runtime;

#[test]
fn who_is_suspended_is_told_until_when_reads_and_exports_and_goes_on_afterwards() {
    let runtime = Runtime::new().unwrap();
    let cloud = runtime.block_on(Cloud::start(CloudOptions::default())).unwrap();
    let user = runtime.block_on(cloud.create_user()).unwrap();
    let sql = |sql: &str| {
        runtime.block_on(async { cloud.connect().await.unwrap().query(sql, &[&user.id]).await.unwrap() });
    };
    let device = Device::new();
    device.log_in(&cloud, &user, &[]);
    device.run(&["new", "--title", "Before"]);
    device.run(&["sync"]);

    sql("select public.suspend_user($1, '2031-05-06T07:08:00Z', 'a test')");
    device.run(&["new", "--title", "Meanwhile"]);
    let (_, code, message) = device.fail(&["sync"]);
    assert_eq!(code, "suspended");
    assert!(message.contains("2031-05-06"), "{message}");
    let status = device.run(&["status"]);
    assert_eq!((&status["sync"], &status["outbox"]), (&Value::from("suspended"), &Value::from(1)));
    assert!(status["message"].as_str().unwrap().contains("Reading and exporting go on"), "{status}");
    assert_eq!(status["account"]["signed_in"], true);

    // What the server has is still taken, and everything here is read and exported.
    sql("update public.conversations set title = 'Renamed elsewhere' where user_id = $1");
    assert_eq!(device.fail(&["sync"]).1, "suspended");
    let mut titles: Vec<Value> = device.list().into_iter().map(|row| row["title"].clone()).collect();
    titles.sort_by_key(ToString::to_string);
    assert_eq!(titles, ["Meanwhile", "Renamed elsewhere"]);
    assert!(String::from_utf8(device.export("all.json")).unwrap().contains("Meanwhile"));

    sql("select public.lift_suspension($1, 'enough')");
    assert_eq!(device.run(&["sync"])["pushed"], 1, "what waited goes out");
    assert_eq!(device.run(&["status"])["sync"], "in_step");
    runtime.block_on(cloud.stop()).unwrap();
}
