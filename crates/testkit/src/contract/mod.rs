//! What any server of docs/sync-protocol.md answers, as cases written once: scripts of calls by two users and by another
//! client at their tables. [`play`] makes a script's transcript; the model's and the real server's must be the same, and
//! both must say what the case expects.
//!
//! A transcript has no trace of when or where it was made: users are A and B, numbers count from the case's beginning,
//! times that the server chose and the wording of its messages are left out.

mod cases;
mod model;
mod random;
mod transcript;

pub use cases::cases;
pub use model::ModelServer;
pub use random::random_case;
pub use transcript::{Transcript, play};

use airi_sync::Remote;
use serde_json::{Map, Value, json};
use std::future::Future;
use uuid::Uuid;

/// One of the two accounts of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    A,
    B,
}

/// A server with two accounts that have no rows yet.
pub trait Server {
    type Remote: Remote;

    /// The port, signed in.
    fn remote(&self, who: Who) -> &Self::Remote;

    fn user(&self, who: Who) -> Uuid;

    /// Another client inserts a row, as that user; whether it was let through.
    fn insert(&self, who: Who, table: &str, row: Map<String, Value>) -> impl Future<Output = bool>;

    /// Another client updates a row by its id; whether it was let through (also when no row was met).
    fn update(&self, who: Who, table: &str, id: Uuid, set: Map<String, Value>) -> impl Future<Output = bool>;

    /// Another client deletes a row by its id; whether it was let through (also when no row was met).
    fn delete(&self, who: Who, table: &str, id: Uuid) -> impl Future<Output = bool>;

    /// The service writes a row of a table that users only read.
    fn serve(&self, who: Who, table: &str, row: Map<String, Value>) -> impl Future<Output = bool>;
}

/// One call of a script.
#[derive(Debug, Clone)]
pub enum Call {
    /// Operations without their `op_id`: it is `1000 * push + place`, or the number in `"op"`. Numbers in `held` and
    /// `base_seq` count from the case's beginning.
    Push(Who, Vec<Value>),
    Insert(Who, &'static str, Value),
    Update(Who, &'static str, Uuid, Value),
    Delete(Who, &'static str, Uuid),
    Serve(Who, &'static str, Value),
    /// A whole table in pages of so many rows.
    Snapshot(Who, &'static str, u32),
    /// Everything from the beginning, in pages of so many rows.
    Pull(Who, u32),
    /// A pull from beyond the head, and one of another epoch.
    Rejoin(Who),
    Preview(Who),
    Audit(Who, &'static str),
    Upload(Who, String, &'static [u8]),
    /// With the hash of these bytes.
    Download(Who, String, &'static [u8]),
    Stored(Who, String),
}

/// A script, and what its transcript must say somewhere, in this order.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub calls: Vec<Call>,
    pub expected: Vec<&'static str>,
}

impl Case {
    /// Which expectation the transcript does not meet; None: it meets all.
    pub fn unmet(&self, transcript: &Transcript) -> Option<&'static str> {
        let mut lines = transcript.lines.iter();
        self.expected.iter().find(|wanted| !lines.any(|line| line.contains(**wanted))).copied()
    }
}

/// The `n`-th id of a case: no two cases of a database share any.
pub fn id(case: u64, n: u64) -> Uuid {
    Uuid::from_u128(0x0ca5_0000_0000_4000_8000_0000_0000_0000 | u128::from(case) << 24 | u128::from(n))
}

fn op(kind: &str, table: &str, id: Uuid, lane: Uuid, data: Value) -> Value {
    let mut op = json!({ "kind": kind, "table": table, "id": id, "lane": lane, "base_seq": 0 });
    if let Value::Object(fields) = &mut op {
        match kind {
            "insert" => fields.insert("row".into(), data),
            "patch" => fields.insert("set".into(), data),
            _ => None,
        };
    }
    op
}

fn with(mut op: Value, field: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut op {
        fields.insert(field.to_owned(), value);
    }
    op
}
