//! The table `messages`.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::rows::{self, MESSAGE_COLUMNS};
use crate::{Insert, Reader, StoreError, Writer, conversations};
use airi_domain::{ConversationId, Message, MessageId, Patch, Time, apply_to_message, diff_message, fit_message};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A message with what this device knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRecord {
    /// The integer key inside this mirror; the index's name for the message.
    pub key: i64,
    pub conversation_key: i64,
    pub message: Message,
    pub server_seq: Option<i64>,
}

/// What the index must do to follow the mirror, in order of `seq`.
#[derive(Debug, Clone)]
pub enum IndexRow {
    /// A conversation is new or has another title.
    Title { seq: i64, conversation: i64, title: Option<String>, created_at: Time },
    /// A message is new or changed; a deleted one leaves the index.
    Message { seq: i64, record: Box<MessageRecord>, file_names: Vec<String>, has_attachment: bool },
    /// Erased for good; message 0: the whole conversation.
    Erased { seq: i64, conversation: i64, message: i64 },
}

impl IndexRow {
    pub fn seq(&self) -> i64 {
        match self {
            IndexRow::Title { seq, .. } | IndexRow::Message { seq, .. } | IndexRow::Erased { seq, .. } => *seq,
        }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<MessageRecord> {
    Ok(MessageRecord {
        key: row.get(0)?,
        message: rows::message(row)?,
        server_seq: row.get(23)?,
        conversation_key: row.get(24)?,
    })
}

fn select(rest: &str) -> String {
    format!("select {MESSAGE_COLUMNS} from messages m join conversations c on c.id = m.conversation_id {rest}")
}

pub(crate) fn find(connection: &Connection, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&select("where m.uuid = ?1"))?;
    Ok(statement.query_row([id.0.as_bytes().as_slice()], record).optional()?)
}

/// Cheaper than [`find`] where most are not.
fn is_here(connection: &Connection, id: MessageId) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("select exists (select 1 from messages where uuid = ?1)")?;
    Ok(statement.query_row([id.0.as_bytes().as_slice()], |row| row.get(0))?)
}

impl Reader {
    /// One message.
    pub fn message(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        find(self.connection(), id)
    }

    /// One message by its key.
    pub fn message_by_key(&self, key: i64) -> Result<Option<MessageRecord>, StoreError> {
        let mut statement = self.connection().prepare_cached(&select("where m.id = ?1"))?;
        Ok(statement.query_row([key], record).optional()?)
    }

    /// Every message of a conversation, deleted ones and all branches included, in order of (created_at, id).
    pub fn messages_of(&self, conversation: i64) -> Result<Vec<MessageRecord>, StoreError> {
        let mut statement =
            self.connection().prepare_cached(&select("where m.conversation_id = ?1 order by m.created_at, m.uuid"))?;
        let records = statement.query_map([conversation], record)?;
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// What changed for the index after change number `seq`: at most about `limit` rows, in order.
    pub fn changed_since(&self, seq: i64, limit: usize) -> Result<Vec<IndexRow>, StoreError> {
        // One state for all of its questions: a commit between them would be seen in part, and its rest skipped for ever.
        self.snapshot(|reader| reader.changed_rows(seq, limit))
    }

    fn changed_rows(&self, seq: i64, limit: usize) -> Result<Vec<IndexRow>, StoreError> {
        let mut out = Vec::new();
        let connection = self.connection();
        let mut titles = connection.prepare_cached(
            "select seq, id, title, created_at from conversations where seq > ?1 order by seq limit ?2",
        )?;
        let rows = titles.query_map(params![seq, limit], |row| {
            Ok(IndexRow::Title {
                seq: row.get(0)?,
                conversation: row.get(1)?,
                title: row.get(2)?,
                created_at: rows::time(row, 3)?,
            })
        })?;
        out.extend(rows.collect::<Result<Vec<_>, _>>()?);
        let sql = format!(
            "select {MESSAGE_COLUMNS}, m.seq, (select json_group_array(a.file_name) from attachments a \
             where a.message_id = m.id) from messages m join conversations c on c.id = m.conversation_id \
             where m.seq > ?1 order by m.seq limit ?2"
        );
        let mut messages = connection.prepare_cached(&sql)?;
        let rows = messages.query_map(params![seq, limit], |row| {
            let names: String = row.get(26)?;
            let file_names: Vec<String> = serde_json::from_str(&names).unwrap_or_default();
            Ok(IndexRow::Message {
                seq: row.get(25)?,
                record: Box::new(record(row)?),
                has_attachment: !file_names.is_empty(),
                file_names,
            })
        })?;
        out.extend(rows.collect::<Result<Vec<_>, _>>()?);
        let mut erased = connection.prepare_cached(
            "select seq, conversation_id, message_id from erased where seq > ?1 order by seq limit ?2",
        )?;
        let rows = erased.query_map(params![seq, limit], |row| {
            Ok(IndexRow::Erased { seq: row.get(0)?, conversation: row.get(1)?, message: row.get(2)? })
        })?;
        out.extend(rows.collect::<Result<Vec<_>, _>>()?);
        // Each list was cut on its own: only what lies within the shortest cut is known to be complete.
        out.sort_by_key(IndexRow::seq);
        out.truncate(limit);
        Ok(out)
    }
}

impl Writer<'_> {
    /// One message, as this transaction sees it.
    pub fn message(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        find(self.connection(), id)
    }

    /// Adds a message and queues it for the server; one that is there stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when its conversation is not here.
    pub fn insert_message(&mut self, message: Message) -> Result<Insert, StoreError> {
        if let Some(old) = find(self.connection(), message.id)? {
            return Ok(Insert::Existing(old.key));
        }
        let Some(conversation) = conversations::key_of(self.connection(), message.conversation_id)? else {
            return Err(StoreError::NotFound { what: "The conversation", id: message.conversation_id.to_string() });
        };
        let message = fit_message(message);
        let key = self.store_message(conversation, &message, None)?;
        let lane = message.conversation_id;
        self.enqueue(lane, OutboxTable::Messages, message.id.0, OutboxKind::Insert, None, 0)?;
        Ok(Insert::New(key))
    }

    /// Changes rating, feedback, metadata or deletion of a message and queues the change.
    pub fn patch_message(&mut self, id: MessageId, patch: Patch) -> Result<MessageRecord, StoreError> {
        let Some(old) = find(self.connection(), id)? else {
            return Err(StoreError::NotFound { what: "The message", id: id.to_string() });
        };
        // The server could not know the row that the change speaks of.
        if self.is_unfinished(old.key)? {
            return Err(StoreError::Invalid("The reply is still being written. Stop it first.".into()));
        }
        let mut next = old.message.clone();
        apply_to_message(&mut next, &patch)?;
        let next = fit_message(next);
        let patch = diff_message(&old.message, &next);
        if patch.is_empty() {
            return Ok(old);
        }
        self.update_message(old.key, old.conversation_key, &old.message, &next)?;
        let base = old.server_seq.unwrap_or(0).max(0);
        let lane = next.conversation_id;
        self.enqueue(lane, OutboxTable::Messages, id.0, OutboxKind::Patch, Some(&patch), base)?;
        Ok(MessageRecord { message: next, ..old })
    }

    /// Stores the server's row. Patches that wait to be sent stay on top of it. False when its conversation is not here.
    pub fn pull_message(&mut self, message: Message, server_seq: i64) -> Result<bool, StoreError> {
        let mut next = fit_message(message);
        let (id, lane, table) = (next.id, next.conversation_id, OutboxTable::Messages);
        let Some(conversation) = conversations::key_of(self.connection(), lane)? else {
            // Of a conversation that a restore of the server brought back and that is erased again: it goes with it.
            return self.stays_erased(lane, OutboxTable::Conversations, lane.0, server_seq);
        };
        let old = if is_here(self.connection(), id)? { find(self.connection(), id)? } else { None };
        if old.is_none() && self.stays_erased(lane, table, id.0, server_seq)? {
            return Ok(true);
        }
        for patch in self.waiting_patches(next.id.0)? {
            let _ = apply_to_message(&mut next, &patch);
        }
        if let Some(old) = &old
            && self.is_contested(old, &next)?
        {
            return Ok(true);
        }
        let differs = || old.as_ref().is_some_and(|old| old.message != next);
        if old.is_some() && self.stays_ours(lane, table, id.0, server_seq, differs)? {
            return Ok(true);
        }
        match old {
            None => {
                self.store_message(conversation, &next, Some(server_seq))?;
            }
            Some(old) => {
                self.update_message(old.key, old.conversation_key, &old.message, &next)?;
                self.connection()
                    .prepare_cached("update messages set server_seq = ?2, held_seq = null where id = ?1")?
                    .execute([old.key, server_seq])?;
            }
        }
        Ok(true)
    }

    /// Whether a message that was never sent says something else than the server's of the same id. What was said here stays
    /// until the server has refused it and the user has decided.
    fn is_contested(&self, old: &MessageRecord, theirs: &Message) -> Result<bool, StoreError> {
        let said = |m: &Message| (m.conversation_id, m.role, m.created_at);
        if old.server_seq.is_some() || (said(&old.message), &old.message.content) == (said(theirs), &theirs.content) {
            return Ok(false);
        }
        Ok(self
            .connection()
            .prepare_cached("select exists (select 1 from outbox where row_id = ?1 and kind = 'insert')")?
            .query_row([theirs.id.0.as_bytes().as_slice()], |row| row.get(0))?)
    }

    /// Takes a message out of the mirror for good, without telling the server.
    pub(crate) fn forget_message(&mut self, key: i64, conversation: i64) -> Result<(), StoreError> {
        let seq = self.next_seq();
        self.connection().prepare_cached("insert into erased values (?1, ?2, ?3)")?.execute([
            seq,
            conversation,
            key,
        ])?;
        self.connection().prepare_cached("delete from messages where id = ?1")?.execute([key])?;
        self.mark_stale(conversation)
    }

    pub(crate) fn store_message(
        &mut self,
        conversation: i64,
        m: &Message,
        server_seq: Option<i64>,
    ) -> Result<i64, StoreError> {
        let place = self.place_at_end(conversation, m)?;
        let seq = self.next_seq();
        let key = self
            .connection()
            .prepare_cached(
                "insert into messages (uuid, conversation_id, parent_id, role, content, content_type, attachments, \
                 prompt_tokens, completion_tokens, total_tokens, model_id, provider_id, response_time_ms, finish_reason, \
                 function_call, tool_calls, rating, feedback, metadata, created_at, edited_at, deleted_at, view_pos, \
                 view_sub, hidden, server_seq, seq) values (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,\
                 ?18,?19,?20,?21,?22,?23,?24,?25,?26,?27)",
            )?
            .insert(params![
                m.id.0.as_bytes().as_slice(),
                conversation,
                m.parent_id.map(|id| id.0.as_bytes().to_vec()),
                m.role.as_str(),
                m.content,
                m.content_type.as_str(),
                rows::text(&m.attachments),
                m.prompt_tokens,
                m.completion_tokens,
                m.total_tokens,
                m.model_id,
                m.provider_id,
                m.response_time_ms,
                m.finish_reason,
                m.function_call.as_ref().map(rows::text),
                m.tool_calls.as_ref().map(rows::text),
                m.rating,
                m.feedback,
                rows::text(&m.metadata),
                m.created_at.micros(),
                rows::micros(m.edited_at),
                rows::micros(m.deleted_at),
                place.map(|(position, _)| position),
                place.map_or(0, |(_, sub)| sub),
                m.is_hidden(),
                server_seq,
                seq,
            ])?;
        match place {
            Some(_) => self.count_appended(conversation, m)?,
            None => self.mark_stale(conversation)?,
        }
        Ok(key)
    }

    pub(crate) fn update_message(
        &mut self,
        key: i64,
        conversation: i64,
        old: &Message,
        m: &Message,
    ) -> Result<(), StoreError> {
        if old == m {
            return Ok(());
        }
        let seq = self.next_seq();
        self.connection()
            .prepare_cached(
                "update messages set role = ?2, content = ?3, content_type = ?4, attachments = ?5, prompt_tokens = ?6, \
                 completion_tokens = ?7, total_tokens = ?8, model_id = ?9, provider_id = ?10, response_time_ms = ?11, \
                 finish_reason = ?12, function_call = ?13, tool_calls = ?14, rating = ?15, feedback = ?16, \
                 metadata = ?17, created_at = ?18, edited_at = ?19, deleted_at = ?20, parent_id = ?21, hidden = ?22, \
                 seq = ?23 where id = ?1",
            )?
            .execute(params![
                key,
                m.role.as_str(),
                m.content,
                m.content_type.as_str(),
                rows::text(&m.attachments),
                m.prompt_tokens,
                m.completion_tokens,
                m.total_tokens,
                m.model_id,
                m.provider_id,
                m.response_time_ms,
                m.finish_reason,
                m.function_call.as_ref().map(rows::text),
                m.tool_calls.as_ref().map(rows::text),
                m.rating,
                m.feedback,
                rows::text(&m.metadata),
                m.created_at.micros(),
                rows::micros(m.edited_at),
                rows::micros(m.deleted_at),
                m.parent_id.map(|id| id.0.as_bytes().to_vec()),
                m.is_hidden(),
                seq,
            ])?;
        let same_place = old.deleted_at.is_some() == m.deleted_at.is_some()
            && old.parent_id == m.parent_id
            && old.created_at == m.created_at
            && old.is_hidden() == m.is_hidden()
            && old.total_tokens == m.total_tokens;
        if same_place {
            self.touch(conversation)
        } else {
            self.mark_stale(conversation)?
        }
        Ok(())
    }

    /// The conversation's uuid of a key.
    pub(crate) fn conversation_id(&self, key: i64) -> Result<ConversationId, StoreError> {
        let mut statement = self.connection().prepare_cached("select uuid from conversations where id = ?1")?;
        Ok(ConversationId(statement.query_row([key], |row| rows::uuid(row, 0))?))
    }
}
