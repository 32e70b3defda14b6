//! Identities. Inside SQLite rows are integers; everyone else sees UUIDs: version 7 for what is made here, version 5
//! for what is derived from an import, so that the same archive becomes the same rows on every device.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A text that is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an id (expected a UUID such as 0190a1b2-0000-7000-8000-000000000000)")]
pub struct InvalidId(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text.trim()).map($name).map_err(|_| InvalidId(text.to_owned()))
            }
        }
    };
}

id!(
    /// A conversation.
    ConversationId
);
id!(
    /// A message.
    MessageId
);
id!(
    /// A file that hangs on a message.
    AttachmentId
);
id!(
    /// Whom rows belong to: the account's user id, or the nil UUID of a profile without an account.
    OwnerId
);

impl MessageId {
    /// As a parent: the thread's explicit start. (No parent at all means "after the message before it in time".)
    pub const ROOT: MessageId = MessageId(Uuid::nil());
}

impl OwnerId {
    /// The owner of everything in a profile that has no account.
    pub const LOCAL: OwnerId = OwnerId(Uuid::nil());
}

/// Our own UUID namespace for derived ids; changing it would make every re-import a second history.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_7b52_3c0e_5a94_8e21_4149_5249_0101);

/// The id of something that came from elsewhere: a function of whose it is, where it came from, what kind of thing it
/// is and what it was called there. Parts are separated by a character that no source uses in ids.
pub fn derive_uuid(owner: OwnerId, source: &str, kind: &str, external_id: &str) -> Uuid {
    let name = format!("{}\u{1f}{source}\u{1f}{kind}\u{1f}{external_id}", owner.0.as_hyphenated());
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_source_gives_the_same_id_and_another_owner_another() {
        let a = derive_uuid(OwnerId::LOCAL, "chatgpt", "message", "m1");
        assert_eq!(a, derive_uuid(OwnerId::LOCAL, "chatgpt", "message", "m1"));
        assert_ne!(a, derive_uuid(OwnerId(Uuid::from_u128(7)), "chatgpt", "message", "m1"));
        assert_ne!(a, derive_uuid(OwnerId::LOCAL, "claude", "message", "m1"));
        assert_ne!(a, derive_uuid(OwnerId::LOCAL, "chatgpt", "conversation", "m1"));
    }

    #[test]
    fn derived_ids_never_change_between_versions() {
        let id = derive_uuid(OwnerId::LOCAL, "chatgpt", "message", "m1");
        assert_eq!(id.get_version_num(), 5);
        assert_eq!(id.to_string(), "ce86feb3-95b3-5238-a131-1720de36bea5");
    }

    #[test]
    fn a_bad_id_names_itself() {
        let error = "abc".parse::<MessageId>().unwrap_err();
        assert!(error.to_string().contains("'abc'"));
    }
}
