//! From the server into the mirror: the first snapshot, and then what changed.
//!
//! A page and the place it leads to are stored in one transaction, so a crash at any moment goes on where it was. A row
//! that cannot be stored is kept aside and counted; it never stops the rest, and an empty answer never deletes anything.
//! While a page is being stored, the next one is on its way.

use crate::ahead::Ahead;
use crate::engine::{Engine, SyncError};
use crate::plan::{PullStep, Standing, TABLES, Walk, bytes_needed, pull_step};
use crate::remote::{Failure, FailureClass, NamedRow, Remote};
use crate::rows::{WAITS_FOR_PARENT, store_or_park, take_in_waiting};
use airi_store::{OutboxKind, StoreError, WAITED_BEFORE};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

const PAGE: u32 = 1000;
/// Exchanges of the server that one pull follows: more of them are a server that contradicts itself, and would never end.
const EXCHANGES: u32 = 3;

pub(crate) const CURSOR: &str = "sync.cursor";
pub(crate) const WALK: &str = "sync.walk";

impl<R: Remote + 'static> Engine<R> {
    /// Brings the mirror to the server's present state.
    pub(crate) async fn pull_all(&mut self) -> Result<(), SyncError> {
        self.exchanges = 0;
        let standing: Option<Standing> = self.fact(CURSOR)?;
        let walk: Option<Walk> = self.fact(WALK)?;
        let mut standing = match (standing, walk) {
            (_, Some(walk)) => self.walk(walk).await?,
            (Some(standing), None) => standing,
            (None, None) => {
                let walk = self.first_walk().await?;
                self.walk(walk).await?
            }
        };
        let mut limit = PAGE;
        let mut ahead = None;
        loop {
            self.check_stop()?;
            let answer = match ahead.take() {
                Some(page) => Ahead::wait(page).await,
                None => self.remote.pull(&standing.epoch, standing.cursor, limit).await,
            };
            let Some(page) = self.sized(answer, &mut limit)? else { continue };
            match pull_step(&standing, &page).map_err(|why| SyncError::Protocol(why.into()))? {
                PullStep::Done => break,
                PullStep::Rejoin => {
                    let walk = self.begin_rejoin(page.epoch, page.head)?;
                    standing = self.walk(walk).await?;
                }
                PullStep::Store { standing: next, more } => {
                    standing = next;
                    if more {
                        let (remote, from) = (self.remote.clone(), standing.clone());
                        ahead = Some(Ahead::start(async move { remote.pull(&from.epoch, from.cursor, limit).await }));
                    }
                    let rows: Vec<NamedRow> = page.parents.into_iter().chain(page.rows).collect();
                    self.store_rows(rows, CURSOR, &to_text(&standing)?)?;
                    if !more {
                        break;
                    }
                }
            }
        }
        self.settle()
    }

    /// Looks at what there is to fetch, and takes the conversations last active, so that there is something to read while
    /// the walk runs.
    async fn first_walk(&mut self) -> Result<Walk, SyncError> {
        let hello = self.call_hello().await?;
        let preview = self.remote.preview().await;
        let preview = self.counted(preview)?;
        let total = preview.totals.values().filter_map(Value::as_u64).fold(0, u64::saturating_add);
        let needed = bytes_needed(&preview);
        if let Some(free) = (self.free_space)()
            && free < needed
        {
            return Err(SyncError::DiskTooSmall { needed, free });
        }
        let named = |table: &str, rows: Vec<Value>| {
            rows.into_iter().map(|row| NamedRow { table: table.to_owned(), row }).collect::<Vec<_>>()
        };
        let mut rows = named("conversations", preview.conversations);
        rows.extend(named("chat_messages", preview.chat_messages));
        rows.extend(named("message_attachments", preview.message_attachments));
        let walk = Walk::new(hello.epoch, hello.head, false, total);
        self.progress.total = total;
        self.store_rows(rows, WALK, &to_text(&walk)?)?;
        while self.store.write(|w| w.refresh_views(200))? > 0 {}
        Ok(walk)
    }

    /// The server was exchanged: everything that it had waits for word, and a walk begins.
    fn begin_rejoin(&mut self, epoch: String, head: i64) -> Result<Walk, SyncError> {
        self.exchanges += 1;
        if self.exchanges > EXCHANGES {
            return Err(Failure {
                class: FailureClass::Passing { retry_after: None },
                message:
                    "The server's answers contradict each other: it seems to be exchanged again and again. Nothing \
                          is lost; the next round asks again."
                        .into(),
            }
            .into());
        }
        let totals = self.store.read()?.totals()?;
        let walk = Walk::new(epoch, head, true, totals.conversations + totals.messages + totals.attachments);
        self.store.write(|w| -> Result<(), StoreError> {
            w.await_word()?;
            w.park_anew(WAITS_FOR_PARENT, WAITED_BEFORE)?;
            w.set_meta(CURSOR, None)?;
            w.set_meta(WALK, Some(&to_text(&walk)?))
        })?;
        Ok(walk)
    }

    /// An answer to a request for `limit` rows; None: it was too much at once, ask for the fewer that `limit` is now.
    fn sized<T>(&mut self, answer: Result<T, Failure>, limit: &mut u32) -> Result<Option<T>, SyncError> {
        match self.counted(answer) {
            Ok(page) => {
                *limit = (*limit * 2).min(PAGE);
                Ok(Some(page))
            }
            Err(SyncError::Remote(failure)) if matches!(failure.class, FailureClass::Smaller { .. }) && *limit > 1 => {
                *limit = (*limit / 2).max(1);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn walk(&mut self, mut walk: Walk) -> Result<Standing, SyncError> {
        let mut limit = PAGE;
        let mut ahead = None;
        while let Some(table) = walk.table() {
            self.check_stop()?;
            self.progress.done = walk.done;
            self.progress.total = walk.total.max(walk.done);
            let answer = match ahead.take() {
                Some(page) => Ahead::wait(page).await,
                None => self.remote.snapshot(table, walk.after, limit).await,
            };
            let Some(page) = self.sized(answer, &mut limit)? else { continue };
            if page.epoch != walk.epoch {
                // The server was exchanged under the walk: begin again. What was taken from the old one may be missing in
                // the new, so it waits for word like after a re-join.
                let hello = self.call_hello().await?;
                walk = self.begin_rejoin(hello.epoch, hello.head)?;
                continue;
            }
            let Some(next) = walk.past(&page) else {
                return Err(SyncError::Protocol("a page of the snapshot does not lead on".into()));
            };
            walk = next;
            if let Some(table) = walk.table() {
                let (remote, after) = (self.remote.clone(), walk.after);
                ahead = Some(Ahead::start(async move { remote.snapshot(table, after, limit).await }));
            }
            let rows = page.rows.into_iter().map(|row| NamedRow { table: table.to_owned(), row }).collect();
            self.store_rows(rows, WALK, &to_text(&walk)?)?;
        }
        let standing = walk.end();
        self.store.write(|w| -> Result<(), StoreError> {
            if walk.rejoin {
                w.bring_back_missing()?;
            }
            w.offer_files_again()?;
            w.set_meta(WALK, None)?;
            w.set_meta(CURSOR, Some(&to_text(&standing)?))
        })?;
        self.progress.done = walk.done;
        Ok(standing)
    }

    /// Stores a page and the place that it leads to, in one transaction.
    pub(crate) fn store_rows(&mut self, rows: Vec<NamedRow>, fact: &str, value: &str) -> Result<(), SyncError> {
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
            if parked.iter().any(|row| [WAITS_FOR_PARENT, WAITED_BEFORE].contains(&row.reason.as_str())) {
                self.store.write(|w| take_in_waiting(w, now))?;
            }
        }
        while self.store.write(|w| w.refresh_views(200))? > 0 {}
        Ok(())
    }

    /// Gives a change up and takes the server's row in its place; a new row that the server never had leaves the mirror.
    /// Asked first and stored together with the giving up, so that a broken line leaves both undone.
    pub(crate) async fn give_up(&mut self, op_id: Uuid) -> Result<(), SyncError> {
        let Some(entry) = self.store.write(|w| w.outbox_entry(op_id))? else {
            return Err(StoreError::NotFound { what: "The change", id: op_id.to_string() }.into());
        };
        let (table, id) = (entry.table.as_str(), entry.row_id);
        let theirs = self.fetch_row(table, id).await?;
        let now = (self.now)();
        self.store.write(|w| -> Result<(), StoreError> {
            w.discard(op_id)?;
            match theirs {
                Some(row) => {
                    store_or_park(w, table, &row, now)?;
                }
                None if entry.kind == OutboxKind::Insert => w.withdraw(&entry)?,
                None => {}
            }
            if entry.kind == OutboxKind::Delete {
                // All that hung on it is there as well: the comparison finds and fetches it.
                w.set_meta(crate::audit::AUDITED, None)?;
            }
            Ok(())
        })?;
        while self.store.write(|w| w.refresh_views(200))? > 0 {}
        Ok(())
    }

    /// Fetches the rows whose present form may be hidden here.
    pub(crate) async fn fetch_hidden(&mut self) -> Result<(), SyncError> {
        let due = self.store.read()?.refetch()?;
        if due.is_empty() {
            return Ok(());
        }
        for (table, id) in due {
            self.check_stop()?;
            let theirs = self.fetch_row(&table, id).await?;
            let now = (self.now)();
            self.store.write(|w| -> Result<(), StoreError> {
                match theirs {
                    Some(row) => {
                        store_or_park(w, &table, &row, now)?;
                    }
                    // Gone without a word that it was erased: that is a loss, and is made good.
                    None => {
                        w.send_row_again(&table, id)?;
                    }
                }
                w.set_refetch(&table, id, false)
            })?;
        }
        self.settle()
    }

    async fn fetch_row(&mut self, table: &str, id: Uuid) -> Result<Option<Value>, SyncError> {
        let before = id.as_u128().checked_sub(1).map(Uuid::from_u128);
        let page = self.remote.snapshot(table, before, 1).await;
        let page = self.counted(page)?;
        // A row from the other side of a restore may be an older form than the one that is here.
        self.check_epoch(&page.epoch)?;
        Ok(page.rows.into_iter().find(|row| crate::wire::row_id(row).is_ok_and(|found| found == id)))
    }
}

/// How far a walk under way has come, as the mirror notes it: rows done, rows in all.
pub(crate) fn walk_progress(text: &str) -> Option<(u64, u64)> {
    let walk: Walk = serde_json::from_str(text).ok()?;
    Some((walk.done, walk.total.max(walk.done)))
}

/// Whether a table of the protocol is known to this version.
pub(crate) fn is_known(table: &str) -> bool {
    TABLES.contains(&table)
}

pub(crate) fn to_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}
