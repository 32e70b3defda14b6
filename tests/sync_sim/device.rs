//! One device of the account: a real mirror and real files in a folder of its own, and what its user does.

use airi_domain::{
    Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, OwnerId, Patch, Role, Time,
    empty_object,
};
use airi_store::{ConversationRecord, Files, MessageRecord, Store, StoreError};
use airi_testkit::{DEFAULT_NOW, Rng, conversation_id, message_id};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use uuid::Uuid;

use crate::oracle::{Author, Oracle};
use crate::schedule::Act;

pub(crate) struct Device {
    pub index: usize,
    pub id: Uuid,
    pub owner: OwnerId,
    dir: PathBuf,
    pub store: Store,
    pub files: Files,
    /// Micros by which its clock is off.
    pub skew: i64,
}

/// How many conversations the archive has that several devices import.
pub(crate) const ARCHIVE: usize = 3;
const ARCHIVE_MESSAGES: u64 = 3;

/// What the archive's messages say.
pub(crate) fn archived_text(conversation: u64, n: u64) -> String {
    format!("archive {conversation}/{n}")
}

pub(crate) fn archived_message(conversation: u64, n: u64) -> MessageId {
    message_id(conversation * 100 + n)
}

/// One of them; every other time the first, so that devices meet at the same rows.
pub(crate) fn target<'a, T>(found: &'a [T], rng: &mut Rng) -> &'a T {
    if rng.chance(0.5) { &found[0] } else { rng.pick(found) }
}

fn open(dir: &Path) -> (Store, Files) {
    let store = Store::open(&dir.join("mirror.sqlite")).expect("a mirror opens");
    (store, Files::open(&dir.join("files")).expect("a folder of files opens"))
}

fn fields(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Patch {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Device {
    pub(crate) fn new(folder: &Path, index: usize, owner: OwnerId, skew_seconds: i64) -> Device {
        let dir = folder.join(format!("device-{index}"));
        std::fs::create_dir_all(&dir).expect("a folder");
        let (store, files) = open(&dir);
        store.write(|w| w.set_owner(owner)).expect("an owner");
        let id = Uuid::from_u128(0xde71_0000_0000_4000_8000_0000_0000_0000 + index as u128);
        Device { index, id, owner, dir, store, files, skew: skew_seconds * 1_000_000 }
    }

    /// The process ended; another one opens the same folder.
    pub(crate) fn reopen(&mut self) {
        // Both at once: the old connections end when the last clone of the store goes.
        let (store, files) = open(&self.dir);
        (self.store, self.files) = (store, files);
    }

    fn conversations(&self, wanted: impl Fn(&Conversation) -> bool) -> Vec<ConversationRecord> {
        let reader = self.store.read().expect("a reader");
        let keys = reader.conversation_keys().expect("keys");
        let records = keys.into_iter().filter_map(|key| reader.conversation_by_key(key).expect("a conversation"));
        records.filter(|record| wanted(&record.conversation)).collect()
    }

    fn messages(&self, wanted: impl Fn(&Message) -> bool) -> Vec<MessageRecord> {
        let reader = self.store.read().expect("a reader");
        let mut found = Vec::new();
        for key in reader.conversation_keys().expect("keys") {
            found.extend(reader.messages_of(key).expect("messages"));
        }
        found.retain(|record| wanted(&record.message));
        found
    }

    /// Does one thing, as `airi-app` does it; what was acknowledged to the user is told to the oracle.
    pub(crate) fn act(&mut self, act: Act, number: usize, salt: u64, now: Time, oracle: &mut Oracle) {
        self.try_act(act, number, salt, now, oracle).expect("a user's act is never refused by the mirror");
    }

    fn try_act(
        &mut self,
        act: Act,
        number: usize,
        salt: u64,
        now: Time,
        oracle: &mut Oracle,
    ) -> Result<(), StoreError> {
        let mut rng = Rng::new(salt);
        let author = Author::Device(self.index);
        let now = now.plus_micros(self.skew);
        let new_id = |rng: &mut Rng| {
            let (a, b) = (rng.next_u64().to_be_bytes(), rng.next_u64().to_be_bytes());
            let random = [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1]];
            uuid::Builder::from_unix_timestamp_millis((now.micros() / 1000).max(0) as u64, &random).into_uuid()
        };
        let patch_conversation = |id: ConversationId, patch: Patch, oracle: &mut Oracle| -> Result<(), StoreError> {
            oracle.patched(id.0, &patch, author);
            self.store.write(|w| w.patch_conversation(id, patch)).map(drop)
        };
        let patch_message = |id: MessageId, patch: Patch, oracle: &mut Oracle| -> Result<(), StoreError> {
            oracle.patched(id.0, &patch, author);
            self.store.write(|w| w.patch_message(id, patch)).map(drop)
        };
        let live = |c: &Conversation| c.deleted_at.is_none();
        match act {
            Act::NewConversation => {
                let id = ConversationId(new_id(&mut rng));
                let title = Some(format!("t{number}"));
                let conversation = Conversation { title, ..Conversation::new(id, now) };
                self.store.write(|w| w.insert_conversation(conversation))?;
                oracle.conversation(id.0, author, true);
                self.add_message(id, new_id(&mut rng), format!("m{number}"), Role::User, None, now, oracle)?;
            }
            Act::Message | Act::Reply => {
                let found = self.conversations(live);
                if found.is_empty() {
                    return Ok(());
                }
                let id = target(&found, &mut rng).conversation.id;
                let of = self.messages(|m| m.conversation_id == id && m.deleted_at.is_none());
                let parent = (act == Act::Reply && !of.is_empty()).then(|| target(&of, &mut rng).message.id);
                let role = if rng.chance(0.5) { Role::User } else { Role::Assistant };
                self.add_message(id, new_id(&mut rng), format!("m{number}"), role, parent, now, oracle)?;
            }
            Act::Rename | Act::Star | Act::Archive | Act::Tag | Act::Setting | Act::Model => {
                let found = self.conversations(live);
                if found.is_empty() {
                    return Ok(());
                }
                let old = &target(&found, &mut rng).conversation;
                let tag = format!("tag{}", rng.below(3));
                let patch = match act {
                    Act::Rename => fields([("title", json!(format!("t{number}")))]),
                    Act::Star => fields([("is_starred", json!(!old.is_starred))]),
                    Act::Archive => fields([("is_archived", json!(!old.is_archived))]),
                    Act::Tag if old.tags.contains(&tag) => fields([("tags_remove", json!([tag]))]),
                    Act::Tag => fields([("tags_add", json!([tag]))]),
                    Act::Setting => {
                        let path = *rng.pick(&["a", "b.c", "b.d", "e.f.g"]);
                        let value = if rng.chance(0.2) { Value::Null } else { json!(number) };
                        fields([("settings_set", json!({ path: value }))])
                    }
                    _ => fields([("model_id", json!(format!("model{number}"))), ("provider_id", json!("p"))]),
                };
                patch_conversation(old.id, patch, oracle)?;
            }
            Act::Rate | Act::Feedback | Act::DeleteMessage => {
                let found = self.messages(|m| m.deleted_at.is_none());
                if found.is_empty() {
                    return Ok(());
                }
                let id = target(&found, &mut rng).message.id;
                let patch = match act {
                    Act::Rate => {
                        let stars = rng.below(6);
                        fields([("rating", if stars == 0 { Value::Null } else { json!(stars) })])
                    }
                    Act::Feedback => fields([("feedback", json!(format!("f{number}")))]),
                    _ => fields([("deleted_at", json!(now))]),
                };
                patch_message(id, patch, oracle)?;
            }
            Act::RestoreMessage => {
                let found = self.messages(|m| m.deleted_at.is_some());
                if !found.is_empty() {
                    patch_message(target(&found, &mut rng).message.id, fields([("deleted_at", Value::Null)]), oracle)?;
                }
            }
            Act::DeleteConversation => {
                let found = self.conversations(live);
                if found.is_empty() {
                    return Ok(());
                }
                let old = &target(&found, &mut rng).conversation;
                let before = json!({ "before_delete.archived": old.is_archived });
                patch_conversation(old.id, fields([("deleted_at", json!(now)), ("settings_set", before)]), oracle)?;
            }
            Act::RestoreConversation => {
                let found = self.conversations(|c| !live(c));
                if found.is_empty() {
                    return Ok(());
                }
                let old = &target(&found, &mut rng).conversation;
                let was = old.settings.pointer("/before_delete/archived").and_then(Value::as_bool).unwrap_or(false);
                let patch = fields([
                    ("deleted_at", Value::Null),
                    ("is_archived", json!(was)),
                    ("settings_set", json!({ "before_delete": null })),
                ]);
                patch_conversation(old.id, patch, oracle)?;
            }
            Act::Branch => {
                let found = self.messages(|m| m.deleted_at.is_none());
                if found.is_empty() {
                    return Ok(());
                }
                let message = &target(&found, &mut rng).message;
                let patch = fields([("current_message_id", json!(message.id))]);
                patch_conversation(message.conversation_id, patch, oracle)?;
            }
            Act::Attach => {
                let found = self.messages(|m| m.deleted_at.is_none());
                if found.is_empty() {
                    return Ok(());
                }
                let message = target(&found, &mut rng).message.id;
                // Now and then the same bytes again, on another message or from another device.
                let bytes = if rng.chance(0.3) { b"shared".to_vec() } else { format!("bytes{number}").into_bytes() };
                let stored = self.files.add(&mut bytes.as_slice())?;
                let id = AttachmentId(new_id(&mut rng));
                let attachment = Attachment {
                    id,
                    message_id: message,
                    file_name: format!("file{number}"),
                    file_type: None,
                    file_size: Some(stored.size as i64),
                    storage_path: String::new(),
                    sha256: Some(stored.sha256.clone()),
                    mime_type: Some("text/plain".into()),
                    width: None,
                    height: None,
                    duration_seconds: None,
                    metadata: empty_object(),
                    created_at: now,
                };
                self.store.write(|w| w.insert_attachment(attachment))?;
                oracle.attachment(id.0, message.0, stored.sha256);
            }
            Act::Erase => {
                let found = self.conversations(|c| !live(c));
                if !found.is_empty() {
                    let id = target(&found, &mut rng).conversation.id;
                    self.store.write(|w| w.erase_conversation(id))?;
                    oracle.erased_by_device(id.0);
                }
            }
            Act::Import => self.import(rng.below(ARCHIVE) as u64, oracle)?,
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "a message has that many parts")]
    fn add_message(
        &self,
        conversation: ConversationId,
        id: Uuid,
        content: String,
        role: Role,
        given: Option<MessageId>,
        now: Time,
        oracle: &mut Oracle,
    ) -> Result<(), StoreError> {
        let reader = self.store.read()?;
        let record = reader.conversation(conversation)?.expect("it was just found");
        if record.view_stale {
            self.store.write(|w| w.refresh_view(record.key))?;
        }
        let leaf = reader.leaf(record.key)?;
        let after = match given.or(leaf) {
            Some(parent) => reader.message(parent)?,
            None => None,
        };
        let earliest = after.map(|record| record.message.created_at.plus_micros(1));
        let created_at = earliest.map_or(now, |earliest| earliest.max(now));
        let id = MessageId(id);
        let message =
            Message { parent_id: given.or(leaf), ..Message::new(id, conversation, role, content.clone(), created_at) };
        drop(reader);
        let switches = given.is_some_and(|parent| Some(parent) != leaf);
        self.store.write(|w| -> Result<(), StoreError> {
            w.insert_message(message)?;
            if switches {
                w.patch_conversation(conversation, fields([("current_message_id", json!(id))]))?;
            }
            Ok(())
        })?;
        let author = Author::Device(self.index);
        if switches {
            oracle.patched(conversation.0, &fields([("current_message_id", json!(id))]), author);
        }
        oracle.message(id.0, conversation.0, content, author);
        Ok(())
    }

    fn import(&self, n: u64, oracle: &mut Oracle) -> Result<(), StoreError> {
        let author = Author::Device(self.index);
        let id = conversation_id(n);
        let start = Time::from_micros(DEFAULT_NOW - 1_000_000_000_000).expect("a time").plus_micros(n as i64);
        let title = Some(format!("archive {n}"));
        let conversation = Conversation { title, ..Conversation::new(id, start) };
        self.store.write(|w| -> Result<(), StoreError> {
            w.insert_conversation(conversation)?;
            for k in 0..ARCHIVE_MESSAGES {
                let at = start.plus_micros(1_000_000 * k as i64);
                let parent_id = (k > 0).then(|| archived_message(n, k - 1));
                let message = Message::new(archived_message(n, k), id, Role::User, archived_text(n, k), at);
                w.insert_message(Message { parent_id, ..message })?;
            }
            Ok(())
        })?;
        oracle.conversation(id.0, author, false);
        for k in 0..ARCHIVE_MESSAGES {
            oracle.message(archived_message(n, k).0, id.0, archived_text(n, k), author);
        }
        Ok(())
    }
}
