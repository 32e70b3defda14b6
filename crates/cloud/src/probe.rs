//! Looking at a server before anything depends on it: what it is, what it offers, what it lacks.
//!
//! Promised: nothing of the user's is read or changed (the bucket is tried with one object of its own name, which is
//! taken away again), redirects are looked at and never followed, and what cannot be known is not guessed.

use crate::address::claim;
use crate::http::{Caller, Http, Patience, read, read_json};
use crate::realtime;
use crate::wire::{self, Dialect};
use crate::{CloudError, ServerAddress, Session, Storage};
use airi_domain::OwnerId;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, Url};
use serde::Deserialize;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
const PATIENCE: Patience = Patience::Total { limit: LIMIT, batch: false };
const MAX_ANSWER: usize = 1_000_000;
/// The object with which a bucket is tried, in the user's own folder.
const PROBE: &str = "airi-check";

/// What Auth says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Sign-in by e-mail, with password or code.
    pub email: bool,
    /// accounts.google.com
    pub google: bool,
    /// discord.com
    pub discord: bool,
    /// Whether new accounts can be made.
    pub sign_up: bool,
}

/// Whether a login in the browser may come back to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirects {
    /// It may.
    Listed,
    /// The browser would end there instead.
    Elsewhere(String),
    /// The server's answer does not show it.
    Unknown,
}

/// What a bucket is to the signed-in user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// There, private, and writable where it must be.
    Private,
    /// There, and everyone can read it.
    Public,
    /// There, but the user may not write into the own folder.
    NoAccess,
    /// Not there.
    Absent,
}

/// Looks at one server, without a session.
#[derive(Debug, Clone)]
pub struct Probe {
    http: Http,
}

impl Probe {
    /// Connects to nothing yet.
    pub fn new(address: &ServerAddress) -> Result<Probe, CloudError> {
        Ok(Probe { http: Http::new(address)? })
    }

    /// What Auth offers. [`CloudError::KeyRefused`] when something in Supabase's shape answers and refuses the key;
    /// [`CloudError::BadAnswer`] and [`CloudError::SchemaMismatch`] when it is something else.
    pub async fn settings(&self) -> Result<Settings, CloudError> {
        #[derive(Deserialize)]
        struct Raw {
            external: External,
            #[serde(default)]
            disable_signup: bool,
        }
        #[derive(Deserialize)]
        struct External {
            #[serde(default)]
            email: bool,
            #[serde(default)]
            google: bool,
            #[serde(default)]
            discord: bool,
        }
        let url = self.http.address().join(["auth", "v1", "settings"]);
        let sent = self.http.send(self.http.request(Method::GET, url), Dialect::Auth, &PATIENCE, &[]).await;
        let response = sent.map_err(|error| match error {
            // No session was sent: what is not accepted is the key.
            CloudError::NotAccepted | CloudError::Refused { status: 401 | 403, .. } => CloudError::KeyRefused,
            CloudError::Refused { status, .. } => CloudError::BadAnswer { status, why: "it is not Supabase's".into() },
            error => error,
        })?;
        let raw: Raw = read_json(response, MAX_ANSWER, &PATIENCE).await?;
        let External { email, google, discord } = raw.external;
        Ok(Settings { email, google, discord, sign_up: !raw.disable_signup })
    }

    /// Whether a function of the API is there, whoever may call it; None when the server does not say.
    pub async fn has_function(&self, name: &str) -> Result<Option<bool>, CloudError> {
        let url = self.http.address().join(["rest", "v1", "rpc", name]);
        let request = self.http.request(Method::POST, url).header(CONTENT_TYPE, "application/json").body("{}");
        match self.http.send(request, Dialect::Rest, &PATIENCE, &[]).await {
            Ok(_) => Ok(Some(true)),
            Err(CloudError::SchemaMismatch { .. }) => Ok(Some(false)),
            // Permission denied: it is there for others.
            Err(CloudError::Refused { code, .. }) if code == "42501" => Ok(Some(true)),
            Err(CloudError::NotAccepted | CloudError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the server would send a browser after a login that began at `authorize_url` and asked for `redirect_to`.
    /// [`CloudError::Refused`] when it does not offer the provider.
    pub async fn redirects(&self, authorize_url: &str, redirect_to: &str) -> Result<Redirects, CloudError> {
        let url = Url::parse(authorize_url).map_err(|_| CloudError::unusable("the sign-in page is no URL"))?;
        if url.origin() != self.http.address().join([]).origin() {
            return Err(CloudError::unusable("the sign-in page is on another server"));
        }
        let request = self.http.request(Method::GET, url).timeout(LIMIT);
        let response = request.send().await.map_err(CloudError::network)?;
        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            return Ok(location.map_or(Redirects::Unknown, |location| judge(location, redirect_to)));
        }
        if status.is_success() {
            return Ok(Redirects::Unknown);
        }
        let headers = response.headers().clone();
        let body = read(response, MAX_ANSWER, &PATIENCE).await.unwrap_or_default();
        Err(wire::refusal(Dialect::Auth, status.as_u16(), &headers, &body, &[]))
    }

    /// Whether a name in a bucket can be read by everyone.
    async fn is_public(&self, bucket: &str, path: &str) -> Result<bool, CloudError> {
        let parts = ["storage", "v1", "object", "public", bucket].into_iter().chain(path.split('/'));
        let request = self.http.request(Method::GET, self.http.address().join(parts));
        match self.http.send(request, Dialect::Storage, &PATIENCE, &[]).await {
            Ok(_) => Ok(true),
            Err(CloudError::NotFound | CloudError::NotAccepted | CloudError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Tries a bucket as the signed-in user, with an object that is removed again.
    pub async fn bucket(&self, session: &Session, user_id: OwnerId, bucket: &str) -> Result<Bucket, CloudError> {
        let path = format!("{user_id}/{PROBE}");
        let storage = Storage::new(session);
        let url = storage.url(&["object"], bucket, &path)?;
        let put = Caller::new(session)
            .call(Dialect::Storage, &PATIENCE, |http| {
                http.request(Method::POST, url.clone())
                    .header(CONTENT_TYPE, "application/octet-stream")
                    .header("x-upsert", "false")
                    .body("AIRI")
            })
            .await;
        match put {
            Ok(response) => drop(read(response, MAX_ANSWER, &PATIENCE).await),
            Err(error) if crate::upload::is_duplicate(&error) => {}
            Err(CloudError::NotFound) => return Ok(Bucket::Absent),
            Err(CloudError::Refused { status: 403, .. }) => return Ok(Bucket::NoAccess),
            Err(error) => return Err(error),
        }
        let public = self.is_public(bucket, &path).await;
        storage.remove(bucket, &[&path]).await?;
        Ok(if public? { Bucket::Public } else { Bucket::Private })
    }

    /// Whether the user may listen to the own doorbell. [`CloudError::Refused`] when the server's policies forbid it.
    pub async fn doorbell(&self, session: &Session, user_id: OwnerId) -> Result<(), CloudError> {
        realtime::try_join(self.http.address(), session, user_id).await
    }
}

/// Auth up to 2025 signs what it will do into the state that it hands to the provider. Later ones keep it to themselves,
/// allow this machine's own addresses always, and only repeat what they were asked.
fn judge(location: &str, asked: &str) -> Redirects {
    let Ok(url) = Url::parse(location) else { return Redirects::Unknown };
    let found = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let signed = found("state").and_then(|state| claim(&state, "referrer")).filter(|back| !back.is_empty());
    match signed.or_else(|| found("redirect_to")) {
        Some(back) if back == asked => Redirects::Listed,
        Some(back) => Redirects::Elsewhere(back),
        None => Redirects::Unknown,
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
