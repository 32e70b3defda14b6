//! Supabase over HTTP: sign-in and session, RPCs, files, and the doorbell.
//!
//! Promised to sync and the use cases: every failure is a [`CloudError`] whose [`Class`] says what to do next; answers
//! are bounded in size and time; redirects are never followed; a refresh happens once for all callers and processes and
//! its result is stored before it is used; and no token, key or password appears in any `Debug`, message or log (this
//! crate logs nothing).

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod auth;
mod backoff;
mod callback;
mod download;
mod error;
mod http;
mod pkce;
mod probe;
mod realtime;
mod rest;
mod session;
mod storage;
mod tokens;
mod tus;
mod upload;
mod wire;

#[cfg(test)]
mod stub;

pub use address::{AddressError, Plain, ServerAddress};
pub use auth::{Auth, Provider, Scope, SignUp, User};
pub use callback::Callback;
pub use error::{Class, CloudError};
pub use pkce::Pkce;
pub use probe::{Bucket, Probe, Redirects, Settings};
pub use realtime::{Doorbell, Realtime, Ring};
pub use rest::Rest;
pub use secrecy::{ExposeSecret, SecretString};
pub use session::{Session, SignedOut};
pub use storage::{ObjectInfo, Storage};
pub use tokens::{SessionStore, StoreError, Tokens};
pub use upload::{Upload, Uploaded};
