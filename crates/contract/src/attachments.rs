//! Files on messages: taking one in, getting one that is not on this machine, and how much may lie here.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A file for a message.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AttachRequest {
    pub conversation_id: String,
    /// None: a new message of the user at the end of the branch in view.
    #[serde(default)]
    #[ts(optional)]
    pub message_id: Option<String>,
    pub source: AttachSource,
}

/// Where the bytes come from. The page never names a path: it could name any.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AttachSource {
    /// The operating system's file dialogue asks.
    Dialogue,
    /// Dropped or pasted.
    Bytes { name: String, base64: String },
}

impl std::fmt::Debug for AttachSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AttachSource::Dialogue => f.write_str("Dialogue"),
            AttachSource::Bytes { name, base64 } => write!(f, "Bytes({name:?}, {} characters)", base64.len()),
        }
    }
}

/// Which files of the account lie on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct FileSettings {
    pub keep_offline: KeepOffline,
    /// At most so many MiB on the disk; what only this device has, or is still to be sent, stays above it too.
    pub disk_bound_mb: u32,
}

impl Default for FileSettings {
    fn default() -> Self {
        FileSettings { keep_offline: KeepOffline::All, disk_bound_mb: 5 * 1024 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeepOffline {
    /// All that fit, the newest first.
    All,
    /// Those attached or opened within the last 30 days.
    Recent,
    /// Only what is opened.
    OnDemand,
}

/// How the files of the profile stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FilesReport {
    pub keep_offline: KeepOffline,
    pub disk_bound_mb: u32,
    /// Contents on this machine; equal files count once.
    #[ts(type = "number")]
    pub here: u64,
    #[ts(type = "number")]
    pub here_bytes: u64,
    /// Of these, still to be sent.
    #[ts(type = "number")]
    pub waiting: u64,
    /// Only on the server.
    #[ts(type = "number")]
    pub remote: u64,
    /// As far as rows tell their sizes.
    #[ts(type = "number")]
    pub remote_bytes: u64,
    /// What the mirror and its index take beside the files.
    #[ts(type = "number")]
    pub library_bytes: u64,
}
