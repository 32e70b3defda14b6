//! Signing in and out. Signing out never deletes data or unsent work; signing in again goes on where it was.

use crate::profile::{Account, Profile};
use crate::remote::{CloudRemote, address, open_session};
use crate::{App, AppError, secrets_place};
use airi_cloud::{Auth, Scope, SecretString};
use airi_contract::{CommandError, SignInRequest, Status};
use airi_domain::OwnerId;
use airi_sync::{FailureClass, Remote};
use std::sync::{Arc, PoisonError};
use uuid::Uuid;

impl App {
    /// Signs in with e-mail and password, puts the account's profile in use, and takes local conversations along as asked.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<Status, CommandError> {
        Ok(self.enter(request).await?)
    }

    async fn enter(&self, request: SignInRequest) -> Result<Status, AppError> {
        let server = address(&request.url, &request.key)?;
        let auth = Auth::new(&server)?;
        let from = self.profile();
        // Where the session will lie is settled before anything is asked of the server.
        let window = self.0.window;
        let dir = from.dir.clone();
        blocking(move || secrets_place::open(&dir, window)).await?;
        let password = SecretString::from(request.password);
        let tokens = auth.sign_in_password(request.email.trim(), &password).await?;
        let (profile, known) = self.profile_of(tokens.user_id, server.url())?;
        let account = Account {
            owner: tokens.user_id,
            url: server.url().to_owned(),
            key: request.key.trim().to_owned(),
            email: tokens.email.clone().unwrap_or_else(|| request.email.trim().to_owned()),
            secret_id: known.map_or_else(|| Uuid::new_v4().simple().to_string(), |account| account.secret_id),
            signed_in: true,
        };
        // Before the profile is made the account's: a server without our tables must not leave half an account here.
        self.check_server(&profile, &account, tokens).await?;
        profile.set_account(&account)?;
        self.join(&from, &profile, &request.take)?;
        if profile.name != from.name {
            self.switch_to(profile)?;
        }
        self.0.doorbell.notify_one();
        self.emit_status();
        self.status_of(&self.profile())
    }

    /// The profile of an account on this machine, or a fresh one.
    fn profile_of(&self, owner: OwnerId, url: &str) -> Result<(Arc<Profile>, Option<Account>), AppError> {
        let current = self.profile();
        for name in self.0.data.profile_names()? {
            let profile =
                if name == current.name { current.clone() } else { Arc::new(Profile::open(&self.0.data, &name)?) };
            let account = profile.account()?;
            if account.as_ref().is_some_and(|account| account.owner == owner && account.url == url) {
                return Ok((profile, account));
            }
        }
        let name = format!("account-{}", &Uuid::new_v4().simple().to_string()[..12]);
        Ok((Arc::new(Profile::open(&self.0.data, &name)?), None))
    }

    async fn check_server(
        &self,
        profile: &Arc<Profile>,
        account: &Account,
        tokens: airi_cloud::Tokens,
    ) -> Result<(), AppError> {
        let window = self.0.window;
        let (of, with) = (profile.clone(), account.clone());
        let open = blocking(move || open_session(&of, &with, window)).await?;
        open.session.start(tokens).await?;
        match CloudRemote::new(&open.session).hello().await {
            Ok(_) => Ok(()),
            Err(failure) if matches!(failure.class, FailureClass::Passing { .. }) => Ok(()),
            Err(failure) => {
                let _ = open.session.sign_out(Scope::Local).await;
                Err(airi_sync::SyncError::from(failure).into())
            }
        }
    }

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
        profile.set_account(&Account { signed_in: false, ..account })?;
        self.emit_status();
        self.status_of(&profile)
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
