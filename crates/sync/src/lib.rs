//! Sync: the mirror and the account's rows on the server brought into step, both ways.
//!
//! `plan` and `wire` decide and are pure; `pull`, `push` and `transfer` execute; `engine` is one round of all of it. The
//! server is behind the [`Remote`] port, spoken to as docs/sync-protocol.md says.

mod ahead;
mod audit;
mod disk;
mod engine;
mod plan;
mod pull;
mod push;
mod remote;
mod rows;
mod transfer;
mod wire;

pub use audit::Audit;
pub use disk::{DiskPolicy, Keep};
pub use engine::{Engine, Progress, RoundReport, SyncError};
pub use plan::Backoff;
pub use remote::{
    AuditPage, AuditRange, Failure, FailureClass, Hello, NamedRow, Op, OpResult, OpStatus, Preview, PullCursor,
    PullPage, PushAnswer, Remote, SnapshotPage,
};
pub use transfer::{Fetched, TransferReport, Transfers};
