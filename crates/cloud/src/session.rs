//! One signed-in session: whoever needs an access token asks here.
//!
//! A refresh token works once, so a refresh happens once: for all tasks of the process (an async lock) and for all
//! processes on the data folder (a file lock). Under the lock the store is read again, as another process may have been
//! faster; the new tokens are stored before anyone uses them. A refresh that has begun runs to its end even when
//! everyone who waited for it is gone, because the server has used the old token up by then.

use crate::http::Http;
use crate::tokens::now;
use crate::{Auth, Class, CloudError, Scope, SessionStore, StoreError, Tokens};
use airi_domain::{OwnerId, Time};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A token with less time left is renewed before it is used.
const MARGIN_MICROS: i64 = 60 * 1_000_000;
/// Longer than a refresh can take.
const LOCK_LIMIT: Duration = Duration::from_secs(60);
const LOCK_POLL: Duration = Duration::from_millis(25);

/// A session. Clones are the same session.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    auth: Auth,
    store: Arc<dyn SessionStore>,
    lock_path: PathBuf,
    state: Mutex<State>,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// What was last read or stored.
    tokens: Option<Tokens>,
    /// What the server gave and the store did not take yet: not to be used, not to be lost.
    unsaved: Option<Tokens>,
    /// The refresh token that the server called revoked, and its reason.
    revoked: Option<(SecretString, String)>,
}

/// What a sign-out did.
#[derive(Debug)]
pub struct SignedOut {
    /// Why the server could not be told; the session on it then ends by itself in time.
    pub not_told: Option<CloudError>,
}

impl Session {
    /// A session over what `store` holds; touches nothing yet. `lock_path` is a file (made when missing, never removed)
    /// that all processes on this profile name alike.
    pub fn new(auth: Auth, store: Arc<dyn SessionStore>, lock_path: &Path) -> Session {
        Session(Arc::new(Inner {
            auth,
            store,
            lock_path: lock_path.to_owned(),
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::new(()),
        }))
    }

    /// Takes over the tokens of a sign-in: stores them, then uses them.
    pub async fn start(&self, tokens: Tokens) -> Result<(), CloudError> {
        self.detached(|inner| async move {
            let _one = inner.renewing.lock().await;
            let _lock = inner.lock().await?;
            inner.save(tokens.clone()).await?;
            *inner.state() = State { tokens: Some(tokens), ..State::default() };
            Ok(())
        })
        .await
    }

    /// An access token that is good for at least a minute, refreshed if need be. (When the refresh fails in passing, the
    /// present one is given as long as it is good at all.)
    pub async fn access_token(&self) -> Result<SecretString, CloudError> {
        if let Some(token) = self.0.usable(None) {
            return Ok(token);
        }
        self.detached(|inner| async move { inner.renew(None).await }).await
    }

    /// A token other than `refused`, which the server answered with 401.
    pub(crate) async fn renewed(&self, refused: &SecretString) -> Result<SecretString, CloudError> {
        let refused = refused.clone();
        self.detached(|inner| async move { inner.renew(Some(refused)).await }).await
    }

    /// Whose session it is; reads the store when nothing did before. [`CloudError::SignedOut`] when nobody is signed in.
    pub async fn user_id(&self) -> Result<OwnerId, CloudError> {
        if let Some(tokens) = &self.0.state().tokens {
            return Ok(tokens.user_id);
        }
        self.detached(|inner| async move {
            let tokens = inner.load().await?.ok_or(CloudError::SignedOut)?;
            let user_id = tokens.user_id;
            inner.state().tokens.get_or_insert(tokens);
            Ok(user_id)
        })
        .await
    }

    /// What the store holds now; None when nobody is signed in.
    pub async fn stored(&self) -> Result<Option<Tokens>, CloudError> {
        self.0.load().await
    }

    /// Tells the server, then forgets the tokens (with [`Scope::Others`] they stay). The tokens are forgotten also when
    /// the server cannot be reached; data and unsent work are not this crate's and stay.
    pub async fn sign_out(&self, scope: Scope) -> Result<SignedOut, CloudError> {
        let told = match self.access_token().await {
            Ok(token) => self.0.auth.sign_out(&token, scope).await,
            Err(CloudError::SignedOut | CloudError::SessionRevoked { .. }) if scope == Scope::Local => Ok(()),
            Err(error) => Err(error),
        };
        if scope == Scope::Others {
            return told.map(|()| SignedOut { not_told: None });
        }
        self.detached(|inner| async move {
            let _one = inner.renewing.lock().await;
            let _lock = inner.lock().await?;
            let store = inner.store.clone();
            blocking(move || store.clear())
                .await
                .map_err(|source| CloudError::SessionStore { action: "saved", source })?;
            *inner.state() = State::default();
            Ok(())
        })
        .await?;
        Ok(SignedOut { not_told: told.err() })
    }

    /// Auth of the same server.
    pub fn auth(&self) -> &Auth {
        &self.0.auth
    }

    pub(crate) fn http(&self) -> &Http {
        self.0.auth.http()
    }

    /// Runs on a task of its own, which goes on when the caller is dropped.
    async fn detached<T, F>(&self, act: impl FnOnce(Arc<Inner>) -> F) -> Result<T, CloudError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, CloudError>> + Send + 'static,
    {
        match tokio::spawn(act(self.0.clone())).await {
            Ok(result) => result,
            Err(_) => Err(CloudError::broken("the program is closing")),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("auth", &self.0.auth).finish_non_exhaustive()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self, refused: Option<&SecretString>) -> Option<SecretString> {
        let state = self.state();
        if state.unsaved.is_some() {
            return None;
        }
        state.tokens.as_ref().filter(|t| is_good(t, refused, now(), MARGIN_MICROS)).map(|t| t.access_token.clone())
    }

    async fn renew(&self, refused: Option<SecretString>) -> Result<SecretString, CloudError> {
        let _one = self.renewing.lock().await;
        if let Some(token) = self.usable(refused.as_ref()) {
            return Ok(token);
        }
        match self.renew_across_processes(refused.as_ref()).await {
            Err(error) if matches!(error.class(), Class::Passing { .. }) && refused.is_none() => {
                let state = self.state();
                let rest = state.tokens.as_ref().filter(|t| is_good(t, None, now(), 0));
                rest.map(|t| t.access_token.clone()).ok_or(error)
            }
            result => result,
        }
    }

    async fn renew_across_processes(&self, refused: Option<&SecretString>) -> Result<SecretString, CloudError> {
        let _lock = self.lock().await?;
        let unsaved = self.state().unsaved.clone();
        if let Some(tokens) = unsaved {
            self.store_and_use(tokens).await?;
            if let Some(token) = self.usable(refused) {
                return Ok(token);
            }
        }
        let Some(stored) = self.load().await? else {
            *self.state() = State::default();
            return Err(CloudError::SignedOut);
        };
        {
            let mut state = self.state();
            if state.tokens.as_ref().is_some_and(|t| t.user_id != stored.user_id) {
                return Err(CloudError::SessionRevoked { reason: "another account has signed in here".into() });
            }
            state.tokens = Some(stored.clone());
            let refresh = stored.refresh_token.expose_secret();
            match &state.revoked {
                Some((token, reason)) if token.expose_secret() == refresh => {
                    return Err(CloudError::SessionRevoked { reason: reason.clone() });
                }
                _ => state.revoked = None,
            }
        }
        if let Some(token) = self.usable(refused) {
            return Ok(token);
        }
        match self.auth.refresh(&stored.refresh_token).await {
            Ok(tokens) if tokens.user_id != stored.user_id => {
                Err(CloudError::BadAnswer { status: 200, why: "another user's session".into() })
            }
            Ok(tokens) => {
                let token = tokens.access_token.clone();
                self.store_and_use(tokens).await?;
                Ok(token)
            }
            Err(CloudError::SessionRevoked { reason }) => {
                self.state().revoked = Some((stored.refresh_token, reason.clone()));
                Err(CloudError::SessionRevoked { reason })
            }
            Err(error) => Err(error),
        }
    }

    async fn store_and_use(&self, tokens: Tokens) -> Result<(), CloudError> {
        self.state().unsaved = Some(tokens.clone());
        self.save(tokens.clone()).await?;
        *self.state() = State { tokens: Some(tokens), ..State::default() };
        Ok(())
    }

    async fn load(&self) -> Result<Option<Tokens>, CloudError> {
        let store = self.store.clone();
        blocking(move || store.load()).await.map_err(|source| CloudError::SessionStore { action: "read", source })
    }

    async fn save(&self, tokens: Tokens) -> Result<(), CloudError> {
        let store = self.store.clone();
        blocking(move || store.save(&tokens))
            .await
            .map_err(|source| CloudError::SessionStore { action: "saved", source })
    }

    /// The lock across processes; the system releases it with the handle, also when the process dies. It is polled, so
    /// that no thread is stuck in it when the program ends.
    async fn lock(&self) -> Result<File, CloudError> {
        let failed = |source| CloudError::disk("locked", &self.lock_path, source);
        let path = self.lock_path.clone();
        let open = move || OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file =
            tokio::task::spawn_blocking(open).await.map_err(std::io::Error::other).and_then(|f| f).map_err(failed)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= LOCK_LIMIT => {
                    return Err(CloudError::LockBusy { waited: LOCK_LIMIT });
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(act).await.map_err(StoreError::from)?
}

fn is_good(tokens: &Tokens, refused: Option<&SecretString>, now: Time, margin: i64) -> bool {
    let token = tokens.access_token.expose_secret();
    !token.is_empty()
        && now.plus_micros(margin) < tokens.expires_at
        && refused.is_none_or(|refused| refused.expose_secret() != token)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
