//! Histories in and out: imports of ChatGPT, Claude and our own exports, exports as JSON, ZIP, Markdown and HTML, and
//! the one renderer that turns a message's Markdown into safe HTML.
//!
//! What comes in is untrusted: every reader here is bounded in time, depth and memory, and nothing that content names
//! is ever fetched. `docs/export-format.md` describes our own format.

pub mod export;
pub mod import;
pub mod render;

/// What `format` says in our own export.
pub const EXPORT_FORMAT: &str = "airi-export";
/// What `version` says in our own export. A reader refuses higher ones.
pub const EXPORT_VERSION: u64 = 1;
/// The folder of a ZIP export that holds the files, each under the hash of its bytes.
pub const EXPORT_FILES: &str = "files";
/// The JSON inside a ZIP export.
pub const EXPORT_JSON: &str = "conversations.json";
