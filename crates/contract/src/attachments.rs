//! Files on messages: taking one in, getting one that is not on this machine, and how much may lie here.

use crate::AttachmentRow;
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
    /// Pasted.
    Bytes { name: String, base64: String },
    /// Dropped on the window: the ticket of the event `drag`.
    Dropped { ticket: String },
}

impl std::fmt::Debug for AttachSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AttachSource::Dialogue => f.write_str("Dialogue"),
            AttachSource::Bytes { name, base64 } => write!(f, "Bytes({name:?}, {} characters)", base64.len()),
            AttachSource::Dropped { .. } => f.write_str("Dropped"),
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

/// A page of a conversation's files, all branches, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct GalleryRequest {
    pub conversation_id: String,
    #[serde(default)]
    pub only: GalleryOnly,
    /// The page begins after this file; none: with the newest.
    #[serde(default)]
    #[ts(optional)]
    pub after: Option<GalleryPlace>,
    /// 1 to 500.
    pub limit: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum GalleryOnly {
    #[default]
    All,
    /// What is shown as a picture.
    Pictures,
    /// Everything else.
    Files,
}

/// A file's place in the gallery, also when it is not there any more.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct GalleryPlace {
    pub created_at: String,
    pub id: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GalleryPage {
    pub files: Vec<GalleryFile>,
    /// How many files the conversation has, whatever `only` says.
    #[ts(type = "number")]
    pub total: u64,
    /// Of these, pictures.
    #[ts(type = "number")]
    pub pictures: u64,
    /// Whether all files of the conversation stay on this machine.
    pub keep: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GalleryFile {
    #[serde(flatten)]
    pub row: AttachmentRow,
    /// Of the message: user, assistant, …
    pub role: String,
    pub model_id: Option<String>,
    /// True: it stays on this machine whatever the settings say; false: it goes until it is asked for; null: as the
    /// settings say.
    pub keep: Option<bool>,
    /// Why its bytes could not be had, or were not taken by the server.
    pub problem: Option<String>,
}

/// What is to stay on this machine.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeepFilesRequest {
    /// Of an attachment, or of a conversation: then of all its files, those still to come included.
    pub id: String,
    /// False, for an attachment: it goes until it is asked for; for a conversation: the settings decide again.
    pub keep: bool,
}

/// Files that are held over the window, or let go on it. Event name: `drag`. Places are of the page, in its pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Drag {
    Over {
        x: f64,
        y: f64,
    },
    /// What is held are exports of histories, as far as they were looked at.
    Archives,
    Left,
    Dropped {
        x: f64,
        y: f64,
        items: Vec<DroppedItem>,
        /// All of it are exports of histories.
        archives: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DroppedItem {
    pub name: String,
    /// To show, and to import from.
    pub path: String,
    #[ts(type = "number")]
    pub size: u64,
    /// Attaches it, and nothing else; null when it cannot be attached.
    pub ticket: Option<String>,
    /// Why not.
    pub refusal: Option<DropRefusal>,
    /// Whether it looks like a picture that can be shown.
    pub picture: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DropRefusal {
    Folder,
    Empty,
    TooLarge,
    /// Gone, not to be read, or no file at all.
    Unreadable,
}
