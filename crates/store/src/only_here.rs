//! Conversations that stay on this device only.
//!
//! Nothing of such a conversation enters the outbox, so nothing of it is sent. A conversation of which the server has
//! something, or may have, cannot be one: what is there is there for the account's other devices as well. Whether the server
//! may have it is known exactly, because operations are marked before they are sent ([`Writer::offer`]) in the same file
//! that the choice is made in, so one of the two comes first.

use crate::outbox::OutboxTable;
use crate::{Reader, StoreError, Writer, conversations, rows};
use airi_domain::{ConversationId, MessageId};
use rusqlite::{OptionalExtension, params};
use std::collections::HashSet;
use uuid::Uuid;

/// Something of the conversation `?1` is on the server, or may be.
const MAY_BE_THERE: &str = "
    select exists (select 1 from conversations where id = ?1 and (server_seq is not null or held_seq is not null))
      or exists (select 1 from messages where conversation_id = ?1 and (server_seq is not null or held_seq is not null))
      or exists (select 1 from attachments a join messages m on m.id = a.message_id where m.conversation_id = ?1
                 and (a.server_seq is not null or a.held_seq is not null or a.storage_path <> ''))
      or exists (select 1 from outbox where lane = ?2 and offered = 1)";

impl Reader {
    /// Whether the conversation of a message stays on this device.
    pub fn is_only_here(&self, message: MessageId) -> Result<bool, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select exists (select 1 from only_here h join messages m on m.conversation_id = h.conversation_id \
             where m.uuid = ?1)",
        )?;
        Ok(statement.query_row([message.0.as_bytes().as_slice()], |row| row.get(0))?)
    }
}

impl Reader {
    /// How many conversations stay on this device.
    pub fn only_here_count(&self) -> Result<u64, StoreError> {
        let count = "select count(*) from only_here";
        Ok(self.connection().prepare_cached(count)?.query_row([], |row| row.get(0))?)
    }
}

impl Writer<'_> {
    /// Keeps a conversation on this device, or lets it go to the server after all: then all of it is queued. Keeping what is
    /// kept, and the other way round, does nothing.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the server has something of it or may have: nothing was changed.
    pub fn set_only_here(&mut self, id: ConversationId, only_here: bool) -> Result<(), StoreError> {
        let Some(key) = conversations::key_of(self.connection(), id)? else {
            return Err(StoreError::NotFound { what: "The conversation", id: id.to_string() });
        };
        if self.stays(id)? == only_here {
            return Ok(());
        }
        if only_here {
            let there: bool = self
                .connection()
                .prepare_cached(MAY_BE_THERE)?
                .query_row(params![key, id.0.as_bytes().as_slice()], |row| row.get(0))?;
            if there {
                return Err(StoreError::Invalid(
                    "This conversation is on the server already, or on its way there, so it cannot stay on this device \
                     only. Export it and delete it for good to have it here alone; nothing was changed."
                        .into(),
                ));
            }
            self.connection()
                .prepare_cached("delete from outbox where lane = ?1")?
                .execute([id.0.as_bytes().as_slice()])?;
            self.connection().prepare_cached("insert into only_here values (?1)")?.execute([key])?;
        } else {
            self.connection().prepare_cached("delete from only_here where conversation_id = ?1")?.execute([key])?;
        }
        self.stays.set(None);
        if !only_here {
            self.queue_whole(id, key)?;
        }
        self.queued = true;
        self.touch(key);
        Ok(())
    }

    /// Queues everything of a conversation that the server does not have, parents before children.
    fn queue_whole(&mut self, id: ConversationId, key: i64) -> Result<(), StoreError> {
        let wanted = [
            (OutboxTable::Conversations, "select uuid from conversations where id = ?1 and server_seq is null"),
            (
                OutboxTable::Messages,
                // A reply that is being written is queued when it is over.
                "select uuid from messages where conversation_id = ?1 and server_seq is null \
                 and id not in (select message_id from replies) order by created_at, uuid",
            ),
            (
                OutboxTable::Attachments,
                "select a.uuid from attachments a join messages m on m.id = a.message_id \
                 where m.conversation_id = ?1 and a.server_seq is null order by a.created_at, a.uuid",
            ),
        ];
        for (table, sql) in wanted {
            let mut statement = self.connection().prepare_cached(sql)?;
            let found = statement.query_map([key], |row| rows::uuid(row, 0))?.collect::<Result<Vec<Uuid>, _>>()?;
            drop(statement);
            for row in found {
                self.send_again(id, table, row)?;
            }
        }
        Ok(())
    }

    /// Whether nothing of this conversation may be queued.
    pub(crate) fn stays(&self, id: ConversationId) -> Result<bool, StoreError> {
        if !self.once(&self.stays, "select exists (select 1 from only_here)")? {
            return Ok(false);
        }
        let mut statement = self.connection().prepare_cached(
            "select 1 from only_here h join conversations c on c.id = h.conversation_id where c.uuid = ?1",
        )?;
        Ok(statement.query_row([id.0.as_bytes().as_slice()], |_| Ok(())).optional()?.is_some())
    }

    /// Notes that these operations are about to be sent; those that are not in the outbox any more are left out of the
    /// answer, and must not be.
    pub fn offer(&mut self, ops: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
        let mut there = HashSet::new();
        for op in ops {
            let id = op.as_bytes().as_slice();
            let mut known = self.connection().prepare_cached("select offered from outbox where op_id = ?1")?;
            let Some(offered) = known.query_row([id], |row| row.get::<_, bool>(0)).optional()? else { continue };
            if !offered {
                self.connection().prepare_cached("update outbox set offered = 1 where op_id = ?1")?.execute([id])?;
            }
            there.insert(*op);
        }
        Ok(there)
    }
}
