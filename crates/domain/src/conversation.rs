//! A conversation: the columns that travel between devices. Counters are computed from its messages, never stored here.

use crate::{ConversationId, MessageId, Time, empty_object};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the server's column defaults to.
pub const DEFAULT_TEMPERATURE: f64 = 0.7;
/// What the server's column defaults to.
pub const DEFAULT_MAX_TOKENS: i64 = 2048;

/// One conversation. Field names are those of the server's table `conversations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub id: ConversationId,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub summary: Option<String>,
    /// None: not known. Never a made-up default.
    #[serde(default)]
    pub model_id: Option<String>,
    #[serde(default)]
    pub provider_id: Option<String>,
    #[serde(default)]
    pub avatar_id: Option<String>,
    #[serde(default)]
    pub voice_id: Option<String>,
    #[serde(default)]
    pub personality_template: Option<String>,
    #[serde(default)]
    pub system_prompt: Option<String>,
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    #[serde(default = "default_max_tokens")]
    pub max_tokens: i64,
    /// A JSON object; merged leaf by leaf.
    #[serde(default = "empty_object")]
    pub settings: Value,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub is_archived: bool,
    #[serde(default)]
    pub is_starred: bool,
    /// A JSON object: where it came from (`source`, `external_id`), what did not fit (`fitted`), what is not understood (`raw`).
    #[serde(default = "empty_object")]
    pub metadata: Value,
    /// Set while it lies in the trash.
    #[serde(default)]
    pub deleted_at: Option<Time>,
    /// The leaf of the branch in view; None: the newest message.
    #[serde(default)]
    pub current_message_id: Option<MessageId>,
    pub created_at: Time,
}

fn default_temperature() -> f64 {
    DEFAULT_TEMPERATURE
}

fn default_max_tokens() -> i64 {
    DEFAULT_MAX_TOKENS
}

impl Conversation {
    /// An empty conversation with every default.
    pub fn new(id: ConversationId, created_at: Time) -> Conversation {
        Conversation {
            id,
            title: None,
            summary: None,
            model_id: None,
            provider_id: None,
            avatar_id: None,
            voice_id: None,
            personality_template: None,
            system_prompt: None,
            temperature: DEFAULT_TEMPERATURE,
            max_tokens: DEFAULT_MAX_TOKENS,
            settings: empty_object(),
            tags: Vec::new(),
            is_archived: false,
            is_starred: false,
            metadata: empty_object(),
            deleted_at: None,
            current_message_id: None,
            created_at,
        }
    }
}
