//! Long work: import and export, with progress, cancel and a report.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ImportRequest {
    pub paths: Vec<String>,
    /// auto, chatgpt, claude or airi
    #[serde(default)]
    pub format: Option<String>,
    /// The user confirmed an unusually large or dense archive.
    #[serde(default)]
    pub confirmed: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExportRequest {
    /// Empty: all conversations.
    #[serde(default)]
    pub ids: Vec<String>,
    /// json, markdown or html
    pub format: String,
    #[serde(default)]
    pub include_deleted: bool,
    /// ISO dates; a conversation counts by its last message.
    #[serde(default)]
    pub since: Option<String>,
    #[serde(default)]
    pub until: Option<String>,
    /// A file (json; .zip takes the attachments along; markdown or html of one conversation) or a folder.
    pub path: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TaskStarted {
    pub task: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TaskRef {
    pub task: String,
}

/// What the operating system's dialogue is asked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PickRequest {
    ImportFile,
    ImportFolder,
    ExportFile { suggested_name: String },
    ExportFolder,
}

/// What an import did. Every conversation that was read is in exactly one of the counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct ImportReport {
    /// chatgpt, claude or airi
    pub format: String,
    #[ts(type = "number")]
    pub conversations_read: u64,
    #[ts(type = "number")]
    pub conversations_imported: u64,
    /// Already there and complete: nothing was added to them.
    #[ts(type = "number")]
    pub conversations_already_there: u64,
    /// Already there, and messages were added.
    #[ts(type = "number")]
    pub conversations_updated: u64,
    #[ts(type = "number")]
    pub messages_read: u64,
    #[ts(type = "number")]
    pub messages_imported: u64,
    #[ts(type = "number")]
    pub messages_already_there: u64,
    #[ts(type = "number")]
    pub attachments_imported: u64,
    /// Named by the export, but the file is not in it.
    #[ts(type = "number")]
    pub attachments_missing: u64,
    pub skipped: Vec<Skipped>,
    /// Odd things that were repaired on the way.
    pub notes: Vec<String>,
    pub took_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Skipped {
    /// 1-based place in the export.
    #[ts(type = "number")]
    pub position: u64,
    pub title: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct ExportReport {
    pub format: String,
    pub path: String,
    #[ts(type = "number")]
    pub conversations: u64,
    #[ts(type = "number")]
    pub messages: u64,
    #[ts(type = "number")]
    pub attachments: u64,
    /// Rows are exported, but the bytes are not on this machine.
    #[ts(type = "number")]
    pub attachments_missing: u64,
    #[ts(type = "number")]
    pub bytes: u64,
}
