//! What can go wrong with the cloud, in words for the user, and what the caller does next.

use secrecy::zeroize::Zeroize;
use std::path::PathBuf;
use std::time::Duration;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Try the same again with backoff and jitter, for ever; not before `retry_after`, where the server named a time.
    Passing {
        /// The server's wish.
        retry_after: Option<Duration>,
    },
    /// Halve the batch and repeat. When there is nothing left to halve: `passing` true means back off and go on trying,
    /// false that this one thing never gets through.
    RetrySmaller {
        /// Whether the smallest piece may succeed later.
        passing: bool,
    },
    /// Stop syncing, keep everything, ask the user to sign in again.
    SignInAgain,
    /// Stop syncing with a plain message; look again at times (hours) or when the user asks.
    Parked,
    /// The same call will fail again. Only what it was about stops.
    Permanent,
}

/// An error of the cloud. Never carries a token, a key or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloudError {
    /// No connection, or it broke.
    #[error("The server cannot be reached ({why}). Everything is saved on this computer and is sent once it can.")]
    Network {
        /// The innermost reason.
        why: String,
        /// The whole error, its URL taken out.
        #[source]
        source: Option<Source>,
    },
    /// No answer in time.
    #[error("The server did not answer within {} s. Everything is saved on this computer; it is tried again.", limit.as_secs())]
    Timeout {
        /// How long was waited.
        limit: Duration,
        /// Whether a smaller request is likely to get through (an RPC with a batch).
        batch: bool,
    },
    /// 408, 425, 429 and 5xx.
    #[error(
        "The server is busy or has a fault (HTTP {status}). Everything is saved on this computer; it is tried again."
    )]
    Busy {
        /// The HTTP status.
        status: u16,
        /// The server's wish, at most an hour.
        retry_after: Option<Duration>,
        /// The server's own words, shortened.
        message: String,
    },
    /// An answer that is not the server's: a captive portal, a proxy's page, a cut JSON.
    #[error(
        "The answer did not come from the server as it should ({why}): perhaps a network's sign-in page or a proxy. Nothing was changed; it is tried again."
    )]
    BadAnswer {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
    /// A redirect, which is never followed, as it would carry the keys elsewhere.
    #[error(
        "The server sends its callers elsewhere (HTTP {status}), which is not followed. Nothing was sent there. Check the server's address in the settings, or sign in to the network you are in."
    )]
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// 413, or an answer above the limit.
    #[error(
        "That was too much at once for the server or this app ({why}). Everything is saved on this computer; smaller parts are tried."
    )]
    TooLarge {
        /// Which limit.
        why: String,
    },
    /// A statement timeout, deadlock, serialization failure or lock timeout: the database took nothing of the call.
    #[error(
        "The server's database was too busy for that much at once ({code}). Nothing was lost; smaller parts are tried."
    )]
    Contention {
        /// The SQLSTATE.
        code: String,
    },
    /// Nobody is signed in.
    #[error("You are not signed in. Everything stays on this computer; sign in to sync.")]
    SignedOut,
    /// The session was ended elsewhere, or its refresh token was used twice.
    #[error(
        "Your session has ended ({reason}). Everything stays on this computer, also what was not sent yet. Sign in again to sync."
    )]
    SessionRevoked {
        /// The server's code.
        reason: String,
    },
    /// 401 although the token is fresh.
    #[error(
        "The server does not accept your session. Everything stays on this computer. Sign in again; if that does not help, check the computer's clock."
    )]
    NotAccepted,
    /// The publishable key is not (or no longer) the server's.
    #[error(
        "The server does not know this app's key. Everything stays on this computer. Check the server's address and publishable key in the settings."
    )]
    KeyRefused,
    /// Our functions are missing or of another shape.
    #[error(
        "This server lacks our migrations or has other ones ({what}). Everything stays on this computer. Ask the server's operator to apply AIRI's migrations, then try again."
    )]
    SchemaMismatch {
        /// The function or object that was not found.
        what: String,
    },
    /// Under maintenance, paused, read-only, or over its quota.
    #[error(
        "The server is closed at the moment ({why}). Everything is saved on this computer and is sent when it is back."
    )]
    Maintenance {
        /// What it says: during maintenance the operator's own words.
        why: String,
    },
    /// This account may not write at the moment. Reading goes on.
    #[error("{why} Everything is saved on this computer and is sent when the suspension is over.")]
    Suspended {
        /// The server's own words: until when.
        why: String,
    },
    /// E-mail and password do not fit.
    #[error("E-mail and password do not fit. Nothing was changed. Check both, or have a code sent to your e-mail.")]
    WrongPassword,
    /// The code of the e-mail is wrong or too old.
    #[error("The code is wrong or has expired. Nothing was changed. Have a new one sent.")]
    WrongCode,
    /// The account waits for its confirmation.
    #[error("This e-mail address is not confirmed yet. Open the link in the e-mail that was sent to it, then sign in.")]
    EmailNotConfirmed,
    /// There is an account already.
    #[error("There is an account with this e-mail address already. Sign in instead.")]
    AccountExists,
    /// The password does not meet the server's rules.
    #[error("The server does not take this password: {message}. Choose another one.")]
    WeakPassword {
        /// The server's rule.
        message: String,
    },
    /// Nobody came back from the browser.
    #[error(
        "Nothing came back from the browser within {} minutes. Nothing was changed. Begin the sign-in again; if the browser ends on another page, have the server's operator allow http://127.0.0.1:*/** as a redirect URL.",
        limit.as_secs().div_ceil(60)
    )]
    LoginTimedOut {
        /// How long was waited.
        limit: Duration,
    },
    /// The provider, the server or the user said no in the browser.
    #[error(
        "The sign-in in the browser did not succeed: {why}. Nothing was changed. Try again, or sign in another way."
    )]
    LoginRefused {
        /// The reason, in our own words.
        why: &'static str,
    },
    /// No port on loopback for the browser to come back to.
    #[error(
        "This computer does not let the app wait for the browser ({why}). Nothing was changed. Sign in another way."
    )]
    Callback {
        /// The system's reason.
        why: String,
    },
    /// Everything else that the server refuses.
    #[error("The server refused this (HTTP {status}, {code}): {message}. Nothing else is affected.")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's code: a SQLSTATE, a PGRST code, a name of Auth or Storage; empty when it gave none.
        code: String,
        /// The server's own words, shortened.
        message: String,
    },
    /// There is no such object.
    #[error("The file is not on the server (or not yet). It can be loaded once the device that has it has sent it.")]
    NotFound,
    /// What came is not what was asked for.
    #[error(
        "The file on the server is not the one it should be ({why}). Nothing was kept of it. If another device has it, send it again from there."
    )]
    WrongContent {
        /// Size or hash.
        why: String,
    },
    /// The disk.
    #[error("{} cannot be {action}: {source}. Check the folder's permissions and the free space, then try again.", path.display())]
    Disk {
        /// `read`, `written`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The place of the session's secrets does not answer.
    #[error("The session cannot be {action}: {source}. Nothing is lost; it is tried again.")]
    SessionStore {
        /// `read`, `saved`.
        action: &'static str,
        /// The store's reason.
        source: Source,
    },
    /// Another process holds the refresh lock.
    #[error("Another AIRI process has been renewing the session for {} s. It is tried again.", waited.as_secs())]
    LockBusy {
        /// How long was waited.
        waited: Duration,
    },
    /// A mistake of the program or of its configuration.
    #[error("That request cannot be made: {why}. This is a fault in AIRI; please report it.")]
    Unusable {
        /// What.
        why: String,
    },
}

impl CloudError {
    /// What to do next.
    pub fn class(&self) -> Class {
        use CloudError::*;
        match self {
            Network { .. } | BadAnswer { .. } | Redirected { .. } | SessionStore { .. } | LockBusy { .. } => {
                Class::Passing { retry_after: None }
            }
            Timeout { batch: true, .. } | Contention { .. } => Class::RetrySmaller { passing: true },
            Timeout { batch: false, .. } => Class::Passing { retry_after: None },
            Busy { retry_after, .. } => Class::Passing { retry_after: *retry_after },
            TooLarge { .. } => Class::RetrySmaller { passing: false },
            SignedOut | SessionRevoked { .. } | NotAccepted => Class::SignInAgain,
            KeyRefused | SchemaMismatch { .. } | Maintenance { .. } | Suspended { .. } => Class::Parked,
            Disk { .. } => Class::Passing { retry_after: None },
            WrongPassword
            | WrongCode
            | EmailNotConfirmed
            | AccountExists
            | WeakPassword { .. }
            | LoginTimedOut { .. }
            | LoginRefused { .. }
            | Callback { .. }
            | Refused { .. }
            | NotFound
            | WrongContent { .. }
            | Unusable { .. } => Class::Permanent,
        }
    }

    /// A stable name for logs, tests and the boundary.
    pub fn code(&self) -> &'static str {
        use CloudError::*;
        match self {
            Network { .. } => "network",
            Timeout { .. } => "timeout",
            Busy { .. } => "server_busy",
            BadAnswer { .. } => "bad_answer",
            Redirected { .. } => "redirected",
            TooLarge { .. } => "too_large",
            Contention { .. } => "contention",
            SignedOut => "signed_out",
            SessionRevoked { .. } => "session_revoked",
            NotAccepted => "not_accepted",
            KeyRefused => "key_refused",
            SchemaMismatch { .. } => "schema_mismatch",
            Maintenance { .. } => "maintenance",
            Suspended { .. } => "suspended",
            WrongPassword => "wrong_password",
            WrongCode => "wrong_code",
            EmailNotConfirmed => "email_not_confirmed",
            AccountExists => "account_exists",
            WeakPassword { .. } => "weak_password",
            LoginTimedOut { .. } => "login_timed_out",
            LoginRefused { .. } => "login_refused",
            Callback { .. } => "callback",
            Refused { .. } => "refused",
            NotFound => "not_found",
            WrongContent { .. } => "wrong_content",
            Disk { .. } => "disk",
            SessionStore { .. } => "session_store",
            LockBusy { .. } => "lock_busy",
            Unusable { .. } => "unusable",
        }
    }

    /// From reqwest, with the URL taken out.
    pub(crate) fn network(error: reqwest::Error) -> CloudError {
        let error = error.without_url();
        let mut innermost: &dyn std::error::Error = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        CloudError::Network { why: innermost.to_string(), source: Some(Box::new(error)) }
    }

    pub(crate) fn broken(why: &str) -> CloudError {
        CloudError::Network { why: why.to_owned(), source: None }
    }

    pub(crate) fn unusable(why: impl Into<String>) -> CloudError {
        CloudError::Unusable { why: why.into() }
    }

    pub(crate) fn disk(action: &'static str, path: &std::path::Path, source: std::io::Error) -> CloudError {
        CloudError::Disk { action, path: path.to_owned(), source }
    }
}

/// Takes every occurrence of what this client itself sent as a secret out of a text of the server, and bounds it.
pub(crate) fn redact(text: &str, secrets: &[&str]) -> String {
    let mut clean: String = text.chars().filter(|c| !c.is_control()).collect();
    for secret in secrets.iter().filter(|s| s.len() >= 4) {
        if clean.contains(secret) {
            let redacted = clean.replace(secret, "[hidden]");
            clean.zeroize();
            clean = redacted;
        }
    }
    match clean.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}
