//! Auth: what is asked, and what its refusals become.

use super::*;
use crate::Class;
use crate::stub::{Stub, USER, answer, assert_clean, json, session_json};

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn every_way_in_asks_as_gotrue_expects() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        "/auth/v1/otp" => json(200, json!({})),
        _ => json(200, session_json(1)),
    })
    .await;
    let auth = Auth::new(&stub.address).unwrap();
    let tokens = auth.sign_in_password("a@b.example", &secret("canary-pw")).await.unwrap();
    assert_eq!((tokens.user_id, tokens.email.as_deref()), (USER, Some("a@b.example")));
    assert_eq!(tokens.access_token.expose_secret(), "canary-access-1");
    let left = tokens.expires_at.micros() - now().micros();
    assert!((3_590_000_000..=3_600_000_000).contains(&left));
    assert!(matches!(auth.sign_up("a@b.example", &secret("canary-pw")).await.unwrap(), SignUp::SignedIn(_)));
    auth.refresh(&secret("canary-r")).await.unwrap();
    auth.send_code("a@b.example").await.unwrap();
    auth.verify_code("a@b.example", &secret(" 123456 ")).await.unwrap();
    auth.exchange_code(&secret("canary-code"), &secret("canary-verifier")).await.unwrap();
    let asked: Vec<_> = stub.seen().iter().map(|s| (s.method.clone(), s.path.clone(), s.json())).collect();
    let post = |path: &str, body: Value| ("POST".to_owned(), format!("/auth/v1/{path}"), body);
    assert_eq!(
        asked,
        [
            post("token?grant_type=password", json!({ "email": "a@b.example", "password": "canary-pw" })),
            post("signup", json!({ "email": "a@b.example", "password": "canary-pw" })),
            post("token?grant_type=refresh_token", json!({ "refresh_token": "canary-r" })),
            post("otp", json!({ "email": "a@b.example", "create_user": true })),
            post("verify", json!({ "type": "email", "email": "a@b.example", "token": "123456" })),
            post("token?grant_type=pkce", json!({ "auth_code": "canary-code", "code_verifier": "canary-verifier" })),
        ]
    );
    assert_clean(&format!("{tokens:?} {auth:?}"));
}

#[tokio::test]
async fn a_new_account_may_wait_for_its_confirmation() {
    let stub = Stub::start(|_| json(200, json!({ "id": USER, "email": "a@b.example", "identities": [] }))).await;
    let answer = Auth::new(&stub.address).unwrap().sign_up("a@b.example", &secret("canary-pw")).await.unwrap();
    assert!(matches!(answer, SignUp::ConfirmEmail));
}

#[tokio::test]
async fn refusals_have_names_and_show_no_secret() {
    for (status, body, code, class) in [
        (
            400,
            json!({ "error_code": "invalid_credentials", "msg": "Invalid login credentials" }),
            "wrong_password",
            Class::Permanent,
        ),
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "Invalid login credentials" }),
            "wrong_password",
            Class::Permanent,
        ),
        (400, json!({ "code": "invalid_credentials", "message": "canary-pw" }), "wrong_password", Class::Permanent),
        (
            400,
            json!({ "error_code": "email_not_confirmed", "msg": "Email not confirmed" }),
            "email_not_confirmed",
            Class::Permanent,
        ),
        (
            422,
            json!({ "error_code": "user_already_exists", "msg": "User already registered" }),
            "account_exists",
            Class::Permanent,
        ),
        (
            422,
            json!({ "error_code": "weak_password", "msg": "canary-pw should be longer" }),
            "weak_password",
            Class::Permanent,
        ),
        (403, json!({ "error_code": "otp_expired", "msg": "Token has expired" }), "wrong_code", Class::Permanent),
        (422, json!({ "error_code": "signup_disabled", "msg": "no canary-pw" }), "refused", Class::Permanent),
        (
            429,
            json!({ "error_code": "over_request_rate_limit", "msg": "slow" }),
            "server_busy",
            Class::Passing { retry_after: None },
        ),
        (401, json!({ "message": "Invalid API key", "hint": "canary" }), "key_refused", Class::Parked),
    ] {
        let stub = Stub::start(move |_| json(status, body.clone())).await;
        let auth = Auth::new(&stub.address).unwrap();
        let error = auth.sign_in_password("a@b.example", &secret("canary-pw")).await.unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class), "{error}");
        assert_clean(&format!("{error} {error:?}"));
    }
}

#[tokio::test]
async fn a_wrong_code_is_said_and_an_ended_session_counts_as_signed_out() {
    let stub = Stub::start(|_| json(403, json!({ "error_code": "session_not_found", "msg": "x" }))).await;
    let auth = Auth::new(&stub.address).unwrap();
    assert!(matches!(auth.verify_code("a@b.example", &secret("1")).await, Err(CloudError::WrongCode)));
    auth.sign_out(&secret("canary-a"), Scope::Local).await.unwrap();
    assert!(matches!(auth.user(&secret("canary-a")).await, Err(CloudError::NotAccepted)));
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_password_away() {
    let elsewhere = Stub::start(|_| json(200, session_json(1))).await;
    let target = elsewhere.address.url().to_owned();
    let stub = Stub::start(move |_| answer(307, &[("location", &target)], b"")).await;
    let auth = Auth::new(&stub.address).unwrap();
    let error = auth.sign_in_password("a@b.example", &secret("canary-pw")).await.unwrap_err();
    assert!(matches!(error, CloudError::Redirected { status: 307 }));
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_login_by_browser_only_comes_back_to_this_machine() {
    let stub = Stub::start(|_| json(200, json!({}))).await;
    let auth = Auth::new(&stub.address).unwrap();
    let url = auth.authorize_url(Provider::Google, "http://127.0.0.1:4321/cb?n=1", "chal").unwrap();
    let url = Url::parse(&url).unwrap();
    let pairs: Vec<_> = url.query_pairs().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(url.path(), "/auth/v1/authorize");
    assert_eq!(
        pairs,
        [
            "provider=google",
            "redirect_to=http://127.0.0.1:4321/cb?n=1",
            "code_challenge=chal",
            "code_challenge_method=s256"
        ]
    );
    for away in ["https://evil.example/cb", "http://evil.example", "http://u@127.0.0.1/", "airi://cb", "x"] {
        assert!(auth.authorize_url(Provider::Discord, away, "chal").is_err(), "{away}");
    }
    assert!(stub.seen().is_empty());
}
