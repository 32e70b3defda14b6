//! One conversation of our own export: the rows as they are, ids included.

use super::layout::Assets;
use super::{ImportedAttachment, ImportedConversation, Source};
use crate::EXPORT_FILES;
use airi_domain::{Attachment, Conversation, Message, fit_attachment, fit_conversation, fit_message};
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Deserialize)]
struct Exported {
    conversation: Conversation,
    messages: Vec<Message>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

/// Err: a sentence that says why the conversation cannot be understood.
pub(crate) fn convert(json: &str, assets: &Assets) -> Result<ImportedConversation, String> {
    let exported: Exported =
        serde_json::from_str(json).map_err(|error| format!("it does not fit the format: {error}"))?;
    let id = exported.conversation.id;
    let mut ids = HashSet::new();
    for message in &exported.messages {
        if message.conversation_id != id {
            return Err(format!("its message {} belongs to another conversation", message.id));
        }
        if !ids.insert(message.id) {
            return Err(format!("it has the message {} twice", message.id));
        }
    }
    let mut seen = HashSet::new();
    for attachment in &exported.attachments {
        if !ids.contains(&attachment.message_id) {
            return Err(format!("its attachment {} hangs on a message that is not there", attachment.id));
        }
        if !seen.insert(attachment.id) {
            return Err(format!("it has the attachment {} twice", attachment.id));
        }
    }
    let mut messages: Vec<Message> = exported.messages.into_iter().map(fit_message).collect();
    messages.sort_by_key(|message| (message.created_at, message.id));
    let mut rows = exported.attachments;
    rows.sort_by_key(|attachment| (attachment.created_at, attachment.id));
    let attachments = rows.into_iter().map(|attachment| {
        let mut attachment = fit_attachment(attachment);
        // Where another server has it says nothing here.
        attachment.storage_path = String::new();
        let asset = attachment.sha256.as_deref().and_then(|hash| assets.named(hash));
        let asset = asset.filter(|asset| in_files_folder(&asset.name));
        ImportedAttachment { attachment, asset }
    });
    Ok(ImportedConversation {
        source: Source::Airi,
        external_id: id.to_string(),
        conversation: fit_conversation(exported.conversation),
        messages,
        attachments: attachments.collect(),
        notes: Vec::new(),
    })
}

/// `files/<hash>`, at the top or in a folder around everything.
fn in_files_folder(name: &str) -> bool {
    name.rsplit('/').nth(1) == Some(EXPORT_FILES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn id(n: u32) -> String {
        format!("00000000-0000-0000-0000-{n:012}")
    }

    fn exported() -> Value {
        let at = "2026-01-01T00:00:00Z";
        json!({
            "conversation": {"id": id(1), "created_at": at, "title": "T"},
            "messages": [
                {"id": id(3), "conversation_id": id(1), "role": "assistant", "created_at": "2026-01-01T00:00:01Z"},
                {"id": id(2), "conversation_id": id(1), "role": "user", "content": "hi", "created_at": at}
            ],
            "attachments": [{"id": id(4), "message_id": id(2), "file_name": "a", "storage_path": "x/y", "created_at": at}]
        })
    }

    #[test]
    fn ids_stay_and_messages_are_in_order() {
        let read = convert(&exported().to_string(), &Assets::default()).unwrap();
        assert_eq!(read.external_id, id(1));
        assert_eq!(read.messages[0].id.to_string(), id(2));
        assert_eq!(read.attachments[0].attachment.storage_path, "");
    }

    #[test]
    fn rows_that_do_not_belong_together_are_unreadable() {
        for (path, value, says) in [
            ("/messages/0/conversation_id", json!(id(9)), "another conversation"),
            ("/messages/0/id", json!(id(2)), "twice"),
            ("/messages/0/role", json!("robot"), "does not fit"),
            ("/attachments/0/message_id", json!(id(9)), "not there"),
            ("/conversation/created_at", json!("never"), "does not fit"),
        ] {
            let mut broken = exported();
            *broken.pointer_mut(path).unwrap() = value;
            let reason = convert(&broken.to_string(), &Assets::default()).unwrap_err();
            assert!(reason.contains(says), "{reason}");
        }
    }
}
