//! Taking a history in: read whole first, then stored in one transaction.
//!
//! The archive is read twice. The first reading finds whatever is wrong with it and copies its files in under their
//! hashes, before anything is changed; the second one stores the rows. So a broken archive changes nothing, and an import
//! that is stopped leaves at most files that nobody names yet.

use crate::profile::{Profile, free_disk};
use crate::tasks::{Cancel, Progress};
use crate::{App, AppError, log};
use airi_contract::{CommandError, ImportReport, ImportRequest, Skipped, TaskStarted, TaskState};
use airi_domain::{AttachmentId, canonical_json};
use airi_formats::import::{Archive, AssetRef, Format, ImportedConversation, Item, Limits, Unreadable};
use airi_store::{StoreError, Writer};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// What to import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    pub path: PathBuf,
    /// auto, chatgpt, claude or airi
    pub format: String,
    /// The user confirmed an unusually large or dense archive.
    pub confirmed: bool,
}

/// Notes beyond this many say nothing new.
const NOTES: usize = 200;

impl App {
    /// Imports files beside the window, one report each.
    pub fn start_import(&self, request: ImportRequest) -> Result<TaskStarted, CommandError> {
        Ok(self.start_task(move |app, cancel, progress| {
            let mut reports = Vec::new();
            for path in request.paths {
                let options = ImportOptions {
                    path: path.into(),
                    format: request.format.clone().unwrap_or_else(|| "auto".into()),
                    confirmed: request.confirmed,
                };
                reports.push(app.import(&options, cancel, progress)?);
            }
            Ok(TaskState::Imported { reports })
        }))
    }

    /// Imports one file or folder.
    ///
    /// # Errors
    /// Nothing of the archive was taken in.
    pub fn import(
        &self,
        options: &ImportOptions,
        cancel: &Cancel,
        progress: Progress<'_>,
    ) -> Result<ImportReport, CommandError> {
        Ok(self.take_in(options, cancel, progress)?)
    }

    fn take_in(
        &self,
        options: &ImportOptions,
        cancel: &Cancel,
        progress: Progress<'_>,
    ) -> Result<ImportReport, AppError> {
        let start = Instant::now();
        let profile = self.profile();
        let format: Format = options.format.parse().map_err(crate::conversations::invalid)?;
        let limits =
            Limits { free_disk_bytes: free_disk(&profile.dir), allow_unusual: options.confirmed, ..Limits::default() };
        let mut archive = Archive::open(&options.path, format, &limits)?;
        let mut report = ImportReport { format: archive.source().to_string(), ..ImportReport::default() };
        let assets = look_through(&profile, &mut archive, cancel, progress, &mut report)?;
        let hashes = copy_files(&profile, &mut archive, assets, cancel, progress)?;
        store(&profile, &mut archive, &hashes, cancel, progress, &mut report)?;
        if !self.0.window {
            progress("Indexing", 0, None);
            profile.indexer.catch_up()?;
        }
        report.took_ms = start.elapsed().as_secs_f64() * 1e3;
        log::imported(&report);
        Ok(report)
    }
}

/// The first reading: whatever is wrong shows here; the files that are wanted are noted.
fn look_through(
    profile: &Profile,
    archive: &mut Archive,
    cancel: &Cancel,
    progress: Progress<'_>,
    report: &mut ImportReport,
) -> Result<Vec<(AttachmentId, AssetRef)>, AppError> {
    let reader = profile.store.read()?;
    let total = archive.estimate().conversation_bytes;
    let mut wanted = Vec::new();
    let mut failure = None;
    archive.read(profile.store.owner(), &mut |item, at| {
        progress("Reading", at.bytes_read, Some(total));
        if cancel.is_stopped() {
            failure = Some(AppError::Cancelled);
            return ControlFlow::Break(());
        }
        match item {
            Item::Conversation(imported) => {
                for attachment in imported.attachments {
                    let id = attachment.attachment.id;
                    let here = |hash: &str| profile.files.find(hash).is_some();
                    let known = reader
                        .attachment(id)
                        .map(|known| known.is_some_and(|known| known.sha256.as_deref().is_some_and(here)));
                    match (known, attachment.asset) {
                        (Ok(false), Some(asset)) => wanted.push((id, asset)),
                        (Ok(false), None) => report.attachments_missing += 1,
                        (Ok(true), _) => {}
                        (Err(error), _) => {
                            failure = Some(error.into());
                            return ControlFlow::Break(());
                        }
                    }
                }
            }
            Item::Unreadable(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    failure.map_or(Ok(wanted), Err)
}

fn copy_files(
    profile: &Profile,
    archive: &mut Archive,
    assets: Vec<(AttachmentId, AssetRef)>,
    cancel: &Cancel,
    progress: Progress<'_>,
) -> Result<HashMap<AttachmentId, (String, u64)>, AppError> {
    let total = assets.len() as u64;
    let mut hashes = HashMap::new();
    for (done, (id, asset)) in assets.into_iter().enumerate() {
        if cancel.is_stopped() {
            return Err(AppError::Cancelled);
        }
        progress("Copying files", done as u64, Some(total));
        let mut bytes = archive.open_asset(&asset)?;
        let stored = profile.files.add(&mut bytes)?;
        hashes.insert(id, (stored.sha256, stored.size));
    }
    Ok(hashes)
}

/// The second reading: all rows in one transaction.
fn store(
    profile: &Arc<Profile>,
    archive: &mut Archive,
    hashes: &HashMap<AttachmentId, (String, u64)>,
    cancel: &Cancel,
    progress: Progress<'_>,
    report: &mut ImportReport,
) -> Result<(), AppError> {
    let total = archive.estimate().conversation_bytes;
    let owner = profile.store.owner();
    let source = archive.source().to_string();
    profile.store.write(|w| -> Result<(), AppError> {
        let mut failure: Option<AppError> = None;
        archive.read(owner, &mut |item, at| {
            progress("Saving", at.bytes_read, Some(total));
            if cancel.is_stopped() {
                failure = Some(AppError::Cancelled);
                return ControlFlow::Break(());
            }
            let stored = match item {
                Item::Conversation(imported) => store_conversation(w, *imported, hashes, report),
                Item::Unreadable(unreadable) => keep_raw(w, &source, unreadable, report),
            };
            match stored {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error.into());
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        progress("Saving", total, Some(total));
        w.refresh_views(usize::MAX)?;
        Ok(())
    })
}

fn store_conversation(
    w: &mut Writer<'_>,
    imported: ImportedConversation,
    hashes: &HashMap<AttachmentId, (String, u64)>,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    report.conversations_read += 1;
    let read = imported.messages.len() as u64;
    report.messages_read += read;
    let title = imported.conversation.title.clone();
    let conversation = w.insert_conversation(imported.conversation)?;
    // Placed once at the end, not after each of its messages.
    w.defer_view(conversation.key())?;
    let mut added = 0;
    for message in imported.messages {
        if w.insert_message(message)?.is_new() {
            added += 1;
        }
    }
    report.messages_imported += added;
    report.messages_already_there += read - added;
    for item in imported.attachments {
        let mut attachment = item.attachment;
        if let Some((hash, size)) = hashes.get(&attachment.id) {
            attachment.sha256 = Some(hash.clone());
            attachment.file_size = i64::try_from(*size).ok();
        }
        let has_bytes = item.asset.is_some();
        let (id, hash, size) = (attachment.id, attachment.sha256.clone(), attachment.file_size);
        let new = w.insert_attachment(attachment)?.is_new();
        // An earlier import named the file without having it.
        let completed = match &hash {
            Some(hash) if !new && has_bytes => w.complete_attachment(id, hash, size)?,
            _ => false,
        };
        if (new && has_bytes) || completed {
            report.attachments_imported += 1;
        }
    }
    match (conversation.is_new(), added) {
        (true, _) => report.conversations_imported += 1,
        (false, 0) => report.conversations_already_there += 1,
        (false, _) => report.conversations_updated += 1,
    }
    for note in imported.notes {
        if report.notes.len() < NOTES {
            let title = title.as_deref().unwrap_or("untitled");
            report.notes.push(format!("{title}: {note}"));
        }
    }
    Ok(())
}

/// A conversation that cannot be understood is kept as it came, so that a later version may.
fn keep_raw(
    w: &mut Writer<'_>,
    source: &str,
    unreadable: Unreadable,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    report.conversations_read += 1;
    let value = serde_json::json!({ "source": source, "title": unreadable.title, "raw": unreadable.raw });
    let key = format!("{:016x}", fingerprint(&canonical_json(&value)));
    w.keep_unreadable(&key, &unreadable.reason, &value)?;
    report.skipped.push(Skipped {
        position: unreadable.position,
        title: unreadable.title,
        reason: format!("{} It was kept as it came.", unreadable.reason),
    });
    Ok(())
}

/// FNV-1a: the same raw conversation, imported again, is kept once.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
