//! What is known of the bytes behind attachments: which wait to be uploaded, where the server has them, when they were
//! opened last, and what was found out about objects whose rows tell no hash.

use crate::attachments::{find, select};
use crate::outbox::{OutboxKind, OutboxTable};
use crate::{Reader, StoreError, Writer, messages, rows};
use airi_domain::{Attachment, AttachmentId, MessageId, Patch, Time, storage_path_for};
use rusqlite::{OptionalExtension, params};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A fact: files may be missing here, or too many.
const FILES_DUE: &str = "files.due";
const DONE: &str = "0";

/// One content: what all attachments with the same bytes have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// None: the row of another client that tells none, and whose object has not come yet.
    pub sha256: Option<String>,
    /// The attachment through which the content can be had.
    pub attachment: AttachmentId,
    /// Where the server has it; empty: not there, as far as is known.
    pub storage_path: String,
    /// Bytes, as a row tells.
    pub size: Option<u64>,
    /// When the newest attachment with this content was made.
    pub created_at: Time,
    /// When it was opened last on this device.
    pub used_at: Option<Time>,
    /// A row with this content is still to be sent.
    pub waits: bool,
    /// When the server was last found not to have it, or to have something else.
    pub fault_at: Option<Time>,
    /// What the user said: it stays here, it goes; none: as the settings say. Of several attachments with these bytes, one
    /// that stays outweighs those that go.
    pub keep: Option<bool>,
}

/// Bytes of a waiting change that the server does not have yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    pub op_id: Uuid,
    pub attachment: Attachment,
}

/// Why an object cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// The server does not have it; else what it has is not what it should be.
    pub gone: bool,
    /// For people.
    pub reason: String,
}

impl Reader {
    /// Every content that an attachment names, in no particular order.
    pub fn contents(&self) -> Result<Vec<Content>, StoreError> {
        let owner = self.owner()?;
        let mut statement = self.connection().prepare_cached(
            "select a.uuid, coalesce(a.sha256, f.sha256), a.storage_path, a.file_size, a.created_at, u.used_at, \
               exists (select 1 from outbox o where o.row_id = a.uuid), x.noted_at, \
               coalesce(k.keep, (select 1 from conversation_keep c where c.conversation_id = a.conversation_id)) \
             from attachments a \
             left join file_keep k on k.attachment_id = a.id \
             left join file_found f on f.attachment_id = a.id and f.storage_path = a.storage_path \
             left join file_use u on u.sha256 = coalesce(a.sha256, f.sha256) \
             left join file_faults x on x.attachment_id = a.id and x.storage_path = a.storage_path \
             where a.sha256 is not null or a.storage_path <> ''",
        )?;
        let mut found: BTreeMap<String, Content> = BTreeMap::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let size: Option<i64> = row.get(3)?;
            let time = |column: usize| -> rusqlite::Result<Option<Time>> {
                Ok(row.get::<_, Option<i64>>(column)?.and_then(Time::from_micros))
            };
            let one = Content {
                attachment: AttachmentId(rows::uuid(row, 0)?),
                sha256: row.get(1)?,
                storage_path: row.get(2)?,
                size: size.and_then(|size| u64::try_from(size).ok()),
                created_at: rows::time(row, 4)?,
                used_at: time(5)?,
                waits: row.get(6)?,
                fault_at: time(7)?,
                keep: row.get(8)?,
            };
            let key = one.sha256.clone().unwrap_or_else(|| one.storage_path.clone());
            match found.get_mut(&key) {
                None => {
                    found.insert(key, one);
                }
                Some(known) => {
                    let better = match &one.sha256 {
                        Some(hash) => one.storage_path == storage_path_for(owner, hash),
                        None => false,
                    };
                    if known.storage_path.is_empty() || better {
                        known.attachment = one.attachment;
                        known.storage_path = one.storage_path;
                        known.fault_at = one.fault_at;
                    }
                    known.size = known.size.max(one.size);
                    known.created_at = known.created_at.max(one.created_at);
                    known.waits |= one.waits;
                    // None < Some(false) < Some(true)
                    known.keep = known.keep.max(one.keep);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Set when the files should be looked through: rows came since, or the last time did not finish, or never was.
    /// The text names the reason for [`Writer::files_done`].
    pub fn files_due(&self) -> Result<Option<String>, StoreError> {
        Ok(Some(self.meta(FILES_DUE)?.unwrap_or_default()).filter(|reason| reason != DONE))
    }

    /// Changes that wait for bytes to be on the server before they may say so, in the order they were made. Those behind
    /// a refused change are left out.
    pub fn uploads(&self) -> Result<Vec<Upload>, StoreError> {
        let owner = self.owner()?;
        let mut statement = self.connection().prepare_cached(
            "select o.op_id, o.row_id, o.kind, o.patch from outbox o \
             where o.table_name = 'message_attachments' and o.state = 'pending' and o.kind <> 'delete' \
               and o.lane not in (select lane from outbox where state = 'wedged' and table_name <> 'message_attachments') \
             order by o.id",
        )?;
        let mut rows = statement.query([])?;
        let mut uploads = Vec::new();
        while let Some(row) = rows.next()? {
            let (kind, patch): (String, Option<String>) = (row.get(2)?, row.get(3)?);
            if kind == "patch" && !patch.is_some_and(|patch| patch.contains("\"storage_path\"")) {
                continue;
            }
            let Some((_, attachment)) = find(self.connection(), AttachmentId(rows::uuid(row, 1)?))? else { continue };
            let Some(hash) = attachment.sha256.as_deref() else { continue };
            if attachment.storage_path != storage_path_for(owner, hash) {
                uploads.push(Upload { op_id: rows::uuid(row, 0)?, attachment });
            }
        }
        Ok(uploads)
    }

    /// Attachments that the server knows without a place of their bytes, and about which nothing waits to be sent.
    pub fn without_place(&self) -> Result<Vec<Attachment>, StoreError> {
        let mut statement = self.connection().prepare_cached(&select(
            "where a.storage_path = '' and a.sha256 is not null and a.server_seq >= 0 \
             and not exists (select 1 from outbox o where o.row_id = a.uuid)",
        ))?;
        Ok(statement.query_map([], rows::attachment)?.collect::<Result<_, _>>()?)
    }

    /// Whether a row says that the server has a content under its hash.
    pub fn is_placed(&self, sha256: &str) -> Result<bool, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("select exists (select 1 from attachments where sha256 = ?1 and storage_path = ?2)")?;
        let path = storage_path_for(self.owner()?, sha256);
        Ok(statement.query_row([sha256, &path], |row| row.get(0))?)
    }

    /// The hash of an attachment's bytes: the row's own, else the one found when its object came.
    pub fn hash_of(&self, attachment: &Attachment) -> Result<Option<String>, StoreError> {
        if attachment.sha256.is_some() || attachment.storage_path.is_empty() {
            return Ok(attachment.sha256.clone());
        }
        let mut statement = self.connection().prepare_cached(
            "select f.sha256 from file_found f join attachments a on a.id = f.attachment_id \
             where a.uuid = ?1 and f.storage_path = a.storage_path",
        )?;
        Ok(statement.query_row([attachment.id.0.as_bytes().as_slice()], |row| row.get(0)).optional()?)
    }

    /// When a content was opened last.
    pub fn used_at(&self, sha256: &str) -> Result<Option<Time>, StoreError> {
        let mut statement = self.connection().prepare_cached("select used_at from file_use where sha256 = ?1")?;
        let found: Option<i64> = statement.query_row([sha256], |row| row.get(0)).optional()?;
        Ok(found.and_then(Time::from_micros))
    }

    /// Why an attachment's object could not be had when it was asked for last.
    pub fn file_fault(&self, attachment: &Attachment) -> Result<Option<FileFault>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select x.gone, x.reason from file_faults x join attachments a on a.id = x.attachment_id \
             where a.uuid = ?1 and x.storage_path = a.storage_path",
        )?;
        let found = statement.query_row([attachment.id.0.as_bytes().as_slice()], |row| {
            Ok(FileFault { gone: row.get(0)?, reason: row.get(1)? })
        });
        Ok(found.optional()?)
    }
}

impl Writer<'_> {
    /// The server has these bytes now: notes it on every attachment with them, and queues it for those whose rows are
    /// there already. True: something was noted.
    pub fn place_content(&mut self, sha256: &str) -> Result<bool, StoreError> {
        let path = storage_path_for(self.owner, sha256);
        let mut statement = self.connection().prepare_cached(
            "select uuid, server_seq from attachments \
                 where sha256 = ?1 and storage_path <> ?2 and (storage_path = '' or server_seq is null)",
        )?;
        let found = statement
            .query_map([sha256, &path], |row| Ok((rows::uuid(row, 0)?, row.get::<_, Option<i64>>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        drop(statement);
        for (id, server_seq) in &found {
            let Some((key, attachment)) = find(self.connection(), AttachmentId(*id))? else { continue };
            self.connection()
                .prepare_cached("update attachments set storage_path = ?2 where id = ?1")?
                .execute(params![key, path])?;
            if server_seq.is_some() && !self.says_place(*id)? {
                self.promise_place(&attachment, &path)?;
            }
            if let Some(message) = messages::find(self.connection(), attachment.message_id)? {
                self.touch(message.conversation_key);
            }
        }
        if !found.is_empty() {
            // They may leave this disk from now on.
            self.set_files_due()?;
        }
        // What waited for the bytes may be sent now.
        self.queued |= !found.is_empty();
        Ok(!found.is_empty())
    }

    /// Queues that this device brings the bytes of an attachment which the server knows without them.
    pub fn offer_content(&mut self, id: AttachmentId) -> Result<(), StoreError> {
        let Some((_, attachment)) = find(self.connection(), id)? else { return Ok(()) };
        let Some(hash) = attachment.sha256.clone() else { return Ok(()) };
        if attachment.storage_path.is_empty() && !self.says_place(id.0)? {
            let path = storage_path_for(self.owner, &hash);
            self.promise_place(&attachment, &path)?;
        }
        Ok(())
    }

    fn promise_place(&mut self, attachment: &Attachment, path: &str) -> Result<(), StoreError> {
        let patch = Patch::from_iter([("storage_path".to_owned(), path.into())]);
        if let Some(message) = messages::find(self.connection(), attachment.message_id)? {
            let lane = message.message.conversation_id;
            let row = attachment.id.0;
            self.enqueue(lane, OutboxTable::Attachments, row, OutboxKind::Patch, Some(&patch), 0)?;
        }
        Ok(())
    }

    /// Whether a waiting change of an attachment will say where its bytes are.
    fn says_place(&self, id: Uuid) -> Result<bool, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select exists (select 1 from outbox where row_id = ?1 \
             and (kind = 'insert' or (kind = 'patch' and patch like '%\"storage_path\"%')))",
        )?;
        Ok(statement.query_row([id.as_bytes().as_slice()], |row| row.get(0))?)
    }

    /// The files are to be looked through again.
    pub fn set_files_due(&mut self) -> Result<(), StoreError> {
        self.set_meta(FILES_DUE, Some(&Uuid::now_v7().to_string()))
    }

    /// The files were looked through for that reason; what came up since stays due.
    pub fn files_done(&mut self, reason: &str) -> Result<(), StoreError> {
        if self.meta(FILES_DUE)?.unwrap_or_default() == reason {
            self.set_meta(FILES_DUE, Some(DONE))?;
        }
        Ok(())
    }

    /// Notes that a content was opened.
    pub fn mark_used(&mut self, sha256: &str, at: Time) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "insert into file_use values (?1, ?2) on conflict do update set used_at = max(used_at, ?2)",
            )?
            .execute(params![sha256, at.micros()])?;
        Ok(())
    }

    /// An attachment's bytes came, or left: the window looks at its conversation again. `found`: the hash that a row
    /// does not tell.
    pub fn note_arrival(&mut self, id: AttachmentId, found: Option<&str>) -> Result<(), StoreError> {
        let Some((key, attachment)) = find(self.connection(), id)? else { return Ok(()) };
        self.connection().prepare_cached("delete from file_faults where attachment_id = ?1")?.execute([key])?;
        if let Some(sha256) = found.filter(|_| attachment.sha256.is_none()) {
            // Whatever else names that object has the same bytes.
            self.connection()
                .prepare_cached(
                    "insert into file_found \
                     select id, storage_path, ?2 from attachments where storage_path = ?1 and sha256 is null \
                     on conflict do update set storage_path = excluded.storage_path, sha256 = excluded.sha256",
                )?
                .execute(params![attachment.storage_path, sha256])?;
        }
        self.touch_message(attachment.message_id)
    }

    /// Notes why an attachment's object cannot be had.
    pub fn note_fault(&mut self, id: AttachmentId, fault: &FileFault, at: Time) -> Result<(), StoreError> {
        let Some((key, attachment)) = find(self.connection(), id)? else { return Ok(()) };
        self.connection()
            .prepare_cached(
                "insert into file_faults values (?1, ?2, ?3, ?4, ?5) on conflict do update set \
                 storage_path = excluded.storage_path, gone = excluded.gone, reason = excluded.reason, \
                 noted_at = excluded.noted_at",
            )?
            .execute(params![key, attachment.storage_path, fault.gone, fault.reason, at.micros()])?;
        self.touch_message(attachment.message_id)
    }

    /// The window looks at the conversation of a message again.
    pub(crate) fn touch_message(&mut self, id: MessageId) -> Result<(), StoreError> {
        if let Some(message) = messages::find(self.connection(), id)? {
            self.touch(message.conversation_key);
        }
        Ok(())
    }
}
