//! Maintenance over HTTP. It is of the whole server, hence a cloud of its own.

use airi_tests::postgres::connect;
use airi_tests::{Cloud, CloudOptions};
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::http::{ask_at, call, sign_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_maintenance_sync_is_refused_with_the_operators_words() {
    let cloud = Cloud::start(CloudOptions::default()).await.unwrap();
    let owner = connect(&cloud.database_url.parse().unwrap()).await.unwrap();
    let user = cloud.create_user().await.unwrap();
    let (caller, _) = sign_in(&cloud, &user).await;
    let hello = call(&cloud, &caller, "sync_hello", &json!({})).await;
    assert_eq!((hello.status, &hello.json()["revision"]), (StatusCode::OK, &json!(2)), "{}", hello.text);

    let set = "update public.system_settings set value = $1 where key = 'maintenance_mode'";
    let on = json!({"enabled": true, "message": "Back at six."});
    assert_eq!(owner.execute(set, &[&on]).await.unwrap(), 1);
    for (name, arguments) in [
        ("sync_hello", json!({})),
        ("sync_snapshot", json!({"p_table": "conversations"})),
        ("sync_preview", json!({})),
        ("sync_pull", json!({"p_epoch": "x", "p_seq": 0})),
        ("sync_push", json!({"p_device": null, "p_ops": []})),
        ("sync_audit", json!({"p_table": "conversations"})),
        ("sync_device", json!({})),
    ] {
        let answer = call(&cloud, &caller, name, &arguments).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{name}: {}", answer.text);
        // The form that crates/cloud/src/wire.rs reads.
        let expected = json!({"code": "PT503", "message": "maintenance", "details": "Back at six.", "hint": null});
        assert_eq!(answer.json(), expected, "{name}");
    }
    // What is no part of sync goes on.
    let path = "/rest/v1/conversations?select=id";
    assert_eq!(ask_at(&cloud, &caller, Method::GET, path, &[], None).await.status, StatusCode::OK);

    owner.execute(set, &[&json!({"enabled": false, "message": "Back at six."})]).await.unwrap();
    assert_eq!(call(&cloud, &caller, "sync_hello", &json!({})).await.status, StatusCode::OK);
    cloud.stop().await.unwrap();
}
