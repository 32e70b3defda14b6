//! A scripted HTTP server for the tests of this crate: each request is answered by a closure, byte for byte.

use crate::tokens::now;
use crate::{Auth, Plain, ServerAddress, Session, SessionStore, StoreError, Tokens};
use airi_domain::OwnerId;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) const KEY: &str = "sb_publishable_canary-key";
pub(crate) const ACCESS: &str = "canary-access-0";
pub(crate) const REFRESH: &str = "canary-refresh-0";
pub(crate) const USER: OwnerId = OwnerId(Uuid::from_u128(0x11));

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What to do with a request.
pub(crate) enum Answer {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// The same after a while.
    Late(Duration, Vec<u8>),
    /// Nothing, for ever.
    Silence,
}

/// A whole answer.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    Answer::Bytes(bytes(status, headers, body))
}

pub(crate) fn json(status: u16, body: serde_json::Value) -> Answer {
    answer(status, &[("content-type", "application/json")], body.to_string().as_bytes())
}

pub(crate) fn bytes(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// What Auth answers to a sign-in or refresh; the tokens are numbered.
pub(crate) fn session_json(n: usize) -> serde_json::Value {
    serde_json::json!({
        "access_token": format!("canary-access-{n}"), "token_type": "bearer", "expires_in": 3600,
        "refresh_token": format!("canary-refresh-{n}"), "user": { "id": USER, "email": "a@b.example" }
    })
}

pub(crate) struct Stub {
    pub(crate) address: ServerAddress,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Stub {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let address = ServerAddress::parse(&url, KEY, Plain::Loopback).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, all) = (Arc::new(script), seen.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, script.clone(), all.clone()));
            }
        });
        Stub { address, seen, task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|s| s.path.starts_with(path)).count()
    }

    /// A signed-in session of this server whose token is good for an hour.
    pub(crate) fn session(&self) -> (Session, Arc<Kept>, tempfile::TempDir) {
        self.session_for(3600)
    }

    pub(crate) fn session_for(&self, seconds: i64) -> (Session, Arc<Kept>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let kept = Arc::new(Kept::with(tokens(seconds)));
        let session = Session::new(Auth::new(&self.address).unwrap(), kept.clone(), &dir.path().join("refresh.lock"));
        (session, kept, dir)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S: Fn(&Seen) -> Answer>(mut stream: TcpStream, script: Arc<S>, all: Arc<Mutex<Vec<Seen>>>) {
    let Some(seen) = read_request(&mut stream).await else { return };
    all.lock().unwrap().push(seen.clone());
    let bytes = match script(&seen) {
        Answer::Bytes(bytes) => bytes,
        Answer::Late(wait, bytes) => {
            tokio::time::sleep(wait).await;
            bytes
        }
        Answer::Silence => std::future::pending().await,
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut data = Vec::new();
    let end = loop {
        if let Some(at) = data.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut data).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&data[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    let length: usize = headers.get("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    let mut body = data.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { method, path, headers, body })
}

pub(crate) fn tokens(seconds: i64) -> Tokens {
    Tokens {
        access_token: SecretString::from(ACCESS),
        refresh_token: SecretString::from(REFRESH),
        expires_at: now().plus_micros(seconds * 1_000_000),
        user_id: USER,
        email: None,
    }
}

/// A session store in memory that can be made to fail.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) tokens: Mutex<Option<Tokens>>,
    pub(crate) saves: AtomicUsize,
    /// How many of the next saves fail.
    pub(crate) failures: AtomicUsize,
}

impl Kept {
    pub(crate) fn with(tokens: Tokens) -> Kept {
        Kept { tokens: Mutex::new(Some(tokens)), ..Kept::default() }
    }
}

impl SessionStore for Kept {
    fn load(&self) -> Result<Option<Tokens>, StoreError> {
        Ok(self.tokens.lock().unwrap().clone())
    }

    fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Err("the keyring is locked".into());
        }
        self.saves.fetch_add(1, Ordering::SeqCst);
        *self.tokens.lock().unwrap() = Some(tokens.clone());
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        *self.tokens.lock().unwrap() = None;
        Ok(())
    }
}

/// Fails when anything secret shows.
pub(crate) fn assert_clean(shown: &str) {
    assert!(!shown.to_lowercase().contains("canary"), "a secret shows: {shown}");
}
