//! Ending a device's session from another one, over HTTP and with real sessions of Auth.

use airi_tests::Cloud;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::{Answer, Caller, ask_at, call, sign_in};
use crate::world::world;

#[tokio::test]
async fn a_signed_out_device_is_refused_until_it_signs_in_again() {
    let cloud = &world().await.cloud;
    let user = cloud.create_user().await.unwrap();
    let [laptop, desk] = [Uuid::new_v4(), Uuid::new_v4()];
    let (at_laptop, refresh_of_laptop) = sign_in(cloud, &user).await;
    let (at_desk, refresh_of_desk) = sign_in(cloud, &user).await;
    note(cloud, &at_laptop, laptop, "Laptop").await;
    assert_eq!(states(&note(cloud, &at_desk, desk, "Desk").await), [("Desk", false), ("Laptop", false)]);

    let answer = call(cloud, &at_desk, "sync_sign_out_device", &json!({"p_device": laptop})).await;
    assert_eq!(states(&answer.json()), [("Desk", false), ("Laptop", true)], "{}", answer.text);
    for (name, arguments) in every_call(laptop) {
        let answer = call(cloud, &at_laptop, name, &arguments).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {}", answer.text);
        assert_eq!(answer.json()["code"], "PT401", "{name}: {}", answer.text);
        let answer = call(cloud, &at_desk, name, &arguments).await;
        assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {}", answer.text);
    }
    let again = refresh(cloud, &refresh_of_laptop).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{}", again.text);
    assert_eq!(again.json()["error_code"], "refresh_token_not_found", "{}", again.text);
    assert!(refresh(cloud, &refresh_of_desk).await.status.is_success(), "the other one's session goes on");

    let (at_laptop_again, _) = sign_in(cloud, &user).await;
    let list = note(cloud, &at_laptop_again, laptop, "Laptop").await;
    assert_eq!(states(&list), [("Desk", false), ("Laptop", false)], "signing in undoes it");
    assert_eq!(call(cloud, &at_laptop, "sync_hello", &json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_cannot_be_signed_out_is_an_error_that_is_not_tried_for_ever() {
    let cloud = &world().await.cloud;
    let [user, other] = [cloud.create_user().await.unwrap(), cloud.create_user().await.unwrap()];
    let (here, _) = sign_in(cloud, &user).await;
    let (elsewhere, _) = sign_in(cloud, &other).await;
    let [device, of_other] = [Uuid::new_v4(), Uuid::new_v4()];
    note(cloud, &here, device, "here").await;
    note(cloud, &elsewhere, of_other, "elsewhere").await;
    for (id, code) in [(Uuid::new_v4(), "02000"), (of_other, "02000"), (device, "22023")] {
        let answer = call(cloud, &here, "sync_sign_out_device", &json!({"p_device": id})).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some(code)),
            "{}",
            answer.text
        );
    }
    for caller in [&here, &elsewhere] {
        assert_eq!(call(cloud, caller, "sync_hello", &json!({})).await.status, StatusCode::OK);
    }
}

/// Every function of sync; none changes a device but `laptop`.
fn every_call(laptop: Uuid) -> Vec<(&'static str, Value)> {
    vec![
        ("sync_hello", json!({})),
        ("sync_snapshot", json!({"p_table": "conversations"})),
        ("sync_preview", json!({})),
        ("sync_pull", json!({"p_epoch": "x", "p_seq": 0})),
        ("sync_push", json!({"p_device": laptop, "p_ops": []})),
        ("sync_audit", json!({"p_table": "conversations"})),
        ("sync_device", json!({})),
        ("sync_sign_out_device", json!({"p_device": laptop})),
    ]
}

async fn note(cloud: &Cloud, caller: &Caller, device: Uuid, name: &str) -> Value {
    let arguments = json!({"p_device": device, "p_name": name, "p_platform": "linux", "p_version": "1"});
    let answer = call(cloud, caller, "sync_device", &arguments).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn refresh(cloud: &Cloud, token: &str) -> Answer {
    let body = json!({"refresh_token": token});
    let path = "/auth/v1/token?grant_type=refresh_token";
    ask_at(cloud, &Caller::stranger(), Method::POST, path, &[], Some(&body)).await
}

/// The devices by name, and whether each is signed out.
fn states(list: &Value) -> Vec<(&str, bool)> {
    let devices = list["devices"].as_array().unwrap_or_else(|| panic!("{list}"));
    let mut found: Vec<(&str, bool)> =
        devices.iter().map(|device| (device["name"].as_str().unwrap(), !device["signed_out_at"].is_null())).collect();
    found.sort_unstable();
    found
}
