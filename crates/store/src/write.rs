//! One transaction that writes. Everything that changes the mirror goes through here, so that rows, operations for the
//! server and the change number can never part.

use crate::{Commit, StoreError};
use airi_domain::{ConversationId, OwnerId};
use rusqlite::{Connection, Transaction};
use std::cell::Cell;
use std::collections::BTreeSet;

/// More conversations than this in one transaction are told as "many", and their views are counted later.
const NAMED_AT_MOST: usize = 64;

/// What an insert met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insert {
    /// The new row's key.
    New(i64),
    /// A row of that id was there and was left as it is.
    Existing(i64),
}

impl Insert {
    pub fn is_new(self) -> bool {
        matches!(self, Insert::New(_))
    }

    pub fn key(self) -> i64 {
        match self {
            Insert::New(key) | Insert::Existing(key) => key,
        }
    }
}

/// A transaction under way.
pub struct Writer<'a> {
    tx: Transaction<'a>,
    pub(crate) owner: OwnerId,
    start: i64,
    head: i64,
    touched: BTreeSet<i64>,
    many: bool,
    pub(crate) queued: bool,
    /// Whether something waits to be sent, and whether the mirror knows of rows that were erased: asked once, since a page
    /// of a thousand rows would ask it a thousand times.
    pub(crate) waits: Cell<Option<bool>>,
    pub(crate) erased: Cell<Option<bool>>,
    /// Whether any conversation stays on this device.
    pub(crate) stays: Cell<Option<bool>>,
}

impl<'a> Writer<'a> {
    pub(crate) fn begin(tx: Transaction<'a>, owner: OwnerId) -> Result<Writer<'a>, StoreError> {
        let head: i64 = tx.prepare_cached("select seq from head")?.query_row([], |row| row.get(0))?;
        // Another process may have joined an account since this one opened the library.
        let owner = match crate::meta::get(&tx, "owner")? {
            Some(text) => text.parse().unwrap_or(owner),
            None => OwnerId::LOCAL,
        };
        Ok(Writer {
            tx,
            owner,
            start: head,
            head,
            touched: BTreeSet::new(),
            many: false,
            queued: false,
            waits: Cell::new(None),
            erased: Cell::new(None),
            stays: Cell::new(None),
        })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.tx
    }

    /// False: the outbox is empty.
    pub(crate) fn something_waits(&self) -> Result<bool, StoreError> {
        self.once(&self.waits, "select exists (select 1 from outbox)")
    }

    /// False: the server has erased nothing that this mirror knows of.
    pub(crate) fn something_was_erased(&self) -> Result<bool, StoreError> {
        self.once(&self.erased, "select exists (select 1 from server_rows where table_name = 'tombstones')")
    }

    pub(crate) fn once(&self, known: &Cell<Option<bool>>, sql: &str) -> Result<bool, StoreError> {
        if let Some(known) = known.get() {
            return Ok(known);
        }
        let found = self.tx.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        known.set(Some(found));
        Ok(found)
    }

    /// Whose rows these are.
    pub fn owner(&self) -> OwnerId {
        self.owner
    }

    /// The number of the next change.
    pub(crate) fn next_seq(&mut self) -> i64 {
        self.head += 1;
        self.head
    }

    /// Notes that a conversation's rows changed in a way that only the window must know.
    pub(crate) fn touch(&mut self, conversation: i64) {
        if self.many {
            return;
        }
        self.touched.insert(conversation);
        if self.touched.len() > NAMED_AT_MOST {
            self.many = true;
            self.touched.clear();
        }
    }

    /// Notes that the view and the counters of a conversation must be worked out anew.
    pub(crate) fn mark_stale(&mut self, conversation: i64) -> Result<(), StoreError> {
        self.touch(conversation);
        self.tx
            .prepare_cached("update conversations set view_stale = 1 where id = ?1 and view_stale = 0")?
            .execute([conversation])?;
        Ok(())
    }

    /// Ends the transaction; None when nothing had changed.
    pub(crate) fn commit(mut self) -> Result<(Option<Commit>, OwnerId), StoreError> {
        if !self.many {
            for conversation in self.touched.clone() {
                self.refresh_if_stale(conversation)?;
            }
        }
        if self.head != self.start {
            self.tx.prepare_cached("update head set seq = ?1")?.execute([self.head])?;
        }
        let changed = self.head != self.start || self.many || !self.touched.is_empty() || self.queued;
        let (mut names, mut erased) = (Vec::new(), false);
        if !self.many {
            let mut statement = self.tx.prepare_cached("select uuid from conversations where id = ?1")?;
            for conversation in &self.touched {
                let mut rows = statement.query([conversation])?;
                match rows.next()? {
                    Some(row) => names.push(ConversationId(crate::rows::uuid(row, 0)?)),
                    // Erased: it has no name any more, so all lists are read anew.
                    None => erased = true,
                }
            }
        }
        let conversations = (!self.many && !erased).then_some(names);
        let commit = Commit { head: self.head, conversations, queued: self.queued };
        let owner = self.owner;
        self.tx.commit()?;
        Ok((changed.then_some(commit), owner))
    }
}
