//! The table `conversations`.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::rows::{self, CONVERSATION_COLUMNS};
use crate::{Insert, Reader, StoreError, Writer};
use airi_domain::{
    Conversation, ConversationId, Patch, Time, apply_to_conversation, diff_conversation, fit_conversation,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A conversation with what this device knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRecord {
    /// The integer key inside this mirror; the index's name for the conversation.
    pub key: i64,
    pub conversation: Conversation,
    pub last_message_at: Time,
    /// Messages that are not deleted.
    pub message_count: i64,
    pub total_tokens_used: i64,
    /// Messages in view that are hidden.
    pub hidden_count: i64,
    /// Whether view and counters wait to be worked out ([`Writer::refresh_views`]).
    pub view_stale: bool,
    /// The server's change_seq as last seen.
    pub server_seq: Option<i64>,
    /// Whether a change of it, or of anything in it, waits to be sent.
    pub waiting: bool,
    /// Whether it stays on this device: nothing of it is sent.
    pub only_here: bool,
}

pub(crate) fn record(row: &Row<'_>) -> rusqlite::Result<ConversationRecord> {
    Ok(ConversationRecord {
        key: row.get(0)?,
        conversation: rows::conversation(row)?,
        last_message_at: rows::time(row, 20)?,
        message_count: row.get(21)?,
        total_tokens_used: row.get(22)?,
        hidden_count: row.get(23)?,
        view_stale: row.get(24)?,
        server_seq: row.get(25)?,
        waiting: row.get(26)?,
        only_here: row.get(27)?,
    })
}

pub(crate) fn select_records(rest: &str) -> String {
    format!(
        "select {CONVERSATION_COLUMNS}, exists (select 1 from outbox where lane = uuid), \
         exists (select 1 from only_here h where h.conversation_id = conversations.id) from conversations {rest}"
    )
}

pub(crate) fn find(connection: &Connection, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&select_records("where uuid = ?1"))?;
    Ok(statement.query_row([id.0.as_bytes().as_slice()], record).optional()?)
}

pub(crate) fn key_of(connection: &Connection, id: ConversationId) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("select id from conversations where uuid = ?1")?;
    Ok(statement.query_row([id.0.as_bytes().as_slice()], |row| row.get(0)).optional()?)
}

impl Reader {
    /// One conversation.
    pub fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        find(self.connection(), id)
    }

    /// One conversation by its key.
    pub fn conversation_by_key(&self, key: i64) -> Result<Option<ConversationRecord>, StoreError> {
        let mut statement = self.connection().prepare_cached(&select_records("where id = ?1"))?;
        Ok(statement.query_row([key], record).optional()?)
    }

    /// The keys of all conversations, in order of creation: what exports walk.
    pub fn conversation_keys(&self) -> Result<Vec<i64>, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select id from conversations order by created_at, uuid")?;
        let keys = statement.query_map([], |row| row.get(0))?;
        Ok(keys.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// One conversation, as this transaction sees it.
    pub fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        find(self.connection(), id)
    }

    /// Adds a conversation and queues it for the server; one that is there stays as it is.
    pub fn insert_conversation(&mut self, conversation: Conversation) -> Result<Insert, StoreError> {
        if let Some(key) = key_of(self.connection(), conversation.id)? {
            return Ok(Insert::Existing(key));
        }
        let mut conversation = fit_conversation(conversation);
        // As the server does it, so that clients which do not know `deleted_at` hide it.
        conversation.is_archived |= conversation.deleted_at.is_some();
        let key = self.store_conversation(&conversation, None)?;
        self.enqueue(conversation.id, OutboxTable::Conversations, conversation.id.0, OutboxKind::Insert, None, 0)?;
        Ok(Insert::New(key))
    }

    /// Changes fields of a conversation and queues the change. Fields that already have the value are left out; a patch
    /// that changes nothing does nothing.
    pub fn patch_conversation(&mut self, id: ConversationId, patch: Patch) -> Result<ConversationRecord, StoreError> {
        let Some(old) = find(self.connection(), id)? else {
            return Err(StoreError::NotFound { what: "The conversation", id: id.to_string() });
        };
        let mut next = old.conversation.clone();
        apply_to_conversation(&mut next, &patch)?;
        let next = fit_conversation(next);
        let patch = diff_conversation(&old.conversation, &next);
        if patch.is_empty() {
            return Ok(old);
        }
        self.update_conversation(old.key, &old.conversation, &next)?;
        let base = old.server_seq.unwrap_or(0).max(0);
        self.enqueue(id, OutboxTable::Conversations, id.0, OutboxKind::Patch, Some(&patch), base)?;
        find(self.connection(), id)?.ok_or(StoreError::NotFound { what: "The conversation", id: id.to_string() })
    }

    /// Erases a conversation with all that hangs on it, for good. What the server must do is queued.
    pub fn erase_conversation(&mut self, id: ConversationId) -> Result<(), StoreError> {
        let Some(old) = find(self.connection(), id)? else { return Ok(()) };
        self.connection()
            .prepare_cached("delete from outbox where lane = ?1")?
            .execute([id.0.as_bytes().as_slice()])?;
        // Also when the server was never heard to have it: an insert may be under way. Deleting what is not there is done.
        self.enqueue(id, OutboxTable::Conversations, id.0, OutboxKind::Delete, None, 0)?;
        self.forget_conversation(old.key)
    }

    /// Takes a conversation out of the mirror without telling the server (it told us, or nobody else has it).
    pub(crate) fn forget_conversation(&mut self, key: i64) -> Result<(), StoreError> {
        let seq = self.next_seq();
        self.connection().prepare_cached("insert into erased values (?1, ?2, 0)")?.execute([seq, key])?;
        self.connection().prepare_cached("delete from conversations where id = ?1")?.execute([key])?;
        self.touch(key);
        Ok(())
    }

    /// Stores the server's row. Patches that wait to be sent stay on top of it.
    pub fn pull_conversation(&mut self, conversation: Conversation, server_seq: i64) -> Result<(), StoreError> {
        let mut next = fit_conversation(conversation);
        let (id, table) = (next.id, OutboxTable::Conversations);
        let old = find(self.connection(), id)?;
        if old.is_none() && self.stays_erased(id, table, id.0, server_seq)? {
            return Ok(());
        }
        for patch in self.waiting_patches(next.id.0)? {
            // A patch that does not apply any more is the outbox's to tell, not a reason to lose the row.
            let _ = apply_to_conversation(&mut next, &patch);
        }
        let differs = || old.as_ref().is_some_and(|old| old.conversation != next);
        if old.is_some() && self.stays_ours(id, table, id.0, server_seq, differs)? {
            return Ok(());
        }
        match old {
            None => {
                self.store_conversation(&next, Some(server_seq))?;
            }
            Some(old) => {
                self.update_conversation(old.key, &old.conversation, &next)?;
                self.connection()
                    .prepare_cached("update conversations set server_seq = ?2, held_seq = null where id = ?1")?
                    .execute([old.key, server_seq])?;
            }
        }
        Ok(())
    }

    fn store_conversation(&mut self, c: &Conversation, server_seq: Option<i64>) -> Result<i64, StoreError> {
        let seq = self.next_seq();
        let key = self
            .connection()
            .prepare_cached(
                "insert into conversations (uuid, title, summary, model_id, provider_id, avatar_id, voice_id, \
                 personality_template, system_prompt, temperature, max_tokens, settings, tags, is_archived, is_starred, \
                 metadata, deleted_at, current_message_id, created_at, last_message_at, server_seq, seq, view_plain) \
                 values (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?19,?20,?21,1)",
            )?
            .insert(params![
                c.id.0.as_bytes().as_slice(),
                c.title,
                c.summary,
                c.model_id,
                c.provider_id,
                c.avatar_id,
                c.voice_id,
                c.personality_template,
                c.system_prompt,
                c.temperature,
                c.max_tokens,
                rows::text(&c.settings),
                rows::tags_text(&c.tags)?,
                c.is_archived,
                c.is_starred,
                rows::text(&c.metadata),
                rows::micros(c.deleted_at),
                c.current_message_id.map(|id| id.0.as_bytes().to_vec()),
                c.created_at.micros(),
                server_seq,
                seq,
            ])?;
        self.touch(key);
        Ok(key)
    }

    fn update_conversation(&mut self, key: i64, old: &Conversation, c: &Conversation) -> Result<(), StoreError> {
        if old == c {
            return Ok(());
        }
        self.connection()
            .prepare_cached(
                "update conversations set title = ?2, summary = ?3, model_id = ?4, provider_id = ?5, avatar_id = ?6, \
                 voice_id = ?7, personality_template = ?8, system_prompt = ?9, temperature = ?10, max_tokens = ?11, \
                 settings = ?12, tags = ?13, is_archived = ?14, is_starred = ?15, metadata = ?16, deleted_at = ?17, \
                 current_message_id = ?18, created_at = ?19 where id = ?1",
            )?
            .execute(params![
                key,
                c.title,
                c.summary,
                c.model_id,
                c.provider_id,
                c.avatar_id,
                c.voice_id,
                c.personality_template,
                c.system_prompt,
                c.temperature,
                c.max_tokens,
                rows::text(&c.settings),
                rows::tags_text(&c.tags)?,
                c.is_archived,
                c.is_starred,
                rows::text(&c.metadata),
                rows::micros(c.deleted_at),
                c.current_message_id.map(|id| id.0.as_bytes().to_vec()),
                c.created_at.micros(),
            ])?;
        if old.title != c.title {
            // Only the title is in the index; everything else about a conversation is asked of the mirror.
            let seq = self.next_seq();
            self.connection().prepare_cached("update conversations set seq = ?2 where id = ?1")?.execute([key, seq])?;
        }
        if old.current_message_id != c.current_message_id {
            self.mark_stale(key)?;
        }
        self.touch(key);
        Ok(())
    }
}
