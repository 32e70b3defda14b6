//! From the server into the mirror: the first snapshot, and then what changed.
//!
//! A page and the place it leads to are stored in one transaction, so a crash at any moment goes on where it was. A row
//! that cannot be stored is kept aside and counted; it never stops the rest, and an empty answer never deletes anything.

use crate::engine::{Engine, SyncError};
use crate::remote::{Failure, FailureClass, NamedRow, PullCursor, Remote};
use crate::wire;
use airi_domain::Time;
use airi_store::{StoreError, Writer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The tables in the order in which parents come before their children; the place is the protocol's rank less one.
const TABLES: [&str; 9] = [
    "user_profiles",
    "conversations",
    "chat_messages",
    "message_attachments",
    "usage_logs",
    "usage_daily_aggregates",
    "subscription_history",
    "payment_history",
    "tombstones",
];
const PAGE: u32 = 1000;
const WAITS_FOR_PARENT: &str = "it waits for the row it belongs to";

/// Where the mirror stands with the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub epoch: String,
    #[serde(flatten)]
    pub cursor: PullCursor,
}

/// A snapshot under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    epoch: String,
    head: i64,
    /// The place in [`TABLES`] that it has come to.
    table: usize,
    after: Option<Uuid>,
    /// After a change of epoch: what the server lacks is brought back at the end.
    rejoin: bool,
}

pub(crate) const CURSOR: &str = "sync.cursor";
const WALK: &str = "sync.walk";

impl<R: Remote> Engine<R> {
    /// Brings the mirror to the server's present state.
    pub(crate) async fn pull_all(&mut self) -> Result<(), SyncError> {
        let standing: Option<Standing> = self.fact(CURSOR)?;
        let walk: Option<Walk> = self.fact(WALK)?;
        let mut standing = match (standing, walk) {
            (_, Some(walk)) => self.walk(walk).await?,
            (Some(standing), None) => standing,
            (None, None) => {
                let hello = self.call_hello().await?;
                let walk = Walk { epoch: hello.epoch, head: hello.head, table: 0, after: None, rejoin: false };
                self.preview().await?;
                self.store_fact(WALK, &walk)?;
                self.walk(walk).await?
            }
        };
        let mut limit = PAGE;
        loop {
            let answer = self.remote.pull(&standing.epoch, standing.cursor, limit).await;
            let Some(page) = self.sized(answer, &mut limit)? else { continue };
            if page.rejoin {
                let walk = Walk { epoch: page.epoch, head: page.head, table: 0, after: None, rejoin: true };
                self.store.write(|w| -> Result<(), StoreError> {
                    w.await_word()?;
                    w.set_meta(CURSOR, None)?;
                    w.set_meta(WALK, Some(&to_text(&walk)?))
                })?;
                standing = self.walk(walk).await?;
                continue;
            }
            let done = !page.has_more;
            if !page.rows.is_empty() {
                let Some(next) = page.next else {
                    return Err(SyncError::Protocol("a page of changes did not say where it ends".into()));
                };
                if next <= standing.cursor {
                    return Err(SyncError::Protocol("the server's cursor does not move on".into()));
                }
                standing = Standing { epoch: page.epoch, cursor: next };
                let rows: Vec<NamedRow> = page.parents.into_iter().chain(page.rows).collect();
                self.store_rows(rows, CURSOR, &to_text(&standing)?)?;
            }
            if done {
                break;
            }
        }
        self.settle()
    }

    /// The conversations last active, so that there is something to read while the walk runs.
    async fn preview(&mut self) -> Result<(), SyncError> {
        let preview = self.counted(self.remote.preview().await)?;
        self.totals = preview.totals.values().filter_map(Value::as_u64).sum();
        let named = |table: &str, rows: Vec<Value>| {
            rows.into_iter().map(|row| NamedRow { table: table.to_owned(), row }).collect::<Vec<_>>()
        };
        let mut rows = named("conversations", preview.conversations);
        rows.extend(named("chat_messages", preview.chat_messages));
        rows.extend(named("message_attachments", preview.message_attachments));
        self.store_rows(rows, "sync.previewed", "1")
    }

    /// An answer to a request for `limit` rows; None: it was too much at once, ask for the fewer that `limit` is now.
    fn sized<T>(&mut self, answer: Result<T, Failure>, limit: &mut u32) -> Result<Option<T>, SyncError> {
        match self.counted(answer) {
            Ok(page) => {
                *limit = (*limit * 2).min(PAGE);
                Ok(Some(page))
            }
            Err(SyncError::Remote(failure)) if failure.class == FailureClass::Smaller && *limit > 1 => {
                *limit = (*limit / 2).max(1);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Every row of the account, by table and id: an order that no change can move a row out of.
    async fn walk(&mut self, mut walk: Walk) -> Result<Standing, SyncError> {
        let mut limit = PAGE;
        // Only a device that brings rows back must know what was erased meanwhile.
        while walk.table < if walk.rejoin { TABLES.len() } else { TABLES.len() - 1 } {
            let table = TABLES[walk.table];
            let answer = self.remote.snapshot(table, walk.after, limit).await;
            let Some(page) = self.sized(answer, &mut limit)? else { continue };
            if page.epoch != walk.epoch {
                // The server was exchanged under the walk: begin again.
                let hello = self.call_hello().await?;
                // What was taken from the old one may be missing in the new: it waits for word like after a re-join.
                walk = Walk { epoch: hello.epoch, head: hello.head, table: 0, after: None, rejoin: true };
                self.store.write(|w| -> Result<(), StoreError> {
                    w.await_word()?;
                    w.set_meta(WALK, Some(&to_text(&walk)?))
                })?;
                continue;
            }
            let rows: Vec<NamedRow> =
                page.rows.into_iter().map(|row| NamedRow { table: table.to_owned(), row }).collect();
            match (page.has_more, page.next) {
                (true, Some(next)) if walk.after.is_none_or(|after| next > after) => walk.after = Some(next),
                (true, _) => return Err(SyncError::Protocol("a page of the snapshot does not lead on".into())),
                (false, _) => (walk.table, walk.after) = (walk.table + 1, None),
            }
            self.store_rows(rows, WALK, &to_text(&walk)?)?;
        }
        let end = PullCursor { seq: walk.head, rank: TABLES.len() as i64, id: Uuid::max() };
        let standing = Standing { epoch: walk.epoch, cursor: end };
        self.store.write(|w| -> Result<(), StoreError> {
            if walk.rejoin {
                w.bring_back_missing()?;
            }
            w.set_meta(WALK, None)?;
            w.set_meta(CURSOR, Some(&to_text(&standing)?))
        })?;
        Ok(standing)
    }

    /// Stores a page and the place that it leads to, in one transaction.
    fn store_rows(&mut self, rows: Vec<NamedRow>, fact: &str, value: &str) -> Result<(), SyncError> {
        let now = (self.now)();
        let count = rows.len() as u64;
        let parked = self.store.write(|w| -> Result<u64, StoreError> {
            let mut parked = 0;
            for NamedRow { table, row } in rows {
                parked += u64::from(!store_or_park(w, &table, &row, now)?);
            }
            w.set_meta(fact, Some(value))?;
            Ok(parked)
        })?;
        self.report.pulled += count;
        self.report.parked += parked;
        self.tell();
        Ok(())
    }

    /// After a pull: rows whose parent has come meanwhile are taken in, and the views are worked out.
    fn settle(&mut self) -> Result<(), SyncError> {
        let now = (self.now)();
        if self.report.pulled > 0 {
            let parked = self.store.read()?.parked()?;
            let waiting: Vec<_> = parked.into_iter().filter(|row| row.reason == WAITS_FOR_PARENT).collect();
            if !waiting.is_empty() {
                self.store.write(|w| -> Result<(), StoreError> {
                    for row in waiting {
                        let Ok(value) = serde_json::from_str::<Value>(&row.row) else { continue };
                        store_or_park(w, &row.table, &value, now)?;
                    }
                    Ok(())
                })?;
            }
        }
        while self.store.write(|w| w.refresh_views(200))? > 0 {}
        Ok(())
    }

    /// Fetches one row again, as the server has it now: after its change was given up.
    /// Asked first and stored together with the giving up, so that a broken line leaves both undone.
    pub(crate) async fn give_up(&mut self, op_id: Uuid, table: &str, id: Uuid) -> Result<(), SyncError> {
        let before = id.as_u128().checked_sub(1).map(Uuid::from_u128);
        let page = self.counted(self.remote.snapshot(table, before, 1).await)?;
        let rows = page.rows.into_iter().filter(|row| wire::row_id(row).is_ok_and(|found| found == id));
        let rows: Vec<Value> = rows.collect();
        let now = (self.now)();
        self.store.write(|w| -> Result<(), StoreError> {
            w.discard(op_id)?;
            for row in rows {
                store_or_park(w, table, &row, now)?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn to_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}

/// False when the row was kept aside.
fn store_or_park(w: &mut Writer<'_>, table: &str, row: &Value, now: Time) -> Result<bool, StoreError> {
    let reason = match store_row(w, table, row) {
        Ok(true) => {
            // An older form of it that lay aside has nothing more to say.
            if let Some(id) = row.get("id").and_then(Value::as_str) {
                w.unpark(table, id)?;
            }
            return Ok(true);
        }
        Ok(false) => WAITS_FOR_PARENT.to_owned(),
        Err(RowError::Unreadable(reason)) => reason,
        // What is wrong with one row is that row's; what is wrong with the disk is everybody's.
        Err(RowError::Store(error @ (StoreError::Sqlite(_) | StoreError::Invalid(_) | StoreError::Patch(_)))) => {
            error.to_string()
        }
        Err(RowError::Store(error)) => return Err(error),
    };
    let id = row.get("id").and_then(Value::as_str).unwrap_or("?").to_owned();
    w.park(table, &id, &reason, row, now)?;
    Ok(false)
}

enum RowError {
    Unreadable(String),
    Store(StoreError),
}

impl From<StoreError> for RowError {
    fn from(error: StoreError) -> RowError {
        RowError::Store(error)
    }
}

impl From<String> for RowError {
    fn from(reason: String) -> RowError {
        RowError::Unreadable(reason)
    }
}

/// False when its parent is not here.
fn store_row(w: &mut Writer<'_>, table: &str, row: &Value) -> Result<bool, RowError> {
    wire::check_owner(table, row, w.owner())?;
    let id = wire::row_id(row)?;
    let seq = wire::change_seq(row);
    match table {
        "conversations" => {
            w.pull_conversation(wire::read_conversation(row)?, seq)?;
            Ok(true)
        }
        "chat_messages" => Ok(w.pull_message(wire::read_message(row)?, seq)?),
        "message_attachments" => Ok(w.pull_attachment(wire::read_attachment(row)?, seq)?),
        "tombstones" => {
            let table = row.get("table_name").and_then(Value::as_str).ok_or("it names no table".to_owned())?;
            let erased = row.get("row_id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
            w.pull_tombstone(table, erased.ok_or("it names no row".to_owned())?, seq)?;
            Ok(true)
        }
        name if TABLES.contains(&name) => {
            w.pull_server_row(name, id, seq, row)?;
            Ok(true)
        }
        other => Err(RowError::Unreadable(format!("the table '{other}' is not known to this version"))),
    }
}
