//! How a row of the mirror lies in the index. No text is stored; a row is known by the integer ids of the mirror.
//!
//! Each kind of text is a field of its own with its own statistics, because they are ranked apart; a title is a row of
//! its own. Texts that are missing cost one byte a row.

use crate::tokens::AiriTokenizer;
use airi_domain::{Role, Time};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, TantivyDocument};

/// Raised whenever the same rows would be indexed another way; older indexes are then made anew.
pub(crate) const FORMAT: u32 = 1;

const TOKENIZER: &str = "airi";

/// A message, or the title of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Doc<'a> {
    /// Row id of the conversation.
    pub conversation: i64,
    /// Row id of the message; 0: this is the conversation's title. Every conversation needs its title row, an empty one
    /// too: searches with filters alone list conversations by it.
    pub message: i64,
    /// The title, or the visible text.
    pub text: &'a str,
    pub thinking: &'a str,
    pub tool: &'a str,
    /// One a line.
    pub file_names: &'a str,
    pub role: Option<Role>,
    pub model: Option<&'a str>,
    pub provider: Option<&'a str>,
    /// Of a title: when the conversation was last active, or made.
    pub created_at: Time,
    pub has_attachment: bool,
}

impl<'a> Doc<'a> {
    /// The title row of a conversation.
    pub fn title(conversation: i64, title: &'a str, created_at: Time) -> Doc<'a> {
        Doc {
            conversation,
            message: 0,
            text: title,
            thinking: "",
            tool: "",
            file_names: "",
            role: None,
            model: None,
            provider: None,
            created_at,
            has_attachment: false,
        }
    }

    /// A message with visible text only.
    pub fn message(conversation: i64, message: i64, text: &'a str, created_at: Time) -> Doc<'a> {
        Doc { message, ..Doc::title(conversation, text, created_at) }
    }

    pub(crate) fn key(&self) -> u64 {
        key(self.conversation, self.message)
    }

    /// Texts in the order of [`Part`].
    pub(crate) fn parts(&self) -> [&'a str; PARTS] {
        match self.message {
            0 => [self.text, "", self.file_names, self.thinking, self.tool],
            _ => ["", self.text, self.file_names, self.thinking, self.tool],
        }
    }

    pub(crate) fn flags(&self) -> u64 {
        role_number(self.role) | if self.has_attachment { ATTACHMENT } else { 0 }
    }
}

/// The kinds of text, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Title,
    Text,
    File,
    Thinking,
    Tool,
}

pub(crate) const PARTS: usize = 5;

impl Part {
    pub const ALL: [Part; PARTS] = [Part::Title, Part::Text, Part::File, Part::Thinking, Part::Tool];

    /// What a match in it is worth.
    pub(crate) fn weight(self) -> f32 {
        match self {
            Part::Title => 2.5,
            Part::Text => 1.0,
            Part::File => 0.8,
            Part::Thinking | Part::Tool => 0.5,
        }
    }
}

/// One number for a row: messages even, titles odd.
pub(crate) fn key(conversation: i64, message: i64) -> u64 {
    match message {
        0 => (conversation as u64) << 1 | 1,
        _ => (message as u64) << 1,
    }
}

/// The message's row id, 0 for a title.
pub(crate) fn message_of(key: u64) -> i64 {
    if key & 1 == 1 { 0 } else { (key >> 1) as i64 }
}

pub(crate) const ATTACHMENT: u64 = 8;

pub(crate) fn role_number(role: Option<Role>) -> u64 {
    match role {
        None => 0,
        Some(Role::User) => 1,
        Some(Role::Assistant) => 2,
        Some(Role::System) => 3,
        Some(Role::Function) => 4,
        Some(Role::Tool) => 5,
    }
}

/// Handles of the fields.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) parts: [Field; PARTS],
    pub(crate) key: Field,
    pub(crate) conversation: Field,
    created_at: Field,
    flags: Field,
    model: Field,
    provider: Field,
}

pub(crate) mod column {
    pub(crate) const KEY: &str = "key";
    pub(crate) const CONVERSATION: &str = "conversation";
    pub(crate) const CREATED_AT: &str = "created_at";
    pub(crate) const FLAGS: &str = "flags";
    pub(crate) const MODEL: &str = "model";
    pub(crate) const PROVIDER: &str = "provider";
}

pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = TextOptions::default().set_indexing_options(indexing);
    let name = TextOptions::default().set_fast("raw");
    let fields = Fields {
        parts: ["title", "text", "file", "thinking", "tool"].map(|part| builder.add_text_field(part, text.clone())),
        key: builder.add_u64_field(column::KEY, FAST | INDEXED),
        conversation: builder.add_u64_field(column::CONVERSATION, FAST | INDEXED),
        created_at: builder.add_i64_field(column::CREATED_AT, FAST),
        flags: builder.add_u64_field(column::FLAGS, FAST),
        model: builder.add_text_field(column::MODEL, name.clone()),
        provider: builder.add_text_field(column::PROVIDER, name),
    };
    (builder.build(), fields)
}

/// Tokenizers are not part of the files: every opened index gets them.
pub(crate) fn register(index: &Index) {
    index.tokenizers().register(TOKENIZER, TextAnalyzer::from(AiriTokenizer));
}

impl Fields {
    pub(crate) fn document(&self, doc: &Doc) -> TantivyDocument {
        let mut out = TantivyDocument::default();
        for (field, text) in self.parts.iter().zip(doc.parts()) {
            if !text.is_empty() {
                out.add_text(*field, text);
            }
        }
        out.add_u64(self.key, doc.key());
        out.add_u64(self.conversation, doc.conversation as u64);
        out.add_i64(self.created_at, doc.created_at.micros());
        out.add_u64(self.flags, doc.flags());
        for (field, name) in [(self.model, doc.model), (self.provider, doc.provider)] {
            if let Some(name) = name {
                out.add_text(field, name);
            }
        }
        out
    }
}
