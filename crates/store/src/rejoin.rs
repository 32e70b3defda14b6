//! After the server was exchanged or restored to an older moment: what it lost is brought back, by every device that has it.
//!
//! Each row that the server once had waits for word (`server_seq` -1) and keeps the number of the form that is here
//! (`held_seq`). The snapshot gives the word: the server has the same form; or it has another one, or none, and the row is
//! queued to be made again with the number that it had, by which the server tells the later form of two
//! (docs/sync-protocol.md, "Epoch").

use crate::outbox::OutboxTable;
use crate::{StoreError, Writer, rows};
use airi_domain::ConversationId;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

const TABLES: [&str; 3] = ["conversations", "messages", "attachments"];

impl Writer<'_> {
    /// Before a re-join: every row that the server once had waits for word whether it still has it.
    pub fn await_word(&mut self) -> Result<(), StoreError> {
        for table in TABLES {
            // One that a re-join cut short had already heard of keeps the higher of its two numbers.
            self.connection().execute(
                &format!(
                    "update {table} set held_seq = max(coalesce(held_seq, 0), server_seq), server_seq = -1 \
                     where server_seq is not null"
                ),
                [],
            )?;
        }
        self.connection().execute("update server_rows set server_seq = -1 where table_name <> 'tombstones'", [])?;
        Ok(())
    }

    /// A row that was stored only now, though it came from the server of before: it waits for word like the others did.
    pub fn await_word_of(&mut self, table: &str, id: Uuid) -> Result<(), StoreError> {
        let Some(table) = OutboxTable::named(table) else { return Ok(()) };
        self.connection()
            .prepare_cached(&format!(
                "update {} set held_seq = max(coalesce(held_seq, 0), server_seq), server_seq = -1 \
                 where uuid = ?1 and server_seq is not null",
                table.local()
            ))?
            .execute([id.as_bytes().as_slice()])?;
        Ok(())
    }

    /// The word for a row: the server has it under this number. When the row waited for word, and the form that is here is
    /// another one or has another number, it is queued to be made again, whole: which of the two is the later one the server
    /// decides, for its number may be the one under which another device has brought back an older form. One that says the
    /// same under another number is sent too, so that the server learns the number: a third device may hold a form between
    /// the two, and would win with it. True: such a form waits to be sent and stays as it is until then.
    pub(crate) fn stays_ours(
        &mut self,
        lane: ConversationId,
        table: OutboxTable,
        id: Uuid,
        change_seq: i64,
        differs: impl FnOnce() -> bool,
    ) -> Result<bool, StoreError> {
        // A file's row says where its bytes are, which a device that has none of them cannot vouch for.
        let tells = table != OutboxTable::Attachments;
        if self.held(table, id)?.is_some_and(|held| held > 0 && ((tells && held != change_seq) || differs())) {
            self.send_again(lane, table, id)?;
        }
        let ours: bool = self.something_waits()?
            && self
                .connection()
                .prepare_cached("select exists (select 1 from outbox where row_id = ?1 and held is not null)")?
                .query_row([id.as_bytes().as_slice()], |row| row.get(0))?;
        if ours {
            self.connection()
                .prepare_cached(&format!("update {} set server_seq = ?2 where uuid = ?1", table.local()))?
                .execute(params![id.as_bytes().as_slice(), change_seq])?;
        }
        Ok(ours)
    }

    /// After a re-join's snapshot: what the server lacks is queued to be made again, parents before children.
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
        for (table, sql) in wanted {
            let mut statement = self.connection().prepare(sql)?;
            let found = statement
                .query_map([], |row| Ok((rows::uuid(row, 0)?, rows::uuid(row, 1)?)))?
                .collect::<Result<Vec<_>, _>>()?;
            drop(statement);
            for (row, lane) in found {
                count += u64::from(self.send_again(ConversationId(lane), table, row)?);
            }
        }
        self.put_behind()?;
        for table in TABLES {
            self.connection().execute(&format!("update {table} set server_seq = null where server_seq = -1"), [])?;
        }
        // The server's own books: what it has forgotten of them nobody may write back.
        self.connection().execute("delete from server_rows where server_seq = -1", [])?;
        Ok(count)
    }

    /// After a snapshot: nothing is taken for granted about files whose rows still wait. What lists the objects is in the
    /// database and was restored with the rest; the bytes go up again from wherever they are, or turn out to be there.
    pub fn offer_files_again(&mut self) -> Result<(), StoreError> {
        self.connection().execute(
            "update attachments set storage_path = '' where sha256 is not null and uuid in \
             (select row_id from outbox where table_name = 'message_attachments')",
            [],
        )?;
        Ok(())
    }

    /// Queues a row that the server had and lost to be made there again; false when that waits already.
    pub fn send_again(&mut self, lane: ConversationId, table: OutboxTable, row: Uuid) -> Result<bool, StoreError> {
        let queued: bool = self
            .connection()
            .prepare_cached("select exists (select 1 from outbox where row_id = ?1 and kind = 'insert')")?
            .query_row([row.as_bytes().as_slice()], |row| row.get(0))?;
        if queued {
            return Ok(false);
        }
        let mut statement = self.connection().prepare_cached(&format!(
            "select max(coalesce(held_seq, 0), coalesce(server_seq, 0)) from {} where uuid = ?1",
            table.local()
        ))?;
        let held: Option<i64> = statement.query_row([row.as_bytes().as_slice()], |row| row.get(0)).optional()?;
        drop(statement);
        self.enqueue_held(lane, table, row, held.filter(|held| *held > 0))?;
        Ok(true)
    }

    /// What already waited in the lanes of rows that are brought back goes behind them, under new ids: it speaks of rows
    /// that must be there first, and a change of today would make the form that is brought back look like the older one.
    pub(crate) fn put_behind(&mut self) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare(
            "select id from outbox where held is null and lane in (select lane from outbox where held is not null) \
             order by id",
        )?;
        let behind = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
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
        Ok(())
    }

    /// The number of the form that is here, of a row that waits for word.
    fn held(&self, table: OutboxTable, id: Uuid) -> Result<Option<i64>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached(&format!("select held_seq from {} where uuid = ?1 and server_seq = -1", table.local()))?;
        Ok(statement.query_row([id.as_bytes().as_slice()], |row| row.get(0)).optional()?.flatten())
    }
}
