//! The files of one conversation, and what of them stays on this computer.

use crate::conversations::{conversation_id, invalid};
use crate::views::attachment_row;
use crate::{App, AppError};
use airi_contract::{CommandError, GalleryFile, GalleryOnly, GalleryPage, GalleryRequest, KeepFilesRequest};
use airi_domain::{AttachmentId, ConversationId};
use airi_store::{FilePlace, StoreError};

impl App {
    /// A page of a conversation's files, the newest first.
    ///
    /// # Errors
    /// `not_found`: there is no such conversation. `invalid_input`: a limit or a place that is none.
    pub fn gallery(&self, request: GalleryRequest) -> Result<GalleryPage, CommandError> {
        Ok(self.files_of(request)?)
    }

    fn files_of(&self, request: GalleryRequest) -> Result<GalleryPage, AppError> {
        if !(1..=500).contains(&request.limit) {
            return Err(AppError::Invalid(format!("A page of {} files is none; ask for 1 to 500.", request.limit)));
        }
        let profile = self.profile();
        let id = conversation_id(&request.conversation_id)?;
        let pictures = match request.only {
            GalleryOnly::All => None,
            GalleryOnly::Pictures => Some(true),
            GalleryOnly::Files => Some(false),
        };
        let after = request
            .after
            .map(|place| -> Result<FilePlace, AppError> {
                let time = place.created_at.parse();
                let created_at = time.map_err(|_| AppError::Invalid(format!("'{}' is no time.", place.created_at)))?;
                Ok(FilePlace { created_at, id: place.id.parse().map_err(invalid)? })
            })
            .transpose()?;
        let reader = profile.store.read()?;
        reader.snapshot(|reader| {
            let missing = || AppError::NotFound { what: "The conversation", id: request.conversation_id.clone() };
            let key = reader.conversation(id)?.ok_or_else(missing)?.key;
            let counts = reader.gallery_counts(key)?;
            let rows = reader.gallery(key, pictures, after, request.limit as usize)?;
            let files = rows.into_iter().map(|row| GalleryFile {
                row: attachment_row(&profile, row.attachment),
                role: row.role,
                model_id: row.model_id,
                keep: row.keep,
                problem: row.problem,
            });
            Ok(GalleryPage {
                files: files.collect(),
                total: counts.files,
                pictures: counts.pictures,
                keep: reader.keeps_files_of(key)?,
            })
        })
    }

    /// Keeps files on this computer, or lets them go; the bytes follow when the server can be reached.
    ///
    /// # Errors
    /// `not_found`; `invalid_input`: without an account every file lies here alone, and nothing can be let go.
    pub fn keep_files(&self, request: KeepFilesRequest) -> Result<(), CommandError> {
        Ok(self.keep(&request)?)
    }

    fn keep(&self, request: &KeepFilesRequest) -> Result<(), AppError> {
        let profile = self.profile();
        if profile.account()?.is_none() {
            return Err(AppError::Invalid(
                "Without an account every file lies on this computer alone and stays here. Nothing was changed.".into(),
            ));
        }
        let attachment: AttachmentId = request.id.parse().map_err(invalid)?;
        let conversation: ConversationId = conversation_id(&request.id)?;
        profile.store.write(|w| -> Result<(), StoreError> {
            match w.attachment(attachment)? {
                Some(known) if !request.keep && known.storage_path.is_empty() => Err(StoreError::Invalid(
                    "The server does not have this file, so it stays on this computer. Nothing was changed.".into(),
                )),
                Some(_) => w.keep_file(attachment, request.keep),
                None => w.keep_files_of(conversation, request.keep),
            }
        })?;
        self.0.doorbell.notify_one();
        Ok(())
    }
}
