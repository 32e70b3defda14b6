//! The mirror: the user's conversations in SQLite.
//!
//! One writer, read-only pooled readers (WAL): a long read never holds up a save, and nothing outside this crate can
//! write. A user's act is one transaction: the rows, the operations for the server (when the profile has an account)
//! and the number of the change, which the index and the window follow. Listeners hear of it after the commit.

mod attachments;
mod contents;
mod conversations;
mod error;
mod files;
mod gallery;
mod incoming;
mod keep;
mod lists;
mod messages;
mod meta;
mod migrate;
mod numbers;
mod only_here;
mod outbox;
mod pool;
mod recount;
mod rejoin;
mod rekey;
mod replies;
mod rows;
mod server_rows;
mod thread;
mod usage;
mod view;
mod write;

pub use contents::{Content, FileFault, Upload};
pub use conversations::ConversationRecord;
pub use error::StoreError;
pub use files::{Files, StoredFile};
pub use gallery::{FilePlace, GalleryCounts, GalleryRow};
pub use incoming::{Claim, Staged};
pub use lists::{List, ListCursor, ListPage};
pub use messages::{IndexRow, MessageRecord};
pub use migrate::SCHEMA_VERSION;
pub use outbox::{OutboxEntry, OutboxKind, OutboxTable};
pub use pool::{Commit, Reader, Store};
pub use recount::Totals;
pub use replies::UnfinishedReply;
pub use server_rows::{ParkedRow, WAITED_BEFORE};
pub use thread::{Place, ThreadSlice, ViewRow};
pub use usage::{Served, UsageGroup, UsageLine};
pub use write::{Insert, Writer};
