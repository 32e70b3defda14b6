//! Model providers: where they are, which models they have, and a reply as it streams.
//!
//! Promised to the use cases: a request goes to the one origin that the user chose and nowhere else (no redirects, no
//! link-local addresses, http only where packets stay near); a key goes into one header and never into an error, a `Debug`
//! or a log; whatever a server answers ends as text, as an [`LlmError`] that says what to do, or with a patience that is
//! bounded. The protocols themselves are the crate `genai`'s (docs/decisions/0010).

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod client;
mod error;
mod local;
mod models;
mod preset;
mod stream;

pub use address::{AddressError, Near, Origin, ProviderAddress};
pub use client::{Client, Proxy};
pub use error::LlmError;
pub use local::{FoundServer, find_local};
pub use preset::{PRESETS, Preset, Protocol, preset};
pub use stream::{Delta, Image, Prompt, Reply, Speaker, Turn, Usage};

pub use secrecy::{ExposeSecret, SecretString};
