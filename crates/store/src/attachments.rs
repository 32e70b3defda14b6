//! The table `attachments`.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::rows::{self, ATTACHMENT_COLUMNS};
use crate::{Insert, Reader, StoreError, Writer, messages};
use airi_domain::{Attachment, AttachmentId, MessageId, Patch, apply_to_attachment, fit_attachment};
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn select(rest: &str) -> String {
    format!("select {ATTACHMENT_COLUMNS} from attachments a join messages m on m.id = a.message_id {rest}")
}

pub(crate) fn find(connection: &Connection, id: AttachmentId) -> Result<Option<(i64, Attachment)>, StoreError> {
    let mut statement = connection.prepare_cached(&select("where a.uuid = ?1"))?;
    let found = statement.query_row([id.0.as_bytes().as_slice()], |row| Ok((row.get(0)?, rows::attachment(row)?)));
    Ok(found.optional()?)
}

impl Reader {
    /// One attachment.
    pub fn attachment(&self, id: AttachmentId) -> Result<Option<Attachment>, StoreError> {
        Ok(find(self.connection(), id)?.map(|(_, attachment)| attachment))
    }

    /// The attachments of a message, in order of (created_at, id).
    pub fn attachments_of(&self, message: i64) -> Result<Vec<Attachment>, StoreError> {
        let mut statement =
            self.connection().prepare_cached(&select("where a.message_id = ?1 order by a.created_at, a.uuid"))?;
        Ok(statement.query_map([message], rows::attachment)?.collect::<Result<_, _>>()?)
    }

    /// The attachments of all messages of a conversation, in order of (created_at, id).
    pub fn attachments_in(&self, conversation: i64) -> Result<Vec<Attachment>, StoreError> {
        let mut statement =
            self.connection().prepare_cached(&select("where m.conversation_id = ?1 order by a.created_at, a.uuid"))?;
        Ok(statement.query_map([conversation], rows::attachment)?.collect::<Result<_, _>>()?)
    }

    /// Every hash that an attachment names, once, with the size told for it.
    pub fn hashes(&self) -> Result<Vec<(String, Option<i64>)>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select sha256, max(size) from (select sha256, file_size as size from attachments where sha256 is not null \
             union all select sha256, null from file_found) group by sha256",
        )?;
        Ok(statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// One attachment, as this transaction sees it.
    pub fn attachment(&self, id: AttachmentId) -> Result<Option<Attachment>, StoreError> {
        Ok(find(self.connection(), id)?.map(|(_, attachment)| attachment))
    }

    /// Adds an attachment to its message and queues it; one that is there stays as it is.
    pub fn insert_attachment(&mut self, attachment: Attachment) -> Result<Insert, StoreError> {
        if let Some((key, _)) = find(self.connection(), attachment.id)? {
            return Ok(Insert::Existing(key));
        }
        let attachment = fit_attachment(attachment);
        let Some((key, conversation)) = self.store_attachment(&attachment, None)? else {
            return Err(StoreError::NotFound { what: "The message", id: attachment.message_id.to_string() });
        };
        let lane = self.conversation_id(conversation)?;
        self.enqueue(lane, OutboxTable::Attachments, attachment.id.0, OutboxKind::Insert, None, 0)?;
        Ok(Insert::New(key))
    }

    /// Stores the server's row. False when its message is not here.
    pub fn pull_attachment(&mut self, attachment: Attachment, server_seq: i64) -> Result<bool, StoreError> {
        let mut next = fit_attachment(attachment);
        let known = find(self.connection(), next.id)?;
        let mut places = false;
        for patch in self.waiting_patches(next.id.0)? {
            places |= patch.contains_key("storage_path");
            let _ = apply_to_attachment(&mut next, &patch);
        }
        let Some(message) = messages::find(self.connection(), next.message_id)? else { return Ok(false) };
        let (id, lane, table) = (next.id.0, message.message.conversation_id, OutboxTable::Attachments);
        let Some((key, old)) = known else {
            self.set_files_due()?;
            return Ok(self.stays_erased(lane, table, id, server_seq)?
                || self.store_attachment(&next, Some(server_seq))?.is_some());
        };
        // Whoever made the server speak of it again may have brought the bytes that could not be had.
        let forgiven = self
            .connection()
            .prepare_cached(
                "delete from file_faults where attachment_id = ?1 \
                 and exists (select 1 from attachments where id = ?1 and server_seq is not ?2)",
            )?
            .execute([key, server_seq])?;
        if forgiven > 0 {
            self.set_files_due()?;
            self.touch(message.conversation_key);
        }
        if places {
            // The place is promised by the waiting patch and true only once the bytes are there.
            next.storage_path = old.storage_path.clone();
        }
        if next.sha256.is_none() {
            // Another client may not know the hash; what this device worked out itself stays.
            next.sha256 = old.sha256.clone();
        }
        if self.stays_ours(lane, table, id, server_seq, || next != old)? {
            return Ok(true);
        }
        if next != old {
            self.set_files_due()?;
            self.connection()
                .prepare_cached(
                    "update attachments set file_name = ?2, file_type = ?3, file_size = ?4, storage_path = ?5, \
                     sha256 = ?6, mime_type = ?7, width = ?8, height = ?9, duration_seconds = ?10, metadata = ?11, \
                     created_at = ?12 where id = ?1",
                )?
                .execute(params![
                    key,
                    next.file_name,
                    next.file_type,
                    next.file_size,
                    next.storage_path,
                    next.sha256,
                    next.mime_type,
                    next.width,
                    next.height,
                    next.duration_seconds,
                    rows::text(&next.metadata),
                    next.created_at.micros(),
                ])?;
            self.reindex_message(next.message_id)?;
        }
        self.connection()
            .prepare_cached("update attachments set server_seq = ?2, held_seq = null where id = ?1")?
            .execute([key, server_seq])?;
        Ok(true)
    }

    /// An attachment whose bytes were not known has got them: notes hash and size, and queues that for the server.
    pub fn complete_attachment(
        &mut self,
        id: AttachmentId,
        sha256: &str,
        size: Option<i64>,
    ) -> Result<bool, StoreError> {
        let Some((key, old)) = find(self.connection(), id)? else { return Ok(false) };
        if old.sha256.is_some() {
            return Ok(false);
        }
        self.connection()
            .prepare_cached("update attachments set sha256 = ?2, file_size = coalesce(?3, file_size) where id = ?1")?
            .execute(params![key, sha256, size])?;
        let mut metadata = old.metadata;
        if let serde_json::Value::Object(fields) = &mut metadata {
            fields.insert("sha256".into(), sha256.into());
        }
        let path = airi_domain::storage_path_for(self.owner, sha256);
        let patch = Patch::from_iter([("metadata".to_owned(), metadata), ("storage_path".to_owned(), path.into())]);
        if let Some(message) = messages::find(self.connection(), old.message_id)? {
            let lane = message.message.conversation_id;
            self.enqueue(lane, OutboxTable::Attachments, id.0, OutboxKind::Patch, Some(&patch), 0)?;
        }
        self.reindex_message(old.message_id)?;
        Ok(true)
    }

    /// Takes an attachment out of the mirror without telling the server.
    pub(crate) fn forget_attachment(&mut self, id: AttachmentId) -> Result<(), StoreError> {
        let Some((key, old)) = find(self.connection(), id)? else { return Ok(()) };
        self.connection().prepare_cached("delete from attachments where id = ?1")?.execute([key])?;
        self.reindex_message(old.message_id)
    }

    fn store_attachment(&mut self, a: &Attachment, server_seq: Option<i64>) -> Result<Option<(i64, i64)>, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select id, conversation_id from messages where uuid = ?1")?;
        let found: Option<(i64, i64)> = statement
            .query_row([a.message_id.0.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        drop(statement);
        let Some((message, conversation)) = found else { return Ok(None) };
        let key = self
            .connection()
            .prepare_cached(
                "insert into attachments (uuid, message_id, file_name, file_type, file_size, storage_path, sha256, \
                 mime_type, width, height, duration_seconds, metadata, created_at, server_seq) \
                 values (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
            )?
            .insert(params![
                a.id.0.as_bytes().as_slice(),
                message,
                a.file_name,
                a.file_type,
                a.file_size,
                a.storage_path,
                a.sha256,
                a.mime_type,
                a.width,
                a.height,
                a.duration_seconds,
                rows::text(&a.metadata),
                a.created_at.micros(),
                server_seq,
            ])?;
        self.reindex_message(a.message_id)?;
        Ok(Some((key, conversation)))
    }

    /// The names of a message's files are searched with the message.
    pub(crate) fn reindex_message(&mut self, id: MessageId) -> Result<(), StoreError> {
        let seq = self.next_seq();
        let mut statement = self
            .connection()
            .prepare_cached("update messages set seq = ?2 where uuid = ?1 returning conversation_id")?;
        let conversation: Option<i64> =
            statement.query_row(params![id.0.as_bytes().as_slice(), seq], |row| row.get(0)).optional()?;
        drop(statement);
        if let Some(conversation) = conversation {
            self.touch(conversation);
        }
        Ok(())
    }
}
