//! Restoring a backup: as a profile of its own, which is then in use.
//!
//! Nothing is written over: the profile in use before stays as it is, with whatever it has not sent yet, and can be put in
//! use again. So a restore also works when that profile is damaged. The restored one is a device of its own to its account's
//! server and is signed out; after signing in it sends what it holds and takes what is newer there.

use crate::backup::{MIRROR, Note, Staged, hash};
use crate::data_dir::{DataDir, LOCAL_PROFILE};
use crate::profile::{Account, Profile, free_disk, now};
use crate::{App, AppError};
use airi_contract::{BackupRow, Changed, CommandError, PathRequest, RestoreReport};
use airi_store::{Files, Store};
use std::fs;
use std::path::Path;
use uuid::Uuid;

const TODO: &str = "Check the folder's permissions and the free space. Nothing was changed in your library.";

/// Restores a backup into a data folder (None: the operating system's) that no [`App`] of this process has open; or, with
/// `look_only`, checks it.
///
/// # Errors
/// What is no backup, was made by a newer version, or is damaged; nothing was changed.
pub fn restore(data_dir: Option<&Path>, backup: &Path, look_only: bool) -> Result<RestoreReport, CommandError> {
    let path = data_dir.map_or_else(DataDir::default_path, |path| Ok(path.to_owned()))?;
    let data = DataDir::open(&path)?;
    let before = data.config()?.active_profile.unwrap_or_else(|| LOCAL_PROFILE.to_owned());
    // A profile that cannot be opened has nothing that could be counted; it may be why somebody restores.
    let there = data.profile_dir(&before)?.join(MIRROR).is_file();
    let unsent = match there.then(|| Profile::open(&data, &before)) {
        Some(Ok(profile)) => profile.store.read().and_then(|reader| reader.totals()).map_or(0, |totals| totals.outbox),
        _ => 0,
    };
    if look_only {
        return Ok(check(&data, backup, before, unsent)?);
    }
    let (name, backup) = make(&data, backup)?;
    let mut config = data.config()?;
    config.active_profile = Some(name.clone());
    data.set_config(&config)?;
    Ok(report(backup, Some(name), before, unsent))
}

impl App {
    /// Checks a backup without restoring it.
    pub fn check_backup(&self, request: &PathRequest) -> Result<RestoreReport, CommandError> {
        let profile = self.profile();
        Ok(check(&self.0.data, Path::new(&request.path), profile.name.clone(), unsent(&profile)?)?)
    }

    /// Restores a backup as a profile of its own and puts that in use.
    pub fn restore_backup(&self, request: &PathRequest) -> Result<RestoreReport, CommandError> {
        Ok(self.restore_here(Path::new(&request.path))?)
    }

    fn restore_here(&self, backup: &Path) -> Result<RestoreReport, AppError> {
        let before = self.profile();
        let unsent = unsent(&before)?;
        let (name, backup) = make(&self.0.data, backup)?;
        self.change_to(&name)?;
        self.emit(crate::Event::Changed(Changed { conversations: None }));
        Ok(report(backup, Some(name), before.name.clone(), unsent))
    }
}

fn unsent(profile: &Profile) -> Result<u64, AppError> {
    Ok(profile.store.read()?.totals()?.outbox)
}

fn report(backup: BackupRow, profile: Option<String>, before: String, unsent_before: u64) -> RestoreReport {
    let mut message = match (&profile, &backup.account) {
        (None, _) => "The backup is whole and can be restored. Nothing was changed.".to_owned(),
        (Some(name), None) => format!("The backup is now in use, as the profile '{name}'."),
        (Some(name), Some(_)) => {
            format!("The backup is now in use, as the profile '{name}'. Sign in to bring it and the server into step.")
        }
    };
    if profile.is_some() {
        message += &format!(" The profile '{before}' is still there, untouched.");
    }
    if unsent_before > 0 && profile.is_some() {
        message +=
            &format!(" It holds {unsent_before} changes that were never sent: put it in use again to send them.");
    }
    RestoreReport { backup, profile, before, unsent_before, message }
}

/// Reads everything in a backup once, as a restore would.
fn check(data: &DataDir, backup: &Path, before: String, unsent: u64) -> Result<RestoreReport, AppError> {
    let staged = Staged(data.path().join("profiles").join(format!(".check-{}", Uuid::new_v4().simple())));
    let note = stage(backup, &staged.0)?;
    Ok(report(note.row(backup), None, before, unsent))
}

/// The new profile's name, and what was restored.
fn make(data: &DataDir, backup: &Path) -> Result<(String, BackupRow), AppError> {
    let profiles = data.path().join("profiles");
    let staged = Staged(profiles.join(format!(".restore-{}", Uuid::new_v4().simple())));
    let note = stage(backup, &staged.0)?;
    {
        let store = Store::open(&staged.0.join(MIRROR))?;
        // A device of its own: two that sync under one name would each take the other's work for their own.
        store.write(|w| w.set_meta("device", None))?;
    }
    let day: String = note.made_at.to_string().chars().take(10).collect();
    let name = format!("restored-{day}-{}", &Uuid::new_v4().simple().to_string()[..4]);
    fs::rename(&staged.0, data.profile_dir(&name)?).map_err(AppError::io("The restored profile", TODO))?;
    let profile = Profile::open(data, &name)?;
    if let Some(account) = profile.account()? {
        // The session of the profile before stays that one's: two that renew one session would end it.
        profile.set_account(&Account {
            signed_in: false,
            secret_id: Uuid::new_v4().simple().to_string(),
            ..account
        })?;
    }
    profile.store.write(|w| w.set_meta("restored", Some(&format!("{} at {}", note.made_at, now()))))?;
    tracing::info!(conversations = note.conversations, files = note.files, "backup restored");
    Ok((name, note.row(backup)))
}

/// Copies a backup to a folder of the library, checked: its mirror's hash and what SQLite says of it, each file's hash.
fn stage(backup: &Path, to: &Path) -> Result<Note, AppError> {
    let note = Note::read(backup)?;
    let damaged = |why: String| {
        AppError::Invalid(format!(
            "The backup {} is damaged: {why}. Nothing was changed; try an older one.",
            backup.display()
        ))
    };
    let needed = note.bytes + 64 * 1024 * 1024;
    let failed = || AppError::io("The restored profile", TODO);
    fs::create_dir(to).map_err(failed())?;
    if let Some(free) = free_disk(to).filter(|free| *free < needed) {
        return Err(AppError::NoRoom { needed, free });
    }
    let mirror = to.join(MIRROR);
    fs::copy(backup.join(MIRROR), &mirror).map_err(|error| damaged(format!("its mirror cannot be read ({error})")))?;
    if hash(&mirror)? != note.mirror_sha256 {
        return Err(damaged("its mirror is not the one that was written".into()));
    }
    let store = Store::open(&mirror)?;
    if let Some(problem) = store.integrity_problems()?.into_iter().next() {
        return Err(damaged(problem));
    }
    let (from, into) = (Files::at(&backup.join("files")), Files::open(&to.join("files"))?);
    let mut found = 0;
    for (sha256, _) in store.read()?.hashes()? {
        if from.find(&sha256).is_none() {
            continue;
        }
        if !from.copy(&into, &sha256)? {
            return Err(damaged(format!("the content of its file {sha256} has another hash")));
        }
        found += 1;
    }
    if found < note.files {
        return Err(damaged(format!("{} of its {} files are missing", note.files - found, note.files)));
    }
    Ok(note)
}
