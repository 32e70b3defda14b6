//! Rows in one line. Each call makes a new id; ids and times rise with every call of a process, so that what was built
//! later is newer and sorts later. Texts and ids that must be the same on every run come from the generator instead.

use crate::DEFAULT_NOW;
use airi_domain::{Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, Role, Time};
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

static NEXT: AtomicU64 = AtomicU64::new(1);

fn next() -> (Uuid, Time) {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let time = Time::from_micros(DEFAULT_NOW).unwrap_or(Time::MIN).plus_micros(n as i64 * 1_000_000);
    (time_ordered(time, n), time)
}

/// A version 7 id of that time whose random bits are `bits`.
pub(crate) fn time_ordered(time: Time, bits: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&bits.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis((time.micros() / 1000).max(0) as u64, &random).into_uuid()
}

/// The n-th id of a fixed row of ids.
pub fn conversation_id(n: u64) -> ConversationId {
    ConversationId(Uuid::from_u128(0x0c0c_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)))
}

/// The n-th id of a fixed row of ids.
pub fn message_id(n: u64) -> MessageId {
    MessageId(Uuid::from_u128(0x0d0d_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)))
}

/// An empty conversation with a title.
pub fn conversation(title: &str) -> Conversation {
    let (id, time) = next();
    let mut conversation = Conversation::new(ConversationId(id), time);
    conversation.title = Some(title.to_owned());
    conversation
}

/// A message of that conversation, newer than every one built before.
pub fn message(conversation: &Conversation, role: Role, text: &str) -> Message {
    let (id, time) = next();
    Message::new(MessageId(id), conversation.id, role, text.to_owned(), time)
}

/// A file on that message: no bytes anywhere, only its name.
pub fn attachment(message: &Message, file_name: &str) -> Attachment {
    let (id, time) = next();
    Attachment::new(AttachmentId(id), message.id, file_name.to_owned(), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_later_is_newer() {
        let c = conversation("Trip");
        let (a, b) = (message(&c, Role::User, "one"), message(&c, Role::Assistant, "two"));
        assert!(a.created_at < b.created_at && a.id < b.id && b.conversation_id == c.id);
        assert_eq!(a.id.0.get_version_num(), 7);
        assert_eq!(attachment(&b, "a.png").message_id, b.id);
    }
}
