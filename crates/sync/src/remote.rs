//! The port to the server: what sync asks of it, in the protocol's own shapes (docs/sync-protocol.md).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::future::Future;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// Try again later, for ever; the server may have said when.
    Passing { retry_after: Option<Duration> },
    /// Send less at once.
    /// `passing`: it was the server's state (a time-out, a lock) and not the size alone; then also a single one is tried
    /// again for ever.
    Smaller { passing: bool },
    /// The session has ended.
    SignInAgain,
    /// The server lacks our migrations: wait, with a plain message.
    Parked,
    /// The server is being worked on: wait, with the operator's words.
    Maintenance,
    /// This account may not write at the moment: wait, with the server's words.
    Suspended,
    /// A file came that is not the one it should be.
    WrongContent,
    /// Asking again will not help.
    Permanent,
}

/// A call that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub class: FailureClass,
    /// For people: what happened, what it means for their data, what to do.
    pub message: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Hello {
    pub epoch: String,
    pub head: i64,
    pub schema: i64,
    /// What was added within the protocol's version.
    #[serde(default = "first_revision")]
    pub revision: i64,
    pub user_id: Uuid,
}

fn first_revision() -> i64 {
    1
}

#[derive(Debug, Clone, Deserialize)]
pub struct SnapshotPage {
    pub epoch: String,
    pub rows: Vec<Value>,
    pub has_more: bool,
    pub next: Option<Uuid>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Preview {
    pub epoch: String,
    #[serde(default)]
    pub totals: Map<String, Value>,
    #[serde(default)]
    pub conversations: Vec<Value>,
    #[serde(default)]
    pub chat_messages: Vec<Value>,
    #[serde(default)]
    pub message_attachments: Vec<Value>,
}

/// Where pulling has come to, within one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PullCursor {
    pub seq: i64,
    pub rank: i64,
    pub id: Uuid,
}

#[derive(Debug, Clone, Deserialize)]
pub struct NamedRow {
    pub table: String,
    pub row: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PullPage {
    pub epoch: String,
    pub head: i64,
    /// The epoch is another one, or the head lies below the cursor: take a snapshot anew.
    #[serde(default)]
    pub rejoin: bool,
    #[serde(default)]
    pub rows: Vec<NamedRow>,
    #[serde(default)]
    pub parents: Vec<NamedRow>,
    #[serde(default)]
    pub next: Option<PullCursor>,
    #[serde(default)]
    pub has_more: bool,
}

/// An operation as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Op {
    pub op_id: Uuid,
    pub lane: Uuid,
    pub table: String,
    pub id: Uuid,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub row: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub set: Option<Value>,
    pub base_seq: i64,
    /// Brings back what a restore lost: the number that this form of the row had.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpStatus {
    Applied,
    Refused,
    /// An earlier operation of its lane was refused.
    Skipped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpResult {
    pub op_id: Uuid,
    pub status: OpStatus,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub change_seq: Option<i64>,
    /// With `superseded`: the row as the server has it; None: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PushAnswer {
    pub epoch: String,
    /// The epoch is another one: nothing was applied; take a snapshot anew.
    #[serde(default)]
    pub rejoin: bool,
    pub results: Vec<OpResult>,
}

/// Up to a thousand rows of one table, told by their count and a hash of their ids and numbers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AuditRange {
    /// The last id of the range; it begins after the one before it.
    pub upto: Uuid,
    pub count: u64,
    /// 16 hexadecimal digits.
    pub hash: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct AuditPage {
    pub epoch: String,
    pub head: i64,
    pub ranges: Vec<AuditRange>,
    pub has_more: bool,
    #[serde(default)]
    pub next: Option<Uuid>,
}

/// The server.
pub trait Remote: Send + Sync {
    fn hello(&self) -> impl Future<Output = Result<Hello, Failure>> + Send;

    fn preview(&self) -> impl Future<Output = Result<Preview, Failure>> + Send;

    fn snapshot(
        &self,
        table: &str,
        after: Option<Uuid>,
        limit: u32,
    ) -> impl Future<Output = Result<SnapshotPage, Failure>> + Send;

    fn pull(
        &self,
        epoch: &str,
        cursor: PullCursor,
        limit: u32,
    ) -> impl Future<Output = Result<PullPage, Failure>> + Send;

    /// `epoch`: the one that the mirror stands in; in another one nothing is applied.
    fn push(&self, device: Uuid, epoch: &str, ops: &[Op]) -> impl Future<Output = Result<PushAnswer, Failure>> + Send;

    fn audit(
        &self,
        table: &str,
        after: Option<Uuid>,
        ranges: u32,
    ) -> impl Future<Output = Result<AuditPage, Failure>> + Send;

    /// Puts a file at a path of the bucket; one that is there already counts as done. `note`: a file in which an upload in
    /// parts keeps its place on the server, so that it goes on after a restart.
    fn upload(
        &self,
        path: &str,
        file: &Path,
        mime_type: Option<&str>,
        note: &Path,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Writes an object of the bucket to `to`, going on where an earlier try ended. With a hash the content must have it,
    /// and exactly `size` bytes where that is known; without one `size` is the most that is taken.
    fn download(
        &self,
        path: &str,
        to: &Path,
        sha256: Option<&str>,
        size: Option<u64>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The size in bytes of an object of the bucket; None: it is not there.
    fn stored(&self, path: &str) -> impl Future<Output = Result<Option<u64>, Failure>> + Send;
}
