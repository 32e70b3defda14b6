//! The seeded history of GOALS.md: conversations of log-normal size, alternating roles, long-tailed answers around
//! 2 kB, code blocks, Chinese and Japanese, emoji, rare tokens that stay rare. The same seed and settings give the same
//! rows. Streaming: one conversation is in memory at a time.

mod text;
mod words;

use crate::Rng;
use crate::build::time_ordered;
use airi_domain::{
    Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, Role, Time, empty_object,
};
use serde_json::json;
use text::Writer;
pub use words::{common_word, rare_token};

/// What to make. Shares are of 1.0.
#[derive(Debug, Clone)]
pub struct GeneratorConfig {
    /// Exactly this many over all conversations.
    pub messages: usize,
    /// Median number of messages in a conversation.
    pub conversation_size: f64,
    /// Median bytes of an answer.
    pub answer_bytes: f64,
    /// Share of messages in Chinese or Japanese.
    pub cjk: f64,
    /// Share of messages that hold one rare token; each token comes about `messages × rare / RARE_TOKENS` times.
    pub rare: f64,
    pub attachments: f64,
    pub thinking: f64,
    pub branches: f64,
    /// The time of the newest conversation's start.
    pub until: Time,
    /// Times spread over so many days before `until`.
    pub days: u32,
}

impl Default for GeneratorConfig {
    fn default() -> GeneratorConfig {
        GeneratorConfig {
            messages: 1000,
            conversation_size: 12.0,
            answer_bytes: 2000.0,
            cjk: 0.12,
            rare: 0.01,
            attachments: 0.02,
            thinking: 0.03,
            branches: 0.02,
            until: Time::from_micros(crate::DEFAULT_NOW).unwrap_or(Time::MIN),
            days: 4 * 365,
        }
    }
}

/// A conversation with all of its rows, messages in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedConversation {
    pub conversation: Conversation,
    pub messages: Vec<Message>,
    pub attachments: Vec<Attachment>,
}

/// Yields conversations from the oldest to the newest.
pub struct Generator {
    rng: Rng,
    config: GeneratorConfig,
    writer: Writer,
    left: usize,
    started: f64,
}

const MODELS: [(&str, &str); 6] = [
    ("gpt-4o", "openai"),
    ("gpt-4.1-mini", "openai"),
    ("claude-sonnet-4", "anthropic"),
    ("claude-3-5-haiku", "anthropic"),
    ("llama3.1:8b", "ollama"),
    ("qwen2.5-coder:32b", "ollama"),
];
const TAGS: [&str; 8] = ["work", "home", "rust", "旅行", "recipes", "learning", "ideas", "bugs"];
const FILES: [&str; 6] =
    ["report-2024.pdf", "screenshot.png", "notes.md", "budget_final_v2.xlsx", "写真.jpg", "server.log"];

impl Generator {
    pub fn new(seed: u64, config: GeneratorConfig) -> Generator {
        let rng = Rng::new(seed);
        Generator { writer: Writer::new(), left: config.messages, started: 0.0, rng, config }
    }

    fn conversation(&mut self, at: Time, bits: u64) -> Conversation {
        let rng = &mut self.rng;
        let mut c = Conversation::new(ConversationId(time_ordered(at, bits)), at);
        let cjk = rng.chance(self.config.cjk);
        c.title = (!rng.chance(0.02)).then(|| self.writer.title(rng, cjk));
        let (model, provider) = *rng.pick(&MODELS);
        (c.model_id, c.provider_id) = (Some(model.to_owned()), Some(provider.to_owned()));
        c.is_starred = rng.chance(0.05);
        c.is_archived = rng.chance(0.10);
        while rng.chance(0.15) && c.tags.len() < 3 {
            let tag = (*rng.pick(&TAGS)).to_owned();
            if !c.tags.contains(&tag) {
                c.tags.push(tag);
            }
        }
        c
    }

    fn message(&mut self, c: &Conversation, n: usize, at: Time, parent: Option<MessageId>) -> Message {
        let rng = &mut self.rng;
        let role = if n.is_multiple_of(2) { Role::User } else { Role::Assistant };
        let median = if role == Role::User { self.config.answer_bytes / 12.0 } else { self.config.answer_bytes };
        let bytes = rng.log_normal(median, 0.8).clamp(8.0, 200_000.0) as usize;
        let cjk = rng.chance(self.config.cjk);
        let mut content = self.writer.body(rng, bytes, cjk, role == Role::Assistant);
        if rng.chance(self.config.rare) {
            content.push(' ');
            content.push_str(&rare_token(rng.below(words::RARE_TOKENS)));
        }
        let mut m = Message::new(MessageId(time_ordered(at, rng.next_u64())), c.id, role, content, at);
        m.parent_id = parent;
        if role == Role::Assistant {
            (m.model_id, m.provider_id) = (c.model_id.clone(), c.provider_id.clone());
            m.completion_tokens = m.content.len() as i64 / 4;
            m.prompt_tokens = rng.log_normal(600.0, 1.0) as i64;
            m.total_tokens = m.completion_tokens + m.prompt_tokens;
            m.response_time_ms = Some(rng.log_normal(2500.0, 0.6) as i64);
            m.finish_reason = Some("stop".to_owned());
            if rng.chance(self.config.thinking) {
                let thought = self.writer.body(rng, 900, cjk, false);
                m.metadata = json!({ "blocks": [{ "type": "thinking", "text": thought }] });
            }
        }
        m
    }
}

impl Iterator for Generator {
    type Item = GeneratedConversation;

    fn next(&mut self) -> Option<GeneratedConversation> {
        if self.left == 0 {
            return None;
        }
        let size = self.rng.log_normal(self.config.conversation_size, 1.0).clamp(1.0, 5000.0) as usize;
        let size = size.min(self.left);
        // Spread by messages, so that the last conversation starts at `until`.
        let span = f64::from(self.config.days) * 86_400e6;
        let share = self.started / self.config.messages as f64;
        let start = self.config.until.plus_micros((span * (share - 1.0)) as i64 + self.rng.below(3_600_000_000) as i64);
        self.started += size as f64;
        self.left -= size;
        let bits = self.rng.next_u64();
        let conversation = self.conversation(start, bits);
        let mut messages: Vec<Message> = Vec::with_capacity(size);
        let mut attachments = Vec::new();
        let mut at = start;
        for n in 0..size {
            at = at.plus_micros(self.rng.log_normal(40e6, 1.0) as i64 + 1000);
            // A branch: this one answers what an earlier one answered.
            let parent = match messages.len() {
                3.. if self.rng.chance(self.config.branches) => Some(messages[messages.len() - 3].id),
                _ => None,
            };
            let message = self.message(&conversation, n, at, parent);
            if self.rng.chance(self.config.attachments) {
                attachments.push(file(&mut self.rng, &message));
            }
            messages.push(message);
        }
        Some(GeneratedConversation { conversation, messages, attachments })
    }
}

fn file(rng: &mut Rng, message: &Message) -> Attachment {
    Attachment {
        id: AttachmentId(time_ordered(message.created_at, rng.next_u64())),
        message_id: message.id,
        file_name: (*rng.pick(&FILES)).to_owned(),
        file_type: None,
        file_size: Some(rng.log_normal(80_000.0, 1.5) as i64),
        storage_path: String::new(),
        sha256: None,
        mime_type: None,
        width: None,
        height: None,
        duration_seconds: None,
        metadata: empty_object(),
        created_at: message.created_at,
    }
}
