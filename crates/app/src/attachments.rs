//! Taking a file in, and getting the bytes of one that is not on this computer.
//!
//! A file is copied and hashed before any row speaks of it; the source may vanish afterwards. Whatever goes wrong before
//! that leaves no trace. Its name is text for people; what it is, the bytes tell.

use crate::account::blocking;
use crate::conversations::{conversation_id, draft, insert, invalid};
use crate::profile::{Profile, free_disk, now};
use crate::{App, AppError};
use airi_contract::{AttachmentRef, AttachmentRow, Changed, CommandError, FileState, MessageView};
use airi_domain::{
    Attachment, AttachmentId, ContentType, ConversationId, MAX_FILE_BYTES, MessageId, Role, empty_object,
};
use airi_store::{Staged, StoreError};
use airi_sync::Fetched;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// Where the bytes of a new file come from.
pub enum FileSource {
    Path(PathBuf),
    /// A name for people, and the bytes in base64.
    Pasted {
        name: String,
        base64: String,
    },
    /// The ticket of a file that was dropped on the window.
    Dropped(String),
}

/// A file that was copied in and belongs to nothing yet.
pub(crate) struct Prepared {
    staged: Staged,
    name: String,
    kind: Kind,
}

/// A file for a message.
pub struct NewFile {
    pub conversation_id: String,
    /// None: a new message of the user at the end of the branch in view.
    pub message_id: Option<String>,
    pub source: FileSource,
}

/// Disk that is left free beside a copy.
const SPARE: u64 = 64 * 1024 * 1024;
/// How exactly it is known when a file was opened last, in microseconds.
const NOTED_EVERY: i64 = 60 * 1_000_000;

impl App {
    /// Copies a file in and hangs it on a message.
    ///
    /// # Errors
    /// Nothing was attached and nothing is left behind.
    pub fn attach_file(&self, new: NewFile) -> Result<(AttachmentRow, MessageView), CommandError> {
        Ok(self.attach_new(new)?)
    }

    pub(crate) fn attach_new(&self, new: NewFile) -> Result<(AttachmentRow, MessageView), AppError> {
        let profile = self.profile();
        let conversation = conversation_id(&new.conversation_id)?;
        let given = new.message_id.as_deref().map(str::parse::<MessageId>).transpose().map_err(invalid)?;
        let missing = |what, id: &str| AppError::NotFound { what, id: id.to_owned() };
        let reader = profile.store.read()?;
        if reader.conversation(conversation)?.is_none() {
            return Err(missing("The conversation", &new.conversation_id));
        }
        if let Some(message) = given {
            let known = reader.message(message)?;
            let fits = |m: &airi_domain::Message| m.conversation_id == conversation && m.deleted_at.is_none();
            if !known.is_some_and(|record| fits(&record.message)) {
                return Err(missing("The message", &message.to_string()));
            }
        }
        drop(reader);
        let prepared = self.prepare(&profile, new.source)?;
        self.hang(&profile, conversation, given, prepared)
    }

    /// Copies a file in, under no name yet: until it is hung on a message, dropping it leaves no trace.
    pub(crate) fn prepare(&self, profile: &Profile, source: FileSource) -> Result<Prepared, AppError> {
        let (staged, name) = match source {
            FileSource::Path(path) => copy(profile, &path)?,
            FileSource::Dropped(ticket) => copy(profile, &self.ticketed(&ticket)?)?,
            FileSource::Pasted { name, base64 } => (paste(profile, &base64)?, name),
        };
        let kind = Kind::of(staged.path(), &name);
        Ok(Prepared { staged, name, kind })
    }

    /// Hangs a file on a message of the conversation; none: on a new one of the user at the end of the branch in view.
    pub(crate) fn hang(
        &self,
        profile: &Profile,
        conversation: ConversationId,
        given: Option<MessageId>,
        prepared: Prepared,
    ) -> Result<(AttachmentRow, MessageView), AppError> {
        let Prepared { staged, name, kind } = prepared;
        let (sha256, size) = (staged.sha256.clone(), staged.size);
        let attachment = |message: MessageId| Attachment {
            id: AttachmentId(Uuid::now_v7()),
            message_id: message,
            file_name: name.clone(),
            file_type: Some(kind.group().to_string()),
            file_size: i64::try_from(size).ok(),
            storage_path: String::new(),
            sha256: Some(sha256.clone()),
            mime_type: Some(kind.mime.clone()),
            width: kind.dimensions.map(|(width, _)| width),
            height: kind.dimensions.map(|(_, height)| height),
            duration_seconds: None,
            metadata: empty_object(),
            created_at: now(),
        };
        let drafted = match given {
            Some(_) => None,
            None => {
                let id = MessageId(Uuid::now_v7());
                let (mut message, moves) = draft(&profile.store, id, conversation, (Role::User, String::new()), None)?;
                message.content_type = kind.group();
                Some((message, moves))
            }
        };
        let attachment = attachment(given.or(drafted.as_ref().map(|(m, _)| m.id)).unwrap_or(MessageId::ROOT));
        let (id, message) = (attachment.id, attachment.message_id);
        let fresh = staged.keep()?;
        let stored = profile.store.write(|w| -> Result<(), StoreError> {
            if let Some((message, moves)) = drafted {
                insert(w, message, moves)?;
            }
            w.insert_attachment(attachment)?;
            w.mark_used(&sha256, now())
        });
        if let Err(error) = stored {
            if fresh {
                // Nobody names these bytes; if they cannot go either, they only take room.
                let _ = profile.files.remove(&sha256);
            }
            return Err(error.into());
        }
        let (row, _) = self.find_attachment(&id.to_string())?;
        Ok((row, self.view_of(message)?))
    }

    /// Notes that an attachment's bytes were looked at, so that they stay on this disk.
    pub fn attachment_opened(&self, row: &AttachmentRow) {
        let (Some(hash), profile) = (row.sha256.as_deref(), self.profile()) else { return };
        let last = profile.store.read().and_then(|reader| reader.used_at(hash)).ok().flatten();
        // A thread that is scrolled shows the same pictures again and again.
        if last.is_none_or(|last| (now().micros() - last.micros()).abs() > NOTED_EVERY) {
            // A note that fails costs at most another download.
            let _ = profile.store.write(|w| w.mark_used(hash, now()));
        }
    }

    /// Gets an attachment's bytes, from the server when they are not here.
    ///
    /// # Errors
    /// `not_found`: nobody has them, or what the server has is not them. `signed_out`, `offline`, `disk_full`: not now.
    pub async fn fetch_attachment(&self, request: AttachmentRef) -> Result<AttachmentRow, CommandError> {
        Ok(self.bring(&request.id).await?)
    }

    async fn bring(&self, id: &str) -> Result<AttachmentRow, AppError> {
        let profile = self.profile();
        let wanted: AttachmentId = id.parse().map_err(invalid)?;
        let (row, path) = self.find_attachment(id)?;
        if path.is_some() {
            opened(&profile, &row)?;
            return Ok(row);
        }
        if row.state == FileState::Missing && profile.account()?.is_none() {
            return Err(AppError::NoBytes(
                "The bytes of this file are not in this library: they were not in the export it came from.".into(),
            ));
        }
        let transfers = self.transfers(&profile).await?;
        profile.store.write(|w| w.take_back_letting_go(wanted))?;
        let conversation = self.conversation_of(&profile, wanted)?;
        let tell = || self.emit(changed(&conversation));
        loop {
            let fetching = transfers.fetch(wanted);
            tokio::pin!(fetching);
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            let fetched = loop {
                tokio::select! {
                    biased;
                    fetched = &mut fetching => break fetched,
                    // The window shows how far it is.
                    _ = seconds.tick() => tell(),
                }
            };
            match fetched? {
                Fetched::Here => break,
                // Another process or the background has it half-way.
                Fetched::UnderWay => tokio::time::sleep(Duration::from_millis(200)).await,
                Fetched::Fault(fault) => {
                    tell();
                    return Err(AppError::NoBytes(fault.reason));
                }
                Fetched::NoRoom { needed, free } => return Err(AppError::NoRoom { needed, free }),
            }
        }
        let (row, _) = self.find_attachment(id)?;
        opened(&profile, &row)?;
        let policy = self.disk_policy()?;
        // What came may have pushed others over the bound; a server that cannot be asked now is asked later.
        if transfers.make_room(policy).await.is_err() {
            profile.store.write(|w| w.set_files_due())?;
        }
        tell();
        Ok(row)
    }

    /// Writes an attachment's bytes to a file of the user's, getting them first when they are not here. A file of that
    /// name is replaced only by a whole copy.
    pub async fn save_attachment(&self, id: &str, to: PathBuf) -> Result<AttachmentRow, CommandError> {
        let row = self.bring(id).await?;
        let profile = self.profile();
        let source = row.sha256.as_deref().and_then(|hash| profile.files.find(hash));
        let source =
            source.ok_or_else(|| AppError::NoBytes("The file left this computer while it was saved.".into()))?;
        blocking(move || write_copy(&source, &to)).await?;
        Ok(row)
    }

    fn conversation_of(&self, profile: &Profile, id: AttachmentId) -> Result<Option<String>, AppError> {
        let reader = profile.store.read()?;
        let Some(attachment) = reader.attachment(id)? else { return Ok(None) };
        Ok(reader.message(attachment.message_id)?.map(|record| record.message.conversation_id.to_string()))
    }
}

fn opened(profile: &Profile, row: &AttachmentRow) -> Result<(), AppError> {
    if let Some(hash) = row.sha256.as_deref() {
        profile.store.write(|w| w.mark_used(hash, now()))?;
    }
    Ok(())
}

fn changed(conversation: &Option<String>) -> crate::Event {
    crate::Event::Changed(Changed { conversations: conversation.clone().map(|id| vec![id]) })
}

fn write_copy(from: &Path, to: &Path) -> Result<(), AppError> {
    const TODO: &str = "Check the folder's permissions and the free space. The file in your library is as it was.";
    let what = || format!("The copy {}", to.display());
    let name = to.file_name().ok_or_else(|| AppError::Invalid(format!("'{}' names no file.", to.display())))?;
    let mut fresh = name.to_os_string();
    fresh.push(format!(".{}.part", std::process::id()));
    let fresh = to.with_file_name(fresh);
    let written = || -> io::Result<()> {
        let mut source = File::open(from)?;
        let mut copy = File::create(&fresh)?;
        io::copy(&mut source, &mut copy)?;
        copy.sync_all()?;
        fs::rename(&fresh, to)
    };
    written().map_err(|error| {
        // What was begun is of no use to anyone.
        let _ = fs::remove_file(&fresh);
        AppError::io(what(), TODO)(error)
    })
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn check_size(size: u64) -> Result<(), AppError> {
    if size == 0 {
        return Err(AppError::Invalid("The file is empty. Nothing was attached.".into()));
    }
    if size > MAX_FILE_BYTES {
        return Err(AppError::Invalid(format!(
            "The file has {}; at most {} can be attached. Nothing was attached. Attach a smaller or split file.",
            megabytes(size),
            megabytes(MAX_FILE_BYTES)
        )));
    }
    Ok(())
}

fn check_room(profile: &Profile, size: u64) -> Result<(), AppError> {
    match free_disk(&profile.dir) {
        Some(free) if free < size.saturating_add(SPARE) => Err(AppError::NoRoom { needed: size + SPARE, free }),
        _ => Ok(()),
    }
}

/// Copies a file of the user's; its name for people comes along.
fn copy(profile: &Profile, path: &Path) -> Result<(Staged, String), AppError> {
    let unreadable = |source: io::Error| AppError::Io {
        what: format!("The file {}", path.display()),
        source,
        todo: "Nothing was attached. Check that it is still there and that you may read it.",
    };
    let found = fs::metadata(path).map_err(unreadable)?;
    if found.is_dir() {
        let what = path.display();
        return Err(AppError::Invalid(format!(
            "{what} is a folder. Nothing was attached. Attach its files one by one."
        )));
    }
    // A pipe or a device has no end, or waits for ever.
    if !found.is_file() {
        return Err(AppError::Invalid(format!("{} is not a file. Nothing was attached.", path.display())));
    }
    check_size(found.len())?;
    check_room(profile, found.len())?;
    let mut file = File::open(path).map_err(unreadable)?;
    let before = file.metadata().map_err(unreadable)?;
    let mut counted = Read::by_ref(&mut file).take(MAX_FILE_BYTES + 1);
    let staged = profile.files.stage(&mut counted).map_err(|error| match error {
        StoreError::Io(source) => unreadable(source),
        other => other.into(),
    })?;
    let after = file.metadata().map_err(unreadable)?;
    let same =
        staged.size == before.len() && after.len() == before.len() && after.modified().ok() == before.modified().ok();
    if !same {
        return Err(AppError::Invalid(format!(
            "{} was changed while it was read. Nothing was attached. Try again when whatever writes it is done.",
            path.display()
        )));
    }
    check_size(staged.size)?;
    let name = path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok((staged, name))
}

fn paste(profile: &Profile, base64: &str) -> Result<Staged, AppError> {
    check_size(base64.len() as u64 / 4 * 3)?;
    let bytes = STANDARD.decode(base64).map_err(|_| AppError::Invalid("The pasted bytes came in broken.".into()))?;
    check_size(bytes.len() as u64)?;
    check_room(profile, bytes.len() as u64)?;
    Ok(profile.files.stage(&mut bytes.as_slice())?)
}

/// What a file is.
#[derive(Debug, PartialEq)]
struct Kind {
    mime: String,
    /// Width and height of a picture, in pixels.
    dimensions: Option<(i64, i64)>,
}

impl Kind {
    /// By its bytes; only plain text is told apart further by its name.
    fn of(path: &Path, name: &str) -> Kind {
        let mut head = Vec::new();
        // A file that cannot be read again is described as nothing in particular.
        let _ = File::open(path).map(|file| file.take(16 * 1024).read_to_end(&mut head));
        let mime = match infer::get(&head) {
            Some(known) => known.mime_type().to_owned(),
            None if is_text(&head) => text_mime(name).to_owned(),
            None => "application/octet-stream".to_owned(),
        };
        let size = if mime.starts_with("image/") { imagesize::size(path).ok() } else { None };
        let whole = |n: usize| i64::try_from(n).ok();
        Kind { mime, dimensions: size.and_then(|size| Some((whole(size.width)?, whole(size.height)?))) }
    }

    /// As a message's content type says it, which is also the row's `file_type`.
    fn group(&self) -> ContentType {
        match self.mime.split('/').next() {
            Some("image") => ContentType::Image,
            Some("audio") => ContentType::Audio,
            Some("video") => ContentType::Video,
            _ => ContentType::File,
        }
    }
}

fn is_text(head: &[u8]) -> bool {
    let plain = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none(),
    };
    plain && !head.contains(&0)
}

fn text_mime(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match extension.as_str() {
        "md" | "markdown" => "text/markdown",
        "csv" => "text/csv",
        "json" => "application/json",
        _ => "text/plain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8], name: &str) -> Kind {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, bytes).unwrap();
        Kind::of(&path, name)
    }

    #[test]
    fn what_a_file_is_is_told_by_its_bytes_and_never_by_its_name() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend(640u32.to_be_bytes());
        png.extend(480u32.to_be_bytes());
        png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        let picture = kind(&png, "report.pdf");
        assert_eq!((picture.mime.as_str(), picture.dimensions), ("image/png", Some((640, 480))));
        assert_eq!(picture.group(), ContentType::Image);
        assert_eq!(kind(b"%PDF-1.7\n", "photo.png").mime, "application/pdf");
        assert_eq!(kind(b"\x01\x02\0\xff", "photo.png").mime, "application/octet-stream");
        assert_eq!(kind("# Über".as_bytes(), "notes.md").mime, "text/markdown");
        assert_eq!(kind(b"plain", "notes").group(), ContentType::File);
    }

    #[test]
    fn a_text_cut_in_the_middle_of_a_character_is_a_text() {
        assert!(is_text(&"日本".as_bytes()[..5]));
        assert!(!is_text(b"a\0b") && !is_text(b"\xff\xfe"));
    }
}
