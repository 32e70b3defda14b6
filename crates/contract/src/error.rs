//! The one error form at the boundary. The UI and scripts switch on `code`, never on the text.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What went wrong, as a closed set: a new one only when somebody acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request itself is wrong: a bad id, date, query, option.
    InvalidInput,
    /// Nothing of that id here.
    NotFound,
    /// The file to import is not what it claims, is broken, or holds nothing.
    BadArchive,
    /// The archive is unusually large or dense; repeat with the confirmation to go on.
    ConfirmNeeded,
    /// A file or folder cannot be read or written.
    Io,
    /// No space is left; nothing was half done.
    DiskFull,
    /// Another process holds what is needed; try again.
    Busy,
    /// The library was made by a newer version of the app; it was left untouched.
    NewerVersion,
    /// The library is damaged; it was left untouched.
    Damaged,
    /// No account is signed in here.
    SignedOut,
    /// E-mail or password are wrong.
    WrongPassword,
    /// The code of the e-mail is wrong or too old.
    WrongCode,
    /// The session has ended; sign in again. Nothing was lost.
    SessionEnded,
    /// No connection to the server; what was done waits in the outbox.
    Offline,
    /// The server answers, but it is not one of ours, or it lacks our migrations.
    ServerUnsuitable,
    /// The server is being worked on; what was done waits in the outbox.
    Maintenance,
    /// This account may not write at the moment; reading and exporting go on, and what was done waits in the outbox.
    Suspended,
    /// The server refused.
    ServerRefused,
    /// There is no keyring, and no passphrase file was given.
    NoKeyring,
    /// No model was chosen, or its provider is not set up.
    NoModel,
    /// The model's provider wants another key.
    KeyNeeded,
    /// The model's provider failed or refused.
    Provider,
    /// The user stopped it; nothing was half done.
    Cancelled,
    /// Nobody finished in time what was begun in the browser; nothing was changed.
    TimedOut,
    /// A defect of the app.
    Internal,
}

/// An error as the window and `airi --json` get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CommandError {
    pub code: ErrorCode,
    /// What happened, what it means for the data, what to do. For people.
    pub message: String,
    /// Whether the same request may succeed later without a change.
    pub retryable: bool,
}
