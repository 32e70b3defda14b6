//! Signing in and out: GoTrue's API.

use crate::http::{Http, Patience, read};
use crate::tokens::{RawSession, RawUser, now};
use crate::wire::Dialect;
use crate::{CloudError, ServerAddress, Tokens};
use airi_domain::OwnerId;
use reqwest::{Method, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

const MAX_ANSWER: usize = 1_000_000;
const PATIENCE: Patience = Patience::Total { limit: Duration::from_secs(30), batch: false };

/// Auth of one server.
#[derive(Debug, Clone)]
pub struct Auth {
    http: Http,
}

/// Where a login by browser goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// accounts.google.com
    Google,
    /// discord.com
    Discord,
}

impl Provider {
    /// All that the app knows.
    pub const ALL: [Provider; 2] = [Provider::Google, Provider::Discord];

    /// As Auth calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Google => "google",
            Provider::Discord => "discord",
        }
    }
}

/// Which sessions end at a sign-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This one.
    Local,
    /// All of the account.
    Global,
    /// All but this one.
    Others,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Scope::Local => "local",
            Scope::Global => "global",
            Scope::Others => "others",
        }
    }
}

/// What a sign-up gives.
#[derive(Debug)]
pub enum SignUp {
    /// Signed in at once.
    SignedIn(Box<Tokens>),
    /// The account waits for the link or code in the e-mail. (Also what Auth says when the account exists already, so
    /// that nobody can find out.)
    ConfirmEmail,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: OwnerId,
    /// None for an account without an e-mail address.
    pub email: Option<String>,
}

impl Auth {
    /// Makes the client; connects to nothing yet.
    pub fn new(address: &ServerAddress) -> Result<Auth, CloudError> {
        Ok(Auth { http: Http::new(address)? })
    }

    /// E-mail and password. [`CloudError::WrongPassword`], [`CloudError::EmailNotConfirmed`].
    pub async fn sign_in_password(&self, email: &str, password: &SecretString) -> Result<Tokens, CloudError> {
        let body = json!({ "email": email, "password": password.expose_secret() });
        self.token("password", body, &[password]).await
    }

    /// A new account. [`CloudError::AccountExists`], [`CloudError::WeakPassword`].
    pub async fn sign_up(&self, email: &str, password: &SecretString) -> Result<SignUp, CloudError> {
        let body = json!({ "email": email, "password": password.expose_secret() });
        let request = self.post(&["signup"]).json(&body);
        let body = self.send(request, &[password]).await?;
        match serde_json::from_slice::<RawSession>(&body) {
            Ok(session) => Ok(SignUp::SignedIn(Box::new(session.into_tokens(now())?))),
            Err(_) => parse::<RawUser>(&body).map(|_| SignUp::ConfirmEmail),
        }
    }

    /// A new pair of tokens for the refresh token, which is used up by it: store the new pair before using it
    /// ([`crate::Session`] does). A token that was used, revoked or never given is [`CloudError::SessionRevoked`].
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, CloudError> {
        let body = json!({ "refresh_token": refresh_token.expose_secret() });
        self.token("refresh_token", body, &[refresh_token]).await.map_err(|error| match error {
            CloudError::Refused { status: 400 | 401 | 403 | 404 | 422, code, .. } => {
                CloudError::SessionRevoked { reason: ended_because(&code) }
            }
            CloudError::NotAccepted | CloudError::WrongPassword => {
                CloudError::SessionRevoked { reason: "not accepted".into() }
            }
            error => error,
        })
    }

    /// Ends sessions. One that has ended already counts as ended.
    pub async fn sign_out(&self, access_token: &SecretString, scope: Scope) -> Result<(), CloudError> {
        let mut url = self.url(&["logout"]);
        url.query_pairs_mut().append_pair("scope", scope.as_str());
        let request = self.http.request(Method::POST, url).bearer_auth(access_token.expose_secret());
        match self.send(request, &[access_token]).await {
            Ok(_) | Err(CloudError::NotAccepted | CloudError::Refused { status: 401 | 403 | 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whose access token this is, as the server sees it.
    pub async fn user(&self, access_token: &SecretString) -> Result<User, CloudError> {
        let request = self.http.request(Method::GET, self.url(&["user"])).bearer_auth(access_token.expose_secret());
        let user: RawUser = self.json(request, &[access_token]).await.map_err(|error| match error {
            CloudError::Refused { status: 401 | 403, .. } => CloudError::NotAccepted,
            error => error,
        })?;
        Ok(User { id: user.id, email: user.email.filter(|e| !e.is_empty()) })
    }

    /// Has a one-time code sent. An address without an account gets one, where the server lets anyone sign up.
    pub async fn send_code(&self, email: &str) -> Result<(), CloudError> {
        let request = self.post(&["otp"]).json(&json!({ "email": email, "create_user": true }));
        self.send(request, &[]).await.map(|_| ())
    }

    /// Signs in with the code of the e-mail. [`CloudError::WrongCode`].
    pub async fn verify_code(&self, email: &str, code: &SecretString) -> Result<Tokens, CloudError> {
        let body = json!({ "type": "email", "email": email, "token": code.expose_secret().trim() });
        let request = self.post(&["verify"]).json(&body);
        let session: RawSession = self.json(request, &[code]).await.map_err(|error| match error {
            CloudError::NotAccepted | CloudError::Refused { status: 401 | 403, .. } => CloudError::WrongCode,
            error => error,
        })?;
        session.into_tokens(now())
    }

    /// What the browser is to open. `redirect_to` must be a callback on this machine, as only there the app itself takes
    /// the answer; `challenge` is [`crate::Pkce::challenge`].
    pub fn authorize_url(&self, provider: Provider, redirect_to: &str, challenge: &str) -> Result<String, CloudError> {
        let callback = Url::parse(redirect_to).map_err(|_| CloudError::unusable("the callback is no URL"))?;
        let loopback = matches!(callback.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if callback.scheme() != "http" || !loopback || !callback.username().is_empty() || callback.password().is_some()
        {
            return Err(CloudError::unusable("the login's callback is not on this machine"));
        }
        let mut url = self.url(&["authorize"]);
        url.query_pairs_mut()
            .append_pair("provider", provider.as_str())
            .append_pair("redirect_to", callback.as_str())
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "s256");
        Ok(url.into())
    }

    /// Finishes a login by browser: the code of the callback and the verifier of the same login.
    pub async fn exchange_code(&self, code: &SecretString, verifier: &SecretString) -> Result<Tokens, CloudError> {
        let body = json!({ "auth_code": code.expose_secret(), "code_verifier": verifier.expose_secret() });
        self.token("pkce", body, &[code, verifier]).await
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    async fn token(&self, grant: &str, body: Value, secrets: &[&SecretString]) -> Result<Tokens, CloudError> {
        let mut url = self.url(&["token"]);
        url.query_pairs_mut().append_pair("grant_type", grant);
        let session: RawSession = self.json(self.http.request(Method::POST, url).json(&body), secrets).await?;
        session.into_tokens(now())
    }

    fn url(&self, path: &[&str]) -> Url {
        self.http.address().join(["auth", "v1"].into_iter().chain(path.iter().copied()))
    }

    fn post(&self, path: &[&str]) -> RequestBuilder {
        self.http.request(Method::POST, self.url(path))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        secrets: &[&SecretString],
    ) -> Result<T, CloudError> {
        parse(&self.send(request, secrets).await?)
    }

    /// The answer may hold tokens, so it is wiped after use.
    async fn send(&self, request: RequestBuilder, secrets: &[&SecretString]) -> Result<Zeroizing<Vec<u8>>, CloudError> {
        read(self.sent(request, secrets).await?, MAX_ANSWER, &PATIENCE).await.map(Zeroizing::new)
    }

    async fn sent(&self, request: RequestBuilder, secrets: &[&SecretString]) -> Result<Response, CloudError> {
        let secrets: Vec<&str> = secrets.iter().map(|s| s.expose_secret()).collect();
        self.http.send(request, Dialect::Auth, &PATIENCE, &secrets).await.map_err(named)
    }
}

/// Auth's code, in words where it is one that it gives for this.
fn ended_because(code: &str) -> String {
    let words = match code {
        "refresh_token_not_found" | "session_not_found" => "it was signed out elsewhere, or the password was changed",
        "refresh_token_already_used" => "it was used in another place at the same time",
        "session_expired" => "the server lets sessions last no longer",
        "user_banned" => "the account was closed by the server's operator",
        "user_not_found" => "the account is no longer there",
        "" => return "refused".into(),
        code => return code.to_owned(),
    };
    format!("{words}: {code}")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, CloudError> {
    // The error's text could quote the answer.
    serde_json::from_slice(body)
        .map_err(|_| CloudError::BadAnswer { status: 200, why: "it is not what Auth answers".into() })
}

/// Auth's codes that a user can do something about.
fn named(error: CloudError) -> CloudError {
    match error {
        CloudError::Refused { status, code, message } => match code.as_str() {
            "invalid_credentials" => CloudError::WrongPassword,
            "invalid_grant" if message.contains("Invalid login credentials") => CloudError::WrongPassword,
            "email_not_confirmed" => CloudError::EmailNotConfirmed,
            "otp_expired" => CloudError::WrongCode,
            "user_already_exists" | "email_exists" => CloudError::AccountExists,
            "weak_password" => CloudError::WeakPassword { message },
            _ => CloudError::Refused { status, code, message },
        },
        error => error,
    }
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
