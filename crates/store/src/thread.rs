//! Pages of the branch in view, by place: a page costs the same in a thread of ten and of a hundred thousand.

use crate::rows::MESSAGE_COLUMNS;
use crate::{MessageRecord, Reader, StoreError, rows};
use airi_domain::{Message, MessageId};
use rusqlite::{OptionalExtension, Row, params};

/// A place on the branch in view: the number of the shown message, and 1, 2, … for hidden ones after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub position: i64,
    pub sub: i64,
}

/// A message on the branch in view.
#[derive(Debug, Clone)]
pub struct ViewRow {
    pub record: MessageRecord,
    pub place: Place,
    /// The siblings where the thread forks here, in order of time, this message included; empty where it does not.
    pub siblings: Vec<MessageId>,
}

/// A page of the branch in view, oldest first.
#[derive(Debug, Clone)]
pub struct ThreadSlice {
    pub rows: Vec<ViewRow>,
    /// Shown messages in the whole view.
    pub shown: u64,
    /// Hidden messages in the whole view.
    pub hidden: u64,
}

fn row(row: &Row<'_>) -> rusqlite::Result<(MessageRecord, Place, Option<i64>)> {
    let record = MessageRecord {
        key: row.get(0)?,
        message: rows::message(row)?,
        server_seq: row.get(23)?,
        conversation_key: row.get(24)?,
    };
    Ok((record, Place { position: row.get(25)?, sub: row.get(26)? }, row.get(27)?))
}

impl Reader {
    /// The place of a message on the branch in view; None when it is on another branch, deleted, or not here.
    pub fn place_of(&self, message: MessageId) -> Result<Option<Place>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("select view_pos, view_sub from messages where uuid = ?1 and view_pos is not null")?;
        let found = statement
            .query_row([message.0.as_bytes().as_slice()], |row| Ok(Place { position: row.get(0)?, sub: row.get(1)? }));
        Ok(found.optional()?)
    }

    /// At most `limit` messages from `from` on (inclusive), oldest first.
    pub fn thread_from(
        &self,
        conversation: i64,
        from: Place,
        limit: usize,
        with_hidden: bool,
    ) -> Result<ThreadSlice, StoreError> {
        self.slice(conversation, "(m.view_pos, m.view_sub) >= (?2, ?3)", "asc", from, limit, with_hidden)
    }

    /// The last `limit` messages before `before` (exclusive), oldest first.
    pub fn thread_before(
        &self,
        conversation: i64,
        before: Place,
        limit: usize,
        with_hidden: bool,
    ) -> Result<ThreadSlice, StoreError> {
        self.slice(conversation, "(m.view_pos, m.view_sub) < (?2, ?3)", "desc", before, limit, with_hidden)
    }

    fn slice(
        &self,
        conversation: i64,
        bound: &str,
        order: &str,
        place: Place,
        limit: usize,
        with_hidden: bool,
    ) -> Result<ThreadSlice, StoreError> {
        let shown_only = if with_hidden { "" } else { "and m.view_sub = 0 and m.view_pos > 0" };
        let sql = format!(
            "select {MESSAGE_COLUMNS}, m.view_pos, m.view_sub, m.fork from messages m indexed by messages_in_view \
             join conversations c on c.id = m.conversation_id \
             where m.conversation_id = ?1 and m.view_pos is not null and {bound} {shown_only} \
             order by m.view_pos {order}, m.view_sub {order} limit ?4"
        );
        let mut statement = self.connection().prepare_cached(&sql)?;
        let found = statement.query_map(params![conversation, place.position, place.sub, limit], row)?;
        let mut rows = Vec::new();
        for found in found {
            let (record, place, fork) = found?;
            let siblings = match fork {
                Some(fork) => self.siblings(conversation, fork)?,
                None => Vec::new(),
            };
            rows.push(ViewRow { record, place, siblings });
        }
        if order == "desc" {
            rows.reverse();
        }
        let shown: Option<i64> = self
            .connection()
            .prepare_cached(
                "select max(view_pos) from messages indexed by messages_in_view \
                 where conversation_id = ?1 and view_pos is not null",
            )?
            .query_row([conversation], |row| row.get(0))?;
        let hidden: i64 = self
            .connection()
            .prepare_cached("select hidden_count from conversations where id = ?1")?
            .query_row([conversation], |row| row.get(0))?;
        Ok(ThreadSlice { rows, shown: shown.unwrap_or(0) as u64, hidden: hidden as u64 })
    }

    /// Every message of the branch in view, oldest first, one after the other: none but the one looked at is in memory.
    pub fn each_in_view(
        &self,
        conversation: i64,
        with_hidden: bool,
        mut look: impl FnMut(&Message),
    ) -> Result<(), StoreError> {
        let shown_only = if with_hidden { "" } else { "and m.view_sub = 0 and m.view_pos > 0" };
        let sql = format!(
            "select {MESSAGE_COLUMNS} from messages m indexed by messages_in_view \
             join conversations c on c.id = m.conversation_id \
             where m.conversation_id = ?1 and m.view_pos is not null {shown_only} order by m.view_pos, m.view_sub"
        );
        let mut statement = self.connection().prepare_cached(&sql)?;
        let mut found = statement.query([conversation])?;
        while let Some(row) = found.next()? {
            look(&rows::message(row)?);
        }
        Ok(())
    }

    fn siblings(&self, conversation: i64, fork: i64) -> Result<Vec<MessageId>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select uuid from messages where conversation_id = ?1 and fork = ?2 order by created_at, uuid",
        )?;
        let ids = statement.query_map([conversation, fork], |row| Ok(MessageId(rows::uuid(row, 0)?)))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// How many messages of the view, shown and hidden, stand before a place.
    pub fn shown_before(&self, conversation: i64, place: Place) -> Result<u64, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select count(*) from messages indexed by messages_in_view where conversation_id = ?1 \
             and view_pos is not null and (view_pos, view_sub) < (?2, ?3)",
        )?;
        let count: i64 = statement.query_row(params![conversation, place.position, place.sub], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// The place of the n-th (0-based) message of the view, hidden ones counted.
    pub fn place_at(&self, conversation: i64, n: u64) -> Result<Option<Place>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select view_pos, view_sub from messages indexed by messages_in_view where conversation_id = ?1 \
             and view_pos is not null order by view_pos, view_sub limit 1 offset ?2",
        )?;
        let found =
            statement.query_row(params![conversation, n], |row| Ok(Place { position: row.get(0)?, sub: row.get(1)? }));
        Ok(found.optional()?)
    }

    /// The newest message on the branch in view, shown or hidden: what a new message answers.
    pub fn leaf(&self, conversation: i64) -> Result<Option<MessageId>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select uuid from messages where conversation_id = ?1 and view_pos is not null \
             order by view_pos desc, view_sub desc limit 1",
        )?;
        Ok(statement.query_row([conversation], |row| Ok(MessageId(rows::uuid(row, 0)?))).optional()?)
    }
}
