//! A session's tokens, and the port to where they are kept.

use crate::CloudError;
use airi_domain::{OwnerId, Time};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroize;

/// What a sign-in or refresh gives.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// A JWT, sent with each call; empty when it was not kept ([`Tokens::to_stored`]).
    pub access_token: SecretString,
    /// Good for one refresh.
    pub refresh_token: SecretString,
    /// When the access token ends, by this computer's clock.
    pub expires_at: Time,
    /// Whose session this is.
    pub user_id: OwnerId,
    /// None for an account without an e-mail address.
    pub email: Option<String>,
}

/// Why the store failed, in its own words; must not contain secrets.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// Where a session's tokens are kept. The calls may block; [`crate::Session`] makes them off the async threads and holds
/// its lock across processes around each read-refresh-write.
pub trait SessionStore: Send + Sync + 'static {
    /// What is there; None when nobody is signed in.
    fn load(&self) -> Result<Option<Tokens>, StoreError>;
    /// Durable once it returns.
    fn save(&self, tokens: &Tokens) -> Result<(), StoreError>;
    /// Forgets them.
    fn clear(&self) -> Result<(), StoreError>;
}

/// The longest stored form: Windows' Credential Manager takes 2,560 bytes.
const MAX_STORED: usize = 2500;

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u8,
    access_token: String,
    refresh_token: String,
    expires_at: Time,
    user_id: OwnerId,
    email: Option<String>,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

impl Tokens {
    /// One line of text for a keyring. An access token that makes it longer than every keyring takes is left out: the
    /// session is then refreshed at the next start.
    pub fn to_stored(&self) -> SecretString {
        let stored = |access_token: &str| {
            let stored = Stored {
                v: 1,
                access_token: access_token.to_owned(),
                refresh_token: self.refresh_token.expose_secret().to_owned(),
                expires_at: self.expires_at,
                user_id: self.user_id,
                email: self.email.clone(),
            };
            SecretString::from(serde_json::to_string(&stored).unwrap_or_default())
        };
        let whole = stored(self.access_token.expose_secret());
        if whole.expose_secret().len() <= MAX_STORED { whole } else { stored("") }
    }

    /// From [`Tokens::to_stored`]; None for anything else.
    pub fn from_stored(text: &str) -> Option<Tokens> {
        let stored: Stored = serde_json::from_str(text).ok()?;
        Some(Tokens {
            access_token: SecretString::from(stored.access_token.as_str()),
            refresh_token: SecretString::from(stored.refresh_token.as_str()),
            expires_at: stored.expires_at,
            user_id: stored.user_id,
            email: stored.email.clone(),
        })
    }
}

/// A session as Auth answers it.
#[derive(Deserialize)]
pub(crate) struct RawSession {
    access_token: String,
    refresh_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
    user: RawUser,
}

impl Drop for RawSession {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

#[derive(Deserialize)]
pub(crate) struct RawUser {
    pub(crate) id: OwnerId,
    #[serde(default)]
    pub(crate) email: Option<String>,
}

impl RawSession {
    pub(crate) fn into_tokens(self, now: Time) -> Result<Tokens, CloudError> {
        if self.access_token.is_empty() || self.refresh_token.is_empty() {
            return Err(CloudError::BadAnswer { status: 200, why: "a session without tokens".into() });
        }
        let seconds = self.expires_in.unwrap_or(3600).clamp(0, 7 * 24 * 3600);
        Ok(Tokens {
            access_token: SecretString::from(self.access_token.as_str()),
            refresh_token: SecretString::from(self.refresh_token.as_str()),
            expires_at: now.plus_micros(seconds * 1_000_000),
            user_id: self.user.id,
            email: self.user.email.clone().filter(|e| !e.is_empty()),
        })
    }
}

/// The computer's clock.
pub(crate) fn now() -> Time {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
    Time::from_micros(micros).unwrap_or(Time::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(access: &str) -> Tokens {
        Tokens {
            access_token: SecretString::from(access),
            refresh_token: SecretString::from("canary-refresh"),
            expires_at: Time::from_micros(1_700_000_000_000_000).unwrap(),
            user_id: OwnerId::LOCAL,
            email: Some("a@b.example".into()),
        }
    }

    #[test]
    fn the_stored_form_gives_the_same_tokens() {
        let stored = tokens("canary-access").to_stored();
        let back = Tokens::from_stored(stored.expose_secret()).unwrap();
        assert_eq!(back.access_token.expose_secret(), "canary-access");
        assert_eq!(back.refresh_token.expose_secret(), "canary-refresh");
        assert_eq!((back.expires_at, back.user_id), (tokens("").expires_at, OwnerId::LOCAL));
        assert_eq!(back.email.as_deref(), Some("a@b.example"));
        assert!(!format!("{back:?} {stored:?}").contains("canary"));
        assert!(Tokens::from_stored("{}").is_none() && Tokens::from_stored("").is_none());
    }

    #[test]
    fn every_keyring_takes_the_stored_form() {
        let stored = tokens(&"a".repeat(5000)).to_stored();
        assert!(stored.expose_secret().len() <= 2560);
        let back = Tokens::from_stored(stored.expose_secret()).unwrap();
        assert_eq!(back.access_token.expose_secret(), "");
        assert_eq!(back.refresh_token.expose_secret(), "canary-refresh");
    }
}
