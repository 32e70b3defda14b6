//! Gives a conversation and all that hangs on it new ids.
//!
//! Needed when an id belongs to somebody else on the server: an export of another account was imported. The new ids are
//! derived from the account and the old ones, so two devices that meet the same arrive at the same.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::{StoreError, Writer, conversations};
use airi_domain::{ConversationId, MessageId, derive_uuid};
use rusqlite::params;
use std::collections::HashMap;
use uuid::Uuid;

const MESSAGES: &str = "select id, uuid, parent_id from messages where conversation_id = ?1 order by created_at, uuid";

impl Writer<'_> {
    /// Gives the conversation new ids and queues all of it anew.
    pub fn rekey_conversation(&mut self, id: ConversationId) -> Result<ConversationId, StoreError> {
        let Some(record) = conversations::find(self.connection(), id)? else {
            return Err(StoreError::NotFound { what: "The conversation", id: id.to_string() });
        };
        let owner = self.owner;
        let next = |kind: &str, id: Uuid| derive_uuid(owner, "airi", kind, &id.to_string());
        let new_id = ConversationId(next("conversation", id.0));
        self.connection()
            .prepare_cached("delete from outbox where lane = ?1")?
            .execute([id.0.as_bytes().as_slice()])?;
        if conversations::key_of(self.connection(), new_id)?.is_some() {
            // Imported and given these ids before: only what is new in this copy moves over.
            self.move_new_messages(record.key, new_id)?;
            self.forget_conversation(record.key)?;
            return Ok(new_id);
        }
        let messages = self.keyed(MESSAGES, record.key)?;
        let attachments = self.keyed(
            "select a.id, a.uuid, null from attachments a join messages m on m.id = a.message_id \
             where m.conversation_id = ?1 order by a.created_at, a.uuid",
            record.key,
        )?;
        let renamed: HashMap<Uuid, Uuid> = messages.iter().map(|(_, id, _)| (*id, next("message", *id))).collect();
        let follow = |id: Uuid| renamed.get(&id).copied().unwrap_or(id);
        let current = record.conversation.current_message_id.map(|id| MessageId(follow(id.0)));
        self.connection()
            .prepare_cached(
                "update conversations set uuid = ?2, current_message_id = ?3, server_seq = null where id = ?1",
            )?
            .execute(params![record.key, new_id.0.as_bytes().as_slice(), current.map(|id| id.0.as_bytes().to_vec())])?;
        self.enqueue(new_id, OutboxTable::Conversations, new_id.0, OutboxKind::Insert, None, 0)?;
        for (key, id, parent) in messages {
            let (id, parent) = (follow(id), parent.map(follow));
            self.connection()
                .prepare_cached("update messages set uuid = ?2, parent_id = ?3, server_seq = null where id = ?1")?
                .execute(params![key, id.as_bytes().as_slice(), parent.map(|id| id.as_bytes().to_vec())])?;
            self.enqueue(new_id, OutboxTable::Messages, id, OutboxKind::Insert, None, 0)?;
        }
        for (key, id, _) in attachments {
            let id = next("attachment", id);
            self.connection()
                .prepare_cached("update attachments set uuid = ?2, storage_path = '', server_seq = null where id = ?1")?
                .execute(params![key, id.as_bytes().as_slice()])?;
            self.enqueue(new_id, OutboxTable::Attachments, id, OutboxKind::Insert, None, 0)?;
        }
        self.mark_stale(record.key)?;
        Ok(new_id)
    }

    /// Moves the messages that a conversation of these new ids lacks, with their files.
    fn move_new_messages(&mut self, from: i64, to: ConversationId) -> Result<(), StoreError> {
        let owner = self.owner;
        let next = |kind: &str, id: Uuid| derive_uuid(owner, "airi", kind, &id.to_string());
        let Some(target) = conversations::key_of(self.connection(), to)? else { return Ok(()) };
        for (key, id, parent) in self.keyed(MESSAGES, from)? {
            let new_id = next("message", id);
            if crate::messages::find(self.connection(), MessageId(new_id))?.is_some() {
                continue;
            }
            // A parent that is not among the derived ids is one that was written here, and keeps its own.
            let parent = match parent.map(|parent| (parent, next("message", parent))) {
                Some((old, derived)) if old != MessageId::ROOT.0 => {
                    Some(match crate::messages::find(self.connection(), MessageId(derived))? {
                        Some(_) => derived,
                        None => old,
                    })
                }
                Some((root, _)) => Some(root),
                None => None,
            };
            let seq = self.next_seq();
            self.connection()
                .prepare_cached(
                    "update messages set uuid = ?2, parent_id = ?3, conversation_id = ?4, view_pos = null, view_sub = 0, \
                     fork = null, server_seq = null, seq = ?5 where id = ?1",
                )?
                .execute(params![
                    key,
                    new_id.as_bytes().as_slice(),
                    parent.map(|id| id.as_bytes().to_vec()),
                    target,
                    seq
                ])?;
            self.enqueue(to, OutboxTable::Messages, new_id, OutboxKind::Insert, None, 0)?;
            let files = self.keyed("select id, uuid, null from attachments where message_id = ?1 order by id", key)?;
            for (key, id, _) in files {
                let id = next("attachment", id);
                self.connection()
                    .prepare_cached(
                        "update attachments set uuid = ?2, storage_path = '', server_seq = null where id = ?1",
                    )?
                    .execute(params![key, id.as_bytes().as_slice()])?;
                self.enqueue(to, OutboxTable::Attachments, id, OutboxKind::Insert, None, 0)?;
            }
        }
        self.mark_stale(target)
    }

    fn keyed(&self, sql: &str, conversation: i64) -> Result<Vec<(i64, Uuid, Option<Uuid>)>, StoreError> {
        let mut statement = self.connection().prepare_cached(sql)?;
        let rows = statement.query_map([conversation], |row| {
            let parent: Option<Vec<u8>> = row.get(2)?;
            Ok((row.get(0)?, crate::rows::uuid(row, 1)?, parent.and_then(|bytes| Uuid::from_slice(&bytes).ok())))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
