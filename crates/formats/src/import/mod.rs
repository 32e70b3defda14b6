//! Histories that users bring: ChatGPT and Claude exports and our own, each as a JSON file, the ZIP as downloaded, or
//! the folder that it unpacks to.
//!
//! [`Archive::open`] measures and detects, [`Archive::read`] hands out one conversation after the other in bounded
//! memory, [`Archive::open_asset`] gives the bytes of a file. Ids are derived from (owner, source, external id), so the
//! same archive gives the same rows on every device. Nothing is written here: the caller stages what it gets and rolls
//! back when an [`ImportError`] comes.

mod airi;
mod archive;
mod chatgpt;
mod chatgpt_content;
mod claude;
mod container;
mod error;
mod fields;
mod layout;
mod limits;
mod marks;
mod split;
mod tree;
mod zip_entries;

pub use archive::{Archive, Estimate, Progress, ReadSummary};
pub use error::ImportError;
pub use limits::Limits;

use airi_domain::{Attachment, Conversation, Message};
use std::fmt;
use std::str::FromStr;

/// What the caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Auto,
    ChatGpt,
    Claude,
    Airi,
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a format (one of: auto, chatgpt, claude, airi)")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Format, UnknownFormat> {
        match text {
            "auto" => Ok(Format::Auto),
            "chatgpt" => Ok(Format::ChatGpt),
            "claude" => Ok(Format::Claude),
            "airi" => Ok(Format::Airi),
            other => Err(UnknownFormat(error::shown(other))),
        }
    }
}

impl Format {
    pub(crate) fn source(self) -> Option<Source> {
        match self {
            Format::Auto => None,
            Format::ChatGpt => Some(Source::ChatGpt),
            Format::Claude => Some(Source::Claude),
            Format::Airi => Some(Source::Airi),
        }
    }
}

/// Where a history comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    ChatGpt,
    Claude,
    Airi,
}

impl Source {
    /// `chatgpt`, `claude` or `airi`: also what ids are derived with and what `metadata.source` says.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::ChatGpt => "chatgpt",
            Source::Claude => "claude",
            Source::Airi => "airi",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One element of the export.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Conversation(Box<ImportedConversation>),
    Unreadable(Unreadable),
}

/// A conversation that is valid JSON but cannot be understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// 1-based place in the whole export.
    pub position: u64,
    pub title: Option<String>,
    /// A sentence for the report.
    pub reason: String,
    /// Its JSON (only the beginning, when it is over [`Limits::max_conversation_bytes`]).
    pub raw: String,
}

/// A conversation in the form that the mirror holds; every row has passed through `fit_…`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedConversation {
    pub source: Source,
    /// What the source calls it.
    pub external_id: String,
    pub conversation: Conversation,
    /// In order of (created_at, id).
    pub messages: Vec<Message>,
    /// In order of (created_at, id).
    pub attachments: Vec<ImportedAttachment>,
    /// What was odd and repaired (cycles, missing parents), for the report.
    pub notes: Vec<String>,
}

/// A file that hangs on a message.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedAttachment {
    /// `sha256` is known from AIRI exports only: whoever stores the bytes sets (or, for AIRI, compares) it.
    pub attachment: Attachment,
    /// None: the export names the file but does not hold it.
    pub asset: Option<AssetRef>,
}

/// A file inside the archive that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRef {
    /// Its entry: for messages only, no path is made of it.
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub(crate) entry: usize,
}
