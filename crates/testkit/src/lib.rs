//! What tests of every crate share: a seeded history of any size, a clock that stands still until told, and short
//! builders. For tests and benchmarks only; nothing of the product depends on it.

mod build;
mod clock;
#[cfg(feature = "cloud")]
pub mod cloud;
#[cfg(feature = "cloud")]
pub mod contract;
mod generate;
#[cfg(feature = "provider")]
pub mod provider;
mod rng;

pub use build::{attachment, conversation, conversation_id, message, message_id};
pub use clock::{DEFAULT_NOW, ManualClock};
pub use generate::{GeneratedConversation, Generator, GeneratorConfig, common_word, rare_token};
pub use rng::Rng;
