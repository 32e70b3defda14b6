//! Signing in, the profiles of this computer, and what a server has or lacks.

use crate::{AccountInfo, Status};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SignInRequest {
    pub url: String,
    /// The publishable key; empty: the one that this address was signed in to with before.
    pub key: String,
    pub by: SignInBy,
    /// Whether the conversations of the profile without an account come along.
    pub take: Take,
    /// The account of the profile in use now lives at this address (a server that was moved or recovered): the profile
    /// keeps all that it has and is pointed there. Refused when another account signs in than the profile's own.
    pub new_address: bool,
}

/// How somebody shows who they are.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SignInBy {
    Password {
        email: String,
        password: String,
    },
    /// The code that `send_code` had sent.
    Code {
        email: String,
        code: String,
    },
    /// In the system's browser. The answer comes when the user is done there, after five minutes at most (`timed_out`),
    /// or with `cancel_sign_in` (`cancelled`).
    Provider(Provider),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Google,
    Discord,
}

/// Which local conversations join the account. What joins is sent to the server, whose operator can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    All,
    None,
    Chosen(Vec<String>),
}

/// Has a code for signing in sent to an address. Where the server lets anyone sign up, an address without an account
/// gets one with the code.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CodeRequest {
    pub url: String,
    /// As in [`SignInRequest`].
    pub key: String,
    pub email: String,
}

/// The browser was asked to open a sign-in page. Event name: `sign_in`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignInWaiting {
    /// For copying, where no browser opened by itself.
    pub url: String,
    /// Why the browser did not open, if that is known.
    pub problem: Option<String>,
}

/// A profile of this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ProfileRow {
    pub name: String,
    pub in_use: bool,
    pub account: Option<AccountInfo>,
    /// All that are not deleted, archived and hidden ones included.
    #[ts(type = "number")]
    pub conversations: u64,
    /// Changes that wait to be sent.
    #[ts(type = "number")]
    pub unsent: u64,
    /// Why the profile cannot be opened; the counts are then 0.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ProfileRef {
    pub name: String,
}

/// Removes a profile from this computer: its database, index, files, daily backups and session, and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RemoveProfile {
    pub name: String,
    /// Typed by the user where something would be lost that is nowhere else: the account's e-mail address, or the name of a
    /// profile without an account.
    #[serde(default)]
    pub confirm: Option<String>,
}

/// Erases the account of the profile in use on its server, for good. What is on this computer stays.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DeleteAccount {
    /// The account's e-mail address, typed by the user.
    pub confirm: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DeletedAccount {
    pub status: Status,
    /// Files that the server's storage did not remove just now; its operator's next run does.
    #[ts(type = "number")]
    pub files_left: u64,
}

/// Which server to look at; null: that of the account in use.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct CheckRequest {
    pub url: Option<String>,
    pub key: Option<String>,
}

/// What a server has and lacks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerCheck {
    pub url: String,
    /// Whether it was looked at with a session; without one, files, doorbell and migrations are seen from outside.
    pub signed_in: bool,
    /// Nothing that is needed is missing.
    pub ok: bool,
    /// In the order in which they should be mended.
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Check {
    pub what: CheckOf,
    pub state: CheckState,
    /// Whether the app does not work in full without it.
    pub needed: bool,
    /// What was found, for people.
    pub message: String,
    /// What to do about it; null where there is nothing to do.
    pub todo: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CheckOf {
    /// Something in the shape of Supabase answers there.
    Reachable,
    /// The publishable key is accepted.
    Key,
    /// Signing in with e-mail and password.
    Email,
    /// Signing in with a code by e-mail.
    Code,
    Google,
    Discord,
    /// Whether a sign-in in the browser may come back to this computer.
    Redirects,
    /// The tables and functions of `supabase/migrations`.
    Migrations,
    /// The private bucket for attachments.
    Bucket,
    /// Word of changes as they happen.
    Doorbell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Ok,
    Missing,
    CannotTell,
}
