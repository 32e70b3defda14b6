//! What the user wants on this disk, or off it, whatever the settings say. Of this device alone.

use crate::attachments::find;
use crate::{Reader, StoreError, Writer, conversations};
use airi_domain::{AttachmentId, ConversationId};
use rusqlite::params;

impl Reader {
    /// Whether all files of a conversation, by its key, stay here.
    pub fn keeps_files_of(&self, conversation: i64) -> Result<bool, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("select exists (select 1 from conversation_keep where conversation_id = ?1)")?;
        Ok(statement.query_row([conversation], |row| row.get(0))?)
    }
}

impl Writer<'_> {
    /// A file stays here from now on, or goes until it is asked for.
    pub fn keep_file(&mut self, id: AttachmentId, keep: bool) -> Result<(), StoreError> {
        let Some((key, attachment)) = find(self.connection(), id)? else {
            return Err(StoreError::NotFound { what: "The attachment", id: id.to_string() });
        };
        self.connection()
            .prepare_cached("insert into file_keep values (?1, ?2) on conflict do update set keep = excluded.keep")?
            .execute(params![key, keep])?;
        self.touch_message(attachment.message_id)?;
        self.set_files_due()
    }

    /// Somebody asked for a file again: what was said about letting it go holds no longer, nor what was said of its equals,
    /// whose bytes are the same.
    pub fn take_back_letting_go(&mut self, id: AttachmentId) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "delete from file_keep where keep = 0 and attachment_id in (\
                   select id from attachments where uuid = ?1 \
                   union select b.id from attachments a join attachments b on b.sha256 = a.sha256 where a.uuid = ?1 \
                   union select g.attachment_id from attachments a join file_found f on f.attachment_id = a.id \
                     join file_found g on g.sha256 = f.sha256 where a.uuid = ?1)",
            )?
            .execute([id.0.as_bytes().as_slice()])?;
        Ok(())
    }

    /// All files of a conversation stay here from now on, also those that were let go; or the settings decide again about
    /// those that were not kept one by one.
    pub fn keep_files_of(&mut self, id: ConversationId, keep: bool) -> Result<(), StoreError> {
        let Some(key) = conversations::key_of(self.connection(), id)? else {
            return Err(StoreError::NotFound { what: "The conversation", id: id.to_string() });
        };
        if keep {
            self.connection().prepare_cached("insert or ignore into conversation_keep values (?1)")?.execute([key])?;
            self.connection()
                .prepare_cached(
                    "delete from file_keep where keep = 0 \
                     and attachment_id in (select id from attachments where conversation_id = ?1)",
                )?
                .execute([key])?;
        } else {
            self.connection()
                .prepare_cached("delete from conversation_keep where conversation_id = ?1")?
                .execute([key])?;
        }
        self.touch(key);
        self.set_files_due()
    }
}
