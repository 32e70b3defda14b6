//! A server on loopback that answers as the model cloud does, and damages what it sends: rows, statuses, headers, bytes.
//!
//! Which answer is damaged and how depends on the seed, on what is asked for and on how often it was asked for before, and
//! on nothing else: a seed can be replayed.

use crate::mutate;
use airi_cloud::{Plain, ServerAddress};
use airi_sync::{NamedRow, Op, PullCursor, Remote};
use airi_testkit::Rng;
use airi_testkit::cloud::{ModelCloud, ModelRemote};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

pub(crate) const KEY: &str = "sb_publishable_fuzz";

/// How the answers of one run are damaged.
pub(crate) struct Damage {
    pub(crate) seed: u64,
    /// The share of the answers.
    pub(crate) share: f64,
    /// The same call always gets the same damage: a server that is wrong for good.
    pub(crate) constant: bool,
    /// Only within single rows of pages.
    pub(crate) in_rows: bool,
}

/// What the server knows and has said.
pub(crate) struct State {
    pub(crate) cloud: ModelCloud,
    pub(crate) user: Uuid,
    pub(crate) damage: Option<Damage>,
    /// Rows on a page, at most.
    pub(crate) page: u32,
    asked: BTreeMap<String, u64>,
    pub(crate) requests: u64,
    pub(crate) damaged: u64,
    tokens: u64,
    /// Rows that some answer called erased, or lost to a later form.
    pub(crate) erased: BTreeSet<Uuid>,
    /// Rows that came whole in an answer in which another row was damaged.
    pub(crate) whole: Vec<(String, Uuid)>,
    objects: BTreeMap<String, Vec<u8>>,
    /// Uploads in parts, by the name of their object: the length that was said, and what has come.
    uploads: BTreeMap<String, (usize, Vec<u8>)>,
}

impl State {
    pub(crate) fn new(cloud: ModelCloud, user: Uuid) -> State {
        State {
            cloud,
            user,
            damage: None,
            page: 1000,
            asked: BTreeMap::new(),
            requests: 0,
            damaged: 0,
            tokens: 0,
            erased: BTreeSet::new(),
            whole: Vec::new(),
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
        }
    }
}

pub(crate) type Shared = Rc<RefCell<Option<State>>>;

/// Listens until the runtime ends; each run puts a state of its own into it.
pub(crate) async fn start() -> (ServerAddress, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shared: Shared = Rc::default();
    let state = shared.clone();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::task::spawn_local(serve(stream, state.clone()));
        }
    });
    (ServerAddress::parse(&url, KEY, Plain::Loopback).unwrap(), shared)
}

struct Request {
    method: String,
    path: String,
    token: String,
    range: Option<usize>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// An answer before it is damaged.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

enum Body {
    Json(Value),
    Bytes(Vec<u8>),
}

fn json_answer(status: u16, value: Value) -> Answer {
    Answer { status, headers: vec![("content-type", "application/json".into())], body: Body::Json(value) }
}

async fn serve(mut stream: TcpStream, shared: Shared) {
    let mut data = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut data).await {
        let (sent, close) = respond(&shared, request).await;
        if stream.write_all(&sent).await.is_err() || close {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, data: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(at) = data.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(data).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&data[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    while data.len() < end + 4 + length {
        if stream.read_buf(data).await.ok()? == 0 {
            return None;
        }
    }
    let body = data[end + 4..end + 4 + length].to_vec();
    data.drain(..end + 4 + length);
    let token = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("").to_owned();
    let range = headers.get("range").and_then(|value| value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    Some(Request { method, path, token, range, headers, body })
}

/// The bytes to send, and whether the connection ends after them.
async fn respond(shared: &Shared, request: Request) -> (Vec<u8>, bool) {
    let what = request.path.split('?').next().unwrap_or("").to_owned();
    let what: String =
        what.split('/').filter(|part| part.len() != 36 && part.len() != 64).collect::<Vec<_>>().join("/");
    let honest = answer(shared, &request).await;
    let mut held = shared.borrow_mut();
    let Some(state) = held.as_mut() else { return (Vec::new(), true) };
    state.requests += 1;
    let times = state.asked.entry(what.clone()).or_default();
    *times += 1;
    let drawn = state.damage.as_ref().and_then(|damage| {
        let times = if damage.constant { 0 } else { *times };
        let text = format!("{} {what} {times}", damage.seed);
        let seed = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut rng = Rng::new(seed);
        rng.chance(damage.share).then_some((rng, damage.in_rows))
    });
    let sent = match drawn {
        Some((mut rng, in_rows)) => {
            state.damaged += 1;
            if in_rows { damaged_rows(state, honest, &mut rng) } else { damaged(honest, &mut rng) }
        }
        None => plain(honest),
    };
    note_erased(state, &sent.0, &request);
    sent
}

/// What an answer, damaged or not, says of rows that are gone: that is the server's word.
fn note_erased(state: &mut State, sent: &[u8], request: &Request) {
    let Some(start) = sent.windows(4).position(|window| window == b"\r\n\r\n") else { return };
    let body = &sent[start + 4..];
    let words: [&[u8]; 2] = [b"row_id", b"superseded"];
    if !words.iter().any(|word| body.windows(word.len()).any(|window| window == *word)) {
        return;
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    fn named(value: &Value, found: &mut BTreeSet<Uuid>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| named(item, found)),
            Value::Object(map) => {
                found.extend(map.get("row_id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok()));
                map.values().for_each(|item| named(item, found));
            }
            _ => {}
        }
    }
    named(&value, &mut state.erased);
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let results = value["results"].as_array().into_iter().flatten();
    for (result, op) in results.zip(asked["p_ops"].as_array().into_iter().flatten()) {
        if result["code"] == "superseded" {
            state.erased.extend(op["id"].as_str().and_then(|text| Uuid::parse_str(text).ok()));
        }
    }
}

fn plain(answer: Answer) -> (Vec<u8>, bool) {
    let body = match &answer.body {
        Body::Json(value) => value.to_string().into_bytes(),
        Body::Bytes(bytes) => bytes.clone(),
    };
    (bytes(answer.status, &answer.headers, &body, body.len()), false)
}

fn bytes(status: u16, headers: &[(&str, String)], body: &[u8], length: usize) -> Vec<u8> {
    let mut sent = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n").into_bytes();
    for (name, value) in headers {
        sent.extend(format!("{name}: {value}\r\n").bytes());
    }
    sent.extend(b"\r\n");
    sent.extend(body);
    sent
}

fn damaged(answer: Answer, rng: &mut Rng) -> (Vec<u8>, bool) {
    let Answer { mut status, mut headers, body } = answer;
    let mut body = match body {
        Body::Json(value) if rng.chance(0.8) => mutate::json_bytes(&value, rng),
        Body::Json(value) => value.to_string().into_bytes(),
        Body::Bytes(mut bytes) => {
            mutate::bytes(&mut bytes, rng);
            bytes
        }
    };
    if rng.chance(0.15) {
        let odd =
            [200, 201, 204, 206, 301, 400, 401, 403, 404, 408, 409, 413, 416, 422, 423, 425, 429, 500, 503, 504, 540];
        status = *rng.pick(&odd);
    }
    if rng.chance(0.05) {
        let page = b"<!doctype html><title>Sign in to the network</title>".to_vec();
        (headers, body) = (vec![("content-type", "text/html".into())], page);
    }
    if rng.chance(0.05) {
        headers.push(("retry-after", (*rng.pick(&["0", "-1", "99999999999999999999", "soon", ""])).to_owned()));
    }
    for (_, value) in &mut headers {
        if rng.chance(0.1) {
            *value = (*rng.pick(&["", "bytes 0-0/1", "bytes x-y/z", "text/plain", "18446744073709551616"])).to_owned();
        }
    }
    if rng.chance(0.02) {
        headers.push(("content-encoding", (*rng.pick(&["gzip", "br", "nonsense"])).to_owned()));
    }
    // The promised length is wrong, or the head itself is.
    let length = match rng.below(20) {
        0 => body.len() + 1 + rng.below(1000),
        1 => usize::MAX / 2,
        2 => body.len() / 2,
        _ => body.len(),
    };
    let close = length != body.len() || status == 204 || (100..200).contains(&status);
    let mut sent = bytes(status, &headers, &body, length);
    if rng.chance(0.03) {
        let head = sent.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(sent.len());
        let mut start = sent[..head].to_vec();
        mutate::bytes(&mut start, rng);
        sent.splice(..head, start);
        return (sent, true);
    }
    (sent, close || rng.chance(0.05))
}

/// Damages one row of a page and leaves the rest as it is.
fn damaged_rows(state: &mut State, answer: Answer, rng: &mut Rng) -> (Vec<u8>, bool) {
    let Body::Json(mut value) = answer.body else { return plain(answer) };
    let table = value["table"].as_str().map(str::to_owned);
    if let Some(rows) = value["rows"].as_array_mut()
        && !rows.is_empty()
    {
        let bad = rng.below(rows.len());
        for (place, item) in rows.iter_mut().enumerate() {
            let named = item["table"].as_str().map(str::to_owned);
            let row = if named.is_some() { &mut item["row"] } else { item };
            if place == bad {
                mutate::structure(row, rng);
            } else if let Some(id) = row["id"].as_str().and_then(|text| Uuid::parse_str(text).ok()) {
                state.whole.push((named.or_else(|| table.clone()).unwrap_or_default(), id));
            }
        }
    }
    plain(Answer { body: Body::Json(value), ..answer })
}

async fn answer(shared: &Shared, request: &Request) -> Answer {
    let path = request.path.split('?').next().unwrap_or("").trim_start_matches('/').to_owned();
    if let Some(rest) = path.strip_prefix("auth/v1/") {
        return auth(shared, rest, request);
    }
    if !request.token.starts_with("access-") {
        return json_answer(401, json!({ "code": "PGRST301", "message": "JWT expired" }));
    }
    if let Some(rest) = path.strip_prefix("storage/v1/") {
        return storage(shared, rest, request);
    }
    let remote = {
        let held = shared.borrow();
        held.as_ref().map(|state| (state.cloud.remote(state.user), state.page))
    };
    match (path.strip_prefix("rest/v1/rpc/"), remote) {
        (Some(name), Some((remote, page))) => rpc(&remote, name, &request.body, page).await,
        _ => json_answer(404, json!({ "message": "no such route" })),
    }
}

fn named(rows: Vec<NamedRow>) -> Value {
    rows.into_iter().map(|named| json!({ "table": named.table, "row": named.row })).collect()
}

async fn rpc(remote: &ModelRemote, name: &str, body: &[u8], page: u32) -> Answer {
    let args: Value = serde_json::from_slice(body).unwrap_or_default();
    let uuid = |name: &str| args[name].as_str().and_then(|text| Uuid::parse_str(text).ok());
    let limit = || args["p_limit"].as_u64().map_or(page, |limit| page.min(limit as u32));
    let table = args["p_table"].as_str().unwrap_or_default();
    let value = match name {
        "sync_hello" => remote.hello().await.map(|a| {
            json!({ "epoch": a.epoch, "head": a.head, "schema": a.schema, "revision": a.revision, "user_id": a.user_id })
        }),
        "sync_preview" => remote.preview().await.map(|a| {
            json!({ "epoch": a.epoch, "totals": a.totals, "conversations": a.conversations,
                "chat_messages": a.chat_messages, "message_attachments": a.message_attachments })
        }),
        "sync_snapshot" => remote.snapshot(table, uuid("p_after"), limit()).await.map(|a| {
            json!({ "epoch": a.epoch, "table": table, "rows": a.rows, "has_more": a.has_more, "next": a.next })
        }),
        "sync_pull" => {
            let number = |name: &str| args[name].as_i64().unwrap_or_default();
            let cursor = PullCursor { seq: number("p_seq"), rank: number("p_rank"), id: uuid("p_id").unwrap_or_default() };
            let epoch = args["p_epoch"].as_str().unwrap_or_default();
            remote.pull(epoch, cursor, limit()).await.map(|a| match a.rejoin {
                true => json!({ "epoch": a.epoch, "head": a.head, "rejoin": true }),
                false => json!({ "epoch": a.epoch, "head": a.head, "rows": named(a.rows), "parents": named(a.parents),
                    "next": a.next, "has_more": a.has_more }),
            })
        }
        "sync_push" => {
            let ops: Vec<Op> = serde_json::from_value(args["p_ops"].clone()).unwrap_or_default();
            let epoch = args["p_epoch"].as_str().unwrap_or_default();
            remote.push(Uuid::nil(), epoch, &ops).await.map(|a| {
                json!({ "epoch": a.epoch, "head": 0, "rejoin": a.rejoin, "results": a.results })
            })
        }
        "sync_audit" => {
            let ranges = args["p_ranges"].as_u64().unwrap_or(64) as u32;
            remote.audit(table, uuid("p_after"), ranges).await.map(|a| {
                let told = a.ranges.iter().map(|r| json!({ "upto": r.upto, "count": r.count, "hash": r.hash }));
                json!({ "epoch": a.epoch, "head": a.head, "table": table, "ranges": told.collect::<Value>(),
                    "has_more": a.has_more, "next": a.next })
            })
        }
        _ => return json_answer(404, json!({ "code": "PGRST202", "message": "Could not find the function" })),
    };
    match value {
        Ok(value) => json_answer(200, value),
        Err(failure) => json_answer(400, json!({ "code": "22023", "message": failure.message })),
    }
}

fn auth(shared: &Shared, path: &str, request: &Request) -> Answer {
    let mut held = shared.borrow_mut();
    let Some(state) = held.as_mut() else { return json_answer(500, json!({})) };
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let user = json!({ "id": state.user, "email": "fuzz@example.com", "aud": "authenticated" });
    match path {
        "token" | "verify" | "signup" => {
            let known = body["refresh_token"].as_str().is_none_or(|token| token.starts_with("refresh-"));
            if !known {
                let message = "Invalid Refresh Token: Refresh Token Not Found";
                return json_answer(
                    400,
                    json!({ "code": 400, "error_code": "refresh_token_not_found", "msg": message }),
                );
            }
            state.tokens += 1;
            let n = state.tokens;
            json_answer(
                200,
                json!({ "access_token": format!("access-{n}"), "token_type": "bearer", "expires_in": 3600,
                "expires_at": 4_000_000_000_u64, "refresh_token": format!("refresh-{n}"), "user": user }),
            )
        }
        "user" => json_answer(200, user),
        "settings" => {
            json_answer(200, json!({ "external": { "email": true, "google": true }, "disable_signup": false }))
        }
        _ => json_answer(200, json!({})),
    }
}

fn storage(shared: &Shared, path: &str, request: &Request) -> Answer {
    let mut held = shared.borrow_mut();
    let Some(state) = held.as_mut() else { return json_answer(500, json!({})) };
    let missing =
        || json_answer(400, json!({ "statusCode": "404", "error": "not_found", "message": "Object not found" }));
    let get = |state: &State, name: &str| {
        let of_model = || state.cloud.objects().get(name).map(|bytes| bytes.as_ref().clone());
        state.objects.get(name).cloned().or_else(of_model)
    };
    let method = request.method.as_str();
    if let Some(name) = path.strip_prefix("object/info/attachments/") {
        return match get(state, name) {
            Some(bytes) => json_answer(200, json!({ "name": name, "size": bytes.len(), "content_type": "text/plain" })),
            None => missing(),
        };
    }
    if let Some(id) = path.strip_prefix("upload/resumable/") {
        return resumable(state, id, request);
    }
    if path == "upload/resumable" {
        let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
        let metadata = header("upload-metadata").split(',').find_map(|pair| pair.strip_prefix("objectName "));
        let name = metadata.and_then(|encoded| STANDARD.decode(encoded).ok()).unwrap_or_default();
        let id = URL_SAFE_NO_PAD.encode(name);
        let length = header("upload-length").parse().unwrap_or(0);
        state.uploads.insert(id.clone(), (length, Vec::new()));
        let place = format!("/storage/v1/upload/resumable/{id}");
        return Answer { status: 201, headers: vec![("location", place)], body: Body::Bytes(Vec::new()) };
    }
    let Some(name) = path.strip_prefix("object/attachments/") else { return missing() };
    if method == "POST" {
        if get(state, name).is_some() {
            let body = json!({ "statusCode": "409", "error": "Duplicate", "message": "The resource already exists" });
            return json_answer(400, body);
        }
        state.objects.insert(name.to_owned(), request.body.clone());
        return json_answer(200, json!({ "Key": format!("attachments/{name}"), "Id": Uuid::nil() }));
    }
    let Some(bytes) = get(state, name) else { return missing() };
    match request.range {
        Some(from) if from > 0 && from < bytes.len() => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Answer { status: 206, headers: vec![("content-range", range)], body: Body::Bytes(bytes[from..].to_vec()) }
        }
        _ => Answer { status: 200, headers: Vec::new(), body: Body::Bytes(bytes) },
    }
}

fn resumable(state: &mut State, id: &str, request: &Request) -> Answer {
    let Some((length, part)) = state.uploads.get_mut(id) else { return json_answer(404, json!({})) };
    if request.method == "PATCH" {
        part.extend(&request.body);
    }
    let headers = vec![("upload-offset", part.len().to_string())];
    if part.len() == *length {
        let name = String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(id).unwrap_or_default()).into_owned();
        state.objects.insert(name, part.clone());
    }
    let status = if request.method == "PATCH" { 204 } else { 200 };
    Answer { status, headers, body: Body::Bytes(Vec::new()) }
}
