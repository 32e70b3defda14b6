//! Backups: copies of a whole profile, and what becomes of them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A backup: what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BackupRow {
    /// Its folder.
    pub path: String,
    pub made_at: String,
    /// The profile it was made of.
    pub profile: String,
    /// E-mail and server of the account; null: a profile without one.
    pub account: Option<String>,
    #[ts(type = "number")]
    pub conversations: u64,
    #[ts(type = "number")]
    pub messages: u64,
    #[ts(type = "number")]
    pub files: u64,
    /// Files of the library whose bytes were not on this computer then (they are on the server, or nobody has them).
    #[ts(type = "number")]
    pub files_missing: u64,
    /// Bytes of the mirror and the files. What several backups share lies on the disk once.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// What a restore did. The profile in use before is untouched and still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RestoreReport {
    pub backup: BackupRow,
    /// The new profile with the backup's content; null: the backup was only looked at.
    pub profile: Option<String>,
    /// The profile that was in use before.
    pub before: String,
    /// Changes in it that were never sent to its account's server, and so are in no other place.
    #[ts(type = "number")]
    pub unsent_before: u64,
    /// One or two sentences for people: what to do now.
    pub message: String,
}
