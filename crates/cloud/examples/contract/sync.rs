//! RPCs and the doorbell.

use crate::{Outcome, World, expect_error, must, say, step};
use airi_cloud::{Class, Doorbell, Realtime, Rest, Ring, Session};
use airi_domain::OwnerId;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn run(world: &World) -> Outcome {
    let me = world.sign_in("sync").await?;
    let rest = Rest::new(&me.session);
    step("sync_hello says whose server this is", async {
        let hello: Value = rest.rpc("sync_hello", &json!({})).await.map_err(say)?;
        must(hello["user_id"] == me.user.to_string(), "another user")?;
        must(hello["schema"] == 1 && hello["epoch"].is_string() && hello["head"].is_i64(), &format!("{hello}"))
    })
    .await?;
    step("a function that the server lacks parks", async {
        let result = rest.rpc::<Value>("sync_of_tomorrow", &json!({ "p_x": 1 })).await;
        let error = expect_error(result, &["schema_mismatch"])?;
        must(error.class() == Class::Parked, "another class")
    })
    .await?;
    step("wrong arguments are refused for good", async {
        let args = json!({ "p_table": "conversations", "p_after": "no uuid", "p_limit": 5 });
        expect_error(rest.rpc::<Value>("sync_snapshot", &args).await, &["refused"]).map(|_| ())
    })
    .await?;
    step("a call that outlasts the app's patience asks for a smaller batch", async {
        let hasty = rest.clone().with_limit(Duration::from_micros(1));
        let error = expect_error(hasty.rpc::<Value>("sync_hello", &json!({})).await, &["timeout", "network"])?;
        must(!matches!(error.class(), Class::Permanent | Class::SignInAgain), "another class")
    })
    .await?;
    let mut bell = Realtime::new(&me.session).listen(me.user);
    step("the doorbell comes up", async { wait(&mut bell, |ring| *ring == Ring::Up).await.map(|_| ()) }).await?;
    step("a push is applied and rings the doorbell with its head", async {
        let head = push(&rest).await?;
        let heard = |ring: &Ring| matches!(ring, Ring::Changed { head: Some(n) } if *n >= head);
        wait(&mut bell, heard).await.map(|_| ())
    })
    .await?;
    step("what was pushed is pulled", async {
        let hello: Value = rest.rpc("sync_hello", &json!({})).await.map_err(say)?;
        let args = json!({ "p_epoch": hello["epoch"], "p_seq": 0, "p_rank": 0,
            "p_id": "00000000-0000-0000-0000-000000000000", "p_limit": 1000 });
        let page: Value = rest.rpc("sync_pull", &args).await.map_err(say)?;
        must(page["rows"].as_array().is_some_and(|rows| !rows.is_empty()), &format!("{page}"))
    })
    .await?;
    step("nobody listens at another's door", async {
        let mut other = Realtime::new(&me.session).listen(OwnerId(uuid::Uuid::new_v4()));
        let down = wait(&mut other, |ring| matches!(ring, Ring::Down { .. } | Ring::Up)).await?;
        must(matches!(down, Ring::Down { class: Class::Permanent, .. }), &format!("{down:?}"))
    })
    .await?;
    step("the line holds over heartbeats and takes a new token", async { beats(&me.session, me.user, &rest).await })
        .await
}

async fn push(rest: &Rest) -> Outcome<i64> {
    let id = uuid::Uuid::new_v4();
    let operation = json!({ "op_id": uuid::Uuid::new_v4(), "lane": id, "table": "conversations", "id": id,
        "kind": "insert", "base_seq": 0, "row": { "title": "Contract ✓", "model_id": "", "provider_id": "",
        "created_at": "2026-01-01T00:00:00.000001Z" } });
    let args = json!({ "p_device": uuid::Uuid::new_v4(), "p_ops": [operation] });
    let first: Value = rest.rpc("sync_push", &args).await.map_err(say)?;
    must(first["results"][0]["status"] == "applied", &format!("{first}"))?;
    let again: Value = rest.rpc("sync_push", &args).await.map_err(say)?;
    must(again["results"] == first["results"], &format!("a replay differs: {again}"))?;
    first["head"].as_i64().ok_or_else(|| format!("no head: {first}"))
}

async fn beats(session: &Session, user: OwnerId, rest: &Rest) -> Outcome {
    let mut bell = Realtime::new(session).with_heartbeat(Duration::from_millis(200)).listen(user);
    wait(&mut bell, |ring| *ring == Ring::Up).await?;
    let mut fresh = session.auth().refresh(&latest(session).await?.refresh_token).await.map_err(say)?;
    fresh.user_id = user;
    session.start(fresh).await.map_err(say)?;
    // Several heartbeats, in one of which the new token goes out; the line must still ring afterwards.
    let quiet = tokio::time::timeout(Duration::from_secs(2), bell.next()).await;
    must(quiet.is_err(), &format!("{quiet:?}"))?;
    let head = push(rest).await?;
    wait(&mut bell, |ring| matches!(ring, Ring::Changed { head: Some(n) } if *n >= head)).await.map(|_| ())
}

async fn latest(session: &Session) -> Outcome<airi_cloud::Tokens> {
    session.stored().await.map_err(say)?.ok_or_else(|| "nothing stored".to_owned())
}

/// The first ring that `wanted` takes; a broken line ends the wait unless it is wanted.
async fn wait(bell: &mut Doorbell, wanted: impl Fn(&Ring) -> bool) -> Outcome<Ring> {
    let waiting = async {
        loop {
            match bell.next().await {
                Some(ring) if wanted(&ring) => return Ok(ring),
                Some(Ring::Down { code, why, .. }) => return Err(format!("the line broke: {code} {why}")),
                Some(_) => {}
                None => return Err("the doorbell ended".to_owned()),
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| "it did not ring".to_owned())?
}
