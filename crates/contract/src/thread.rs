//! The thread: pages of messages along the branch in view.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// A message: the columns of the table and its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MessageRow {
    pub id: String,
    pub conversation_id: String,
    pub parent_id: Option<String>,
    /// user, assistant, system, function, tool
    pub role: String,
    pub content: String,
    /// text, image, audio, video, file, code
    pub content_type: String,
    /// What other clients wrote into the column `attachments`; our files are in `files`.
    #[ts(type = "unknown[]")]
    pub attachments: Value,
    #[ts(type = "number")]
    pub prompt_tokens: i64,
    #[ts(type = "number")]
    pub completion_tokens: i64,
    #[ts(type = "number")]
    pub total_tokens: i64,
    pub model_id: Option<String>,
    pub provider_id: Option<String>,
    #[ts(type = "number | null")]
    pub response_time_ms: Option<i64>,
    pub finish_reason: Option<String>,
    #[ts(type = "unknown")]
    pub function_call: Option<Value>,
    #[ts(type = "unknown")]
    pub tool_calls: Option<Value>,
    #[ts(type = "number | null")]
    pub rating: Option<i64>,
    pub feedback: Option<String>,
    #[ts(type = "Record<string, unknown>")]
    pub metadata: Value,
    pub created_at: String,
    pub edited_at: Option<String>,
    pub deleted_at: Option<String>,
    pub files: Vec<AttachmentRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AttachmentRow {
    pub id: String,
    pub message_id: String,
    pub file_name: String,
    pub file_type: Option<String>,
    #[ts(type = "number | null")]
    pub file_size: Option<i64>,
    pub mime_type: Option<String>,
    #[ts(type = "number | null")]
    pub width: Option<i64>,
    #[ts(type = "number | null")]
    pub height: Option<i64>,
    #[ts(type = "number | null")]
    pub duration_seconds: Option<i64>,
    pub sha256: Option<String>,
    #[ts(type = "Record<string, unknown>")]
    pub metadata: Value,
    pub created_at: String,
    /// Where the bytes are.
    pub state: FileState,
    /// How many bytes of a download are here already; null when there is none under way or broken off.
    #[ts(type = "number | null")]
    pub received: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// On this machine, and on the server if the profile has an account.
    Here,
    /// On this machine, and still to be sent.
    Waiting,
    /// Only on the server.
    Remote,
    /// On their way here.
    Downloading,
    /// Nobody has them, as far as is known: an export without the file, or a device that has not sent it yet.
    Missing,
}

/// A message as the thread shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MessageView {
    #[serde(flatten)]
    pub row: MessageRow,
    /// The content as safe HTML, rendered in Rust (classes `hl-…` for code, `math` for formulae).
    pub html: String,
    /// Thinking, tool calls and results, in order.
    pub blocks: Vec<BlockView>,
    pub hidden: bool,
    /// A reply that is still being written: `reply_so_far` and the event `reply` tell what it says.
    pub writing: bool,
    /// Set where the thread forks: the siblings in order of time, this one included.
    pub branch: Option<Branch>,
}

/// A collapsible part above the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct BlockView {
    /// thinking, tool_use, tool_result, attachment_text, or whatever an import brought
    pub kind: String,
    pub title: Option<String>,
    pub html: String,
    pub is_error: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Branch {
    /// 0-based place of this message among its siblings.
    pub index: u32,
    pub sibling_ids: Vec<String>,
}

/// A page of the branch in view. At most one of `before`, `after`, `around`; none: the end of the thread.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct ThreadRequest {
    pub conversation_id: String,
    #[serde(default)]
    #[ts(optional)]
    pub before: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub after: Option<String>,
    /// A message that must be on the page; when it lies on another branch, the page shows that branch.
    #[serde(default)]
    #[ts(optional)]
    pub around: Option<String>,
    /// A place of the thread (0-based), for a jump by the scrollbar.
    #[serde(default)]
    #[ts(optional, type = "number")]
    pub at: Option<u64>,
    /// 1 to 200.
    pub limit: u32,
    #[serde(default)]
    pub show_hidden: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ThreadPage {
    /// Oldest first.
    pub messages: Vec<MessageView>,
    /// 0-based place in the thread of the first message here.
    #[ts(type = "number")]
    pub first: u64,
    /// How many messages the thread in view has (for a true scrollbar).
    #[ts(type = "number")]
    pub total: u64,
    /// How many of the branch are hidden and left out.
    #[ts(type = "number")]
    pub hidden: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct NewMessage {
    pub conversation_id: String,
    /// user or assistant
    pub role: String,
    pub content: String,
    /// None: at the end of the branch in view.
    #[serde(default)]
    #[ts(optional)]
    pub parent_id: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MessageEdit {
    pub id: String,
    /// 1 to 5; 0 clears.
    #[serde(default)]
    #[ts(optional)]
    pub rating: Option<u8>,
    #[serde(default)]
    #[ts(optional)]
    pub feedback: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct BranchRequest {
    pub conversation_id: String,
    pub message_id: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AttachmentRef {
    pub id: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LinkRequest {
    pub url: String,
}

/// What one function in Rust decided about a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LinkVerdict {
    pub allowed: bool,
    /// What to show before opening: the address with its true host (punycode when not plain).
    pub shown: String,
    /// Why not, when not.
    pub reason: Option<String>,
}
