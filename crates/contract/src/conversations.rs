//! The conversation list and what is done to conversations.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// One conversation: the columns of the table, the counters of this device, and what is only known here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConversationRow {
    pub id: String,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub model_id: Option<String>,
    pub provider_id: Option<String>,
    pub avatar_id: Option<String>,
    pub voice_id: Option<String>,
    pub personality_template: Option<String>,
    pub system_prompt: Option<String>,
    pub temperature: f64,
    #[ts(type = "number")]
    pub max_tokens: i64,
    #[ts(type = "Record<string, unknown>")]
    pub settings: Value,
    pub tags: Vec<String>,
    pub is_archived: bool,
    pub is_starred: bool,
    #[ts(type = "Record<string, unknown>")]
    pub metadata: Value,
    pub deleted_at: Option<String>,
    pub current_message_id: Option<String>,
    pub created_at: String,
    /// Time of the newest message that is not deleted; of the conversation itself when it has none.
    pub last_message_at: String,
    /// Messages that are not deleted, hidden ones and all branches included.
    #[ts(type = "number")]
    pub message_count: i64,
    #[ts(type = "number")]
    pub total_tokens_used: i64,
    /// Whether a change of it waits to be sent.
    pub waiting: bool,
    /// Whether it stays on this device only: nothing of it is sent.
    pub only_here: bool,
    /// Whether the server has told of it.
    pub on_server: bool,
}

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Neither archived nor in the trash.
    #[default]
    Active,
    Starred,
    Archived,
    Trash,
    /// Everything that is not in the trash.
    All,
}

/// A page of the list, newest activity first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct ListRequest {
    #[serde(default)]
    pub section: Section,
    #[serde(default)]
    pub tag: Option<String>,
    /// `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// 1 to 500.
    pub limit: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ConversationPage {
    pub conversations: Vec<ConversationRow>,
    /// Null on the last page.
    pub next: Option<String>,
    /// How many the whole list has.
    #[ts(type = "number")]
    pub total: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ConversationRef {
    pub id: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct NewConversation {
    #[serde(default)]
    pub title: Option<String>,
    /// Without a title: what is said first, whose beginning becomes the title.
    #[serde(default)]
    #[ts(optional)]
    pub title_from: Option<String>,
    #[serde(default)]
    pub model_id: Option<String>,
    #[serde(default)]
    pub provider_id: Option<String>,
    /// It stays on this device only, from its first moment on.
    #[serde(default)]
    #[ts(optional)]
    pub only_here: Option<bool>,
}

/// Whether a conversation stays on this device only.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeepHereRequest {
    pub id: String,
    pub only_here: bool,
}

/// Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct ConversationEdit {
    pub id: String,
    #[serde(default)]
    #[ts(optional)]
    pub title: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub is_starred: Option<bool>,
    #[serde(default)]
    #[ts(optional)]
    pub is_archived: Option<bool>,
    #[serde(default)]
    pub add_tags: Vec<String>,
    #[serde(default)]
    pub remove_tags: Vec<String>,
    /// The model and its provider, together; empty: not known.
    #[serde(default)]
    #[ts(optional)]
    pub model_id: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub provider_id: Option<String>,
    /// What the model is told before everything else; empty takes it away.
    #[serde(default)]
    #[ts(optional)]
    pub system_prompt: Option<String>,
    /// 0 to 2; the table's default, 0.7, leaves it to the provider.
    #[serde(default)]
    #[ts(optional)]
    pub temperature: Option<f64>,
    /// Of a reply, in tokens; the table's default, 2048, leaves it to the provider.
    #[serde(default)]
    #[ts(optional, type = "number")]
    pub max_tokens: Option<i64>,
}

/// One act on many conversations. What is absent stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct ManyEdit {
    pub ids: Vec<String>,
    #[serde(default)]
    #[ts(optional)]
    pub is_archived: Option<bool>,
    #[serde(default)]
    pub add_tags: Vec<String>,
    #[serde(default)]
    pub remove_tags: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EditedMany {
    /// Those on which something changed; the others were so before.
    pub changed: Vec<String>,
}

/// Ids of conversations, messages, or both.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ItemsRequest {
    pub ids: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TagCount {
    pub tag: String,
    #[ts(type = "number")]
    pub conversations: u64,
}
