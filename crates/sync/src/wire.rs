//! Between the server's rows and the mirror's: lossless in both directions.
//!
//! Rows of the server are untrusted: written by other clients, other versions, or a hostile server. What cannot be read
//! is told as a reason, and the row is kept aside; it never stops the rest.

use airi_domain::{Attachment, Conversation, Message, OwnerId, Role, canonicalize, storage_path_for};
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Why a row cannot be stored, for people.
pub(crate) type Unreadable = String;

/// The server's number of a row.
pub(crate) fn change_seq(row: &Value) -> i64 {
    row.get("change_seq").and_then(Value::as_i64).unwrap_or(0)
}

/// The id of a row.
pub(crate) fn row_id(row: &Value) -> Result<Uuid, Unreadable> {
    let text = row.get("id").and_then(Value::as_str).ok_or("it has no id")?;
    Uuid::parse_str(text).map_err(|_| "its id is not a UUID".to_owned())
}

/// A row must say that it belongs to this account; the profile's own row has its id for that.
pub(crate) fn check_owner(table: &str, row: &Value, owner: OwnerId) -> Result<(), Unreadable> {
    let field = if table == "user_profiles" { "id" } else { "user_id" };
    let named = row.get(field).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
    if named == Some(owner.0) { Ok(()) } else { Err("it belongs to another user and was dropped".to_owned()) }
}

/// Reads the row's fields, each text copied once; null stands for the default. `instead` replaces fields.
fn read<T: DeserializeOwned>(row: &Value, instead: &[(&str, Value)]) -> Result<T, Unreadable> {
    let fields = row.as_object().ok_or("it is not an object")?;
    let replaced = |name: &str| instead.iter().any(|(other, _)| *other == name);
    let own = fields.iter().filter(|(name, value)| !value.is_null() && !replaced(name));
    let all = own.map(|(name, value)| (name.as_str(), value)).chain(instead.iter().map(|(name, value)| (*name, value)));
    let read: Result<T, serde_json::Error> = T::deserialize(MapDeserializer::new(all));
    read.map_err(|error| format!("it cannot be read: {error}"))
}

pub(crate) fn read_conversation(row: &Value) -> Result<Conversation, Unreadable> {
    let mut conversation: Conversation = read(row, &[])?;
    conversation.settings = canonicalize(conversation.settings);
    conversation.metadata = canonicalize(conversation.metadata);
    Ok(conversation)
}

pub(crate) fn read_message(row: &Value) -> Result<Message, Unreadable> {
    let mut instead = Vec::new();
    let mut odd = Map::new();
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let known_role = text("role").is_some_and(|role| role.parse::<Role>().is_ok());
    if let (false, Some(role)) = (known_role, row.get("role").filter(|role| !role.is_null())) {
        instead.push(("role", json!("system")));
        odd.insert("role".into(), json!({ "original": role }));
    }
    let known_kind = text("content_type").unwrap_or("text").parse::<airi_domain::ContentType>().is_ok();
    if let (false, Some(kind)) = (known_kind, row.get("content_type")) {
        instead.push(("content_type", json!("text")));
        odd.insert("content_type".into(), json!({ "original": kind }));
    }
    let mut message: Message = read(row, &instead)?;
    if !odd.is_empty()
        && let Value::Object(metadata) = &mut message.metadata
    {
        metadata.insert("fitted".into(), Value::Object(odd));
    }
    message.metadata = canonicalize(message.metadata);
    Ok(message)
}

pub(crate) fn read_attachment(row: &Value) -> Result<Attachment, Unreadable> {
    let mut instead = Vec::new();
    if let Some(Value::Object(metadata)) = row.get("metadata")
        && let Some(hash) = metadata.get("sha256")
    {
        let mut metadata = metadata.clone();
        metadata.remove("sha256");
        instead.push(("metadata", Value::Object(metadata)));
        instead.push(("sha256", hash.clone()));
    }
    let mut attachment: Attachment = read(row, &instead)?;
    attachment.metadata = canonicalize(attachment.metadata);
    Ok(attachment)
}

/// A conversation as the server's columns take it.
pub(crate) fn write_conversation(conversation: &Conversation) -> Value {
    let mut row = json!(conversation);
    if let Value::Object(fields) = &mut row {
        // Not known is '' there: the columns are NOT NULL.
        for field in ["model_id", "provider_id"] {
            if fields.get(field).is_none_or(Value::is_null) {
                fields.insert(field.into(), json!(""));
            }
        }
    }
    row
}

pub(crate) fn write_message(message: &Message) -> Value {
    json!(message)
}

/// An attachment as the server's columns take it: the hash lies in its metadata, the path follows from owner and hash.
pub(crate) fn write_attachment(attachment: &Attachment, owner: OwnerId, uploaded: bool) -> Value {
    let mut row = json!(attachment);
    if let Value::Object(fields) = &mut row {
        let hash = fields.remove("sha256").filter(|hash| !hash.is_null());
        if let Some(Value::String(hash)) = hash {
            if uploaded {
                fields.insert("storage_path".into(), json!(storage_path_for(owner, &hash)));
            }
            if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
                metadata.insert("sha256".into(), json!(hash));
            }
        }
    }
    row
}

/// A patch as the server takes it.
pub(crate) fn write_patch(table: &str, patch: &airi_domain::Patch) -> Value {
    let mut set = patch.clone();
    if table == "conversations" {
        for field in ["model_id", "provider_id"] {
            if set.get(field).is_some_and(Value::is_null) {
                set.insert(field.into(), json!(""));
            }
        }
    }
    Value::Object(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use airi_domain::{AttachmentId, ConversationId, MessageId, Time, empty_object, fit_conversation, fit_message};

    fn now() -> Time {
        Time::from_micros(1_700_000_000_123_456).unwrap()
    }

    #[test]
    fn a_conversation_goes_there_and_comes_back_the_same() {
        let mut c = Conversation::new(ConversationId(Uuid::from_u128(1)), now());
        c.tags = vec!["a".into()];
        c.settings = json!({"x": 1.5});
        assert_eq!(write_conversation(&c)["model_id"], "");
        assert_eq!(fit_conversation(read_conversation(&write_conversation(&c)).unwrap()), c);
    }

    #[test]
    fn a_message_goes_there_and_comes_back_the_same() {
        let m = Message {
            tool_calls: Some(json!([{"a": 1}])),
            ..Message::new(
                MessageId(Uuid::from_u128(2)),
                ConversationId(Uuid::from_u128(1)),
                Role::Tool,
                "x".into(),
                now(),
            )
        };
        assert_eq!(fit_message(read_message(&write_message(&m)).unwrap()), m);
    }

    #[test]
    fn an_attachments_hash_travels_in_its_metadata() {
        let owner = OwnerId(Uuid::from_u128(9));
        let hash = "a".repeat(64);
        let a = Attachment {
            id: AttachmentId(Uuid::from_u128(3)),
            message_id: MessageId(Uuid::from_u128(2)),
            file_name: "f".into(),
            file_type: None,
            file_size: None,
            storage_path: storage_path_for(owner, &hash),
            sha256: Some(hash.clone()),
            mime_type: None,
            width: None,
            height: None,
            duration_seconds: None,
            metadata: empty_object(),
            created_at: now(),
        };
        let row = write_attachment(&a, owner, true);
        assert_eq!(row["metadata"]["sha256"], json!(hash));
        assert!(row.get("sha256").is_none());
        assert_eq!(read_attachment(&row).unwrap(), a);
    }

    #[test]
    fn odd_rows_are_repaired_or_told() {
        let id = Uuid::from_u128(2).to_string();
        let row = json!({"id": id, "conversation_id": id, "role": "robot", "content": null, "content_type": "hologram",
            "created_at": "2026-01-01T00:00:00+00:00", "metadata": {"k": 1}});
        let m = read_message(&row).unwrap();
        assert_eq!((m.role, m.content.as_str()), (Role::System, ""));
        assert_eq!(m.metadata["fitted"]["role"]["original"], "robot");
        assert!(read_message(&json!({"id": id, "created_at": "infinity"})).is_err());
        assert!(read_message(&json!([1])).is_err());
        assert!(check_owner("conversations", &json!({"user_id": id}), OwnerId(Uuid::from_u128(3))).is_err());
    }
}
