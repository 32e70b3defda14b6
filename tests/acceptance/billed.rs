//! Usage by conversation, and what the server billed beside it.

use crate::device::Device;
use airi_tests::{Cloud, CloudOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[test]
fn usage_goes_by_conversation_and_what_the_server_billed_stands_beside_it() {
    let runtime = Runtime::new().unwrap();
    let cloud = runtime.block_on(Cloud::start(CloudOptions::default())).unwrap();
    let user = runtime.block_on(cloud.create_user()).unwrap();
    let sql = |sql: &str| {
        runtime.block_on(async { cloud.connect().await.unwrap().execute(sql, &[&user.id]).await.unwrap() });
    };
    let device = Device::new();
    assert_eq!(device.run(&["usage", "--billed"]), Value::Null, "nobody bills a profile without an account");
    device.log_in(&cloud, &user, &[]);
    let id = device.run(&["new", "--title", "Kyoto"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "hello"]);
    device.run(&["sync"]);

    // A day that the server has summed up counts as that and not by its calls again; the day after has only calls.
    sql(
        "insert into public.usage_daily_aggregates (user_id, date, message_count, total_tokens, total_estimated_cost) \
         values ($1, '2026-01-05', 7, 1000, 1.25)",
    );
    sql(
        "insert into public.usage_logs (user_id, endpoint, method, status_code, total_tokens, estimated_cost, created_at) \
         select $1, '/v1/chat', 'POST', 200, 100, 0.5, at::timestamptz \
         from unnest(array['2026-01-05T10:00:00Z', '2026-01-06T10:00:00Z', '2026-01-06T11:00:00Z']) as at",
    );
    sql(
        "insert into public.payment_history (user_id, amount, status, created_at) values ($1, 20, 'succeeded', '2026-01-06T09:00:00Z')",
    );
    device.run(&["sync"]);
    let billed = device.run(&["usage", "--billed"]);
    assert_eq!(
        (&billed["estimated_usd"], &billed["tokens"], &billed["calls"]),
        (&json!(2.25), &json!(1200), &json!(9))
    );
    assert_eq!((&billed["plan"], &billed["payments"][0]["amount"]), (&json!("free"), &json!(20.0)));
    let later = device.run(&["usage", "--billed", "--since", "2026-01-06"]);
    assert_eq!((&later["estimated_usd"], &later["calls"]), (&json!(1.0), &json!(2)));
    let none = device.run(&["usage", "--billed", "--since", "2026-01-07"]);
    assert_eq!((&none["estimated_usd"], &none["payments"]), (&Value::Null, &json!([])));

    // One's own is counted from the messages, and knows nothing of that.
    let own = device.run(&["usage", "--by", "conversation"]);
    assert_eq!(own["rows"].as_array().unwrap().len(), 1);
    let row = &own["rows"][0];
    assert_eq!((&row["key"], &row["title"], &row["messages"]), (&json!(id), &json!("Kyoto"), &json!(1)));
    assert_eq!(row["cost_usd"], Value::Null);

    // Offline it is all the same.
    runtime.block_on(cloud.stop()).unwrap();
    assert_eq!(device.run(&["usage", "--billed"]), billed);
}
