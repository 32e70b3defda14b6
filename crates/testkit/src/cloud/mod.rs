//! A model of the account's server, in memory: docs/sync-protocol.md as plain data, for tests that need thousands of
//! servers. The contract suite holds it to the real one: the same calls get the same answers from both.
//!
//! It speaks through [`ModelRemote`] (the port of `airi-sync`) and [`PlainClient`] (another client at the tables). Nothing
//! in it waits, and nothing depends on the machine's clock or randomness.

mod apply;
mod columns;
mod plain;
mod read;
mod remote;
mod state;

pub use plain::{PlainClient, Refusal};
pub use remote::ModelRemote;
pub use state::Change;

use airi_domain::Time;
use apply::Outcome;
use columns::Table;
use serde_json::{Map, Value, json};
use state::{State, Tx};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

use airi_sync::{OpResult, OpStatus, PushAnswer};

/// The server. Clones are the same one.
#[derive(Debug, Clone)]
pub struct ModelCloud(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    state: State,
    history: Vec<Change>,
    now: Time,
    timelines: u32,
    /// Users whose sessions are not accepted just now.
    shut_out: BTreeSet<Uuid>,
    maintenance: Option<String>,
}

impl Inner {
    fn begin(&mut self, user: Uuid) -> Tx<'_> {
        Tx::begin(&mut self.state, &mut self.history, user, self.now)
    }
}

/// A backup: all that the database held at one moment.
#[derive(Debug, Clone)]
pub struct Moment(State);

impl ModelCloud {
    /// An empty server whose clock stands at `now`.
    pub fn new(now: Time) -> ModelCloud {
        let state = State { stored_epoch: "model:1".into(), timeline: 1, ..State::default() };
        ModelCloud(Arc::new(Mutex::new(Inner {
            state,
            history: Vec::new(),
            now,
            timelines: 1,
            shut_out: BTreeSet::new(),
            maintenance: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an account: its profile is its first row.
    pub fn add_user(&self, user: Uuid) {
        let given = Map::from_iter([("id".to_owned(), json!(user))]);
        let mut inner = self.lock();
        let now = inner.now;
        let Ok(fields) = plain::complete(&mut inner.state, Table::Profiles, &given, now) else { return };
        let mut tx = inner.begin(user);
        // A profile has nothing that a constraint could refuse.
        let _ = tx.insert(Table::Profiles, user, fields);
    }

    /// The port of sync, signed in as `user`.
    pub fn remote(&self, user: Uuid) -> ModelRemote {
        ModelRemote::new(self.clone(), user)
    }

    /// Another client, signed in as `user`.
    pub fn client(&self, user: Uuid) -> PlainClient {
        PlainClient::new(self.clone(), user)
    }

    /// Sets the server's clock.
    pub fn set_now(&self, now: Time) {
        self.lock().now = now;
    }

    /// A row of a table that is only read, as the service writes it.
    ///
    /// # Errors
    /// What a constraint refuses.
    pub fn serve(&self, user: Uuid, table: &str, row: &Map<String, Value>) -> Result<Uuid, Refusal> {
        let table = Table::named(table).ok_or_else(|| Refusal(format!("relation \"{table}\" does not exist")))?;
        self.transaction(user, |tx| {
            let mut fields = plain::complete(tx.state, table, row, tx.now)?;
            for (name, value) in row.iter().filter(|(name, _)| table.column(name).is_none()) {
                fields.insert(name.clone(), value.clone());
            }
            fields.insert("user_id".into(), json!(user));
            let id = fields.get("id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
            let id = id.ok_or_else(|| Refusal("null value in column \"id\"".into()))?;
            tx.insert(table, id, fields).map_err(Refusal)?;
            Ok(id)
        })
    }

    /// What a backup of this moment holds.
    pub fn moment(&self) -> Moment {
        Moment(self.lock().state.clone())
    }

    /// Point-in-time recovery: the rows of that moment, on a timeline of its own.
    pub fn restore(&self, moment: &Moment) {
        let mut inner = self.lock();
        inner.timelines += 1;
        let timeline = inner.timelines;
        inner.state = State { timeline, ..moment.0.clone() };
    }

    /// Somebody put an old copy of the files in place: the epoch is the same, the heads lie behind the cursors.
    pub fn exchange(&self, moment: &Moment) {
        self.lock().state = moment.0.clone();
    }

    /// Another stored epoch: every client compares all it holds.
    pub fn renew_epoch(&self) {
        let mut inner = self.lock();
        inner.state.stored_epoch.push('+');
    }

    /// Whether the user's sessions are accepted.
    pub fn set_access(&self, user: Uuid, allowed: bool) {
        let mut inner = self.lock();
        if allowed {
            inner.shut_out.remove(&user)
        } else {
            inner.shut_out.insert(user)
        };
    }

    /// The operator works on the server (Some: in these words), or has finished.
    pub fn set_maintenance(&self, words: Option<&str>) {
        self.lock().maintenance = words.map(str::to_owned);
    }

    /// A user's rows of a table as they travel, in order of id.
    pub fn rows(&self, user: Uuid, table: &str) -> Vec<Value> {
        self.lock().state.travelling(user, table).unwrap_or_default().into_iter().map(|(_, row)| row).collect()
    }

    /// Whose row it is; None: nobody's.
    pub fn owner_of(&self, table: &str, id: Uuid) -> Option<Uuid> {
        self.lock().state.row(Table::named(table)?, id).map(|row| row.owner)
    }

    /// The last number that the user's rows got.
    pub fn head(&self, user: Uuid) -> i64 {
        self.lock().state.head(user)
    }

    /// The bucket: paths and bytes.
    pub fn objects(&self) -> BTreeMap<String, Arc<Vec<u8>>> {
        self.lock().state.objects.clone()
    }

    /// The bucket's entry of a path is lost.
    pub fn drop_object(&self, path: &str) {
        self.lock().state.objects.remove(path);
    }

    /// Every change of the written tables since the beginning, in the order in which it arrived; restores undo none.
    pub fn history(&self) -> Vec<Change> {
        self.lock().history.clone()
    }

    fn transaction<T>(&self, user: Uuid, act: impl FnOnce(&mut Tx<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        // Rows are checked before they are written, so a refusal has changed nothing.
        act(&mut self.lock().begin(user))
    }

    /// `sync_push`.
    fn push(&self, user: Uuid, ops: &[Value]) -> PushAnswer {
        let mut inner = self.lock();
        let mut tx = inner.begin(user);
        let mut refused_lanes = BTreeSet::new();
        let mut results = Vec::new();
        for op in ops {
            let text = |name: &str| op.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
            let op_id = Uuid::parse_str(&text("op_id")).unwrap_or_default();
            let lane = if op.get("lane").is_some() { text("lane") } else { text("id") };
            let known = tx.state.operations.get(&(user, op_id)).cloned();
            let mut result = match known {
                Some(result) => result,
                None if refused_lanes.contains(&lane) => result_of(op_id, OpStatus::Skipped),
                None => {
                    let result = match apply::apply(&mut tx, op) {
                        Outcome::Applied(seq) => {
                            OpResult { change_seq: Some(seq), ..result_of(op_id, OpStatus::Applied) }
                        }
                        Outcome::Superseded(change_seq) => OpResult {
                            code: Some("superseded".into()),
                            change_seq,
                            ..result_of(op_id, OpStatus::Applied)
                        },
                        Outcome::Refused { code, message } => {
                            OpResult { code: Some(code.into()), message, ..result_of(op_id, OpStatus::Refused) }
                        }
                    };
                    tx.state.operations.insert((user, op_id), result.clone());
                    result
                }
            };
            if result.status == OpStatus::Refused {
                refused_lanes.insert(lane);
            }
            if result.code.as_deref() == Some("superseded") {
                // As it is now, also when the result is an old one.
                let named = Table::named(&text("table")).zip(Uuid::parse_str(&text("id")).ok());
                let row = named.and_then(|(table, id)| tx.state.row(table, id)).filter(|row| row.owner == user);
                result.row = row.map(state::Row::travelling);
            }
            results.push(result);
        }
        PushAnswer { epoch: inner.state.epoch(), rejoin: false, results }
    }
}

fn result_of(op_id: Uuid, status: OpStatus) -> OpResult {
    OpResult { op_id, status, code: None, message: None, change_seq: None, row: None }
}
