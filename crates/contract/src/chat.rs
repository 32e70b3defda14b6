//! Chatting: providers of models, and replies while they are written.

use crate::{CommandError, ConversationRow, MessageView};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A provider that is known by name; `preset` of a [`ProviderEdit`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PresetRow {
    pub id: String,
    pub name: String,
    /// openai, anthropic or google: how it is spoken to
    pub protocol: String,
    pub base_url: String,
    pub needs_key: bool,
}

/// A provider that the user has added. Its key never comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ProviderRow {
    /// What conversations and messages carry as `provider_id`.
    pub id: String,
    pub name: String,
    /// openai, anthropic or google
    pub protocol: String,
    pub base_url: String,
    pub key: KeyState,
    /// Whether it is on this machine.
    pub is_local: bool,
    /// As it told them last.
    pub models: Vec<String>,
    /// system, none, or the address of a proxy
    pub proxy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// None was given; local servers need none.
    None,
    /// In the operating system's keyring, or in the encrypted file.
    Kept,
    /// In memory only: there is no keyring. It is gone when the app ends.
    Memory,
    /// There was one, and it is not for this address, or cannot be read now: it has to be given again.
    Needed,
}

/// Adds a provider, or changes the one of that `id`. What is absent stays, or is the preset's.
#[derive(Clone, Default, Serialize, Deserialize, TS)]
pub struct ProviderEdit {
    /// Of an existing one, or the id that a new one shall have. None: the preset's, or one made of the name.
    #[serde(default)]
    #[ts(optional)]
    pub id: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub preset: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub protocol: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub base_url: Option<String>,
    /// Empty: takes the key away.
    #[serde(default)]
    #[ts(optional)]
    pub key: Option<String>,
    /// system, none, or the address of a proxy
    #[serde(default)]
    #[ts(optional)]
    pub proxy: Option<String>,
    /// The user confirmed http to this private address.
    #[serde(default)]
    pub allow_private: bool,
}

impl std::fmt::Debug for ProviderEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderEdit").field("id", &self.id).field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ProviderRef {
    pub id: String,
}

/// Whether a provider answers, found out without spending anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ProviderTest {
    pub ok: bool,
    /// What is wrong and what to do; or how many models it has.
    pub message: String,
    pub models: Vec<String>,
    pub took_ms: f64,
}

/// A server on this machine that nobody had to name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FoundServer {
    pub preset: String,
    pub name: String,
    pub base_url: String,
    pub models: Vec<String>,
}

/// A file that goes along with a message.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EnclosedFile {
    Bytes {
        name: String,
        base64: String,
    },
    /// Dropped on the window: the ticket of the event `drag`.
    Dropped {
        ticket: String,
    },
}

impl std::fmt::Debug for EnclosedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EnclosedFile::Bytes { name, base64 } => write!(f, "{name:?} ({} characters)", base64.len()),
            EnclosedFile::Dropped { .. } => f.write_str("Dropped"),
        }
    }
}

/// Says something to a model. The message is saved first; then the reply begins.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct SendRequest {
    /// None: a new conversation.
    #[serde(default)]
    #[ts(optional)]
    pub conversation_id: Option<String>,
    pub content: String,
    #[serde(default)]
    pub files: Vec<EnclosedFile>,
    /// Instead of this message of the user: the new one stands beside it, as another branch.
    #[serde(default)]
    #[ts(optional)]
    pub instead_of: Option<String>,
    /// Both or none; none: what the conversation has, else what was chosen last.
    #[serde(default)]
    #[ts(optional)]
    pub provider_id: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub model_id: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SendAnswer {
    pub conversation: ConversationRow,
    pub message: MessageView,
    /// The reply that has begun.
    pub reply_id: String,
}

/// Asks for a reply to what is there already.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplyRequest {
    /// A message of the user: a reply to it, beside those it has. A reply: another one in its place, or, with `go_on`, one that
    /// continues it.
    pub message_id: String,
    #[serde(default)]
    pub go_on: bool,
    #[serde(default)]
    #[ts(optional)]
    pub provider_id: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub model_id: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplyRef {
    pub message_id: String,
}

/// A reply while it is written. As the answer of `reply_so_far` it holds all of it; as the event `reply` what was added since
/// the one before, whose `step` is one less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReplyPiece {
    pub conversation_id: String,
    pub message_id: String,
    #[ts(type = "number")]
    pub step: u64,
    /// Safe HTML that does not change any more, to be added.
    pub settled: Vec<String>,
    /// Safe HTML of the open end; replaces the one before.
    pub open: String,
    /// Plain text to be added to the thinking.
    pub thinking: String,
    pub state: ReplyState,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReplyState {
    /// Asked, and not a word came yet.
    Waiting,
    Writing,
    /// Over; the message is there like any other, unless `kept` is false: then there is none. `error` says why it is not
    /// whole, where the user has not stopped it.
    Over {
        kept: bool,
        error: Option<CommandError>,
    },
}

/// Which model answers where nothing else is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChatDefaults {
    pub provider_id: Option<String>,
    pub model_id: Option<String>,
}
