//! Replies of models while they are written: a row of `messages` that grows and that no other device hears of, until it is
//! over and goes the way of every message.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::{MessageRecord, Reader, StoreError, Writer, conversations, messages, rows};
use airi_domain::{ConversationId, INTERRUPTED, Message, MessageId, fit_message};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

/// A reply that is not over.
#[derive(Debug, Clone, PartialEq)]
pub struct UnfinishedReply {
    pub record: MessageRecord,
    /// The lock of the process that writes it.
    pub runner: String,
}

fn is_unfinished(connection: &Connection, key: i64) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("select exists (select 1 from replies where message_id = ?1)")?;
    Ok(statement.query_row([key], |row| row.get(0))?)
}

impl Reader {
    /// All replies that are not over.
    pub fn unfinished_replies(&self) -> Result<Vec<UnfinishedReply>, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select message_id, runner from replies order by message_id")?;
        let found = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let mut replies = Vec::new();
        for found in found {
            let (key, runner) = found?;
            if let Some(record) = self.message_by_key(key)? {
                replies.push(UnfinishedReply { record, runner });
            }
        }
        Ok(replies)
    }

    /// Whether a message is a reply that is not over.
    pub fn is_unfinished(&self, key: i64) -> Result<bool, StoreError> {
        is_unfinished(self.connection(), key)
    }

    /// The reply of a conversation that is not over, and who writes it.
    pub fn unfinished_reply_in(&self, conversation: ConversationId) -> Result<Option<(MessageId, String)>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select m.uuid, r.runner from replies r join messages m on m.id = r.message_id \
             join conversations c on c.id = m.conversation_id where c.uuid = ?1 limit 1",
        )?;
        let found = statement
            .query_row([conversation.0.as_bytes().as_slice()], |row| Ok((MessageId(rows::uuid(row, 0)?), row.get(1)?)));
        Ok(found.optional()?)
    }
}

impl Writer<'_> {
    /// Makes the row of a reply that is about to be written by `runner`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when its conversation is not here.
    pub fn begin_reply(&mut self, message: Message, runner: &str) -> Result<(), StoreError> {
        let Some(conversation) = conversations::key_of(self.connection(), message.conversation_id)? else {
            return Err(StoreError::NotFound { what: "The conversation", id: message.conversation_id.to_string() });
        };
        let key = self.store_message(conversation, &fit_message(message), None)?;
        self.connection().prepare_cached("insert into replies values (?1, ?2)")?.execute(params![key, runner])?;
        Ok(())
    }

    /// Saves what a reply says so far. Neither index nor window are told: both wait for its end. False when it is gone.
    pub fn grow_reply(&mut self, id: MessageId, content: &str, metadata: &Value) -> Result<bool, StoreError> {
        let changed = self
            .connection()
            .prepare_cached(
                "update messages set content = ?2, metadata = ?3 where uuid = ?1 and id in (select message_id from replies)",
            )?
            .execute(params![id.0.as_bytes().as_slice(), content.replace('\0', "\u{2400}"), rows::text(metadata)])?;
        Ok(changed > 0)
    }

    /// The reply is over and is this: from now on it is a message like any other, and is queued for the server. False when
    /// it is gone, with its conversation.
    pub fn end_reply(&mut self, message: Message) -> Result<bool, StoreError> {
        let Some(old) = self.unfinished(message.id)? else { return Ok(false) };
        let message = fit_message(message);
        self.update_message(old.key, old.conversation_key, &old.message, &message)?;
        self.connection().prepare_cached("delete from replies where message_id = ?1")?.execute([old.key])?;
        self.touch(old.conversation_key);
        let lane = message.conversation_id;
        self.enqueue(lane, OutboxTable::Messages, message.id.0, OutboxKind::Insert, None, 0)?;
        Ok(true)
    }

    /// The reply is over and there is nothing of it: its row goes.
    pub fn drop_reply(&mut self, id: MessageId) -> Result<(), StoreError> {
        if let Some(old) = self.unfinished(id)? {
            self.forget_message(old.key, old.conversation_key)?;
        }
        Ok(())
    }

    /// Ends the replies of processes that are gone: what was saved of each is kept as interrupted, and what said nothing yet
    /// goes. How many there were.
    pub fn interrupt_replies(&mut self, runner: &str) -> Result<usize, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select m.uuid from replies r join messages m on m.id = r.message_id where r.runner = ?1",
        )?;
        let found =
            statement.query_map([runner], |row| Ok(MessageId(rows::uuid(row, 0)?)))?.collect::<Result<Vec<_>, _>>()?;
        drop(statement);
        for id in &found {
            let Some(old) = self.unfinished(*id)? else { continue };
            if old.message.content.is_empty() && old.message.blocks().is_empty() {
                self.drop_reply(*id)?;
            } else {
                self.end_reply(Message { finish_reason: Some(INTERRUPTED.into()), ..old.message })?;
            }
        }
        Ok(found.len())
    }

    /// Whether a message is a reply that is not over.
    pub(crate) fn is_unfinished(&self, key: i64) -> Result<bool, StoreError> {
        is_unfinished(self.connection(), key)
    }

    fn unfinished(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        let Some(record) = messages::find(self.connection(), id)? else { return Ok(None) };
        Ok(self.is_unfinished(record.key)?.then_some(record))
    }
}
