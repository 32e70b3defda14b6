//! The outbox: changes that the server does not have yet, one lane per conversation, in the order they were made.
//!
//! An operation keeps its id until the server has answered for it, so sending it again takes effect once.

use crate::{Reader, StoreError, Writer, rows};
use airi_domain::{ConversationId, OwnerId, Patch, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxTable {
    Conversations,
    Messages,
    Attachments,
}

impl OutboxTable {
    /// The server's name of the table.
    pub fn as_str(self) -> &'static str {
        match self {
            OutboxTable::Conversations => "conversations",
            OutboxTable::Messages => "chat_messages",
            OutboxTable::Attachments => "message_attachments",
        }
    }

    /// The mirror's name of it.
    pub(crate) fn local(self) -> &'static str {
        match self {
            OutboxTable::Conversations => "conversations",
            OutboxTable::Messages => "messages",
            OutboxTable::Attachments => "attachments",
        }
    }

    /// By the server's name; None for a table that is only read.
    pub(crate) fn named(name: &str) -> Option<OutboxTable> {
        [OutboxTable::Conversations, OutboxTable::Messages, OutboxTable::Attachments]
            .into_iter()
            .find(|table| table.as_str() == name)
    }

    fn from_name(name: &str) -> OutboxTable {
        match name {
            "conversations" => OutboxTable::Conversations,
            "chat_messages" => OutboxTable::Messages,
            _ => OutboxTable::Attachments,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxKind {
    Insert,
    Patch,
    Delete,
}

impl OutboxKind {
    pub fn as_str(self) -> &'static str {
        match self {
            OutboxKind::Insert => "insert",
            OutboxKind::Patch => "patch",
            OutboxKind::Delete => "delete",
        }
    }
}

/// One operation that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// Order of entry.
    pub key: i64,
    pub op_id: Uuid,
    pub lane: ConversationId,
    pub table: OutboxTable,
    pub row_id: Uuid,
    pub kind: OutboxKind,
    /// The changed fields of a patch.
    pub patch: Option<Patch>,
    pub base_seq: i64,
    /// It brings back what a restore of the server lost: the number that this form of the row had.
    pub held: Option<i64>,
    /// Refused by the server: it and its lane wait for the user.
    pub wedged: bool,
    pub attempts: i64,
    pub error_code: Option<String>,
    pub error: Option<String>,
    pub created_at: Time,
}

const COLUMNS: &str = "id, op_id, lane, table_name, row_id, kind, patch, base_seq, state, attempts, error_code, error, \
     created_at, held";

fn entry(row: &Row<'_>) -> rusqlite::Result<OutboxEntry> {
    let table: String = row.get(3)?;
    let kind: String = row.get(5)?;
    let patch: Option<String> = row.get(6)?;
    let state: String = row.get(8)?;
    Ok(OutboxEntry {
        key: row.get(0)?,
        op_id: rows::uuid(row, 1)?,
        lane: ConversationId(rows::uuid(row, 2)?),
        table: OutboxTable::from_name(&table),
        row_id: rows::uuid(row, 4)?,
        kind: match kind.as_str() {
            "insert" => OutboxKind::Insert,
            "patch" => OutboxKind::Patch,
            _ => OutboxKind::Delete,
        },
        patch: patch.and_then(|text| serde_json::from_str(&text).ok()),
        base_seq: row.get(7)?,
        wedged: state == "wedged",
        attempts: row.get(9)?,
        error_code: row.get(10)?,
        error: row.get(11)?,
        created_at: rows::time(row, 12)?,
        held: row.get(13)?,
    })
}

fn find(connection: &Connection, op_id: Uuid) -> Result<Option<OutboxEntry>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("select {COLUMNS} from outbox where op_id = ?1"))?;
    Ok(statement.query_row([op_id.as_bytes().as_slice()], entry).optional()?)
}

impl Reader {
    /// Everything that waits, in order, at most `limit`.
    pub fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut statement =
            self.connection().prepare_cached(&format!("select {COLUMNS} from outbox order by id limit ?1"))?;
        Ok(statement.query_map([limit], entry)?.collect::<Result<_, _>>()?)
    }

    /// What the server refused, in order, at most `limit`.
    pub fn refused(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached(&format!("select {COLUMNS} from outbox where state = 'wedged' order by id limit ?1"))?;
        Ok(statement.query_map([limit], entry)?.collect::<Result<_, _>>()?)
    }

    /// One operation.
    pub fn outbox_entry(&self, op_id: Uuid) -> Result<Option<OutboxEntry>, StoreError> {
        find(self.connection(), op_id)
    }

    /// The same change as this one, perhaps under another id: what waits behind a row that is brought back is given a new one.
    pub fn same_change(&self, as_one: &OutboxEntry) -> Result<Option<OutboxEntry>, StoreError> {
        let same = |other: &OutboxEntry| other.kind == as_one.kind && other.patch == as_one.patch;
        let mut statement =
            self.connection().prepare_cached(&format!("select {COLUMNS} from outbox where row_id = ?1 order by id"))?;
        let entries = statement.query_map([as_one.row_id.as_bytes().as_slice()], entry)?;
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let found =
            entries.iter().find(|other| other.op_id == as_one.op_id).or_else(|| entries.iter().find(|e| same(e)));
        Ok(found.cloned())
    }

    /// How many operations of a lane come after the one with that key.
    pub fn waiting_behind(&self, lane: ConversationId, key: i64) -> Result<u64, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select count(*) from outbox where lane = ?1 and id > ?2")?;
        Ok(statement.query_row(params![lane.0.as_bytes().as_slice(), key], |row| row.get(0))?)
    }

    /// What may be sent now, in order: lanes behind a refused operation are left out; a refused file holds up only what is
    /// about that file. `after` is the key of the last
    /// operation that was already taken.
    pub fn sendable(&self, after: i64, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut statement = self.connection().prepare_cached(&format!(
            "select {COLUMNS} from outbox o where id > ?1 and state = 'pending' and lane not in \
             (select lane from outbox where state = 'wedged' and table_name <> 'message_attachments') and row_id not in \
             (select row_id from outbox where state = 'wedged' and table_name = 'message_attachments') \
             order by id limit ?2"
        ))?;
        Ok(statement.query_map(params![after, limit], entry)?.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// One operation.
    pub fn outbox_entry(&self, op_id: Uuid) -> Result<Option<OutboxEntry>, StoreError> {
        find(self.connection(), op_id)
    }

    pub(crate) fn enqueue(
        &mut self,
        lane: ConversationId,
        table: OutboxTable,
        row: Uuid,
        kind: OutboxKind,
        patch: Option<&Patch>,
        base_seq: i64,
    ) -> Result<(), StoreError> {
        if let (OutboxKind::Patch, Some(patch)) = (kind, patch) {
            self.mend(row, patch)?;
        }
        self.put(lane, table, row, kind, patch, base_seq, None)
    }

    /// A row to be made again on the server, in a form that had that number.
    pub(crate) fn enqueue_held(
        &mut self,
        lane: ConversationId,
        table: OutboxTable,
        row: Uuid,
        held: Option<i64>,
    ) -> Result<(), StoreError> {
        self.put(lane, table, row, OutboxKind::Insert, None, 0, held)
    }

    /// A change of a row whose change was refused mends that one: a refused insert is sent again, with the row as it is now;
    /// a refused patch without the values that the new one replaces, if anything is left of it. Under a new id, since the
    /// server has recorded its answer to the old one.
    fn mend(&mut self, row: Uuid, patch: &Patch) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(&format!(
            "select {COLUMNS} from outbox where row_id = ?1 and state = 'wedged' and kind in ('insert', 'patch')"
        ))?;
        let refused =
            statement.query_map([row.as_bytes().as_slice()], entry)?.collect::<Result<Vec<OutboxEntry>, _>>()?;
        drop(statement);
        for refused in refused {
            if refused.kind == OutboxKind::Patch {
                let left = airi_domain::without_replaced(refused.patch.unwrap_or_default(), patch);
                if left.is_empty() {
                    self.connection().prepare_cached("delete from outbox where id = ?1")?.execute([refused.key])?;
                    continue;
                }
                self.connection()
                    .prepare_cached("update outbox set patch = ?2 where id = ?1")?
                    .execute(params![refused.key, airi_domain::canonical_json(&Value::Object(left))])?;
            }
            self.retry(refused.op_id)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one row of the outbox, column by column")]
    fn put(
        &mut self,
        lane: ConversationId,
        table: OutboxTable,
        row: Uuid,
        kind: OutboxKind,
        patch: Option<&Patch>,
        base_seq: i64,
        held: Option<i64>,
    ) -> Result<(), StoreError> {
        if self.owner == OwnerId::LOCAL || self.stays(lane)? {
            return Ok(());
        }
        let patch = patch.map(|patch| airi_domain::canonical_json(&Value::Object(patch.clone())));
        let op_id = Uuid::now_v7();
        self.connection()
            .prepare_cached(
                "insert into outbox (op_id, lane, table_name, row_id, kind, patch, base_seq, held, created_at) \
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, cast(unixepoch('subsec') * 1000000 as integer))",
            )?
            .execute(params![
                op_id.as_bytes().as_slice(),
                lane.0.as_bytes().as_slice(),
                table.as_str(),
                row.as_bytes().as_slice(),
                kind.as_str(),
                patch,
                base_seq,
                held,
            ])?;
        self.queued = true;
        self.waits.set(Some(true));
        Ok(())
    }

    /// The server has it: the operation leaves the outbox and the row notes the server's number.
    pub fn acknowledge(&mut self, op_id: Uuid, change_seq: Option<i64>) -> Result<(), StoreError> {
        let Some(entry) = find(self.connection(), op_id)? else { return Ok(()) };
        self.connection().prepare_cached("delete from outbox where id = ?1")?.execute([entry.key])?;
        if entry.kind != OutboxKind::Delete {
            self.connection()
                .prepare_cached(&format!(
                    "update {} set server_seq = max(coalesce(server_seq, 0), ?2), held_seq = null where uuid = ?1",
                    entry.table.local()
                ))?
                .execute(params![entry.row_id.as_bytes().as_slice(), change_seq.unwrap_or(0)])?;
        }
        if let Some(key) = crate::conversations::key_of(self.connection(), entry.lane)? {
            self.touch(key);
        }
        Ok(())
    }

    /// The server refused it: it stands in view, its lane waits, all else goes on.
    pub fn wedge(&mut self, op_id: Uuid, code: &str, message: &str) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "update outbox set state = 'wedged', error_code = ?2, error = ?3, attempts = attempts + 1 where op_id = ?1",
            )?
            .execute(params![op_id.as_bytes().as_slice(), code, message])?;
        self.queued = true;
        Ok(())
    }

    /// A whole call was refused, as it seems for the sake of this operation. From the `patience`th time on it is refused
    /// like [`Writer::wedge`] does it; whether it is now.
    pub fn suspect(&mut self, op_id: Uuid, patience: i64, code: &str, message: &str) -> Result<bool, StoreError> {
        let tries: Option<i64> = self
            .connection()
            .prepare_cached("update outbox set attempts = attempts + 1 where op_id = ?1 returning attempts")?
            .query_row([op_id.as_bytes().as_slice()], |row| row.get(0))
            .optional()?;
        if tries.is_none_or(|tries| tries < patience) {
            return Ok(false);
        }
        self.connection()
            .prepare_cached("update outbox set attempts = attempts - 1 where op_id = ?1")?
            .execute([op_id.as_bytes().as_slice()])?;
        self.wedge(op_id, code, message)?;
        Ok(true)
    }

    /// Sends a refused operation again, under a new id (the server has recorded its answer to the old one).
    pub fn retry(&mut self, op_id: Uuid) -> Result<(), StoreError> {
        let changed = self
            .connection()
            .prepare_cached(
                "update outbox set state = 'pending', error_code = null, error = null, op_id = ?2 where op_id = ?1",
            )?
            .execute(params![op_id.as_bytes().as_slice(), Uuid::now_v7().as_bytes().as_slice()])?;
        if changed == 0 {
            return Err(StoreError::NotFound { what: "The change", id: op_id.to_string() });
        }
        self.queued = true;
        Ok(())
    }

    /// Gives an operation up. The row it changed is fetched anew: the caller lowers the cursor or pulls the row.
    pub fn discard(&mut self, op_id: Uuid) -> Result<OutboxEntry, StoreError> {
        let Some(entry) = find(self.connection(), op_id)? else {
            return Err(StoreError::NotFound { what: "The change", id: op_id.to_string() });
        };
        self.connection().prepare_cached("delete from outbox where id = ?1")?.execute([entry.key])?;
        self.queued = true;
        Ok(entry)
    }

    /// The patches of a row that wait to be sent, in order.
    pub(crate) fn waiting_patches(&self, row: Uuid) -> Result<Vec<Patch>, StoreError> {
        if !self.something_waits()? {
            return Ok(Vec::new());
        }
        let mut statement = self
            .connection()
            .prepare_cached("select patch from outbox where row_id = ?1 and kind = 'patch' order by id")?;
        let texts = statement.query_map([row.as_bytes().as_slice()], |row| row.get::<_, Option<String>>(0))?;
        let mut patches = Vec::new();
        for text in texts {
            if let Some(patch) = text?.and_then(|text| serde_json::from_str(&text).ok()) {
                patches.push(patch);
            }
        }
        Ok(patches)
    }
}
