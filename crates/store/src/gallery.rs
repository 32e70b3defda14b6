//! The files of one conversation, the newest first, a page at a time: what the rows of a page cost does not grow with the
//! conversation. Their counts do.

use crate::rows::{self, ATTACHMENT_COLUMNS};
use crate::{Reader, StoreError};
use airi_domain::{Attachment, AttachmentId, Time};
use rusqlite::params;

/// A place in the order of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePlace {
    pub created_at: Time,
    pub id: AttachmentId,
}

/// A file with what is told beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct GalleryRow {
    pub attachment: Attachment,
    /// Who sent it.
    pub role: String,
    pub model_id: Option<String>,
    /// What the user said about it, or about the conversation: it stays here, it goes; none: as the settings say.
    pub keep: Option<bool>,
    /// Why its bytes could not be had, or were not taken by the server, for people.
    pub problem: Option<String>,
}

/// How many files a conversation has, in all its branches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GalleryCounts {
    pub files: u64,
    /// Of these, pictures.
    pub pictures: u64,
}

/// What is shown as a picture; everything else is a file.
const PICTURE: &str = "coalesce(a.mime_type, '') in ('image/png', 'image/jpeg', 'image/webp', 'image/gif')";

impl Reader {
    /// The files after a place, of a conversation by its key; `pictures`: those alone, or all the others alone.
    pub fn gallery(
        &self,
        conversation: i64,
        pictures: Option<bool>,
        after: Option<FilePlace>,
        limit: usize,
    ) -> Result<Vec<GalleryRow>, StoreError> {
        let sql = format!(
            "select {ATTACHMENT_COLUMNS}, m.role, m.model_id, \
               coalesce(k.keep, (select 1 from conversation_keep c where c.conversation_id = a.conversation_id)), \
               coalesce((select o.error from outbox o where o.row_id = a.uuid and o.state = 'wedged' limit 1), \
                        (select x.reason from file_faults x \
                         where x.attachment_id = a.id and x.storage_path = a.storage_path)) \
             from attachments a indexed by attachments_of_conversation \
             cross join messages m on m.id = a.message_id \
             left join file_keep k on k.attachment_id = a.id \
             where a.conversation_id = ?1 and m.deleted_at is null and (?2 is null or {PICTURE} = ?2) \
               and (a.created_at, a.uuid) < (?3, ?4) \
             order by a.created_at desc, a.uuid desc limit ?5"
        );
        let mut statement = self.connection().prepare_cached(&sql)?;
        // Above every id: a blob of 16 bytes comes before one that goes on.
        let end = (i64::MAX, [0xff; 17].to_vec());
        let (time, id) = after.map_or(end, |at| (at.created_at.micros(), at.id.0.as_bytes().to_vec()));
        let found = statement.query_map(params![conversation, pictures, time, id, limit], |row| {
            Ok(GalleryRow {
                attachment: rows::attachment(row)?,
                role: row.get(15)?,
                model_id: row.get(16)?,
                keep: row.get(17)?,
                problem: row.get(18)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// How many files a conversation has that are not of deleted messages.
    pub fn gallery_counts(&self, conversation: i64) -> Result<GalleryCounts, StoreError> {
        let sql = format!(
            "select count(*), coalesce(sum({PICTURE}), 0) from attachments a \
             cross join messages m on m.id = a.message_id where a.conversation_id = ?1 and m.deleted_at is null"
        );
        let mut statement = self.connection().prepare_cached(&sql)?;
        let count = |row: &rusqlite::Row<'_>, column| row.get::<_, i64>(column).map(|n| n as u64);
        Ok(statement
            .query_row([conversation], |row| Ok(GalleryCounts { files: count(row, 0)?, pictures: count(row, 1)? }))?)
    }
}
