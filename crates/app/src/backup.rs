//! Backups: whole, checked copies of a profile, made once a day by themselves and whenever the user asks.
//!
//! ```text
//! backup.json       what it is: made when, of which profile and account, how much, and the mirror's hash
//! mirror.sqlite     one state of the mirror, as SQLite wrote and checked it
//! files/ab/ab12…    the attachments that were on this computer, by hash
//! ```
//!
//! A backup appears under its name only when it is whole. It holds no secret: no session, no key of a provider. The search
//! index is not in it, since it comes back by itself.
//!
//! Those that are made by themselves lie in `backups/<profile>/` of the data folder, seven of them, and share the bytes of
//! attachments with the library, where the file system can do that. They guard against a damaged or lost library, not
//! against a lost disk; a backup to a path of the user's has bytes of its own.

use crate::profile::{Profile, free_disk, now};
use crate::{App, AppError};
use airi_contract::{BackupRow, CommandError};
use airi_domain::Time;
use airi_store::{Files, Store};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The newest that stay of those that are made by themselves.
const KEPT: usize = 7;
/// In microseconds.
const DAY: i64 = 86_400 * 1_000_000;
/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(600);
const FIRST_LOOK: Duration = Duration::from_secs(60);
/// The version of the folder's form.
const FORM: u32 = 1;
/// Disk that is left free beside a backup, in bytes.
const SPARE: u64 = 64 * 1024 * 1024;

pub(crate) const NOTE: &str = "backup.json";
pub(crate) const MIRROR: &str = "mirror.sqlite";
const TODO: &str = "Check the folder's permissions and the free space. Nothing was changed in your library.";

/// `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The form of the folder; what is newer is refused.
    pub airi_backup: u32,
    pub app_version: String,
    pub made_at: Time,
    pub profile: String,
    pub account: Option<String>,
    pub conversations: u64,
    pub messages: u64,
    pub files: u64,
    pub files_missing: u64,
    pub bytes: u64,
    pub mirror_sha256: String,
}

impl Note {
    /// # Errors
    /// It is no backup, or a newer one than this version knows.
    pub(crate) fn read(folder: &Path) -> Result<Note, AppError> {
        let path = folder.join(NOTE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(AppError::Invalid(format!(
                    "{} is not a backup of AIRI: it has no {NOTE}. Name the folder that `airi backup` wrote.",
                    folder.display()
                )));
            }
            Err(source) => return Err(AppError::io(path.display().to_string(), TODO)(source)),
        };
        let note: Note = serde_json::from_slice(&bytes)
            .map_err(|error| AppError::Invalid(format!("{} cannot be read: {error}.", path.display())))?;
        if note.airi_backup > FORM {
            return Err(AppError::Invalid(format!(
                "The backup {} was made by a newer version of AIRI ({}). Install that version to restore it.",
                folder.display(),
                note.app_version
            )));
        }
        Ok(note)
    }

    pub(crate) fn row(self, folder: &Path) -> BackupRow {
        BackupRow {
            path: folder.to_string_lossy().into_owned(),
            made_at: self.made_at.to_string(),
            profile: self.profile,
            account: self.account,
            conversations: self.conversations,
            messages: self.messages,
            files: self.files,
            files_missing: self.files_missing,
            bytes: self.bytes,
        }
    }
}

impl App {
    /// Backs the profile in use up: to a folder that must not be there yet, or, without one, to where those lie that are
    /// made by themselves.
    ///
    /// # Errors
    /// Nothing is left behind under that name.
    pub fn back_up(&self, to: Option<&Path>) -> Result<BackupRow, CommandError> {
        Ok(match to {
            Some(path) => back_up(&self.profile(), path, Bytes::Own)?,
            None => self.back_up_here(&self.profile())?,
        })
    }

    /// The backups of the profile in use that were made by themselves, the newest first.
    pub fn list_backups(&self) -> Result<Vec<BackupRow>, CommandError> {
        Ok(made(&self.backups_of(&self.profile()))?)
    }

    fn backups_of(&self, profile: &Profile) -> PathBuf {
        self.0.data.path().join("backups").join(&profile.name)
    }

    fn back_up_here(&self, profile: &Profile) -> Result<BackupRow, AppError> {
        let folder = self.backups_of(profile);
        let stamp: String = now().to_string().chars().filter(char::is_ascii_digit).take(17).collect();
        let row = back_up(profile, &folder.join(stamp), Bytes::Shared)?;
        for old in made(&folder)?.iter().skip(KEPT) {
            // One that will not go is tried again with the next.
            let _ = fs::remove_dir_all(&old.path);
        }
        Ok(row)
    }

    /// Makes one when the last is a day old and something is there to lose.
    pub(crate) fn back_up_if_due(&self) -> Result<(), AppError> {
        let profile = self.profile();
        let newest = made(&self.backups_of(&profile))?.into_iter().next();
        let due = newest.is_none_or(|row| {
            row.made_at.parse::<Time>().map_or(true, |at| now().micros().abs_diff(at.micros()) >= DAY as u64)
        });
        if !due || profile.store.read()?.totals()?.conversations == 0 {
            return Ok(());
        }
        let row = self.back_up_here(&profile)?;
        tracing::info!(conversations = row.conversations, files = row.files, bytes = row.bytes, "backed up");
        Ok(())
    }

    /// Daily, for as long as the window is open.
    pub(crate) fn back_up_daily(&self) {
        let inner = Arc::downgrade(&self.0);
        std::thread::spawn(move || {
            // Not at once: whoever opens the window wants to read.
            std::thread::sleep(FIRST_LOOK);
            loop {
                let Some(inner) = inner.upgrade() else { return };
                let app = App(inner);
                if let Err(error) = app.back_up_if_due() {
                    crate::log::failed(&error);
                }
                drop(app);
                std::thread::sleep(LOOK);
            }
        });
    }
}

/// What a backup does about the bytes of attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bytes {
    /// Copies.
    Own,
    /// A second name for the library's bytes, which nobody ever writes to.
    Shared,
}

fn back_up(profile: &Profile, to: &Path, bytes: Bytes) -> Result<BackupRow, AppError> {
    let failed = || AppError::io(format!("The backup {}", to.display()), TODO);
    if fs::symlink_metadata(to).is_ok() {
        return Err(AppError::Invalid(format!(
            "{} is there already. Name a folder that is not there yet; a backup never writes over anything.",
            to.display()
        )));
    }
    let to = std::path::absolute(to).map_err(failed())?;
    let parent = to.parent().ok_or_else(|| AppError::Invalid("A backup needs a name below a folder.".into()))?;
    fs::create_dir_all(parent).map_err(failed())?;
    room(profile, parent, bytes)?;
    let staged = Staged(parent.join(format!(".airi-backup-{}", Uuid::new_v4().simple())));
    fs::create_dir(&staged.0).map_err(failed())?;
    let note = fill(profile, &staged.0, bytes)?;
    let text = serde_json::to_vec_pretty(&note).map_err(|error| AppError::Internal(error.to_string()))?;
    let path = staged.0.join(NOTE);
    fs::write(&path, text).and_then(|()| File::open(&path)?.sync_all()).map_err(failed())?;
    fs::rename(&staged.0, &to).map_err(failed())?;
    Ok(note.row(&to))
}

/// What is not whole yet; gone when it never becomes so.
pub(crate) struct Staged(pub(crate) PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        // Not there any more once it has its name.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn room(profile: &Profile, at: &Path, bytes: Bytes) -> Result<(), AppError> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
    let mirror = size(profile.store.path()) + size(&profile.file("mirror.sqlite-wal"));
    let files = match bytes {
        Bytes::Own => profile.files.list()?.iter().map(|file| file.size).sum(),
        Bytes::Shared => 0,
    };
    let needed = mirror + files + SPARE;
    match free_disk(at) {
        Some(free) if free < needed => Err(AppError::NoRoom { needed, free }),
        _ => Ok(()),
    }
}

fn fill(profile: &Profile, folder: &Path, bytes: Bytes) -> Result<Note, AppError> {
    let made_at = now();
    let mirror = folder.join(MIRROR);
    profile.store.copy_to(&mirror)?;
    let files = Files::open(&folder.join("files"))?;
    let mut note = Note {
        airi_backup: FORM,
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at,
        profile: profile.name.clone(),
        account: profile.account()?.map(|account| format!("{} at {}", account.email, account.url)),
        conversations: 0,
        messages: 0,
        files: 0,
        files_missing: 0,
        bytes: 0,
        mirror_sha256: String::new(),
    };
    {
        // What counts is what the copy holds, whatever came in meanwhile.
        let copy = Store::open(&mirror)?;
        let reader = copy.read()?;
        let totals = reader.totals()?;
        (note.conversations, note.messages) = (totals.conversations, totals.messages);
        for (sha256, _) in reader.hashes()? {
            let there = match bytes {
                Bytes::Own => profile.files.copy(&files, &sha256)?,
                Bytes::Shared => profile.files.share(&files, &sha256)?,
            };
            match files.find(&sha256).filter(|_| there) {
                Some(path) => {
                    note.files += 1;
                    note.bytes += fs::metadata(path).map_or(0, |data| data.len());
                }
                None => note.files_missing += 1,
            }
        }
    }
    for empty in ["incoming", "outgoing"] {
        // Where a library's files are on their way; a backup has none.
        let _ = fs::remove_dir(folder.join("files").join(empty));
    }
    // Only now: whoever opened it last has folded its log in.
    note.mirror_sha256 = hash(&mirror)?;
    note.bytes += fs::metadata(&mirror).map_or(0, |data| data.len());
    Ok(note)
}

pub(crate) fn hash(path: &Path) -> Result<String, AppError> {
    let failed = || AppError::io(path.display().to_string(), TODO);
    let mut digest = Sha256::new();
    io::copy(&mut File::open(path).map_err(failed())?, &mut digest).map_err(failed())?;
    Ok(format!("{:x}", digest.finalize()))
}

/// The backups in a folder, the newest first. What is none, or cannot be read, is passed over.
fn made(folder: &Path) -> Result<Vec<BackupRow>, AppError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(AppError::io(folder.display().to_string(), TODO)(source)),
    };
    let mut rows: Vec<BackupRow> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some(Note::read(&path).ok()?.row(&path))
        })
        .collect();
    rows.sort_by(|a, b| b.made_at.cmp(&a.made_at));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppOptions;
    use airi_contract::NewConversation;

    #[test]
    fn one_is_made_a_day_and_none_of_an_empty_library() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions { data_dir: Some(dir.path().into()), ..AppOptions::default() }).unwrap();
        app.back_up_if_due().unwrap();
        assert_eq!(app.list_backups().unwrap(), []);

        app.create_conversation(NewConversation::default()).unwrap();
        app.back_up_if_due().unwrap();
        app.back_up_if_due().unwrap();
        let made = app.list_backups().unwrap();
        assert_eq!(made.len(), 1, "{made:?}");

        let folder = PathBuf::from(&made[0].path);
        let mut note = Note::read(&folder).unwrap();
        note.made_at = Time::from_micros(now().micros() - DAY).unwrap();
        fs::write(folder.join(NOTE), serde_json::to_vec(&note).unwrap()).unwrap();
        app.back_up_if_due().unwrap();
        assert_eq!(app.list_backups().unwrap().len(), 2);
    }
}
