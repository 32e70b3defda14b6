//! The nouns of the product and the rules that hold between them.
//!
//! No I/O, no clock, no randomness: whoever calls brings time, ids and bytes. Every other crate may know this one; it
//! knows none of them.

mod address;
mod attachment;
mod branch;
mod conversation;
mod diff;
mod fit;
mod ids;
mod json;
mod message;
mod patch;
mod time;
mod turn;

pub use address::{is_private, is_unroutable};
pub use attachment::{Attachment, MAX_FILE_BYTES, is_sha256_hex, storage_path_for};
pub use branch::{Fork, Node, Placed, is_plain, place};
pub use conversation::{Conversation, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE};
pub use diff::{diff_conversation, diff_message, without_replaced};
pub use fit::{fit_attachment, fit_conversation, fit_message};
pub use ids::{AttachmentId, ConversationId, InvalidId, MessageId, OwnerId, derive_uuid};
pub use json::{canonical_json, canonicalize, empty_object, has_nul, is_empty_object};
pub use message::{ContentType, Message, Role, UnknownName};
pub use patch::{Patch, PatchError, apply_to_attachment, apply_to_conversation, apply_to_message};
pub use time::{InvalidTime, Time};
pub use turn::{FAILED, INTERRUPTED, STOPPED, Turn, TurnEffect, TurnEvent, is_cut_short};
