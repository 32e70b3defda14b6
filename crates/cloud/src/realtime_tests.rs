//! The doorbell, against a scripted Phoenix socket.

use super::*;
use crate::stub::{ACCESS, KEY, USER, assert_clean, tokens};
use crate::{Auth, Plain, Session, SessionStore};
use futures_util::{SinkExt, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

type Socket = WebSocketStream<TcpStream>;

struct Server {
    listener: TcpListener,
    session: Session,
    kept: std::sync::Arc<crate::stub::Kept>,
    _lock: tempfile::TempDir,
}

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let address = ServerAddress::parse(&url, KEY, Plain::Loopback).unwrap();
        let lock = tempfile::tempdir().unwrap();
        let kept = std::sync::Arc::new(crate::stub::Kept::with(tokens(3600)));
        let session = Session::new(Auth::new(&address).unwrap(), kept.clone(), &lock.path().join("lock"));
        Server { listener, session, kept, _lock: lock }
    }

    #[allow(clippy::result_large_err)]
    async fn accept(&self) -> Socket {
        let (stream, _) = self.listener.accept().await.unwrap();
        let check = |request: &Request, response: Response| {
            let uri = request.uri().to_string();
            assert_eq!(uri, format!("/realtime/v1/websocket?apikey={KEY}&vsn=1.0.0"));
            Ok(response)
        };
        tokio_tungstenite::accept_hdr_async(stream, check).await.unwrap()
    }
}

async fn frame(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            _ => continue,
        }
    }
}

async fn say(socket: &mut Socket, event: &str, payload: Value, to: &Value) {
    let frame = json!({ "topic": to["topic"], "event": event, "payload": payload, "ref": to["ref"] });
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn join(socket: &mut Socket) -> Value {
    let join = frame(socket).await;
    say(socket, "phx_reply", json!({ "status": "ok", "response": {} }), &join).await;
    join
}

async fn ring(doorbell: &mut Doorbell) -> Ring {
    tokio::time::timeout(Duration::from_secs(10), doorbell.next()).await.expect("a ring").unwrap()
}

#[tokio::test]
async fn it_joins_the_private_topic_and_rings() {
    let server = Server::start().await;
    let mut doorbell = Realtime::new(&server.session).listen(USER);
    let mut socket = server.accept().await;
    let join = join(&mut socket).await;
    assert_eq!(join["event"], "phx_join");
    assert_eq!(join["topic"], format!("realtime:sync:{USER}"));
    assert_eq!(join["payload"]["config"]["private"], true);
    assert_eq!(join["payload"]["access_token"], ACCESS);
    assert_eq!(ring(&mut doorbell).await, Ring::Up);
    let changed = |n: i64| json!({ "type": "broadcast", "event": "changed", "payload": { "head": n } });
    // Not JSON, another topic, another event, no head: none of it harms.
    socket.send(Message::text("{nonsense")).await.unwrap();
    say(&mut socket, "broadcast", changed(1), &json!({ "topic": "realtime:sync:other" })).await;
    say(&mut socket, "broadcast", json!({ "event": "other", "payload": {} }), &join).await;
    say(&mut socket, "broadcast", changed(42), &join).await;
    assert_eq!(ring(&mut doorbell).await, Ring::Changed { head: Some(42) });
    say(&mut socket, "broadcast", json!({ "event": "changed", "payload": null }), &join).await;
    assert_eq!(ring(&mut doorbell).await, Ring::Changed { head: None });
    assert_clean(&format!("{doorbell:?} {:?}", Realtime::new(&server.session)));
}

#[tokio::test]
async fn it_beats_and_hands_on_a_new_token() {
    let server = Server::start().await;
    let mut doorbell = Realtime::new(&server.session).with_heartbeat(Duration::from_millis(100)).listen(USER);
    let mut socket = server.accept().await;
    join(&mut socket).await;
    assert_eq!(ring(&mut doorbell).await, Ring::Up);
    let beat = frame(&mut socket).await;
    assert_eq!((&beat["topic"], &beat["event"]), (&json!("phoenix"), &json!("heartbeat")));
    say(&mut socket, "phx_reply", json!({ "status": "ok" }), &beat).await;
    let mut fresh = tokens(3600);
    fresh.access_token = SecretString::from("canary-access-2");
    server.session.start(fresh.clone()).await.unwrap();
    loop {
        let next = frame(&mut socket).await;
        match next["event"].as_str() {
            Some("heartbeat") => say(&mut socket, "phx_reply", json!({ "status": "ok" }), &next).await,
            Some("access_token") => break assert_eq!(next["payload"]["access_token"], "canary-access-2"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.kept.load().unwrap().unwrap().access_token.expose_secret(), "canary-access-2");
}

#[tokio::test]
async fn a_broken_line_is_said_and_mended() {
    let server = Server::start().await;
    let mut doorbell = Realtime::new(&server.session).with_heartbeat(Duration::from_millis(150)).listen(USER);
    // Broken by the server, then by silence (no answer to the heartbeat), then closed channel.
    for round in 0..3 {
        let mut socket = server.accept().await;
        let join = join(&mut socket).await;
        assert_eq!(ring(&mut doorbell).await, Ring::Up);
        match round {
            0 => drop(socket),
            1 => {
                let Ring::Down { class, code, .. } = ring(&mut doorbell).await else { panic!() };
                assert_eq!((class, code), (Class::Passing { retry_after: None }, "timeout"));
                doorbell.mend_now();
                continue;
            }
            _ => say(&mut socket, "phx_close", json!({}), &join).await,
        }
        let Ring::Down { class, why, .. } = ring(&mut doorbell).await else { panic!() };
        assert_eq!(class, Class::Passing { retry_after: None });
        assert_clean(&why);
        doorbell.mend_now();
    }
}

#[tokio::test]
async fn a_token_that_runs_out_on_the_line_is_replaced_at_once() {
    let server = Server::start().await;
    let mut doorbell = Realtime::new(&server.session).with_heartbeat(Duration::from_millis(400)).listen(USER);
    let mut socket = server.accept().await;
    let joined = join(&mut socket).await;
    assert_eq!(ring(&mut doorbell).await, Ring::Up);
    // It has stood for a while.
    for _ in 0..3 {
        let beat = frame(&mut socket).await;
        say(&mut socket, "phx_reply", json!({ "status": "ok" }), &beat).await;
    }
    let mut fresh = tokens(3600);
    fresh.access_token = SecretString::from("canary-access-2");
    server.kept.save(&fresh).unwrap();
    let expired = json!({ "status": "error", "message": "InvalidJWTToken: Token has expired" });
    say(&mut socket, "system", expired, &joined).await;
    let mut socket = tokio::time::timeout(Duration::from_secs(5), server.accept()).await.expect("a new line at once");
    assert_eq!(join(&mut socket).await["payload"]["access_token"], "canary-access-2");
    assert_eq!(ring(&mut doorbell).await, Ring::Up, "and nobody is told to sign in");
}

#[tokio::test]
async fn a_token_that_runs_out_as_soon_as_it_has_joined_is_no_sign_out() {
    let server = Server::start().await;
    let mut doorbell = Realtime::new(&server.session).listen(USER);
    let mut socket = server.accept().await;
    let joined = join(&mut socket).await;
    assert_eq!(ring(&mut doorbell).await, Ring::Up);
    let mut fresh = tokens(3600);
    fresh.access_token = SecretString::from("canary-access-2");
    server.kept.save(&fresh).unwrap();
    let expired = json!({ "status": "error", "message": "InvalidJWTToken: Token has expired" });
    say(&mut socket, "system", expired, &joined).await;
    let down = ring(&mut doorbell).await;
    assert!(matches!(down, Ring::Down { class: Class::Passing { .. }, .. }), "{down:?}");
    // Long before the minute after which a signed-out session is looked at again.
    let mut socket = tokio::time::timeout(Duration::from_secs(10), server.accept()).await.expect("a new line soon");
    let again = frame(&mut socket).await;
    let expired = json!({ "status": "error", "response": { "reason": "InvalidJWTToken: Token has expired" } });
    say(&mut socket, "phx_reply", expired, &again).await;
    let mut socket = tokio::time::timeout(Duration::from_secs(5), server.accept()).await.expect("with a fresh token");
    assert_eq!(join(&mut socket).await["payload"]["access_token"], "canary-access-2");
    assert_eq!(ring(&mut doorbell).await, Ring::Up);
}

#[tokio::test]
async fn a_refusal_is_told_by_its_class() {
    let server = Server::start().await;
    let mut doorbell = Realtime::new(&server.session).listen(USER);
    let mut socket = server.accept().await;
    let join = frame(&mut socket).await;
    let reason = format!("Unauthorized: you do not have permissions {ACCESS}");
    say(&mut socket, "phx_reply", json!({ "status": "error", "response": { "reason": reason } }), &join).await;
    let down = ring(&mut doorbell).await;
    assert!(matches!(down, Ring::Down { class: Class::Permanent, code: "refused", .. }), "{down:?}");
    assert_clean(&format!("{down:?}"));
}

#[tokio::test]
async fn dropping_it_closes_the_line() {
    let server = Server::start().await;
    let doorbell = Realtime::new(&server.session).listen(USER);
    let mut socket = server.accept().await;
    join(&mut socket).await;
    drop(doorbell);
    let ended = tokio::time::timeout(Duration::from_secs(5), async { while let Some(Ok(_)) = socket.next().await {} });
    ended.await.unwrap();
}
