//! Which of the server's rows the mirror holds, and under which numbers: for comparing the two.

use crate::outbox::{OutboxEntry, OutboxTable};
use crate::{Reader, StoreError, WAITED_BEFORE, Writer, conversations, messages, rows};
use airi_domain::{AttachmentId, ConversationId, MessageId};
use rusqlite::{Row, params};
use serde_json::Value;
use uuid::Uuid;

impl Reader {
    /// Ids and numbers of the rows of one of the server's tables that the mirror holds as the server's, with
    /// `after` < id ≤ `upto` (None: from the first), in order of id. Rows that lie aside are held as well.
    pub fn numbers(&self, table: &str, after: Option<Uuid>, upto: Uuid) -> Result<Vec<(Uuid, i64)>, StoreError> {
        // Every id is above the empty blob.
        let from = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let read = |row: &Row<'_>| Ok((rows::uuid(row, 0)?, row.get(1)?));
        let mut numbers = match OutboxTable::named(table) {
            Some(own) => self
                .connection()
                .prepare_cached(&format!(
                    "select uuid, server_seq from {} where uuid > ?1 and uuid <= ?2 and server_seq >= 0 order by uuid",
                    own.local()
                ))?
                .query_map(params![from, upto.as_bytes().as_slice()], read)?
                .collect::<Result<Vec<(Uuid, i64)>, _>>()?,
            None => self
                .connection()
                .prepare_cached(
                    "select id, server_seq from server_rows where table_name = ?3 and id > ?1 and id <= ?2 order by id",
                )?
                .query_map(params![from, upto.as_bytes().as_slice(), table], read)?
                .collect::<Result<Vec<(Uuid, i64)>, _>>()?,
        };
        let mut aside =
            self.connection().prepare_cached("select id, row from parked where table_name = ?1 and reason <> ?2")?;
        let mut parked = aside.query([table, WAITED_BEFORE])?;
        while let Some(row) = parked.next()? {
            let (id, text): (String, String) = (row.get(0)?, row.get(1)?);
            let (Ok(id), Ok(row)) = (Uuid::parse_str(&id), serde_json::from_str::<Value>(&text)) else { continue };
            let within = after.is_none_or(|after| id > after) && id <= upto;
            if within && !numbers.iter().any(|(known, _)| *known == id) {
                numbers.push((id, row.get("change_seq").and_then(Value::as_i64).unwrap_or(0)));
            }
        }
        // The hash of a range takes them in the order of their ids.
        numbers.sort_unstable_by_key(|(id, _)| *id);
        Ok(numbers)
    }
}

impl Writer<'_> {
    /// Queues a row that the server lost without a word to be made there again. False when it is not here or waits already.
    pub fn send_row_again(&mut self, table: &str, id: Uuid) -> Result<bool, StoreError> {
        let Some(own) = OutboxTable::named(table) else { return Ok(false) };
        let lane = match own {
            OutboxTable::Conversations => {
                conversations::key_of(self.connection(), ConversationId(id))?.map(|_| ConversationId(id))
            }
            OutboxTable::Messages => {
                messages::find(self.connection(), MessageId(id))?.map(|record| record.message.conversation_id)
            }
            OutboxTable::Attachments => match self.attachment(AttachmentId(id))? {
                None => None,
                Some(attachment) => messages::find(self.connection(), attachment.message_id)?
                    .map(|record| record.message.conversation_id),
            },
        };
        match lane {
            None => Ok(false),
            Some(lane) => {
                let sent = self.send_again(lane, own, id)?;
                self.put_behind()?;
                Ok(sent)
            }
        }
    }

    /// A new row that the server refused and that the user gives up: it leaves the mirror, and with it whatever waited to
    /// be sent of it or of what hangs on it.
    pub fn withdraw(&mut self, entry: &OutboxEntry) -> Result<(), StoreError> {
        let id = entry.row_id;
        match entry.table {
            OutboxTable::Conversations => {
                self.connection().prepare_cached("delete from outbox where lane = ?1")?.execute([entry
                    .lane
                    .0
                    .as_bytes()
                    .as_slice()])?;
                if let Some(key) = conversations::key_of(self.connection(), ConversationId(id))? {
                    self.forget_conversation(key)?;
                }
            }
            OutboxTable::Messages => {
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
            OutboxTable::Attachments => self.forget_attachment(AttachmentId(id))?,
        }
        self.connection()
            .prepare_cached("delete from outbox where row_id = ?1")?
            .execute([id.as_bytes().as_slice()])?;
        self.queued = true;
        Ok(())
    }
}
