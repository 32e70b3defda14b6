//! A change of some fields of a row: the one form in which edits are queued, pushed and laid over a pulled row.
//!
//! Keys are column names, plus the merging forms `settings_set` (per leaf, null removes), `tags_add` and `tags_remove`.
//! The rules are the server's (docs/sync-protocol.md): whoever arrives last wins a field, nothing else is touched.

use crate::{Attachment, Conversation, Message, canonicalize};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Changed fields only.
pub type Patch = Map<String, Value>;

/// A patch that cannot be applied: nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    #[error("the field '{0}' cannot be changed")]
    Forbidden(String),
    #[error("the field '{field}' cannot hold that value: {why}")]
    Invalid { field: String, why: String },
}

fn read<T: DeserializeOwned>(field: &str, value: &Value) -> Result<T, PatchError> {
    serde_json::from_value(value.clone())
        .map_err(|error| PatchError::Invalid { field: field.to_owned(), why: error.to_string() })
}

/// Lays a patch over a conversation, all of it or nothing.
pub fn apply_to_conversation(conversation: &mut Conversation, patch: &Patch) -> Result<(), PatchError> {
    let mut next = conversation.clone();
    for (field, value) in patch {
        match field.as_str() {
            "title" => next.title = read(field, value)?,
            "summary" => next.summary = read(field, value)?,
            "model_id" => next.model_id = read(field, value)?,
            "provider_id" => next.provider_id = read(field, value)?,
            "avatar_id" => next.avatar_id = read(field, value)?,
            "voice_id" => next.voice_id = read(field, value)?,
            "personality_template" => next.personality_template = read(field, value)?,
            "system_prompt" => next.system_prompt = read(field, value)?,
            "temperature" => next.temperature = read(field, value)?,
            "max_tokens" => next.max_tokens = read(field, value)?,
            "is_starred" => next.is_starred = read(field, value)?,
            "is_archived" => next.is_archived = read(field, value)?,
            "metadata" => next.metadata = canonicalize(value.clone()),
            "deleted_at" => {
                next.deleted_at = read(field, value)?;
                // Clients that do not know the column must not show it either.
                if next.deleted_at.is_some() {
                    next.is_archived = true;
                }
            }
            "current_message_id" => next.current_message_id = read(field, value)?,
            "tags_add" => {
                for tag in read::<Vec<String>>(field, value)? {
                    if !next.tags.contains(&tag) {
                        next.tags.push(tag);
                    }
                }
            }
            "tags_remove" => {
                let gone: Vec<String> = read(field, value)?;
                next.tags.retain(|tag| !gone.contains(tag));
            }
            "settings_set" => {
                for (path, leaf) in read::<Map<String, Value>>(field, value)? {
                    set_leaf(&mut next.settings, &path, leaf);
                }
            }
            _ => return Err(PatchError::Forbidden(field.clone())),
        }
    }
    *conversation = next;
    Ok(())
}

/// Lays a patch over a message: its rating, feedback, metadata and whether it is deleted; never what was said.
pub fn apply_to_message(message: &mut Message, patch: &Patch) -> Result<(), PatchError> {
    let mut next = message.clone();
    for (field, value) in patch {
        match field.as_str() {
            "rating" => {
                next.rating = read(field, value)?;
                if next.rating.is_some_and(|rating| !(1..=5).contains(&rating)) {
                    return Err(PatchError::Invalid { field: field.clone(), why: "a rating is 1 to 5".into() });
                }
            }
            "feedback" => next.feedback = read(field, value)?,
            "deleted_at" => next.deleted_at = read(field, value)?,
            "metadata" => next.metadata = canonicalize(value.clone()),
            _ => return Err(PatchError::Forbidden(field.clone())),
        }
    }
    *message = next;
    Ok(())
}

/// Lays a patch over an attachment: where it is stored, and its metadata.
pub fn apply_to_attachment(attachment: &mut Attachment, patch: &Patch) -> Result<(), PatchError> {
    let mut next = attachment.clone();
    for (field, value) in patch {
        match field.as_str() {
            "storage_path" => next.storage_path = read(field, value)?,
            "metadata" => next.metadata = canonicalize(value.clone()),
            _ => return Err(PatchError::Forbidden(field.clone())),
        }
    }
    *attachment = next;
    Ok(())
}

/// Sets `a.b.c` inside an object, making the objects on the way; null removes the leaf.
fn set_leaf(settings: &mut Value, path: &str, leaf: Value) {
    let mut node = settings;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        if !node.is_object() {
            if leaf.is_null() {
                // What is not there needs no removing, and nothing is made on the way to it.
                return;
            }
            *node = Value::Object(Map::new());
        }
        let Value::Object(map) = node else { return };
        if parts.peek().is_none() {
            if leaf.is_null() {
                map.remove(part);
            } else {
                map.insert(part.to_owned(), canonicalize(leaf));
            }
            return;
        }
        if leaf.is_null() && !map.contains_key(part) {
            return;
        }
        node = map.entry(part.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConversationId, MessageId, Role, Time};
    use serde_json::json;
    use uuid::Uuid;

    fn conversation() -> Conversation {
        Conversation::new(ConversationId(Uuid::from_u128(1)), Time::from_micros(0).unwrap())
    }

    fn patch(value: Value) -> Patch {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn two_patches_of_different_fields_commute() {
        let a = patch(json!({"title": "A", "tags_add": ["x"], "settings_set": {"view.font": "mono"}}));
        let b = patch(json!({"is_starred": true, "settings_set": {"view.size": 12}}));
        let (mut left, mut right) = (conversation(), conversation());
        apply_to_conversation(&mut left, &a).unwrap();
        apply_to_conversation(&mut left, &b).unwrap();
        apply_to_conversation(&mut right, &b).unwrap();
        apply_to_conversation(&mut right, &a).unwrap();
        assert_eq!(left.settings, right.settings);
        assert_eq!((left.title, left.is_starred, left.tags), (right.title, right.is_starred, right.tags));
    }

    #[test]
    fn deleting_archives_and_an_edit_alone_never_undeletes() {
        let mut c = conversation();
        apply_to_conversation(&mut c, &patch(json!({"deleted_at": "2026-01-01T00:00:00Z"}))).unwrap();
        assert!(c.is_archived);
        apply_to_conversation(&mut c, &patch(json!({"title": "late edit"}))).unwrap();
        assert!(c.deleted_at.is_some());
    }

    #[test]
    fn a_bad_field_leaves_the_row_as_it_was() {
        let mut c = conversation();
        let error = apply_to_conversation(&mut c, &patch(json!({"a": 1, "title": "new"}))).unwrap_err();
        assert_eq!(error, PatchError::Forbidden("a".into()));
        assert_eq!(c, conversation());
    }

    #[test]
    fn content_of_a_message_cannot_be_patched() {
        let time = Time::from_micros(0).unwrap();
        let mut m = Message::new(
            MessageId(Uuid::from_u128(1)),
            ConversationId(Uuid::from_u128(2)),
            Role::User,
            "a".into(),
            time,
        );
        assert!(apply_to_message(&mut m, &patch(json!({"content": "b"}))).is_err());
        assert!(apply_to_message(&mut m, &patch(json!({"rating": 6}))).is_err());
        apply_to_message(&mut m, &patch(json!({"rating": 5}))).unwrap();
        assert_eq!((m.rating, m.content.as_str()), (Some(5), "a"));
    }

    #[test]
    fn a_leaf_can_be_set_replaced_and_removed() {
        let mut settings = json!({"a": 1});
        set_leaf(&mut settings, "a.b", json!(2.0));
        assert_eq!(settings, json!({"a": {"b": 2}}));
        set_leaf(&mut settings, "a.b", Value::Null);
        assert_eq!(settings, json!({"a": {}}));
        set_leaf(&mut settings, "x.y", Value::Null);
        set_leaf(&mut settings, "a.b.c", Value::Null);
        assert_eq!(settings, json!({"a": {}}), "removing makes nothing");
        set_leaf(&mut settings, "a", json!(1));
        set_leaf(&mut settings, "a.b", Value::Null);
        assert_eq!(settings, json!({"a": 1}));
    }
}
