//! Looking at servers: what their answers show, and what they do not.

use super::*;
use crate::stub::{Stub, USER, answer, json};
use serde_json::json;

async fn settings_of(status: u16, body: serde_json::Value) -> Result<Settings, CloudError> {
    let stub = Stub::start(move |_| json(status, body.clone())).await;
    let settings = Probe::new(&stub.address).unwrap().settings().await;
    assert_eq!(stub.count("/auth/v1/settings"), 1);
    settings
}

#[tokio::test]
async fn what_auth_offers_is_read_from_its_settings() {
    let body = json!({ "external": { "email": true, "google": false, "discord": true }, "disable_signup": true });
    let settings = settings_of(200, body).await.unwrap();
    assert_eq!(settings, Settings { email: true, google: false, discord: true, sign_up: false });
}

#[tokio::test]
async fn a_refused_key_and_a_stranger_are_told_apart() {
    for body in [json!({ "message": "Invalid API key" }), json!({ "message": "Invalid authentication credentials" })] {
        assert!(matches!(settings_of(401, body).await, Err(CloudError::KeyRefused)));
    }
    assert!(matches!(settings_of(404, json!({ "message": "?" })).await, Err(CloudError::BadAnswer { .. })));
    assert!(matches!(settings_of(200, json!({ "hello": 1 })).await, Err(CloudError::SchemaMismatch { .. })));
    let page = Stub::start(|_| answer(200, &[("content-type", "text/html")], b"<html>hi</html>")).await;
    let error = Probe::new(&page.address).unwrap().settings().await.unwrap_err();
    assert!(matches!(error, CloudError::BadAnswer { .. }));
}

#[tokio::test]
async fn a_function_that_is_forbidden_is_there() {
    for (status, code, there) in [
        (404, "PGRST202", Some(false)),
        (401, "42501", Some(true)),
        (403, "42501", Some(true)),
        (401, "PGRST301", None),
        (400, "P0001", None),
    ] {
        let stub = Stub::start(move |_| json(status, json!({ "code": code, "message": "m" }))).await;
        let found = Probe::new(&stub.address).unwrap().has_function("sync_hello").await.unwrap();
        assert_eq!(found, there, "{code}");
    }
}

#[tokio::test]
async fn where_a_browser_would_end_is_read_and_not_followed() {
    let ours = "http://127.0.0.1:5000/callback?state=s";
    let signed = |back: &str| {
        use base64::Engine;
        let part = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let claims = json!({ "referrer": back }).to_string();
        format!("{}.{}.c2ln", part("{}".into()), part(claims))
    };
    let to =
        |query: &[(&str, &str)]| Url::parse_with_params("https://provider.example/auth", query).unwrap().to_string();
    let site = "https://site.example";
    for (location, found) in [
        (to(&[("redirect_to", ours)]), Redirects::Listed),
        (to(&[("redirect_to", site)]), Redirects::Elsewhere(site.into())),
        (to(&[("client_id", "1")]), Redirects::Unknown),
        // What is signed says more than what is repeated.
        (to(&[("redirect_to", ours), ("state", &signed(site))]), Redirects::Elsewhere(site.into())),
        (to(&[("state", &signed(ours))]), Redirects::Listed),
        ("nonsense".to_owned(), Redirects::Unknown),
    ] {
        let there = location.clone();
        let stub = Stub::start(move |_| answer(302, &[("location", &there)], b"")).await;
        let probe = Probe::new(&stub.address).unwrap();
        let begin = format!("{}/auth/v1/authorize?provider=google", stub.address.url());
        assert_eq!(probe.redirects(&begin, ours).await.unwrap(), found, "{location}");
        assert_eq!(stub.seen().len(), 1, "nothing is followed");
    }
    let off = json!({ "code": 400, "error_code": "validation_failed", "msg": "provider is not enabled" });
    let stub = Stub::start(move |_| json(400, off.clone())).await;
    let probe = Probe::new(&stub.address).unwrap();
    let begin = format!("{}/auth/v1/authorize", stub.address.url());
    assert!(matches!(probe.redirects(&begin, ours).await, Err(CloudError::Refused { .. })));
    assert!(probe.redirects("https://elsewhere.example/", ours).await.is_err(), "only the server itself is asked");
}

#[tokio::test]
async fn a_bucket_is_tried_and_left_as_it_was() {
    let refusal = |status: &str, error: &str, message: &str| {
        json(400, json!({ "statusCode": status, "error": error, "message": message }))
    };
    for (upload, public, found) in [
        ("ok", "no", Bucket::Private),
        ("duplicate", "no", Bucket::Private),
        ("ok", "yes", Bucket::Public),
        ("absent", "no", Bucket::Absent),
        ("forbidden", "no", Bucket::NoAccess),
    ] {
        let stub = Stub::start(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", _) => match upload {
                "ok" => json(200, json!({ "Key": "k" })),
                "duplicate" => refusal("409", "Duplicate", "The resource already exists"),
                "absent" => refusal("404", "Bucket not found", "Bucket not found"),
                _ => refusal("403", "Unauthorized", "new row violates row-level security policy"),
            },
            ("GET", path) => {
                assert!(path.starts_with("/storage/v1/object/public/attachments/"), "{path}");
                assert_eq!(seen.header("authorization"), "", "everyone has no session");
                if public == "yes" {
                    answer(200, &[], b"AIRI")
                } else {
                    refusal("404", "Bucket not found", "Bucket not found")
                }
            }
            _ => json(200, json!([{ "name": "x" }])),
        })
        .await;
        let (session, _, _dir) = stub.session();
        let probe = Probe::new(&stub.address).unwrap();
        assert_eq!(probe.bucket(&session, USER, "attachments").await.unwrap(), found, "{upload}");
        let removed = stub.seen().iter().filter(|seen| seen.method == "DELETE").count();
        assert_eq!(removed, usize::from(matches!(upload, "ok" | "duplicate")));
    }
}
