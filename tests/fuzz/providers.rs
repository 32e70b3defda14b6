//! Replies of a model's provider that are damaged, in the three protocols, through the client as shipped: each ends soon, with
//! one ending, within bounds, and says nothing of the key; and the next sound reply comes whole.

use crate::mutate;
use airi_llm::{Client, Delta, Near, Prompt, Protocol, ProviderAddress, Proxy, SecretString, Speaker, Turn};
use airi_testkit::Rng;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "sk-fuzz-canary-77";
const SOUND: &str = "sound";
const SAID: &str = "Grüße aus 東京: `fn main() {}` 🙂";
/// A damaged frame repeats at most a few thousand bytes at a time.
const MOST_TEXT: usize = 4_000_000;
const PATIENCE: Duration = Duration::from_secs(30);

const PROTOCOLS: [Protocol; 3] = [Protocol::OpenAi, Protocol::Anthropic, Protocol::Google];

/// Listens until the runtime ends; the model's name says the seed of the answer.
pub(crate) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(stream));
        }
    });
    url
}

/// What of it goes wrong while a client goes away is nothing to tell.
async fn serve(mut stream: TcpStream) {
    let Some((path, body)) = request(&mut stream).await else { return };
    let (protocol, model) = match path.as_str() {
        path if path.ends_with("/chat/completions") => (Protocol::OpenAi, text_at(&body, "/model")),
        path if path.ends_with("/messages") => (Protocol::Anthropic, text_at(&body, "/model")),
        path => {
            let model = path.rsplit('/').next().and_then(|name| name.split(':').next()).unwrap_or("");
            (Protocol::Google, model.to_owned())
        }
    };
    let answer = match model.parse() {
        Ok(seed) => damaged(protocol, &mut Rng::new(seed)),
        Err(_) => whole(200, "text/event-stream", &stream_of(&sound(protocol))),
    };
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

fn text_at(body: &Value, place: &str) -> String {
    body.pointer(place).and_then(Value::as_str).unwrap_or("").to_owned()
}

async fn request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let first = String::from_utf8_lossy(&bytes[..head]);
    let path = first.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/").to_owned();
    Some((path, serde_json::from_slice(&bytes[head + 4..]).unwrap_or_default()))
}

/// The frames of a sound reply: text in pieces, and with a seed's help thinking and a tool.
fn sound(protocol: Protocol) -> Vec<Value> {
    let pieces: Vec<&str> = SAID.split_inclusive(' ').collect();
    let choice =
        |delta: Value, end: Value| json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": end }] });
    match protocol {
        Protocol::OpenAi => {
            let mut frames: Vec<Value> =
                pieces.iter().map(|piece| choice(json!({ "content": piece }), Value::Null)).collect();
            frames.push(choice(json!({}), json!("stop")));
            frames.push(
                json!({ "choices": [], "usage": { "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 } }),
            );
            frames
        }
        Protocol::Anthropic => {
            let mut frames = vec![
                json!({ "type": "message_start", "message": { "id": "m", "usage": { "input_tokens": 5, "output_tokens": 1 } } }),
                json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
            ];
            frames.extend(pieces.iter().map(|piece| {
                json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } })
            }));
            frames.push(json!({ "type": "content_block_stop", "index": 0 }));
            frames.push(json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": 7 } }));
            frames.push(json!({ "type": "message_stop" }));
            frames
        }
        Protocol::Google => {
            let part = |piece: &&str| json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": piece }] } }] });
            let mut frames: Vec<Value> = pieces.iter().map(part).collect();
            frames.push(json!({
                "candidates": [{ "content": { "role": "model", "parts": [{ "text": "" }] }, "finishReason": "STOP" }],
                "usageMetadata": { "promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12 },
            }));
            frames
        }
    }
}

/// What providers send beside text.
fn extras(protocol: Protocol, rng: &mut Rng) -> Value {
    let index = *rng.pick(&[0_u64, 1, 7, 1_000_000_000, u64::MAX]);
    match protocol {
        Protocol::OpenAi => {
            let call = json!({ "index": index, "id": "c", "type": "function", "function": { "name": "look", "arguments": "{\"a\":" } });
            let delta = rng.pick(&[json!({ "reasoning_content": "Hm." }), json!({ "tool_calls": [call] })]).clone();
            json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
        }
        Protocol::Anthropic => {
            let blocks = [
                json!({ "type": "content_block_start", "index": index, "content_block": { "type": "tool_use", "id": "c", "name": "look", "input": {} } }),
                json!({ "type": "content_block_delta", "index": index, "delta": { "type": "input_json_delta", "partial_json": "{\"a\"" } }),
                json!({ "type": "content_block_delta", "index": index, "delta": { "type": "thinking_delta", "thinking": "Hm." } }),
                json!({ "type": "ping" }),
                json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
            ];
            rng.pick(&blocks).clone()
        }
        Protocol::Google => {
            let parts = [
                json!({ "text": "Hm.", "thought": true }),
                json!({ "functionCall": { "name": "look", "args": { "a": 1 } } }),
            ];
            json!({ "candidates": [{ "content": { "role": "model", "parts": [rng.pick(&parts)] } }] })
        }
    }
}

fn stream_of(frames: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in frames {
        push(&mut bytes, frame, frame.to_string().as_bytes(), b"\n");
    }
    bytes.extend(b"data: [DONE]\n\n");
    bytes
}

/// One frame, with its event's name where it has one.
fn push(bytes: &mut Vec<u8>, frame: &Value, data: &[u8], end: &[u8]) {
    if let Some(name) = frame["type"].as_str() {
        bytes.extend(b"event: ");
        bytes.extend(name.as_bytes());
        bytes.extend(end);
    }
    bytes.extend(b"data: ");
    bytes.extend(data);
    bytes.extend(end);
    bytes.extend(end);
}

fn damaged(protocol: Protocol, rng: &mut Rng) -> Vec<u8> {
    if rng.chance(0.1) {
        let status = *rng.pick(&[204_u16, 301, 400, 401, 403, 404, 413, 429, 500, 503, 529]);
        let body = mutate::json_bytes(
            &json!({ "error": { "message": "No.", "type": "x", "code": "insufficient_quota" } }),
            rng,
        );
        return whole(status, "application/json", &body);
    }
    let mut frames = sound(protocol);
    for _ in 0..rng.below(4) {
        let at = rng.below(frames.len() + 1);
        frames.insert(at, extras(protocol, rng));
    }
    if rng.chance(0.2) {
        let (a, b) = (rng.below(frames.len()), rng.below(frames.len()));
        frames.swap(a, b);
    }
    if rng.chance(0.2) {
        let frame = rng.pick(&frames).clone();
        let times = 1 + rng.below(200);
        frames.extend(std::iter::repeat_n(frame, times));
    }
    let end = rng.pick(&["\n", "\r\n", "\r"]).as_bytes();
    let share = if rng.chance(0.3) { 1.0 } else { 0.3 };
    let mut bytes = Vec::new();
    for frame in &frames {
        let data = if rng.chance(share) { mutate::json_bytes(frame, rng) } else { frame.to_string().into_bytes() };
        push(&mut bytes, frame, &data, end);
    }
    if rng.chance(0.7) {
        bytes.extend(b"data: [DONE]\n\n");
    }
    if rng.chance(0.3) {
        mutate::bytes(&mut bytes, rng);
    }
    let kind = *rng.pick(&[
        "text/event-stream",
        "text/event-stream",
        "text/event-stream",
        "application/json",
        "text/html",
        "",
    ]);
    let mut answer = whole(200, kind, &bytes);
    match rng.below(10) {
        0 => answer.truncate(rng.below(answer.len() + 1)),
        1 => mutate::bytes(&mut answer, rng),
        _ => {}
    }
    answer
}

fn whole(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A client of each protocol. They are made once: that takes longer than an answer.
pub(crate) fn clients(url: &str) -> Vec<(Protocol, Client)> {
    let client = |protocol| {
        let address = ProviderAddress::parse(url, Near::Loopback).unwrap();
        Client::new("Fuzzed", protocol, address, Some(SecretString::from(KEY)), &Proxy::None).unwrap()
    };
    PROTOCOLS.into_iter().map(|protocol| (protocol, client(protocol))).collect()
}

/// Asks for the damaged reply of a seed in each protocol, then for a sound one; what is wrong.
pub(crate) async fn run(seed: u64, clients: &[(Protocol, Client)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (protocol, client) in clients {
        match tokio::time::timeout(PATIENCE, ask(client, &seed.to_string())).await {
            Ok(told) => problems.extend(told.problems().into_iter().map(|problem| format!("{protocol:?}: {problem}"))),
            Err(_) => problems.push(format!("{protocol:?}: it does not end")),
        }
        let sound = tokio::time::timeout(PATIENCE, ask(client, SOUND)).await;
        match sound {
            Ok(told) if told.text == SAID && told.finished == 1 && told.errors.is_empty() => {}
            Ok(told) => problems.push(format!("{protocol:?}: the sound reply is {told:?}")),
            Err(_) => problems.push(format!("{protocol:?}: the sound reply does not end")),
        }
    }
    problems
}

#[derive(Debug, Default)]
struct Told {
    text: String,
    bytes: usize,
    finished: usize,
    errors: Vec<String>,
    /// Pieces that came after an ending.
    late: usize,
    negative: bool,
}

impl Told {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.finished + self.errors.len() != 1 || self.late > 0 {
            problems.push(format!("{} endings, errors {:?}, {} pieces after", self.finished, self.errors, self.late));
        }
        if self.bytes > MOST_TEXT {
            problems.push(format!("{} bytes", self.bytes));
        }
        if self.errors.iter().any(|error| error.contains(KEY) || error.len() > 4_000) {
            problems.push(format!("what it says: {:?}", self.errors));
        }
        if self.negative {
            problems.push("negative tokens".into());
        }
        problems
    }
}

async fn ask(client: &Client, model: &str) -> Told {
    let mut told = Told::default();
    let turns = vec![Turn { speaker: Speaker::User, text: "Good day".into(), images: Vec::new() }];
    let prompt = Prompt { model: model.into(), system: None, turns, temperature: None, max_tokens: None };
    let mut reply = match client.reply(prompt).await {
        Ok(reply) => reply,
        Err(error) => {
            told.errors.push(error.to_string());
            return told;
        }
    };
    while let Some(piece) = reply.next().await {
        if told.finished + told.errors.len() > 0 {
            told.late += 1;
        }
        match piece {
            Ok(Delta::Text(text)) => {
                told.bytes += text.len();
                told.text.push_str(&text);
            }
            Ok(Delta::Thinking(text)) => told.bytes += text.len(),
            Ok(Delta::Tool { name, input }) => told.bytes += name.len() + input.to_string().len(),
            Ok(Delta::Finished { usage, .. }) => {
                told.finished += 1;
                told.negative |= usage.is_some_and(|usage| usage.prompt < 0 || usage.completion < 0 || usage.total < 0);
            }
            Err(error) => told.errors.push(error.to_string()),
        }
    }
    told
}
