//! Files: bytes go up before the row that names them is sent, and come down after the row that names them has come.
//!
//! Beside the rounds of rows and never in their way: a round sends what has its bytes on the server and leaves the rest
//! to a later one. Any number of processes may be at it; a content is moved by one of them. What breaks off goes on from
//! there, and one bad file stops no other.

use crate::disk::{DiskPolicy, plan};
use crate::engine::SyncError;
use crate::remote::{Failure, FailureClass, Remote};
use airi_domain::{Attachment, AttachmentId, MAX_FILE_BYTES, OwnerId, Time, storage_path_for};
use airi_store::{FileFault, Files, Store, StoreError, Upload};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::path::Path;
use uuid::Uuid;

/// Contents on their way at the same time.
const AT_ONCE: usize = 3;
/// Up to here it costs less to send a file than to ask whether it is there.
const ASK_ABOVE: u64 = 64 * 1024;
/// Free disk that is left to everything else.
const SPARE: u64 = 64 * 1024 * 1024;

/// What was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransferReport {
    pub uploaded: u64,
    /// Contents that the server was found to have; rows may name them now.
    pub placed: u64,
    pub downloaded: u64,
    /// Contents that left this disk because the server has them.
    pub evicted: u64,
    /// Files that the server refuses; their changes stand in view.
    pub refused: u64,
    /// Files that could not be moved now; the next time tries again.
    pub waiting: u64,
    pub requests: u64,
}

impl TransferReport {
    pub fn add(&mut self, other: &TransferReport) {
        self.uploaded += other.uploaded;
        self.placed += other.placed;
        self.downloaded += other.downloaded;
        self.evicted += other.evicted;
        self.refused += other.refused;
        self.waiting += other.waiting;
        self.requests += other.requests;
    }
}

/// How it went to get one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    Here,
    /// Somebody else is fetching it just now.
    UnderWay,
    /// Nobody has the bytes, or what the server has is not what it should be.
    Fault(FileFault),
    /// The disk has no room for it.
    NoRoom {
        needed: u64,
        free: u64,
    },
}

/// Moves files between one profile and its server.
pub struct Transfers<R> {
    store: Store,
    files: Files,
    remote: R,
    now: Box<dyn Fn() -> Time + Send + Sync>,
    free: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    stop: Box<dyn Fn() -> bool + Send + Sync>,
}

impl<R: Remote> Transfers<R> {
    /// `now` ranks what was needed when; `free` tells the bytes left on the disk, if that is known.
    pub fn new(
        store: Store,
        files: Files,
        remote: R,
        now: impl Fn() -> Time + Send + Sync + 'static,
        free: impl Fn() -> Option<u64> + Send + Sync + 'static,
    ) -> Transfers<R> {
        let stop = Box::new(|| false);
        Transfers { store, files, remote, now: Box::new(now), free: Box::new(free), stop }
    }

    /// Begins no further file once `stop` says so.
    pub fn stopped_by(mut self, stop: impl Fn() -> bool + Send + Sync + 'static) -> Transfers<R> {
        self.stop = Box::new(stop);
        self
    }

    /// Sends the bytes that waiting changes speak of. Those changes may be pushed afterwards.
    ///
    /// # Errors
    /// What stops everything: a session that ended, a server without our tables, this device's disk.
    pub async fn upload_all(&self) -> Result<TransferReport, SyncError> {
        self.offer_what_is_missing()?;
        let mut groups: Vec<(String, Vec<Upload>)> = Vec::new();
        for upload in self.store.read()?.uploads()? {
            let Some(hash) = upload.attachment.sha256.clone() else { continue };
            match groups.iter_mut().find(|(known, _)| *known == hash) {
                Some((_, group)) => group.push(upload),
                None => groups.push((hash, vec![upload])),
            }
        }
        let sent = futures_util::stream::iter(groups).map(async |(hash, group)| self.send(&hash, &group).await);
        collect(sent.buffer_unordered(AT_ONCE)).await
    }

    /// Rows that the server has without their bytes, while this device has them: it brings them.
    fn offer_what_is_missing(&self) -> Result<(), SyncError> {
        let reader = self.store.read()?;
        for attachment in reader.without_place()? {
            let Some(hash) = attachment.sha256.as_deref() else { continue };
            if self.files.find(hash).is_some() || reader.is_placed(hash)? {
                self.store.write(|w| w.offer_content(attachment.id))?;
            }
        }
        Ok(())
    }

    async fn send(&self, hash: &str, group: &[Upload]) -> Result<TransferReport, SyncError> {
        let mut report = TransferReport::default();
        if (self.stop)() {
            report.waiting += 1;
            return Ok(report);
        }
        let path = storage_path_for(self.store.owner(), hash);
        let file = self.files.find(hash);
        let placed = self.store.read()?.is_placed(hash)?;
        let size = match &file {
            Some(file) => std::fs::metadata(file).map_err(StoreError::from)?.len(),
            // Nobody here has the bytes: the row goes alone, and whoever has them may bring them later.
            None if !placed => return Ok(report),
            None => 0,
        };
        let Some(_claim) = self.files.claim(&path)? else {
            report.waiting += 1;
            return Ok(report);
        };
        let result = self.put(hash, &path, file.as_deref(), size, placed, group, &mut report).await;
        match result {
            Ok(true) => {
                self.store.write(|w| w.place_content(hash))?;
                report.placed += 1;
            }
            Ok(false) => {}
            Err(failure) => match failure.class {
                FailureClass::Passing { .. } | FailureClass::Smaller { passing: true } => report.waiting += 1,
                // A file cannot be sent in smaller parts than it already is.
                FailureClass::Permanent | FailureClass::Smaller { .. } => {
                    self.refuse(group, &failure.message, &mut report)?
                }
                _ => return Err(SyncError::Remote(failure)),
            },
        }
        Ok(report)
    }

    /// True: the server has the bytes now.
    #[allow(clippy::too_many_arguments, reason = "one step of `send`, which owns all of these")]
    async fn put(
        &self,
        hash: &str,
        path: &str,
        file: Option<&Path>,
        size: u64,
        placed: bool,
        group: &[Upload],
        report: &mut TransferReport,
    ) -> Result<bool, Failure> {
        if placed || size > ASK_ABOVE {
            report.requests += 1;
            match self.remote.stored(path).await? {
                Some(there) if file.is_none() || there == size => return Ok(true),
                _ if file.is_none() => return Ok(false),
                _ => {}
            }
        }
        let Some(file) = file else { return Ok(false) };
        let (files, sum) = (self.files.clone(), hash.to_owned());
        // What is there under its hash is there for ever: damaged bytes must not go.
        let sound = tokio::task::spawn_blocking(move || files.is_sound(&sum)).await;
        if !matches!(sound, Ok(Ok(true))) {
            let names: Vec<&str> = group.iter().map(|upload| upload.attachment.file_name.as_str()).collect();
            let message = format!(
                "The file {} on this computer is damaged or cannot be read and was not sent. Attach it again from its \
                 source, then give this change up or send it again.",
                names.join(", ")
            );
            return Err(Failure { class: FailureClass::Permanent, message });
        }
        let mime_type = group.first().and_then(|upload| upload.attachment.mime_type.as_deref());
        report.requests += 1;
        self.remote.upload(path, file, mime_type, &self.files.note(hash)).await?;
        report.uploaded += 1;
        Ok(true)
    }

    fn refuse(&self, group: &[Upload], message: &str, report: &mut TransferReport) -> Result<(), SyncError> {
        let ops: Vec<Uuid> = group.iter().map(|upload| upload.op_id).collect();
        self.store.write(|w| ops.iter().try_for_each(|op| w.wedge(*op, "upload_refused", message)))?;
        report.refused += 1;
        Ok(())
    }

    /// Makes room as the policy asks, and fetches what is to be kept here.
    ///
    /// # Errors
    /// As for [`Transfers::upload_all`].
    pub async fn download_all(&self, policy: DiskPolicy) -> Result<TransferReport, SyncError> {
        let decided = self.decide(policy)?;
        let mut report = self.evict(decided.leave).await?;
        let came = futures_util::stream::iter(decided.fetch).map(async |content| {
            let mut report = TransferReport::default();
            if (self.stop)() {
                report.waiting += 1;
                return Ok(report);
            }
            match self.bring(content.attachment, &mut report).await {
                Ok(Fetched::Here | Fetched::Fault(_)) => {}
                Ok(Fetched::UnderWay | Fetched::NoRoom { .. }) => report.waiting += 1,
                Err(SyncError::Remote(failure)) if moves_on(&failure) => report.waiting += 1,
                Err(error) => return Err(error),
            }
            Ok(report)
        });
        report.add(&collect(came.buffer_unordered(AT_ONCE)).await?);
        Ok(report)
    }

    /// Lets go of what the server has and what does not fit under the policy's bound.
    pub async fn make_room(&self, policy: DiskPolicy) -> Result<TransferReport, SyncError> {
        let decided = self.decide(policy)?;
        self.evict(decided.leave).await
    }

    fn decide(&self, policy: DiskPolicy) -> Result<crate::disk::DiskPlan, SyncError> {
        let here: HashMap<String, u64> = self.files.list()?.into_iter().map(|file| (file.sha256, file.size)).collect();
        let owner = self.store.owner();
        let mut contents = self.store.read()?.contents()?;
        contents.retain(|content| content.storage_path.is_empty() || in_own_folder(owner, &content.storage_path));
        Ok(plan(contents, &here, policy, (self.now)()))
    }

    async fn evict(&self, contents: Vec<airi_store::Content>) -> Result<TransferReport, SyncError> {
        let mut report = TransferReport::default();
        for content in contents {
            let Some(hash) = content.sha256.as_deref() else { continue };
            let Some(file) = self.files.find(hash) else { continue };
            let Some(_claim) = self.files.claim(&content.storage_path)? else { continue };
            // A row may say anything; only what the server itself answers for may leave.
            report.requests += 1;
            let there = match self.remote.stored(&content.storage_path).await {
                Ok(there) => there,
                Err(failure) if moves_on(&failure) => {
                    report.waiting += 1;
                    continue;
                }
                Err(failure) => return Err(failure.into()),
            };
            if there.is_none() || there != std::fs::metadata(&file).ok().map(|data| data.len()) {
                continue;
            }
            if self.files.remove(hash)? {
                report.evicted += 1;
                self.store.write(|w| w.note_arrival(content.attachment, None))?;
            }
        }
        Ok(report)
    }

    /// Gets one attachment's bytes now.
    ///
    /// # Errors
    /// The server cannot be reached, the session ended, or this device's own disk failed. Nothing is lost by it; what came
    /// is kept for the next try.
    pub async fn fetch(&self, id: AttachmentId) -> Result<Fetched, SyncError> {
        self.bring(id, &mut TransferReport::default()).await
    }

    async fn bring(&self, id: AttachmentId, report: &mut TransferReport) -> Result<Fetched, SyncError> {
        let known = self.store.read()?.attachment(id)?;
        let attachment = known.ok_or_else(|| StoreError::NotFound { what: "The attachment", id: id.to_string() })?;
        if self.is_here(&attachment)? {
            return Ok(Fetched::Here);
        }
        let path = attachment.storage_path.as_str();
        let refusal = if path.is_empty() {
            Some(
                "Nobody has sent the bytes of this file to the server yet. They come once a device that has them syncs.",
            )
        } else if !in_own_folder(self.store.owner(), path) {
            Some("The file's place on the server is not in your own folder. It is not fetched.")
        } else {
            None
        };
        if let Some(reason) = refusal {
            return Ok(Fetched::Fault(FileFault { gone: true, reason: reason.into() }));
        }
        let Some(_claim) = self.files.claim(path)? else { return Ok(Fetched::UnderWay) };
        // Whoever held the claim before may have brought it.
        if self.is_here(&attachment)? {
            return Ok(Fetched::Here);
        }
        let told = attachment.file_size.and_then(|size| u64::try_from(size).ok());
        let size = match told {
            Some(size) => Some(size),
            None => {
                report.requests += 1;
                self.remote.stored(path).await?
            }
        };
        // Without a hash, the row's word and the bucket's limit are all that bounds it.
        let size =
            if attachment.sha256.is_none() { Some(size.unwrap_or(MAX_FILE_BYTES).min(MAX_FILE_BYTES)) } else { size };
        if let (Some(size), Some(free)) = (size, (self.free)()) {
            let needed = size.saturating_sub(self.files.received(path)).saturating_add(SPARE);
            if told.is_some() && needed > free {
                return Ok(Fetched::NoRoom { needed, free });
            }
        }
        // What comes wrong is fetched once more before it counts as wrong: a page of somebody on the way is no file.
        for last_try in [false, true] {
            let part = self.files.partial(path);
            report.requests += 1;
            match self.remote.download(path, &part, attachment.sha256.as_deref(), size).await {
                Ok(()) => {}
                Err(failure) if failure.class == FailureClass::WrongContent && !last_try => continue,
                Err(failure) if failure.class == FailureClass::WrongContent => {
                    return self.fault(&attachment, false, failure.message);
                }
                Err(failure) => return self.not_fetched(&attachment, failure, report).await,
            }
            let (files, expected) = (self.files.clone(), attachment.sha256.clone());
            let accepted = tokio::task::spawn_blocking(move || files.accept(&part, expected.as_deref())).await;
            match accepted {
                Ok(Ok(stored)) => {
                    report.downloaded += 1;
                    self.store.write(|w| w.note_arrival(attachment.id, Some(&stored.sha256)))?;
                    return Ok(Fetched::Here);
                }
                Ok(Err(StoreError::Invalid(reason))) if last_try => return self.fault(&attachment, false, reason),
                Ok(Err(StoreError::Invalid(_))) => {}
                Ok(Err(error)) => return Err(error.into()),
                Err(error) => return Err(StoreError::Io(std::io::Error::other(error)).into()),
            }
        }
        Ok(Fetched::UnderWay)
    }

    /// A download that was refused: is it the object, or something on the way to it?
    async fn not_fetched(
        &self,
        attachment: &Attachment,
        failure: Failure,
        report: &mut TransferReport,
    ) -> Result<Fetched, SyncError> {
        // A download cannot be asked for in smaller parts, but what says so may be gone the next time.
        if failure.class != FailureClass::Permanent {
            return Err(failure.into());
        }
        report.requests += 1;
        let told = attachment.file_size.and_then(|size| u64::try_from(size).ok());
        match self.remote.stored(&attachment.storage_path).await? {
            None => self.fault(attachment, true, failure.message),
            // It is there and as it should be: something on the way refused it, and may let it pass the next time.
            Some(found) if told.is_none_or(|told| told == found) => {
                Err(Failure { class: FailureClass::Passing { retry_after: None }, ..failure }.into())
            }
            Some(_) => self.fault(attachment, false, failure.message),
        }
    }

    fn is_here(&self, attachment: &Attachment) -> Result<bool, SyncError> {
        let hash = self.store.read()?.hash_of(attachment)?;
        Ok(hash.is_some_and(|hash| self.files.find(&hash).is_some()))
    }

    fn fault(&self, attachment: &Attachment, gone: bool, reason: String) -> Result<Fetched, SyncError> {
        let fault = FileFault { gone, reason };
        self.store.write(|w| w.note_fault(attachment.id, &fault, (self.now)()))?;
        Ok(Fetched::Fault(fault))
    }
}

/// Whether the next file may go better.
fn moves_on(failure: &Failure) -> bool {
    use FailureClass::{Passing, Permanent, Smaller, WrongContent};
    matches!(failure.class, Passing { .. } | Permanent | Smaller { .. } | WrongContent)
}

/// A row of another client may name any place; only the account's own folder of the bucket is asked.
fn in_own_folder(owner: OwnerId, path: &str) -> bool {
    let own = path.strip_prefix(&format!("{owner}/"));
    own.is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

/// Sums up; the first error that stops everything wins.
async fn collect(
    mut results: impl StreamExt<Item = Result<TransferReport, SyncError>> + Unpin,
) -> Result<TransferReport, SyncError> {
    let mut whole = TransferReport::default();
    while let Some(result) = results.next().await {
        whole.add(&result?);
    }
    Ok(whole)
}

/// Where an attachment's bytes stand for a row that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bytes {
    /// The server has them, or the row has another client's place.
    There,
    /// They are here and must go first.
    First,
    /// Nobody here has them.
    Nowhere,
}

pub(crate) fn bytes_of(files: &Files, owner: OwnerId, attachment: &Attachment) -> Bytes {
    let Some(hash) = attachment.sha256.as_deref() else {
        return if attachment.storage_path.is_empty() { Bytes::Nowhere } else { Bytes::There };
    };
    match attachment.storage_path == storage_path_for(owner, hash) {
        true => Bytes::There,
        false if files.find(hash).is_some() => Bytes::First,
        false => Bytes::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_folder_of_the_bucket_is_asked() {
        let owner = OwnerId(Uuid::from_u128(7));
        for good in ["a", "chat/photo 1.png"] {
            assert!(in_own_folder(owner, &format!("{owner}/{good}")), "{good}");
        }
        let other = OwnerId(Uuid::from_u128(8));
        for bad in [format!("{other}/a"), format!("{owner}"), format!("{owner}/"), format!("{owner}/../{other}/a")] {
            assert!(!in_own_folder(owner, &bad), "{bad}");
        }
    }
}
