//! RPCs against a server that misbehaves.

use super::*;
use crate::Class;
use crate::stub::{Answer, Seen, Stub, answer, assert_clean, bytes, json, session_json};
use serde_json::{Value, json as value};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const PASSING: Class = Class::Passing { retry_after: None };

async fn call(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> (Result<Value, CloudError>, Stub) {
    let stub = Stub::start(script).await;
    let (session, _kept, _dir) = stub.session();
    let rest = Rest::new(&session).with_limit(Duration::from_millis(800)).with_max_answer(100_000);
    let result = rest.rpc("sync_hello", &value!({ "p": 1 })).await;
    if let Err(error) = &result {
        assert_clean(&format!("{error} {error:?}"));
    }
    assert_clean(&format!("{rest:?} {session:?}"));
    (result, stub)
}

#[tokio::test]
async fn a_call_introduces_itself_and_takes_compressed_answers() {
    let (result, stub) = call(|_| json(200, value!({ "epoch": "e" }))).await;
    assert_eq!(result.unwrap()["epoch"], "e");
    let seen = &stub.seen()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/rest/v1/rpc/sync_hello"));
    assert_eq!(seen.header("apikey"), crate::stub::KEY);
    assert_eq!(seen.header("authorization"), format!("Bearer {}", crate::stub::ACCESS));
    assert_eq!(seen.header("accept-encoding"), "gzip");
    assert_eq!(seen.json(), value!({ "p": 1 }));
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_for_all_and_each_call_repeated_once() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        "/auth/v1/token?grant_type=refresh_token" => json(200, session_json(1)),
        _ if seen.header("authorization") == "Bearer canary-access-1" => json(200, value!(1)),
        _ => json(401, value!({ "code": "PGRST301", "message": "JWT expired" })),
    })
    .await;
    let (session, kept, _dir) = stub.session();
    let rest = Rest::new(&session);
    let nothing = value!({});
    let calls = (0..20).map(|_| rest.rpc::<Value>("f", &nothing));
    for result in futures_util::future::join_all(calls).await {
        assert_eq!(result.unwrap(), 1);
    }
    assert_eq!(stub.count("/auth/v1/token"), 1);
    assert_eq!(kept.saves.load(Ordering::SeqCst), 1);
    assert!(stub.count("/rest") <= 40);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_too_asks_to_sign_in() {
    let (result, stub) = call(|seen| match seen.path.starts_with("/auth") {
        true => json(200, session_json(1)),
        false => json(401, value!({ "message": "JWT invalid canary-access-1" })),
    })
    .await;
    assert!(matches!(result, Err(CloudError::NotAccepted)));
    assert_eq!((stub.count("/auth"), stub.count("/rest")), (1, 2));
}

#[tokio::test]
async fn a_session_ended_from_another_device_is_over_after_one_try_to_renew_it() {
    let (result, stub) = call(|seen| match seen.path.starts_with("/auth") {
        true => json(
            400,
            value!({ "error_code": "refresh_token_not_found", "msg": "Invalid Refresh Token: Refresh Token Not Found" }),
        ),
        false => json(401, value!({ "code": "PT401", "message": "this session was ended from another device" })),
    })
    .await;
    let error = result.unwrap_err();
    assert!(matches!(error, CloudError::SessionRevoked { .. }), "{error:?}");
    assert_eq!((stub.count("/auth/v1/token"), stub.count("/rest")), (1, 1));
}

#[tokio::test]
async fn passing_troubles_pass() {
    let (result, _) = call(|_| answer(429, &[("retry-after", "7")], b"{}")).await;
    assert_eq!(result.unwrap_err().class(), Class::Passing { retry_after: Some(Duration::from_secs(7)) });
    let (result, _) = call(|_| answer(503, &[], b"<html>maintenance</html>")).await;
    assert_eq!(result.unwrap_err().class(), PASSING);
    // A hotel's sign-in page.
    let (result, _) = call(|_| answer(200, &[("content-type", "text/html")], b"<html>Welcome</html>")).await;
    let error = result.unwrap_err();
    assert!(error.class() == PASSING && error.to_string().contains("web page"), "{error}");
    // JSON that breaks off, with and without a length that tells.
    for cut in
        [bytes(200, &[], br#"{"rows":[1,2"#), bytes(200, &[("content-length", "500")], br#"{"rows":[1,2"#), vec![]]
    {
        let (result, _) = call(move |_| Answer::Bytes(cut.clone())).await;
        assert_eq!(result.unwrap_err().class(), PASSING);
    }
    let (result, _) = call(|_| answer(200, &[], b"")).await;
    assert_eq!(result.unwrap_err().class(), PASSING);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_passing() {
    let stub = Stub::start(|_| Answer::Silence).await;
    let (session, _kept, _dir) = stub.session();
    let address = stub.address.clone();
    drop(stub);
    let wait = async { while tokio::net::TcpStream::connect(&address.url()[7..]).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap();
    let error = Rest::new(&session).rpc::<Value>("f", &value!({})).await.unwrap_err();
    assert!(matches!(error, CloudError::Network { .. }), "{error:?}");
    assert_eq!(error.class(), PASSING);
}

#[tokio::test]
async fn a_slow_answer_asks_for_a_smaller_batch() {
    for script in [false, true] {
        let late = move |_: &Seen| match script {
            true => Answer::Late(Duration::from_secs(20), bytes(200, &[], b"1")),
            false => Answer::Silence,
        };
        let (result, _) = call(late).await;
        assert_eq!(result.unwrap_err().class(), Class::RetrySmaller { passing: true });
    }
}

#[tokio::test]
async fn too_much_asks_for_less() {
    let (result, _) = call(|_| answer(413, &[], b"<html></html>")).await;
    assert_eq!(result.unwrap_err().class(), Class::RetrySmaller { passing: false });
    let (result, _) = call(|_| answer(200, &[], &vec![b'1'; 200_000])).await;
    assert!(matches!(result, Err(CloudError::TooLarge { .. })));
    // Without a length the bytes are counted.
    let (result, _) = call(|_| {
        let mut raw = b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n".to_vec();
        raw.extend(vec![b'1'; 200_000]);
        Answer::Bytes(raw)
    })
    .await;
    assert!(matches!(result, Err(CloudError::TooLarge { .. })));
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_answer_is_unpacked_within_the_bound() {
    const GZIP: &[(&str, &str)] = &[("content-type", "application/json"), ("Content-Encoding", "gzip")];
    let (result, _) = call(|_| answer(200, GZIP, &packed(br#"{ "epoch": "e" }"#))).await;
    assert_eq!(result.unwrap()["epoch"], "e");
    // Just as much as may be, and a little more; few bytes on the line both times.
    let text = |letters: usize| packed(format!("\"{}\"", "a".repeat(letters)).as_bytes());
    assert!(text(99_998).len() < 1000);
    let (result, _) = call(move |_| answer(200, GZIP, &text(99_998))).await;
    assert_eq!(result.unwrap().as_str().unwrap().len(), 99_998);
    for letters in [99_999, 90_000_000] {
        let (result, _) = call(move |_| answer(200, GZIP, &text(letters))).await;
        assert!(matches!(result, Err(CloudError::TooLarge { .. })), "{letters}");
    }
    // Cut, damaged, and not compressed at all.
    let whole = text(50_000);
    let mut damaged = whole.clone();
    damaged[20] ^= 0xff;
    for bytes in
        [whole[..whole.len() / 2].to_vec(), whole[..whole.len() - 4].to_vec(), damaged, br#"{"epoch":"e"}"#.to_vec()]
    {
        let (result, _) = call(move |_| answer(200, GZIP, &bytes)).await;
        assert!(matches!(result, Err(CloudError::BadAnswer { .. })), "{result:?}");
    }
    // What is refused says why, compressed too.
    let refusal = br#"{ "code": "PT503", "message": "maintenance", "details": "back at noon" }"#;
    let (result, _) = call(|_| answer(503, GZIP, &packed(refusal))).await;
    assert!(matches!(result, Err(CloudError::Maintenance { .. })), "{result:?}");
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let elsewhere = Stub::start(|_| json(200, value!(1))).await;
    let target = format!("{}/x", elsewhere.address.url());
    for status in [301, 302, 303, 307, 308] {
        let target = target.clone();
        let (result, _) = call(move |_| answer(status, &[("location", &target)], b"")).await;
        assert!(matches!(result, Err(CloudError::Redirected { .. })));
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_server_without_our_functions_parks() {
    let (result, _) =
        call(|_| json(404, value!({ "code": "PGRST202", "message": "Could not find the function" }))).await;
    let error = result.unwrap_err();
    assert_eq!(error.class(), Class::Parked);
    assert!(error.to_string().contains("migrations"), "{error}");
}

#[tokio::test]
async fn another_shape_is_told_without_quoting_the_answer() {
    let stub = Stub::start(|_| json(200, value!({ "n": "canary-private-row" }))).await;
    let (session, _kept, _dir) = stub.session();
    #[derive(Debug, serde::Deserialize)]
    struct Shape {
        #[allow(dead_code)]
        n: i64,
    }
    let error = Rest::new(&session).rpc::<Shape>("f", &value!({})).await.unwrap_err();
    assert_eq!(error.class(), Class::Parked);
    assert_clean(&format!("{error} {error:?}"));
}

#[tokio::test]
async fn a_name_cannot_lead_elsewhere() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let stub = Stub::start(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        json(200, value!(1))
    })
    .await;
    let (session, _kept, _dir) = stub.session();
    for name in ["", "a/b", "..", "a?b", "A"] {
        assert!(matches!(Rest::new(&session).rpc::<Value>(name, &value!({})).await, Err(CloudError::Unusable { .. })));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_change_names_its_rows_and_gives_them_back() {
    let stub = Stub::start(|_| json(200, value!([{ "a": 2 }]))).await;
    let (session, _kept, _dir) = stub.session();
    let filters = [("id", "eq.7"), ("updated_at", "eq.2026-01-02T03:04:05.6+00:00"), ("select", "a")];
    let rows: Vec<Value> = Rest::new(&session).update("things", &filters, &value!({ "a": 2 })).await.unwrap();
    assert_eq!(rows, [value!({ "a": 2 })]);
    let seen = &stub.seen()[0];
    assert_eq!(seen.method, "PATCH");
    assert_eq!(seen.path, "/rest/v1/things?id=eq.7&updated_at=eq.2026-01-02T03%3A04%3A05.6%2B00%3A00&select=a");
    assert_eq!((seen.header("prefer"), seen.json()), ("return=representation", value!({ "a": 2 })));
    let elsewhere: Result<Vec<Value>, _> = Rest::new(&session).update("../auth", &[], &value!({})).await;
    assert!(elsewhere.is_err());
    assert_eq!(stub.seen().len(), 1);
}
