//! Rows that are only pulled, rows that could not be stored, and what the server erased.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::{Reader, StoreError, Writer, conversations, messages};
use airi_domain::{AttachmentId, ConversationId, MessageId, Time, canonical_json};
use rusqlite::params;
use serde_json::Value;
use uuid::Uuid;

/// A row of the server that could not be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkedRow {
    pub table: String,
    pub id: String,
    pub reason: String,
    pub row: String,
}

impl Reader {
    /// The pulled rows of one read-only table, as the server sent them.
    pub fn server_rows(&self, table: &str) -> Result<Vec<Value>, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select row from server_rows where table_name = ?1 order by id")?;
        let rows = statement.query_map([table], |row| row.get::<_, String>(0))?;
        rows.map(|text| serde_json::from_str(&text?).map_err(|error| StoreError::Invalid(error.to_string()))).collect()
    }

    /// What lies aside.
    pub fn parked(&self) -> Result<Vec<ParkedRow>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("select table_name, id, reason, row from parked order by table_name, id")?;
        let rows = statement.query_map([], |row| {
            Ok(ParkedRow { table: row.get(0)?, id: row.get(1)?, reason: row.get(2)?, row: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// Stores a row of a table that is only read.
    pub fn pull_server_row(&mut self, table: &str, id: Uuid, seq: i64, row: &Value) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "insert into server_rows values (?1, ?2, ?3, ?4) \
                 on conflict do update set server_seq = ?3, row = ?4",
            )?
            .execute(params![table, id.as_bytes().as_slice(), seq, canonical_json(row)])?;
        Ok(())
    }

    /// Keeps a row aside that could not be stored, with the reason.
    pub fn park(&mut self, table: &str, id: &str, reason: &str, row: &Value, now: Time) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "insert into parked values (?1, ?2, ?3, ?4, ?5) on conflict do update set reason = ?3, row = ?4",
            )?
            .execute(params![table, id, reason, canonical_json(row), now.micros()])?;
        Ok(())
    }

    /// Keeps a conversation of an import that could not be understood, whole, under a key of its own.
    pub fn keep_unreadable(&mut self, key: &str, reason: &str, raw: &Value) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "insert into unreadable_imports values (?1, ?2, ?3, cast(unixepoch('subsec') * 1000000 as integer)) \
                 on conflict do nothing",
            )?
            .execute(params![key, reason, canonical_json(raw)])?;
        Ok(())
    }

    /// A row that lay aside was stored after all.
    pub fn unpark(&mut self, table: &str, id: &str) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("delete from parked where table_name = ?1 and id = ?2")?
            .execute(params![table, id])?;
        Ok(())
    }

    /// The server erased a row for good: it leaves the mirror, with what waits to be sent of it.
    ///
    /// A tombstone older than the row is of an earlier row with that id (an import gives the same ids again): the row, and
    /// one that waits to be made again, stays.
    pub fn pull_tombstone(&mut self, table: &str, id: Uuid, change_seq: i64) -> Result<(), StoreError> {
        if self.lives_after(table, id, change_seq)? {
            return Ok(());
        }
        self.connection()
            .prepare_cached("delete from outbox where row_id = ?1")?
            .execute([id.as_bytes().as_slice()])?;
        match table {
            "conversations" => {
                self.connection()
                    .prepare_cached("delete from outbox where lane = ?1")?
                    .execute([id.as_bytes().as_slice()])?;
                if let Some(key) = conversations::key_of(self.connection(), ConversationId(id))? {
                    self.forget_conversation(key)?;
                }
            }
            "chat_messages" => {
                if let Some(old) = messages::find(self.connection(), MessageId(id))? {
                    self.forget_message(old.key, old.conversation_key)?;
                }
            }
            "message_attachments" => self.forget_attachment(AttachmentId(id))?,
            _ => {
                self.connection()
                    .prepare_cached("delete from server_rows where table_name = ?1 and id = ?2")?
                    .execute(params![table, id.as_bytes().as_slice()])?;
            }
        }
        Ok(())
    }

    fn lives_after(&self, table: &str, id: Uuid, change_seq: i64) -> Result<bool, StoreError> {
        let waits: bool = self
            .connection()
            .prepare_cached("select exists (select 1 from outbox where row_id = ?1 and kind = 'insert')")?
            .query_row([id.as_bytes().as_slice()], |row| row.get(0))?;
        let local = match table {
            "conversations" => "conversations",
            "chat_messages" => "messages",
            "message_attachments" => "attachments",
            _ => return Ok(false),
        };
        let newer: bool = self
            .connection()
            .prepare_cached(&format!("select exists (select 1 from {local} where uuid = ?1 and server_seq > ?2)"))?
            .query_row(params![id.as_bytes().as_slice(), change_seq], |row| row.get(0))?;
        let known: bool = self
            .connection()
            .prepare_cached(&format!(
                "select exists (select 1 from {local} where uuid = ?1 and server_seq is not null)"
            ))?
            .query_row([id.as_bytes().as_slice()], |row| row.get(0))?;
        Ok(newer || (waits && !known))
    }

    /// Before a re-join: every row that the server once had waits for word whether it still has it.
    pub fn await_word(&mut self) -> Result<(), StoreError> {
        for table in ["conversations", "messages", "attachments"] {
            self.connection()
                .execute(&format!("update {table} set server_seq = -1 where server_seq is not null"), [])?;
        }
        Ok(())
    }

    /// After a re-join's snapshot: what the server lacks is queued to be brought back, parents before children.
    pub fn bring_back_missing(&mut self) -> Result<u64, StoreError> {
        let wanted = [
            (
                OutboxTable::Conversations,
                "select uuid, uuid from conversations where server_seq = -1 order by created_at, uuid",
            ),
            (
                OutboxTable::Messages,
                "select m.uuid, c.uuid from messages m join conversations c on c.id = m.conversation_id \
                 where m.server_seq = -1 order by m.created_at, m.uuid",
            ),
            (
                OutboxTable::Attachments,
                "select a.uuid, c.uuid from attachments a join messages m on m.id = a.message_id \
                 join conversations c on c.id = m.conversation_id where a.server_seq = -1 order by a.created_at, a.uuid",
            ),
        ];
        let mut count = 0;
        let mut lanes = std::collections::BTreeSet::new();
        let last: i64 = self.connection().query_row("select coalesce(max(id), 0) from outbox", [], |row| row.get(0))?;
        for (table, sql) in wanted {
            let mut statement = self.connection().prepare(sql)?;
            let rows = statement
                .query_map([], |row| Ok((crate::rows::uuid(row, 0)?, crate::rows::uuid(row, 1)?)))?
                .collect::<Result<Vec<_>, _>>()?;
            drop(statement);
            for (row, lane) in rows {
                let queued: bool = self
                    .connection()
                    .prepare_cached("select exists (select 1 from outbox where row_id = ?1 and kind = 'insert')")?
                    .query_row([row.as_bytes().as_slice()], |row| row.get(0))?;
                if !queued {
                    self.enqueue(ConversationId(lane), table, row, OutboxKind::Insert, None, 0)?;
                    lanes.insert(lane);
                    count += 1;
                }
            }
        }
        // What already waited in these lanes speaks of rows that come back first: it goes behind them, under new ids.
        for lane in lanes {
            let mut statement =
                self.connection().prepare_cached("select id from outbox where lane = ?1 and id <= ?2 order by id")?;
            let behind = statement
                .query_map(params![lane.as_bytes().as_slice(), last], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            drop(statement);
            for id in behind {
                self.connection()
                    .prepare_cached(
                        "insert into outbox (op_id, lane, table_name, row_id, kind, patch, base_seq, created_at) \
                         select ?2, lane, table_name, row_id, kind, patch, 0, created_at from outbox where id = ?1",
                    )?
                    .execute(params![id, Uuid::now_v7().as_bytes().as_slice()])?;
                self.connection().prepare_cached("delete from outbox where id = ?1")?.execute([id])?;
            }
        }
        for table in ["conversations", "messages", "attachments"] {
            self.connection().execute(&format!("update {table} set server_seq = null where server_seq = -1"), [])?;
        }
        Ok(count)
    }
}
