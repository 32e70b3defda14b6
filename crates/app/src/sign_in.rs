//! Signing in: with a password, with a code by e-mail, or in the browser. Signing in again goes on where it was.
//!
//! Promised: nothing on this computer changes before the server has said who it is and that it fits; each account has a
//! profile of its own; what waits in a profile goes to that profile's account and to no other.

use crate::account::blocking;
use crate::profile::{Account, Profile};
use crate::remote::{CloudRemote, address, lock_sync, open_session, secret_name};
use crate::{App, AppError, Event, log, secrets_place};
use airi_cloud::{
    Auth, Callback, ExposeSecret, Pkce, Probe, Provider, Redirects, Scope, SecretString, ServerAddress, Session,
    SessionStore, Tokens,
};
use airi_contract::{CodeRequest, CommandError, SignInBy, SignInRequest, SignInWaiting, Status};
use airi_domain::OwnerId;
use airi_store::StoreError;
use airi_sync::{FailureClass, Remote};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How long the user may take in the browser.
const BROWSER_LIMIT: Duration = Duration::from_secs(5 * 60);

impl App {
    /// Signs in, puts the account's profile in use, and takes local conversations along as asked. With a provider,
    /// `browser` is asked to open its page (its error is told, and the address with it), and the answer comes when the
    /// user is done there.
    pub async fn sign_in(
        &self,
        request: SignInRequest,
        browser: impl FnOnce(&str) -> Result<(), String> + Send,
    ) -> Result<Status, CommandError> {
        Ok(self.enter(request, browser).await?)
    }

    /// Ends a sign-in that waits for the browser; nothing happens when none does.
    pub fn cancel_sign_in(&self) {
        self.0.stop_sign_in.notify_waiters();
    }

    /// Has a code for signing in sent by e-mail.
    pub async fn send_code(&self, request: CodeRequest) -> Result<(), CommandError> {
        let server = self.server(&request.url, &request.key)?;
        let auth = Auth::new(&server).map_err(AppError::from)?;
        Ok(auth.send_code(request.email.trim()).await.map_err(AppError::from)?)
    }

    /// An address and key as given; what is left empty is that of the account in use, the key also that of any profile
    /// at the same address.
    pub(crate) fn server(&self, url: &str, key: &str) -> Result<ServerAddress, AppError> {
        let (url, key) = (url.trim(), key.trim());
        if !url.is_empty() && !key.is_empty() {
            return address(url, key);
        }
        let known = self.profile().account()?;
        let url = match (url, &known) {
            ("", Some(account)) => account.url.clone(),
            ("", None) => {
                return Err(AppError::Invalid("No account is in use here, so the server's address is needed.".into()));
            }
            (url, _) => url.trim_end_matches('/').to_owned(),
        };
        if !key.is_empty() {
            return address(&url, key);
        }
        let known = known.into_iter().chain(self.accounts()?).find(|account| account.url == url);
        let none = || AppError::Invalid("Nobody has signed in to this server here yet, so its key is needed.".into());
        address(&url, &known.ok_or_else(none)?.key)
    }

    async fn enter(
        &self,
        request: SignInRequest,
        browser: impl FnOnce(&str) -> Result<(), String> + Send,
    ) -> Result<Status, AppError> {
        let server = self.server(&request.url, &request.key)?;
        let auth = Auth::new(&server)?;
        let from = self.profile();
        let moved = match request.new_address {
            true => Some(from.account()?.ok_or_else(|| {
                AppError::Invalid(
                    "The profile in use has no account that could have a new address. Nothing was changed; sign in \
                     without that, or put the account's profile in use first."
                        .into(),
                )
            })?),
            false => None,
        };
        // Where the session will lie is settled before anything is asked of the server.
        let window = self.0.window;
        let dir = from.dir.clone();
        blocking(move || secrets_place::open(&dir, window)).await?;
        let by = log::kind(&request.by);
        let (tokens, typed) = self.prove(&auth, &server, request.by, browser).await?;
        let tokens = self.try_server(&auth, tokens).await?;
        let (profile, known) = match &moved {
            Some(account) if account.owner == tokens.user_id => (from.clone(), moved),
            Some(account) => {
                let _ = auth.sign_out(&tokens.access_token, Scope::Local).await;
                return Err(AppError::Invalid(format!(
                    "The account at {} is not the one of this profile ({}, {}): its id differs. Nothing was changed. \
                     Sign in as that account, or sign in without a new address to get a profile of its own.",
                    server.url(),
                    account.email,
                    account.owner
                )));
            }
            None => self.profile_of(tokens.user_id, server.url())?,
        };
        // Another address has a secret of its own: until the account is noted, the old pair stays whole.
        let same = known.as_ref().filter(|known| known.url == server.url()).map(|known| known.secret_id.clone());
        let account = Account {
            owner: tokens.user_id,
            url: server.url().to_owned(),
            key: server.publishable_key().expose_secret().to_owned(),
            email: tokens.email.clone().unwrap_or(typed),
            secret_id: same.unwrap_or_else(|| Uuid::new_v4().simple().to_string()),
            signed_in: true,
        };
        let (of, with) = (profile.clone(), account.clone());
        let moves = known.as_ref().is_some_and(|known| known.url != account.url);
        // No round is under way with the old address while it changes.
        let (_quiet, open) = blocking(move || {
            let quiet = moves.then(|| lock_sync(&of)).transpose()?;
            Ok((quiet, open_session(&of, &with, window)?))
        })
        .await?;
        open.session.start(tokens).await?;
        profile.set_account(&account)?;
        log::signed_in(&account, by);
        // Why the last session ended is no news any more.
        profile.store.write(|w| -> Result<(), StoreError> {
            w.set_meta("sync.state", None)?;
            w.set_meta("sync.message", None)
        })?;
        if let Some(old) = known.filter(|known| known.secret_id != account.secret_id) {
            // What stays behind is a session that only the old address would take.
            let _ = blocking(move || Ok(open.secrets.delete(&secret_name(&old.secret_id))?)).await;
        }
        self.end_replies();
        self.join(&from, &profile, &request.take)?;
        if profile.name != from.name {
            self.switch_to(profile)?;
        }
        self.0.doorbell.notify_one();
        self.emit_status();
        self.status_of(&self.profile())
    }

    /// The session that the user's proof gives, and the e-mail address as typed.
    async fn prove(
        &self,
        auth: &Auth,
        server: &ServerAddress,
        by: SignInBy,
        browser: impl FnOnce(&str) -> Result<(), String> + Send,
    ) -> Result<(Tokens, String), AppError> {
        Ok(match by {
            SignInBy::Password { email, password } => {
                let email = email.trim().to_owned();
                (auth.sign_in_password(&email, &SecretString::from(password)).await?, email)
            }
            SignInBy::Code { email, code } => {
                let email = email.trim().to_owned();
                (auth.verify_code(&email, &SecretString::from(code)).await?, email)
            }
            SignInBy::Provider(provider) => {
                let provider = match provider {
                    airi_contract::Provider::Google => Provider::Google,
                    airi_contract::Provider::Discord => Provider::Discord,
                };
                (self.by_browser(auth, server, provider, browser).await?, String::new())
            }
        })
    }

    async fn by_browser(
        &self,
        auth: &Auth,
        server: &ServerAddress,
        provider: Provider,
        browser: impl FnOnce(&str) -> Result<(), String> + Send,
    ) -> Result<Tokens, AppError> {
        // One at a time: whoever begins anew has given the one before up.
        self.cancel_sign_in();
        let cancelled = self.0.stop_sign_in.notified();
        tokio::pin!(cancelled);
        // From here on a cancelling is heard, also before it is waited for.
        cancelled.as_mut().enable();
        let pkce = Pkce::new()?;
        let callback = Callback::listen().await?;
        let back = callback.redirect_to();
        let url = auth.authorize_url(provider, &back, &pkce.challenge())?;
        let login = async {
            // A browser that would end elsewhere is not opened.
            if let Redirects::Elsewhere(to) = Probe::new(server)?.redirects(&url, &back).await? {
                return Err(AppError::Redirects { to });
            }
            let problem = browser(&url).err();
            self.emit(Event::SignIn(SignInWaiting { url: url.clone(), problem }));
            let code = callback.code(BROWSER_LIMIT).await?;
            Ok(auth.exchange_code(&code, pkce.verifier()).await?)
        };
        tokio::select! {
            tokens = login => tokens,
            () = &mut cancelled => Err(AppError::Cancelled),
        }
    }

    /// The accounts of this computer's profiles. A profile that cannot be opened has none to offer.
    fn accounts(&self) -> Result<Vec<Account>, AppError> {
        let names = self.0.data.profile_names()?;
        Ok(names.iter().filter_map(|name| self.profile_named(name).ok()?.account().ok()?).collect())
    }

    /// The profile of that name; the one in use is not opened a second time.
    pub(crate) fn profile_named(&self, name: &str) -> Result<Arc<Profile>, AppError> {
        let current = self.profile();
        if name == current.name { Ok(current) } else { Ok(Arc::new(Profile::open(&self.0.data, name)?)) }
    }

    /// The profile of an account on this machine (the one in use first), or a fresh one.
    fn profile_of(&self, owner: OwnerId, url: &str) -> Result<(Arc<Profile>, Option<Account>), AppError> {
        let current = self.profile().name.clone();
        let mut names = self.0.data.profile_names()?;
        names.sort_by_key(|name| *name != current);
        for name in names {
            let profile = self.profile_named(&name)?;
            let account = profile.account()?;
            if account.as_ref().is_some_and(|account| account.owner == owner && account.url == url) {
                return Ok((profile, account));
            }
        }
        let name = format!("account-{}", &Uuid::new_v4().simple().to_string()[..12]);
        Ok((Arc::new(Profile::open(&self.0.data, &name)?), None))
    }

    /// Whether the server is one for us, before anything here is made the account's. A server that cannot be asked just
    /// now is found out about by the first sync.
    async fn try_server(&self, auth: &Auth, tokens: Tokens) -> Result<Tokens, AppError> {
        let trial = Arc::new(Trial(Mutex::new(Some(tokens.clone()))));
        let session = Session::new(auth.clone(), trial.clone(), &self.profile().file("refresh.lock"));
        match CloudRemote::new(&session).hello().await {
            Ok(_) => {}
            Err(failure)
                if matches!(
                    failure.class,
                    FailureClass::Passing { .. } | FailureClass::Maintenance | FailureClass::Suspended
                ) => {}
            Err(failure) => {
                let _ = session.sign_out(Scope::Local).await;
                return Err(airi_sync::SyncError::from(failure).into());
            }
        }
        // It may have been renewed meanwhile.
        Ok(trial.load().ok().flatten().unwrap_or(tokens))
    }
}

/// A session that is nowhere but here yet.
struct Trial(Mutex<Option<Tokens>>);

impl SessionStore for Trial {
    fn load(&self) -> Result<Option<Tokens>, airi_cloud::StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn save(&self, tokens: &Tokens) -> Result<(), airi_cloud::StoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens.clone());
        Ok(())
    }

    fn clear(&self) -> Result<(), airi_cloud::StoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}
