//! Rows that are only pulled, rows that could not be stored, and what the server erased.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::{Reader, StoreError, Writer, conversations, messages};
use airi_domain::{AttachmentId, ConversationId, MessageId, Time, canonical_json};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use uuid::Uuid;

/// Under this name the mirror keeps what the server erased: the row's id, the tombstone's number, the table.
const ERASED: &str = "tombstones";

/// Why a row lies aside that waits for its parent since before the server was exchanged. The server of now has given no word
/// of it, so it is none of that server's rows.
pub const WAITED_BEFORE: &str = "it waits for the row it belongs to, from before the server was exchanged";

/// A row of the server that could not be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkedRow {
    pub table: String,
    pub id: String,
    pub reason: String,
    pub row: String,
}

fn parked(connection: &Connection) -> Result<Vec<ParkedRow>, StoreError> {
    let mut statement =
        connection.prepare_cached("select table_name, id, reason, row from parked order by table_name, id")?;
    let rows = statement.query_map([], |row| {
        Ok(ParkedRow { table: row.get(0)?, id: row.get(1)?, reason: row.get(2)?, row: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Reader {
    /// Rows to be fetched again, by table.
    pub fn refetch(&self) -> Result<Vec<(String, Uuid)>, StoreError> {
        let mut statement = self.connection().prepare_cached("select table_name, row_id from refetch")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, crate::rows::uuid(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The pulled rows of one read-only table, as the server sent them.
    pub fn server_rows(&self, table: &str) -> Result<Vec<Value>, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select row from server_rows where table_name = ?1 order by id")?;
        let rows = statement.query_map([table], |row| row.get::<_, String>(0))?;
        rows.map(|text| serde_json::from_str(&text?).map_err(|error| StoreError::Invalid(error.to_string()))).collect()
    }

    /// What lies aside.
    pub fn parked(&self) -> Result<Vec<ParkedRow>, StoreError> {
        parked(self.connection())
    }
}

impl Writer<'_> {
    /// What lies aside, as this transaction sees it.
    pub fn parked(&self) -> Result<Vec<ParkedRow>, StoreError> {
        parked(self.connection())
    }

    /// Gives another reason to all that lies aside for one.
    pub fn park_anew(&mut self, reason: &str, now: &str) -> Result<(), StoreError> {
        self.connection().execute("update parked set reason = ?2 where reason = ?1", [reason, now])?;
        Ok(())
    }

    /// Notes whether a row must be fetched again.
    pub fn set_refetch(&mut self, table: &str, id: Uuid, due: bool) -> Result<(), StoreError> {
        let sql = if due {
            "insert into refetch values (?1, ?2) on conflict do nothing"
        } else {
            "delete from refetch where table_name = ?1 and row_id = ?2"
        };
        self.connection().prepare_cached(sql)?.execute(params![table, id.as_bytes().as_slice()])?;
        Ok(())
    }

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

    /// A row that lay aside was stored after all, or is no more. Whether it lay there.
    pub fn unpark(&mut self, table: &str, id: &str) -> Result<bool, StoreError> {
        let gone = self
            .connection()
            .prepare_cached("delete from parked where table_name = ?1 and id = ?2")?
            .execute(params![table, id])?;
        Ok(gone > 0)
    }

    /// The server erased a row for good: it leaves the mirror, with what waits to be sent of it.
    ///
    /// A tombstone older than the row is of an earlier row with that id (an import gives the same ids again): the row, and
    /// one that waits to be made again, stays.
    pub fn pull_tombstone(&mut self, table: &str, id: Uuid, change_seq: i64) -> Result<(), StoreError> {
        // Kept, so that neither a late answer nor a restore of the server to before the erasing brings the row back.
        self.pull_server_row(ERASED, id, change_seq, &Value::String(table.to_owned()))?;
        self.erased.set(Some(true));
        if self.lives_after(table, id, change_seq)? {
            return self.erase_earlier(table, id, change_seq);
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
                self.connection()
                    .prepare_cached(
                        "delete from outbox where row_id in (select a.uuid from attachments a join messages m \
                         on m.id = a.message_id where m.uuid = ?1)",
                    )?
                    .execute([id.as_bytes().as_slice()])?;
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

    /// Whether a row that the server sends is erased for good here: its erasing waits to be sent, or it was erased later
    /// than in that form and a restore of the server brought it back; then it is erased there again.
    pub(crate) fn stays_erased(
        &mut self,
        lane: ConversationId,
        table: OutboxTable,
        id: Uuid,
        change_seq: i64,
    ) -> Result<bool, StoreError> {
        let waits: bool = self.something_waits()?
            && self
                .connection()
                .prepare_cached("select exists (select 1 from outbox where row_id in (?1, ?2) and kind = 'delete')")?
                .query_row([id.as_bytes().as_slice(), lane.0.as_bytes().as_slice()], |row| row.get(0))?;
        if waits {
            return Ok(true);
        }
        if !self.something_was_erased()? || !self.was_erased_after(id, change_seq)? {
            return Ok(false);
        }
        self.enqueue(lane, table, id, OutboxKind::Delete, None, 0)?;
        Ok(true)
    }

    /// A row that was made again lives on; what hung on the earlier one went with it on the server, without a tombstone of
    /// its own.
    fn erase_earlier(&mut self, table: &str, id: Uuid, change_seq: i64) -> Result<(), StoreError> {
        const HERE: &str = "max(coalesce(server_seq, -1), coalesce(held_seq, -1)) between 0 and ?2";
        match table {
            "conversations" => {
                let sql = format!(
                    "select id, conversation_id from messages where conversation_id = \
                     (select id from conversations where uuid = ?1) and {HERE}"
                );
                let mut statement = self.connection().prepare(&sql)?;
                let gone = statement
                    .query_map(params![id.as_bytes().as_slice(), change_seq], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<Result<Vec<(i64, i64)>, _>>()?;
                drop(statement);
                for (key, conversation) in gone {
                    self.forget_message(key, conversation)?;
                }
            }
            "chat_messages" => {
                let sql = format!(
                    "select uuid from attachments where message_id = (select id from messages where uuid = ?1) and {HERE}"
                );
                let mut statement = self.connection().prepare(&sql)?;
                let gone = statement
                    .query_map(params![id.as_bytes().as_slice(), change_seq], |row| crate::rows::uuid(row, 0))?
                    .collect::<Result<Vec<Uuid>, _>>()?;
                drop(statement);
                for id in gone {
                    self.forget_attachment(AttachmentId(id))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the server has told that a row of that id was erased later than under this number.
    pub fn was_erased_after(&self, id: Uuid, change_seq: i64) -> Result<bool, StoreError> {
        Ok(self.erased_at(id)?.is_some_and(|erased| erased > change_seq))
    }

    /// The same of a row that is here, unless it is one that was made anew since.
    pub fn is_erased_after(&self, table: &str, id: Uuid, change_seq: i64) -> Result<bool, StoreError> {
        let Some(erased) = self.erased_at(id)?.filter(|erased| *erased > change_seq) else { return Ok(false) };
        let Some(table) = OutboxTable::named(table) else { return Ok(true) };
        Ok(!self.is_newer(table, id, erased)?)
    }

    /// The number of the tombstone of that row, if there is one.
    fn erased_at(&self, id: Uuid) -> Result<Option<i64>, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select server_seq from server_rows where table_name = ?1 and id = ?2")?;
        Ok(statement.query_row(params![ERASED, id.as_bytes().as_slice()], |row| row.get(0)).optional()?)
    }

    /// Whether the row that is here has, or had before a re-join, a higher number.
    fn is_newer(&self, table: OutboxTable, id: Uuid, change_seq: i64) -> Result<bool, StoreError> {
        let mut statement = self.connection().prepare_cached(&format!(
            "select exists (select 1 from {} where uuid = ?1 \
             and max(coalesce(server_seq, -1), coalesce(held_seq, -1)) > ?2)",
            table.local()
        ))?;
        Ok(statement.query_row(params![id.as_bytes().as_slice(), change_seq], |row| row.get(0))?)
    }

    fn lives_after(&self, table: &str, id: Uuid, change_seq: i64) -> Result<bool, StoreError> {
        let waits: bool = self
            .connection()
            .prepare_cached("select exists (select 1 from outbox where row_id = ?1 and kind = 'insert')")?
            .query_row([id.as_bytes().as_slice()], |row| row.get(0))?;
        let Some(table) = OutboxTable::named(table) else { return Ok(false) };
        let newer = self.is_newer(table, id, change_seq)?;
        let known: bool = self
            .connection()
            .prepare_cached(&format!(
                "select exists (select 1 from {} where uuid = ?1 and server_seq is not null)",
                table.local()
            ))?
            .query_row([id.as_bytes().as_slice()], |row| row.get(0))?;
        Ok(newer || (waits && !known))
    }
}
