//! A file that hangs on a message. Its bytes lie under their hash, never under its name.

use crate::{AttachmentId, MessageId, OwnerId, Time, empty_object};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One attachment. Field names are those of the server's table `message_attachments`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub id: AttachmentId,
    pub message_id: MessageId,
    /// Display text only: no path is ever made of it.
    pub file_name: String,
    #[serde(default)]
    pub file_type: Option<String>,
    /// Bytes.
    #[serde(default)]
    pub file_size: Option<i64>,
    /// Where the server's bucket has it; empty while it was never uploaded or nobody has the bytes.
    #[serde(default)]
    pub storage_path: String,
    /// Lower-case hex of the SHA-256 of its bytes; None when nobody has the bytes. On the server in `metadata.sha256`.
    #[serde(default)]
    pub sha256: Option<String>,
    #[serde(default)]
    pub mime_type: Option<String>,
    #[serde(default)]
    pub width: Option<i64>,
    #[serde(default)]
    pub height: Option<i64>,
    #[serde(default)]
    pub duration_seconds: Option<i64>,
    #[serde(default = "empty_object")]
    pub metadata: Value,
    pub created_at: Time,
}

impl Attachment {
    /// A file of which only the name is known, with every default.
    pub fn new(id: AttachmentId, message_id: MessageId, file_name: String, created_at: Time) -> Attachment {
        Attachment {
            id,
            message_id,
            file_name,
            file_type: None,
            file_size: None,
            storage_path: String::new(),
            sha256: None,
            mime_type: None,
            width: None,
            height: None,
            duration_seconds: None,
            metadata: empty_object(),
            created_at,
        }
    }
}

/// The most bytes that one file may have: what the server's bucket takes (supabase/migrations/013).
pub const MAX_FILE_BYTES: u64 = 200 * 1024 * 1024;

/// 64 lower-case hex digits: the only thing that a file path in our store is ever made of.
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Where the bytes lie in the server's bucket: in the owner's folder, under their hash.
pub fn storage_path_for(owner: OwnerId, sha256: &str) -> String {
    format!("{owner}/{sha256}")
}
