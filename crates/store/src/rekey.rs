//! Gives a conversation and all that hangs on it new ids.
//!
//! Needed when an id belongs to somebody else on the server: an export of another account was imported. The new ids are
//! derived from the account and the old ones, so two devices that meet the same arrive at the same.

use crate::outbox::{OutboxKind, OutboxTable};
use crate::{StoreError, Writer, conversations};
use airi_domain::{ConversationId, MessageId, Patch, derive_uuid};
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
        let edits = self.waiting_edits(id)?;
        self.connection()
            .prepare_cached("delete from outbox where lane = ?1")?
            .execute([id.0.as_bytes().as_slice()])?;
        if conversations::key_of(self.connection(), new_id)?.is_some() {
            // Imported and given these ids before, here or on another device: what is new in this copy moves over.
            self.move_new_messages(record.key, new_id)?;
            self.move_edits(edits, new_id)?;
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
        // The rows hold the edits already. But another device may have made the same rows under the same new ids, and
        // inserting what is there changes nothing.
        for (table, row, mut patch) in edits {
            let row = match table {
                OutboxTable::Conversations => {
                    if let Some(shown) = shown_message(&patch) {
                        patch.insert("current_message_id".into(), follow(shown).to_string().into());
                    }
                    new_id.0
                }
                OutboxTable::Messages => follow(row),
                OutboxTable::Attachments => continue,
            };
            self.enqueue(new_id, table, row, OutboxKind::Patch, Some(&patch), 0)?;
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
            if let Some(known) = crate::messages::find(self.connection(), MessageId(new_id))? {
                self.move_new_attachments(key, known.key, to)?;
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
            self.move_new_attachments(key, key, to)?;
        }
        self.mark_stale(target)
    }

    /// Moves the files that a message lacks from another copy of it (which may be itself), under ids of this account.
    fn move_new_attachments(&mut self, from: i64, to: i64, lane: ConversationId) -> Result<(), StoreError> {
        let owner = self.owner;
        let files = self.keyed("select id, uuid, null from attachments where message_id = ?1 order by id", from)?;
        for (key, id, _) in files {
            let id = derive_uuid(owner, "airi", "attachment", &id.to_string());
            let known: bool = self
                .connection()
                .prepare_cached("select exists (select 1 from attachments where uuid = ?1)")?
                .query_row([id.as_bytes().as_slice()], |row| row.get(0))?;
            if known {
                continue;
            }
            self.connection()
                .prepare_cached(
                    "update attachments set uuid = ?2, message_id = ?3, storage_path = '', server_seq = null where id = ?1",
                )?
                .execute(params![key, id.as_bytes().as_slice(), to])?;
            self.enqueue(lane, OutboxTable::Attachments, id, OutboxKind::Insert, None, 0)?;
        }
        Ok(())
    }

    /// What was changed in a conversation and its messages and waits to be sent, in order.
    fn waiting_edits(&self, lane: ConversationId) -> Result<Vec<(OutboxTable, Uuid, Patch)>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select table_name, row_id, patch from outbox where lane = ?1 and kind = 'patch' order by id",
        )?;
        let mut rows = statement.query([lane.0.as_bytes().as_slice()])?;
        let mut edits = Vec::new();
        while let Some(row) = rows.next()? {
            let (table, text): (String, Option<String>) = (row.get(0)?, row.get(2)?);
            let patch = text.and_then(|text| serde_json::from_str(&text).ok());
            if let (Some(table), Some(patch)) = (OutboxTable::named(&table), patch) {
                edits.push((table, crate::rows::uuid(row, 1)?, patch));
            }
        }
        Ok(edits)
    }

    /// Makes the same changes to the conversation of this account, and to those of its messages that both copies have.
    fn move_edits(&mut self, edits: Vec<(OutboxTable, Uuid, Patch)>, to: ConversationId) -> Result<(), StoreError> {
        let owner = self.owner;
        let renamed = |id: Uuid| derive_uuid(owner, "airi", "message", &id.to_string());
        for (table, row, mut patch) in edits {
            match table {
                OutboxTable::Conversations => {
                    if let Some(shown) = shown_message(&patch)
                        && crate::messages::find(self.connection(), MessageId(renamed(shown)))?.is_some()
                    {
                        patch.insert("current_message_id".into(), renamed(shown).to_string().into());
                    }
                    self.patch_conversation(to, patch)?;
                }
                OutboxTable::Messages => {
                    let id = MessageId(renamed(row));
                    if crate::messages::find(self.connection(), id)?.is_some() {
                        self.patch_message(id, patch)?;
                    }
                }
                // Their rows are sent as they are.
                OutboxTable::Attachments => {}
            }
        }
        Ok(())
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

/// The message that a patch of a conversation shows, if it is about that.
fn shown_message(patch: &Patch) -> Option<Uuid> {
    patch.get("current_message_id")?.as_str()?.parse().ok()
}
