//! Signing out, which never deletes data or unsent work. Signing in is in `sign_in`.

use crate::profile::{Account, Profile};
use crate::remote::open_session;
use crate::{App, AppError, log, secrets_place};
use airi_cloud::Scope;
use airi_contract::{AccountInfo, CommandError, Status};
use airi_store::StoreError;
use std::sync::PoisonError;

impl App {
    /// Ends the session on this device. Everything stays, also what was not sent yet.
    pub async fn sign_out(&self) -> Result<Status, CommandError> {
        Ok(self.leave().await?)
    }

    async fn leave(&self) -> Result<Status, AppError> {
        let profile = self.profile();
        let Some(account) = profile.account()?.filter(|account| account.signed_in) else {
            return Err(AppError::SignedOut);
        };
        let window = self.0.window;
        let (of, with) = (profile.clone(), account.clone());
        let open = blocking(move || open_session(&of, &with, window)).await?;
        // A server that cannot be reached is told nothing; its session ends by itself in time.
        open.session.sign_out(Scope::Local).await?;
        profile.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        log::signed_out(&account);
        profile.set_account(&Account { signed_in: false, ..account })?;
        // Who signs out knows why; an earlier reason is over.
        profile.store.write(|w| -> Result<(), StoreError> {
            w.set_meta("sync.state", None)?;
            w.set_meta("sync.message", None)
        })?;
        self.emit_status();
        self.status_of(&profile)
    }
}

/// An account as the window and scripts see it.
pub(crate) fn account_info(profile: &Profile, account: Account) -> AccountInfo {
    let session_in = match profile.session.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        Some(open) => secrets_place::name(&open.secrets).to_owned(),
        None if profile.file("session.enc").exists() => "file".to_owned(),
        None => "keyring".to_owned(),
    };
    AccountInfo {
        url: account.url,
        email: account.email,
        user_id: account.owner.to_string(),
        signed_in: account.signed_in,
        session_in,
    }
}

/// Runs what may wait for a disk, a keyring or a key derivation off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    match tokio::task::spawn_blocking(act).await {
        Ok(result) => result,
        Err(error) => Err(AppError::Internal(format!("A background step ended early: {error}"))),
    }
}
