//! What a suspension keeps from storage, over HTTP: uploads wait, as after a fault that may pass, and go on when it is over.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::http::{Caller, Stage, ask};
use crate::world::world;

#[tokio::test]
async fn uploads_wait_while_their_user_is_suspended() {
    let stage = Stage::set().await;
    let owner = world().await.served().as_owner().await;
    let b = stage.others.iter().find(|caller| caller.name == "another user").unwrap();
    let upload = async |caller: &Caller, name: &str| {
        let path = format!("/storage/v1/object/attachments/{name}");
        ask(caller, Method::POST, &path, &[], Some(&json!({"bytes": "of a file"}))).await.status
    };
    let name = |user, number: u32| format!("{user}/{number}");
    let (of_a, of_b) = (stage.a.id, stage.b.id);
    assert_eq!(upload(&stage.own, &name(of_a, 1)).await, StatusCode::OK);

    owner.execute("select public.suspend_user($1, now() + interval '1 hour', 'why')", &[&of_a]).await.unwrap();
    // A fault of the server is tried again by every client; a refusal would be the end of that file.
    assert!(upload(&stage.own, &name(of_a, 2)).await.is_server_error());
    assert_eq!(upload(b, &name(of_b, 2)).await, StatusCode::OK, "nobody else is kept from it");
    assert!(upload(b, &name(of_a, 2)).await.is_client_error(), "which another's folder is for good");
    let path = format!("/storage/v1/object/authenticated/attachments/{}", name(of_a, 1));
    assert_eq!(ask(&stage.own, Method::GET, &path, &[], None).await.status, StatusCode::OK, "reading goes on");

    owner.execute("select public.lift_suspension($1, 'over')", &[&of_a]).await.unwrap();
    assert_eq!(upload(&stage.own, &name(of_a, 2)).await, StatusCode::OK);
}
