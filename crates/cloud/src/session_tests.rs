//! The session: one refresh for all, stored before it is used, never lost.

use super::*;
use crate::stub::{ACCESS, Answer, REFRESH, Stub, USER, answer, assert_clean, bytes, json, session_json, tokens};
use serde_json::json as value;
use std::sync::atomic::Ordering;

fn refreshing(seen: &crate::stub::Seen) -> Answer {
    match seen.json()["refresh_token"].as_str() {
        Some(REFRESH) => {
            Answer::Late(Duration::from_millis(100), bytes(200, &[], session_json(1).to_string().as_bytes()))
        }
        _ => json(
            400,
            value!({ "error_code": "refresh_token_already_used", "msg": "Invalid Refresh Token: Already Used" }),
        ),
    }
}

fn shown(token: Result<SecretString, CloudError>) -> String {
    token.unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn a_good_token_costs_no_call_and_an_ending_one_is_renewed_a_minute_before() {
    let stub = Stub::start(refreshing).await;
    let (session, _kept, _dir) = stub.session_for(75);
    assert_eq!(shown(session.access_token().await), ACCESS);
    assert_eq!(session.user_id().await.unwrap(), USER);
    assert!(stub.seen().is_empty());
    let (session, kept, _dir) = stub.session_for(55);
    assert_eq!(shown(session.access_token().await), "canary-access-1");
    assert_eq!(kept.tokens.lock().unwrap().clone().unwrap().refresh_token.expose_secret(), "canary-refresh-1");
    assert_eq!(shown(session.access_token().await), "canary-access-1");
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_and_processes_refresh_once_together() {
    let stub = Stub::start(refreshing).await;
    let (session, kept, dir) = stub.session_for(-5);
    // Another session object on the same store and lock file is what another process is.
    let other = Session::new(Auth::new(&stub.address).unwrap(), kept.clone(), &dir.path().join("refresh.lock"));
    let calls = (0..20).map(|n| if n % 2 == 0 { session.clone() } else { other.clone() });
    let calls = calls.map(|s| tokio::spawn(async move { s.access_token().await }));
    for token in futures_util::future::join_all(calls).await {
        assert_eq!(shown(token.unwrap()), "canary-access-1");
    }
    assert_eq!(stub.seen().len(), 1);
    assert_eq!(kept.saves.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_lock_file_is_honoured() {
    let stub = Stub::start(refreshing).await;
    let (session, kept, dir) = stub.session_for(-5);
    let lock = File::create(dir.path().join("refresh.lock")).unwrap();
    lock.lock().unwrap();
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.access_token().await }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(stub.seen().is_empty(), "refreshed while another process holds the lock");
    // The other process was faster: its result is taken, and nothing is asked of the server.
    let mut theirs = tokens(3600);
    theirs.access_token = SecretString::from("canary-access-9");
    kept.save(&theirs).unwrap();
    drop(lock);
    assert_eq!(shown(waiting.await.unwrap()), "canary-access-9");
    assert!(stub.seen().is_empty());
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_not_used_and_not_lost() {
    let stub = Stub::start(refreshing).await;
    let (session, kept, _dir) = stub.session_for(-5);
    kept.failures.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        let error = session.access_token().await.unwrap_err();
        assert!(matches!(error, CloudError::SessionStore { action: "saved", .. }), "{error}");
        assert!(matches!(error.class(), Class::Passing { .. }));
    }
    assert_eq!(shown(session.access_token().await), "canary-access-1");
    assert_eq!(stub.seen().len(), 1, "the refresh token was used once");
    assert_eq!(kept.tokens.lock().unwrap().clone().unwrap().refresh_token.expose_secret(), "canary-refresh-1");
}

#[tokio::test]
async fn a_refresh_that_began_is_stored_although_its_caller_is_gone() {
    let stub = Stub::start(refreshing).await;
    let (session, kept, _dir) = stub.session_for(-5);
    let gone = tokio::time::timeout(Duration::from_millis(30), session.access_token()).await;
    assert!(gone.is_err());
    let stored = async {
        while kept.saves.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(Duration::from_secs(5), stored).await.unwrap();
    assert_eq!(shown(session.access_token().await), "canary-access-1");
}

#[tokio::test]
async fn a_revoked_session_keeps_everything_and_asks_the_server_once() {
    for (status, body) in [
        (400, value!({ "error_code": "refresh_token_already_used", "msg": "Already Used" })),
        (400, value!({ "error": "invalid_grant", "error_description": "Invalid Refresh Token: canary-refresh-0" })),
        (403, value!({ "error_code": "session_not_found", "msg": "gone" })),
        (401, value!({ "msg": "no" })),
    ] {
        let stub = Stub::start(move |_| json(status, body.clone())).await;
        let (session, kept, _dir) = stub.session_for(-5);
        for _ in 0..3 {
            let error = session.access_token().await.unwrap_err();
            assert!(matches!(error, CloudError::SessionRevoked { .. }), "{error}");
            assert_eq!(error.class(), Class::SignInAgain);
            assert_clean(&format!("{error} {error:?} {session:?}"));
        }
        assert_eq!(stub.seen().len(), 1);
        assert!(kept.tokens.lock().unwrap().is_some(), "nothing is thrown away");
        // Signing in again, here or in another process, ends it.
        let mut fresh = tokens(3600);
        fresh.refresh_token = SecretString::from("canary-refresh-7");
        kept.save(&fresh).unwrap();
        assert_eq!(shown(session.access_token().await), ACCESS);
    }
}

#[tokio::test]
async fn trouble_on_the_way_is_no_revocation() {
    for (status, body) in
        [(500, "{}"), (429, "{}"), (400, "<html>proxy</html>"), (403, "<html>"), (200, "<html>"), (200, "{}")]
    {
        let stub = Stub::start(move |_| answer(status, &[], body.as_bytes())).await;
        let (session, kept, _dir) = stub.session_for(-5);
        let error = session.access_token().await.unwrap_err();
        assert!(matches!(error.class(), Class::Passing { .. }), "{status} {body}: {error}");
        assert_eq!(kept.saves.load(Ordering::SeqCst), 0);
        // A token that is still good is used meanwhile.
        let (session, _kept, _dir) = stub.session_for(30);
        assert_eq!(shown(session.access_token().await), ACCESS);
    }
}

#[tokio::test]
async fn nobody_signed_in_is_said_and_signing_in_begins() {
    let stub = Stub::start(refreshing).await;
    let (session, kept, _dir) = stub.session();
    kept.clear().unwrap();
    assert!(matches!(session.access_token().await, Err(CloudError::SignedOut)));
    assert!(matches!(session.user_id().await, Err(CloudError::SignedOut)));
    session.start(tokens(3600)).await.unwrap();
    assert_eq!(shown(session.access_token().await), ACCESS);
    assert_eq!(kept.saves.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn another_account_in_the_store_is_not_taken_for_this_one() {
    let stub = Stub::start(refreshing).await;
    let (session, kept, _dir) = stub.session_for(61);
    session.access_token().await.unwrap();
    let mut theirs = tokens(3600);
    theirs.user_id = OwnerId(uuid::Uuid::from_u128(0x22));
    theirs.access_token = SecretString::from("canary-access-theirs");
    kept.save(&theirs).unwrap();
    let error = session.renewed(&SecretString::from(ACCESS)).await.unwrap_err();
    assert!(matches!(error, CloudError::SessionRevoked { .. }));
}

#[tokio::test]
async fn signing_out_tells_the_server_and_forgets_also_when_it_cannot() {
    let stub = Stub::start(|_| answer(204, &[], b"")).await;
    let (session, kept, _dir) = stub.session();
    assert!(session.sign_out(Scope::Global).await.unwrap().not_told.is_none());
    assert_eq!(stub.seen()[0].path, "/auth/v1/logout?scope=global");
    assert!(kept.tokens.lock().unwrap().is_none());
    assert!(matches!(session.access_token().await, Err(CloudError::SignedOut)));

    let stub = Stub::start(|_| answer(500, &[], b"")).await;
    let (session, kept, _dir) = stub.session();
    assert!(session.sign_out(Scope::Local).await.unwrap().not_told.is_some());
    assert!(kept.tokens.lock().unwrap().is_none());
    let (session, kept, _dir) = stub.session();
    assert!(session.sign_out(Scope::Others).await.is_err());
    assert!(kept.tokens.lock().unwrap().is_some());
}
