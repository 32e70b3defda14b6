//! Files: uploaded before the row that names them is sent, downloaded after the row that names them has come.

use crate::engine::{Engine, SyncError};
use crate::remote::{FailureClass, Remote};
use airi_domain::{Attachment, storage_path_for};
use airi_store::{OutboxEntry, StoreError};

impl<R: Remote> Engine<R> {
    /// Whether bytes are here that the server may not have.
    pub(crate) fn needs_upload(&self, attachment: &Attachment) -> bool {
        let Some(hash) = attachment.sha256.as_deref() else { return false };
        attachment.storage_path != storage_path_for(self.store.owner(), hash) && self.files.find(hash).is_some()
    }

    /// Uploads an attachment's bytes. Some(true): the server has them; Some(false): nobody here has them, the row goes
    /// alone; None: not now, the row waits (its conversation does not).
    pub(crate) async fn upload(
        &mut self,
        entry: &OutboxEntry,
        attachment: &Attachment,
    ) -> Result<Option<bool>, SyncError> {
        let Some(hash) = attachment.sha256.as_deref() else { return Ok(Some(false)) };
        let path = storage_path_for(self.store.owner(), hash);
        if attachment.storage_path == path {
            return Ok(Some(true));
        }
        let Some(file) = self.files.find(hash) else { return Ok(Some(false)) };
        match self.remote.upload(&path, &file, attachment.mime_type.as_deref()).await {
            Ok(()) => {
                self.report.requests += 1;
                self.report.files_uploaded += 1;
                self.store.write(|w| w.set_storage_path(attachment.id, &path))?;
                self.tell();
                Ok(Some(true))
            }
            Err(failure) => match failure.class {
                FailureClass::Passing { .. } => {
                    self.report.files_waiting += 1;
                    Ok(None)
                }
                // A file cannot be sent in smaller parts than it already is.
                FailureClass::Permanent | FailureClass::Smaller => {
                    self.store.write(|w| w.wedge(entry.op_id, "upload_refused", &failure.message))?;
                    self.report.refused += 1;
                    Ok(None)
                }
                _ => Err(SyncError::Remote(failure)),
            },
        }
    }

    /// Fetches the files that the server has and this device lacks.
    pub(crate) async fn download_missing(&mut self) -> Result<(), SyncError> {
        let wanted = self.store.read()?.attachments_on_server()?;
        for attachment in wanted {
            // Without a hash nobody could tell whether the right bytes came; such a file is left on the server.
            let Some(hash) = attachment.sha256.as_deref() else { continue };
            if self.files.find(hash).is_some() {
                continue;
            }
            let part = self.files.partial(&attachment.storage_path);
            let size = attachment.file_size.and_then(|size| u64::try_from(size).ok());
            match self.remote.download(&attachment.storage_path, &part, hash, size).await {
                Ok(()) => self.report.requests += 1,
                Err(failure) if matches!(failure.class, FailureClass::SignInAgain | FailureClass::Parked) => {
                    return Err(SyncError::Remote(failure));
                }
                Err(_) => {
                    // It stays marked as being on the server only; the next round asks again.
                    self.report.files_waiting += 1;
                    continue;
                }
            }
            match self.files.accept(&part, Some(hash)) {
                Ok(_) => {
                    self.report.files_downloaded += 1;
                    self.tell();
                }
                Err(StoreError::Invalid(_)) => self.report.files_waiting += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
