//! A scripted model provider: an OpenAI-compatible server on loopback whose models are behaviours. `slow`, `burst`,
//! `broken`, `endless` and so on say by their names what a reply of theirs is like ([`MODELS`]), so a test, or a person at
//! the window, chooses the behaviour where a model is chosen. It also answers in Anthropic's and Google's forms.
//!
//! Plain threads and sockets: what goes wrong on the wire must be written byte by byte.

use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The behaviours.
pub const MODELS: &[&str] = &[
    "burst",
    "broken",
    "echo",
    "empty",
    "endless",
    "fault",
    "garbage",
    "html",
    "limit",
    "long",
    "markdown",
    "midway",
    "no-done",
    "quota",
    "redirect",
    "silent",
    "slow",
    "steady",
    "think",
    "think-tags",
    "too-long",
    "tools",
];

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The server; it ends when this is dropped.
pub struct ScriptedProvider {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    key: Option<String>,
    asked: Mutex<Vec<Asked>>,
    /// Milliseconds between two pieces of `slow` and `steady`.
    pace: AtomicU64,
    over: AtomicBool,
}

impl ScriptedProvider {
    /// Listens on a free port, or on `port`. With a key, nobody is answered without it.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16, key: Option<&str>) -> io::Result<ScriptedProvider> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            key: key.map(str::to_owned),
            asked: Mutex::default(),
            pace: AtomicU64::new(40),
            over: AtomicBool::new(false),
        });
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), state) = (stream, shared.clone()) else { continue };
                // A client that goes away in the middle is what some tests are about.
                thread::spawn(move || drop(serve(stream, &state)));
            }
        });
        Ok(ScriptedProvider { address, state })
    }

    /// The base address as a user gives it.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long `slow` and `steady` wait between two pieces.
    pub fn set_pace(&self, pace: Duration) {
        self.state.pace.store(pace.as_millis() as u64, Ordering::Relaxed);
    }
}

impl Drop for ScriptedProvider {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        // Wakes the listener, so that its thread sees it.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut wire = Wire { stream };
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let asked = Asked { path, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) };
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    if let Some(key) = &state.key {
        let given = [asked.header("authorization"), asked.header("x-api-key"), asked.header("x-goog-api-key")];
        let bearer = format!("Bearer {key}");
        if !given.iter().flatten().any(|given| *given == key || *given == bearer) {
            let text = "Incorrect API key provided.";
            return wire.status(401, &json!({"error": {"message": text, "type": "invalid_request_error"}}));
        }
    }
    if asked.path.starts_with("/v1/models") && asked.body.is_null() {
        let data: Vec<Value> = MODELS.iter().map(|name| json!({"id": name, "object": "model"})).collect();
        return wire.status(200, &json!({"object": "list", "data": data}));
    }
    let form = match asked.path.as_str() {
        "/v1/chat/completions" => Form::OpenAi,
        "/v1/messages" => Form::Anthropic,
        path if path.contains(":streamGenerateContent") => Form::Google,
        _ => return wire.status(404, &json!({"error": {"message": "Not Found"}})),
    };
    reply(wire, state, &asked, form)
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    OpenAi,
    Anthropic,
    Google,
}

fn reply(mut wire: Wire, state: &State, asked: &Asked, form: Form) -> io::Result<()> {
    let model = match form {
        Form::Google => asked.path.rsplit('/').next().and_then(|name| name.split(':').next()).unwrap_or("").to_owned(),
        _ => asked.body["model"].as_str().unwrap_or("").to_owned(),
    };
    let said = last_said(&asked.body, form);
    let refuse =
        |status: u16, message: &str, code: &str| (status, json!({"error": {"message": message, "code": code}}));
    let refusal = match model.as_str() {
        "fault" => Some(refuse(503, "The server is overloaded", "overloaded")),
        "quota" => Some(refuse(429, "You exceeded your current quota", "insufficient_quota")),
        "too-long" => {
            Some(refuse(400, "This model's maximum context length is 8192 tokens", "context_length_exceeded"))
        }
        "redirect" => {
            return wire.raw(
                b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/v1\r\ncontent-length: 0\r\n\r\n",
            );
        }
        "html" => {
            let page = "<!doctype html><title>Sign in to the network</title>";
            return wire.raw(
                format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{page}", page.len())
                    .as_bytes(),
            );
        }
        known if MODELS.contains(&known) => None,
        _ => Some(refuse(404, &format!("The model `{model}` does not exist"), "model_not_found")),
    };
    if let Some((status, body)) = refusal {
        return wire.status(status, &body);
    }
    if model == "silent" {
        thread::sleep(Duration::from_secs(600));
        return Ok(());
    }
    let mut tell = Teller { wire, form, tokens: 0 };
    tell.begin()?;
    if said.starts_with("Name the conversation") {
        // The others have no name to give, so that what a test does with them keeps its title.
        if model == "echo" {
            tell.words("<think>Short.</think>\n\n**\"A talk with an echo.\"**", Duration::ZERO)?;
        }
        return tell.end("stop");
    }
    let pace = Duration::from_millis(state.pace.load(Ordering::Relaxed));
    match model.as_str() {
        "echo" => tell.words(&format!("You said: {said}"), Duration::ZERO)?,
        "slow" => {
            let words: Vec<String> = (1..=200).map(|n| format!("word{n}")).collect();
            tell.words(&words.join(" "), pace)?;
        }
        "steady" => tell.words(&long_answer(), pace)?,
        "burst" => tell.text(&"All at once. ".repeat(2_400))?,
        "long" => tell.words(&long_answer(), Duration::from_micros(300))?,
        "markdown" => tell.words(MARKDOWN, Duration::from_millis(4))?,
        "think" => {
            tell.thinking("The user greets me. ")?;
            tell.thinking("I greet back.")?;
            tell.words("Hello to you.", Duration::ZERO)?;
        }
        "think-tags" => tell.words("<think>The user greets me.</think>\n\nHello to you.", Duration::ZERO)?,
        "tools" => tell.tool("lookup", r#"{"city":"Paris"}"#)?,
        "limit" => {
            tell.words("This answer is cut", Duration::ZERO)?;
            return tell.end("length");
        }
        "empty" => {}
        "broken" => {
            tell.words("The first half of an answer that", Duration::from_millis(5))?;
            return tell.wire.cut();
        }
        "garbage" => {
            tell.words("Before the garbage.", Duration::ZERO)?;
            tell.wire.frame(None, "{\"choices\": [{]")?;
        }
        "midway" => {
            tell.words("Before the error.", Duration::ZERO)?;
            tell.wire
                .frame(None, &json!({"error": {"message": "The model crashed", "type": "server_error"}}).to_string())?;
            return tell.wire.finish();
        }
        "no-done" => {
            tell.words("An answer without a closing frame.", Duration::ZERO)?;
            tell.finish_reason("stop")?;
            return tell.wire.finish();
        }
        "endless" => loop {
            tell.text("and on ")?;
            thread::sleep(Duration::from_millis(5));
        },
        _ => {}
    }
    tell.end("stop")
}

/// The last thing that the user said, however the form wraps it.
fn last_said(body: &Value, form: Form) -> String {
    let list = if form == Form::Google { &body["contents"] } else { &body["messages"] };
    let Some(last) = list.as_array().and_then(|list| list.iter().rev().find(|m| m["role"] == "user")) else {
        return String::new();
    };
    let content = if form == Form::Google { &last["parts"] } else { &last["content"] };
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            parts.join(" ")
        }
        _ => String::new(),
    }
}

/// About 30 kB with paragraphs, lists and code.
fn long_answer() -> String {
    let mut text = String::new();
    for n in 1..=60 {
        text.push_str(&format!(
            "## Part {n}\n\nThis is *paragraph* {n} of a long answer, with `code` and some **weight**. "
        ));
        text.push_str(&"It goes on for a while, as answers do. ".repeat(6));
        text.push_str("\n\n- one\n- two\n- three\n\n");
        if n % 4 == 0 {
            text.push_str("```rust\nfn part(n: u32) -> u32 {\n    n + 1\n}\n```\n\n");
        }
    }
    text
}

const MARKDOWN: &str = "# A heading\n\nSome **bold** words, `code`, and a formula $a^2 + b^2 = c^2$.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\nfn main() {\n    println!(\"hi\");\n}\n```\n\n1. first\n2. second\n\n<script>alert(1)</script>\n";

/// Says a reply in a provider's form.
struct Teller {
    wire: Wire,
    form: Form,
    tokens: u64,
}

impl Teller {
    fn begin(&mut self) -> io::Result<()> {
        self.wire.begin()?;
        if self.form == Form::Anthropic {
            self.event(
                "message_start",
                json!({"message": {"id": "m", "usage": {"input_tokens": 11, "output_tokens": 1}}}),
            )?;
            self.event("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}}))?;
        }
        Ok(())
    }

    fn event(&mut self, name: &str, mut data: Value) -> io::Result<()> {
        data["type"] = json!(name);
        self.wire.frame(Some(name), &data.to_string())
    }

    fn choice(&mut self, delta: Value, finish: Value) -> io::Result<()> {
        let frame = json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        self.wire.frame(None, &frame.to_string())
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.tokens += 1;
        match self.form {
            Form::OpenAi => self.choice(json!({"content": text}), Value::Null),
            Form::Anthropic => {
                self.event("content_block_delta", json!({"index": 0, "delta": {"type": "text_delta", "text": text}}))
            }
            Form::Google => {
                let frame = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]});
                self.wire.frame(None, &frame.to_string())
            }
        }
    }

    fn words(&mut self, text: &str, pace: Duration) -> io::Result<()> {
        for piece in text.split_inclusive(' ') {
            self.text(piece)?;
            if !pace.is_zero() {
                thread::sleep(pace);
            }
        }
        Ok(())
    }

    fn thinking(&mut self, text: &str) -> io::Result<()> {
        self.tokens += 1;
        self.choice(json!({"reasoning_content": text}), Value::Null)
    }

    fn tool(&mut self, name: &str, arguments: &str) -> io::Result<()> {
        let half = arguments.len() / 2;
        let call = |id: &str, name: &str, part: &str| json!({"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": part}});
        self.choice(json!({"tool_calls": [call("call_1", name, &arguments[..half])]}), Value::Null)?;
        let rest = json!({"index": 0, "function": {"arguments": &arguments[half..]}});
        self.choice(json!({"tool_calls": [rest]}), Value::Null)
    }

    fn finish_reason(&mut self, reason: &str) -> io::Result<()> {
        self.choice(json!({}), json!(reason))
    }

    fn end(&mut self, reason: &str) -> io::Result<()> {
        let tokens = self.tokens;
        match self.form {
            Form::OpenAi => {
                self.finish_reason(reason)?;
                let usage = json!({"prompt_tokens": 11, "completion_tokens": tokens, "total_tokens": 11 + tokens});
                self.wire.frame(None, &json!({"choices": [], "usage": usage}).to_string())?;
                self.wire.frame(None, "[DONE]")?;
            }
            Form::Anthropic => {
                self.event("content_block_stop", json!({"index": 0}))?;
                let reason = if reason == "stop" { "end_turn" } else { "max_tokens" };
                self.event(
                    "message_delta",
                    json!({"delta": {"stop_reason": reason}, "usage": {"output_tokens": tokens}}),
                )?;
                self.event("message_stop", json!({}))?;
            }
            Form::Google => {
                let usage =
                    json!({"promptTokenCount": 11, "candidatesTokenCount": tokens, "totalTokenCount": 11 + tokens});
                let reason = if reason == "stop" { "STOP" } else { "MAX_TOKENS" };
                let candidate = json!({"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": reason});
                self.wire.frame(None, &json!({"candidates": [candidate], "usageMetadata": usage}).to_string())?;
            }
        }
        self.wire.finish()
    }
}

/// The socket: HTTP/1.1, chunked.
struct Wire {
    stream: TcpStream,
}

impl Wire {
    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn status(&mut self, status: u16, body: &Value) -> io::Result<()> {
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.raw(head.as_bytes())?;
        self.raw(body.as_bytes())
    }

    fn begin(&mut self) -> io::Result<()> {
        self.raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    fn frame(&mut self, event: Option<&str>, data: &str) -> io::Result<()> {
        let name = event.map(|name| format!("event: {name}\n")).unwrap_or_default();
        let text = format!("{name}data: {data}\n\n");
        self.raw(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.raw(b"0\r\n\r\n")
    }

    /// Breaks off in the middle of a chunk.
    fn cut(&mut self) -> io::Result<()> {
        self.raw(b"400\r\ndata: {\"cho")?;
        self.stream.shutdown(std::net::Shutdown::Both)
    }
}
