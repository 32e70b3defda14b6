//! Histories out: our own lossless JSON, alone or in a ZIP with the files, and Markdown and HTML of one conversation
//! for people to read.
//!
//! The JSON and the ZIP are canonical: the same rows give the same bytes, on every device and after an import. They say
//! nothing of when, by whom or from which profile they were made.

mod file_name;
mod html;
mod json;
mod markdown;
mod view;
mod zip_file;

pub use file_name::safe_file_name;
pub use html::html;
pub use json::JsonWriter;
pub use markdown::markdown;
pub use zip_file::{ZipSummary, export_zip, export_zip_with};

use airi_domain::{Attachment, Conversation, Message};
use std::io::{self, Read};

/// A conversation with all that belongs to it. Deleted rows are written if they are in it: leaving them out is the
/// caller's choice.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportConversation {
    pub conversation: Conversation,
    pub messages: Vec<Message>,
    pub attachments: Vec<Attachment>,
}

/// Where the bytes of attachments lie.
pub trait Assets {
    /// The bytes with that hash; None when they are not on this machine.
    fn open(&self, sha256: &str) -> io::Result<Option<Box<dyn Read>>>;
}

/// Why an export stopped. What was written so far is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("writing the export failed ({0}). Your data is unchanged. Check the disk's free space and try again.")]
    Write(#[from] io::Error),
    #[error("a conversation could not be read for the export ({0}). Your data is unchanged. Try again.")]
    Source(Box<dyn std::error::Error + Send + Sync>),
    #[error("the file {sha256} could not be read for the export ({source}). Your data is unchanged. Check the disk.")]
    Asset { sha256: String, source: io::Error },
}
