//! A reply as it comes: text, thinking, tool calls, and how it ended.

use crate::error::plain;
use crate::models::retry_after;
use crate::{Client, LlmError, Protocol};
use futures_util::StreamExt;
use genai::adapter::AdapterKind;
use genai::chat::{
    Binary, BinarySource, ChatMessage, ChatOptions, ChatRequest, ChatStream, ChatStreamEvent, ContentPart, FrameCtx,
    MessageContent, RawFrameRef, ReasoningEffort, StreamEnd, ToolCall,
};
use genai::resolver::{AuthData, Endpoint};
use genai::{Headers, ModelIden, ServiceTarget};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A reply is ended beyond this many bytes.
const MAX_REPLY: usize = 16 * 1_000_000;
/// A model that is being loaded, or reads a long prompt on a slow machine, says nothing for a long time.
const FIRST_WORD: Duration = Duration::from_secs(15 * 60);
/// Once it speaks, it goes on speaking.
const NEXT_WORD: Duration = Duration::from_secs(5 * 60);
/// Tool calls are bounded like everything else that a server may repeat for ever.
const MAX_TOOLS: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
}

/// A picture that goes along with what a user said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// image/png, image/jpeg, image/webp or image/gif.
    pub mime: String,
    pub base64: String,
}

/// What one of the two said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
    pub images: Vec<Image>,
}

/// What a model is asked. The last turn is usually the user's.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    pub model: String,
    pub system: Option<String>,
    pub turns: Vec<Turn>,
    /// None: the provider's own.
    pub temperature: Option<f64>,
    /// Of the reply, in tokens; None: the provider's own.
    pub max_tokens: Option<u32>,
}

/// In tokens, as the provider counts and bills them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt: i64,
    pub completion: i64,
    pub total: i64,
}

/// A piece of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    Text(String),
    Thinking(String),
    /// A call, once it is whole.
    Tool {
        name: String,
        input: Value,
    },
    /// The last one. `reason` is the provider's own word (`stop`, `length`, …).
    Finished {
        reason: String,
        usage: Option<Usage>,
    },
}

/// A reply under way. Dropping it ends the request.
pub struct Reply {
    client: Client,
    model: String,
    stream: ChatStream,
    /// What the raw frames told beside the events.
    seen: Arc<Mutex<Seen>>,
    bytes: usize,
    spoke: bool,
    tools: Vec<ToolCall>,
    ready: VecDeque<Delta>,
    over: bool,
}

/// Some servers close the stream without the closing frame; what the last one said stands here.
#[derive(Default)]
struct Seen {
    frames: u64,
    finish_reason: Option<String>,
}

impl Seen {
    fn note(&mut self, data: &str) {
        self.frames += u64::from(!data.is_empty());
        if !data.contains("finish_reason") {
            return;
        }
        let reason = serde_json::from_str::<Value>(data)
            .ok()
            .and_then(|frame| frame.pointer("/choices/0/finish_reason")?.as_str().map(str::to_owned));
        if reason.is_some() {
            self.finish_reason = reason;
        }
    }
}

impl Client {
    /// Asks for a reply. Nothing is sent before the first [`Reply::next`].
    pub async fn reply(&self, prompt: Prompt) -> Result<Reply, LlmError> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let noting = seen.clone();
        let mut options = ChatOptions::default().with_capture_usage(true).with_raw_frame_fn(
            move |_: &FrameCtx, frame: RawFrameRef<'_>| {
                noting.lock().unwrap_or_else(PoisonError::into_inner).note(frame.data);
            },
        );
        if let Some(temperature) = prompt.temperature {
            options = options.with_temperature(temperature);
        }
        if let Some(tokens) = prompt.max_tokens {
            options = options.with_max_tokens(tokens);
        }
        if self.protocol == Protocol::OpenAi {
            // A name such as `qwen-max` would otherwise be read as `qwen` with the greatest effort.
            options = options.with_reasoning_effort(ReasoningEffort::Budget(0));
        }
        let model = prompt.model.clone();
        let request = request(self.protocol, prompt);
        let service = genai::Client::builder().with_reqwest(self.http.clone()).build();
        let service = service.map_err(|error| self.refused(&model, &error))?;
        let answer = service.exec_chat_stream(self.target(&model)?, request, Some(&options)).await;
        let stream = answer.map_err(|error| self.refused(&model, &error))?.stream;
        Ok(Reply {
            client: self.clone(),
            model,
            stream,
            seen,
            bytes: 0,
            spoke: false,
            tools: Vec::new(),
            ready: VecDeque::new(),
            over: false,
        })
    }

    fn target(&self, model: &str) -> Result<ServiceTarget, LlmError> {
        let kind = match self.protocol {
            Protocol::OpenAi => AdapterKind::OpenAI,
            Protocol::Anthropic => AdapterKind::Anthropic,
            Protocol::Google => AdapterKind::Gemini,
        };
        let auth = match (&self.key, self.protocol) {
            (Some(key), _) => AuthData::from_single(key.expose_secret().trim()),
            (None, Protocol::OpenAi) => {
                let url = self
                    .address
                    .base()
                    .join("chat/completions")
                    .map_err(|error| LlmError::NotAProvider { provider: self.name.clone(), why: error.to_string() })?;
                // Without a key there is no header for one either.
                AuthData::RequestOverride { url: url.to_string(), headers: Headers::default() }
            }
            (None, _) => return Err(LlmError::KeyMissing { provider: self.name.clone() }),
        };
        let endpoint = Endpoint::from_owned(self.address.base().as_str());
        Ok(ServiceTarget { endpoint, auth, model: ModelIden::new(kind, model.to_owned()) })
    }

    /// What a failure of the protocol's crate means; its own texts may hold the request.
    fn refused(&self, model: &str, error: &genai::Error) -> LlmError {
        let provider = self.name.clone();
        match error {
            genai::Error::HttpError { status, body, headers, .. } => {
                if status.as_u16() == 401 && self.key.is_none() {
                    return LlmError::KeyMissing { provider };
                }
                LlmError::of_status(&provider, model, *status, retry_after(headers), body, self.key())
            }
            genai::Error::WebStream { error, .. } => match (error.downcast_ref(), error.downcast_ref()) {
                (Some(inner), _) => self.refused(model, inner),
                (None, Some(error)) => self.failed(error),
                (None, None) => LlmError::NotAProvider { provider, why: "it does not answer in text".into() },
            },
            genai::Error::WebModelCall { webc_error: genai::webc::Error::Reqwest(error), .. } => self.failed(error),
            genai::Error::ChatResponse { body, .. } => {
                let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                LlmError::Stopped { provider, message: crate::error::words(&text, self.key()).0 }
            }
            genai::Error::StreamParse { .. } | genai::Error::JsonValueExt(_) | genai::Error::SerdeJson(_) => {
                LlmError::NotAProvider { provider, why: "its answer is not what a model's server says".into() }
            }
            genai::Error::MessageContentTypeNotSupported { cause, .. } => {
                LlmError::Stopped { provider, message: plain(cause, self.key()) }
            }
            _ => LlmError::Stopped { provider, message: "the request could not be made".into() },
        }
    }
}

impl Reply {
    /// The next piece. None: the reply is over; before that came [`Delta::Finished`] or an error, once.
    pub async fn next(&mut self) -> Option<Result<Delta, LlmError>> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Some(Ok(delta));
            }
            if self.over {
                return None;
            }
            let patience = if self.spoke { NEXT_WORD } else { FIRST_WORD };
            let event = match tokio::time::timeout(patience, self.stream.next()).await {
                Ok(event) => event,
                Err(_) => {
                    let provider = self.client.name.clone();
                    return self.fail(LlmError::Silent { provider, after: patience });
                }
            };
            match event {
                None => return self.closed(),
                Some(Err(error)) => {
                    let error = self.client.refused(&self.model, &error);
                    return self.fail(error);
                }
                Some(Ok(event)) => {
                    if let Err(error) = self.take(event) {
                        return self.fail(error);
                    }
                }
            }
        }
    }

    fn take(&mut self, event: ChatStreamEvent) -> Result<(), LlmError> {
        match event {
            ChatStreamEvent::Start => return Ok(()),
            ChatStreamEvent::Chunk(chunk) => {
                self.count(chunk.content.len())?;
                self.ready.push_back(Delta::Text(chunk.content));
            }
            ChatStreamEvent::ReasoningChunk(chunk) => {
                self.count(chunk.content.len())?;
                self.ready.push_back(Delta::Thinking(chunk.content));
            }
            ChatStreamEvent::ToolCallChunk(chunk) => self.gather(chunk.tool_call)?,
            ChatStreamEvent::ThoughtSignatureChunk(_) | ChatStreamEvent::Heartbeat => {}
            ChatStreamEvent::End(end) => self.end(&end),
        }
        self.spoke = true;
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), LlmError> {
        self.bytes += bytes;
        if self.bytes > MAX_REPLY { Err(LlmError::Endless { limit: MAX_REPLY }) } else { Ok(()) }
    }

    /// Pieces of a call come without its name, or with all that came before, as the provider has it.
    fn gather(&mut self, piece: ToolCall) -> Result<(), LlmError> {
        self.count(piece.fn_arguments.as_str().map_or(0, str::len) + piece.fn_name.len() + 1)?;
        let room = self.tools.len() < MAX_TOOLS;
        match self.tools.last_mut() {
            Some(last) if piece.fn_name.is_empty() => {
                if let (Value::String(all), Value::String(more)) = (&mut last.fn_arguments, &piece.fn_arguments) {
                    all.push_str(more);
                }
            }
            Some(last) if last.call_id == piece.call_id => *last = piece,
            _ if room => self.tools.push(piece),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &StreamEnd) {
        let reason = end.captured_stop_reason.as_ref().map_or("stop", |reason| reason.raw()).to_owned();
        let usage = end.captured_usage.as_ref().map(|usage| {
            let count = |tokens: Option<i32>| i64::from(tokens.unwrap_or(0).max(0));
            let (prompt, completion) = (count(usage.prompt_tokens), count(usage.completion_tokens));
            Usage { prompt, completion, total: count(usage.total_tokens).max(prompt + completion) }
        });
        self.finish(reason, usage);
    }

    fn finish(&mut self, reason: String, usage: Option<Usage>) {
        for call in std::mem::take(&mut self.tools) {
            let input = match call.fn_arguments {
                Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
                other => other,
            };
            self.ready.push_back(Delta::Tool { name: call.fn_name, input });
        }
        self.ready.push_back(Delta::Finished { reason: plain(&reason, None), usage });
        self.over = true;
    }

    /// The stream ended without its closing frame.
    fn closed(&mut self) -> Option<Result<Delta, LlmError>> {
        let (frames, reason) = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.frames, seen.finish_reason.clone())
        };
        match reason {
            Some(reason) => {
                self.finish(reason, None);
                self.ready.pop_front().map(Ok)
            }
            None if frames == 0 => {
                let provider = self.client.name.clone();
                self.fail(LlmError::NotAProvider { provider, why: "its answer is not a model's".into() })
            }
            None => self.fail(LlmError::Cut),
        }
    }

    fn fail(&mut self, error: LlmError) -> Option<Result<Delta, LlmError>> {
        self.over = true;
        Some(Err(error))
    }
}

fn request(protocol: Protocol, prompt: Prompt) -> ChatRequest {
    let mut turns: Vec<Turn> =
        prompt.turns.into_iter().filter(|turn| !turn.text.trim().is_empty() || !turn.images.is_empty()).collect();
    // Both want the user to begin.
    if protocol != Protocol::OpenAi && turns.first().is_some_and(|turn| turn.speaker == Speaker::Assistant) {
        turns.insert(0, Turn { speaker: Speaker::User, text: "…".into(), images: Vec::new() });
    }
    let messages = turns.into_iter().map(|turn| {
        let mut parts: Vec<ContentPart> = turn
            .images
            .into_iter()
            .map(|image| ContentPart::Binary(Binary::new(image.mime, BinarySource::Base64(image.base64.into()), None)))
            .collect();
        if !turn.text.trim().is_empty() {
            parts.push(ContentPart::Text(turn.text));
        }
        let content = MessageContent::from_parts(parts);
        match turn.speaker {
            Speaker::User => ChatMessage::user(content),
            Speaker::Assistant => ChatMessage::assistant(content),
        }
    });
    let request = ChatRequest::new(messages.collect());
    match prompt.system.filter(|system| !system.trim().is_empty()) {
        Some(system) => request.with_system(system),
        None => request,
    }
}
