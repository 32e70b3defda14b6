//! Removing a profile from this computer, and deleting an account on its server.
//!
//! Removing takes the mirror, the index, the files, the daily backups and the session of one profile along, with what was
//! noted of files that were dropped, and nothing else: other profiles, settings and providers stay, and so does everything on the server. It is refused while something
//! waits to be sent. What is nowhere else goes only when its owner has typed a name.
//!
//! Deleting the account erases it on the server alone. The profile stays on this computer as it is.

use crate::account::blocking;
use crate::data_dir::{DataDir, LOCAL_PROFILE, lock_file};
use crate::profile::{Account, Profile};
use crate::remote::{open_session, secret_name};
use crate::sync::signed_in;
use crate::{App, AppError, log};
use airi_cloud::{CloudError, Rest, Scope, Session, Storage};
use airi_contract::{CommandError, DeleteAccount, DeletedAccount, RemoveProfile, Status};
use airi_store::StoreError;
use serde::Deserialize;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// In use while the profile without an account is made anew.
const BETWEEN: &str = "between";
/// A folder of this name is on its way out; one that was left by a kill goes at the next start.
const LEAVING: &str = ".removed-";
/// How long what still works on a profile may take to end.
const END_LIMIT: Duration = Duration::from_secs(20);
/// The server erases an account in one go, with a limit of its own of two minutes.
const ERASE_LIMIT: Duration = Duration::from_secs(150);
/// Under this name the mirror notes that its account was deleted.
const ERASED: &str = "account.erased";
/// Storage takes no more names at once than 1,000.
const AT_ONCE: usize = 500;

impl App {
    /// Removes a profile from this computer. The profile without an account comes back empty.
    ///
    /// # Errors
    /// [`airi_contract::ErrorCode::ConfirmNeeded`] while something would be lost that is nowhere else and its name was not
    /// typed; refused while something waits to be sent or another process uses the profile. Nothing is removed then.
    pub async fn remove_profile(&self, request: RemoveProfile) -> Result<Status, CommandError> {
        Ok(self.remove(request).await?)
    }

    async fn remove(&self, request: RemoveProfile) -> Result<Status, AppError> {
        let name = request.name;
        if !self.0.data.profile_dir(&name)?.join("mirror.sqlite").is_file() {
            return Err(AppError::NotFound { what: "Profile", id: name });
        }
        let profile = self.profile_named(&name)?;
        may_go(&profile, request.confirm.as_deref().unwrap_or_default())?;
        self.end_session_of(&profile).await?;
        let app = self.clone();
        blocking(move || app.take_away(profile)).await?;
        self.0.dropped.lock().unwrap_or_else(PoisonError::into_inner).forget(&self.0.data, &name);
        log::removed();
        self.0.doorbell.notify_one();
        self.emit_status();
        self.status_of(&self.profile())
    }

    /// The session ends on the server, when that can be reached, and leaves the keyring.
    async fn end_session_of(&self, profile: &Arc<Profile>) -> Result<(), AppError> {
        let Some(account) = profile.account()? else { return Ok(()) };
        let (of, with, window) = (profile.clone(), account.clone(), self.0.window);
        let open = match blocking(move || open_session(&of, &with, window)).await {
            Ok(open) => open,
            // Where nobody is signed in, nothing lies there.
            Err(_) if !account.signed_in => return Ok(()),
            Err(error) => return Err(error),
        };
        if account.signed_in {
            open.session.sign_out(Scope::Local).await?;
            profile.set_account(&Account { signed_in: false, ..account.clone() })?;
        }
        profile.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        blocking(move || Ok(open.secrets.delete(&secret_name(&account.secret_id))?)).await
    }

    /// Puts another profile in use where that is needed, waits until nothing works on this one, and removes its folders.
    fn take_away(&self, profile: Arc<Profile>) -> Result<(), AppError> {
        let name = profile.name.clone();
        let in_use = self.profile().name == name;
        if in_use {
            let other = if name == LOCAL_PROFILE { BETWEEN } else { LOCAL_PROFILE };
            self.stop_round();
            self.switch_to(self.profile_named(other)?)?;
            self.0.doorbell.notify_one();
        }
        profile.indexer.stop();
        let begun = Instant::now();
        while Arc::strong_count(&profile) > 1 || !profile.indexer.has_ended() {
            if begun.elapsed() > END_LIMIT {
                return Err(AppError::Busy(
                    "Something still works on this profile. Nothing was removed; try again in a moment.".into(),
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(profile);
        remove_folders(&self.0.data, &name)?;
        if in_use && name == LOCAL_PROFILE {
            self.switch_to(self.profile_named(LOCAL_PROFILE)?)?;
            let between = self.0.data.profile_dir(BETWEEN)?;
            // It was empty all the time. What is left of it where a file is still open is an empty profile in the list.
            let _ = fs::remove_dir_all(between);
        }
        Ok(())
    }

    /// Erases the account of the profile in use on its server, with everything in it, for good.
    ///
    /// # Errors
    /// `ConfirmNeeded` when the account's e-mail address was not typed. Offline: nothing was deleted.
    pub async fn delete_account(&self, request: DeleteAccount) -> Result<DeletedAccount, CommandError> {
        Ok(self.erase_account(request).await?)
    }

    async fn erase_account(&self, request: DeleteAccount) -> Result<DeletedAccount, AppError> {
        let profile = self.profile();
        let account = signed_in(&profile)?;
        if !is_typed(&request.confirm, &account.email) {
            return Err(AppError::Confirm(format!(
                "Type {} to delete this account on {}. It cannot be brought back.",
                account.email, account.url
            )));
        }
        let (of, with, window) = (profile.clone(), account.clone(), self.0.window);
        let open = blocking(move || open_session(&of, &with, window)).await?;
        // A round that is under way would only be refused.
        self.stop_round();
        let erased: Erased = Rest::new(&open.session)
            .with_limit(ERASE_LIMIT)
            .rpc("delete_my_account", &json!({ "p_email": request.confirm.trim() }))
            .await
            .map_err(|error| match error {
                CloudError::SchemaMismatch { .. } => AppError::Invalid(
                    "This server has no way yet to delete an account from here. Ask its operator; nothing was deleted."
                        .into(),
                ),
                other => other.into(),
            })?;
        let files_left = remove_objects(&open.session, &erased.objects).await;
        profile.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        let secret = secret_name(&account.secret_id);
        // A token of an account that is gone opens nothing; one that will not leave the keyring is no failure.
        let _ = blocking(move || Ok(open.secrets.delete(&secret)?)).await;
        profile.set_account(&Account { signed_in: false, ..account })?;
        profile.store.write(|w| -> Result<(), StoreError> {
            w.set_meta(ERASED, Some("1"))?;
            w.set_meta("sync.state", Some("signed_out"))?;
            w.set_meta(
                "sync.message",
                Some("The account was deleted from the server. Everything on this computer stays yours."),
            )
        })?;
        log::account_deleted();
        self.0.doorbell.notify_one();
        self.emit_status();
        Ok(DeletedAccount { status: self.status_of(&profile)?, files_left })
    }
}

#[derive(Deserialize)]
struct Erased {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    bucket: String,
    name: String,
}

/// How many could not be removed; the operator removes those.
async fn remove_objects(session: &Session, objects: &[Object]) -> u64 {
    let storage = Storage::new(session);
    let mut left = 0;
    for some in objects.chunk_by(|a, b| a.bucket == b.bucket).flat_map(|of| of.chunks(AT_ONCE)) {
        let names: Vec<&str> = some.iter().map(|object| object.name.as_str()).collect();
        if let Err(error) = storage.remove(&some[0].bucket, &names).await {
            log::failed(&error.into());
            left += names.len() as u64;
        }
    }
    left
}

fn is_typed(typed: &str, word: &str) -> bool {
    !word.is_empty() && typed.trim().to_lowercase() == word.to_lowercase()
}

/// Whether a profile may be removed, with what was typed.
fn may_go(profile: &Profile, typed: &str) -> Result<(), AppError> {
    let account = profile.account()?;
    let reader = profile.store.read()?;
    let waiting = reader.totals()?.outbox;
    let erased = reader.meta(ERASED)?.is_some();
    let Some(account) = account else {
        let here = reader.totals()?.conversations;
        return match is_typed(typed, &profile.name) {
            true => Ok(()),
            false => Err(AppError::Confirm(format!(
                "Its {here} conversations are on this computer only and would be gone for good. Type {} to remove them.",
                profile.name
            ))),
        };
    };
    if waiting > 0 && !erased {
        return Err(AppError::Invalid(format!(
            "{waiting} changes of this profile were not sent to the server yet. Sync first, or discard them; nothing was \
             removed."
        )));
    }
    let only_here = reader.only_here_count()?;
    if (only_here > 0 || erased) && !is_typed(typed, &account.email) {
        let what = match erased {
            true => "The server does not have this account any more, so all of it would be gone for good.".to_owned(),
            false => format!("{only_here} of its conversations are on this computer only and would be gone for good."),
        };
        return Err(AppError::Confirm(format!("{what} Type {} to remove them.", account.email)));
    }
    Ok(())
}

/// The profile's folder and its daily backups. First it gets a name that no profile has: half of one is never opened.
fn remove_folders(data: &DataDir, name: &str) -> Result<(), AppError> {
    let dir = data.profile_dir(name)?;
    let lock = lock_file(&dir.join("profile.lock"))?;
    lock.try_lock().map_err(|_| {
        AppError::Busy("Another process uses this profile. Nothing was removed; close it and try again.".into())
    })?;
    // Windows moves no folder in which a file is open.
    let held = (!cfg!(windows)).then_some(lock);
    let leaving = dir.with_file_name(format!("{LEAVING}{}", Uuid::new_v4().simple()));
    let todo = "Close programs that use it, then try again.";
    fs::rename(&dir, &leaving).map_err(AppError::io(format!("The profile folder {}", dir.display()), todo))?;
    drop(held);
    for folder in [leaving, data.path().join("backups").join(name)] {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(AppError::Io { what: format!("The folder {}", folder.display()), source: error, todo });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a removal that was killed left behind.
pub(crate) fn finish_removals(profiles: &Path) {
    for path in fs::read_dir(profiles).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(LEAVING)) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_typed_whole_and_in_any_case() {
        assert!(is_typed(" Mira@Example.org ", "mira@example.org"));
        assert!(!is_typed("mira", "mira@example.org"));
        assert!(!is_typed("", ""), "no name can be typed for nothing");
    }

    #[test]
    fn a_removal_that_was_killed_is_finished_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let half = dir.path().join(format!("{LEAVING}1f"));
        let profile = dir.path().join("local");
        fs::create_dir_all(half.join("files")).unwrap();
        fs::create_dir(&profile).unwrap();
        finish_removals(dir.path());
        assert!(!half.exists() && profile.exists());
    }
}
