//! Our own JSON: every row, one a line, in one canonical form, written while the history is walked.

use super::ExportConversation;
use crate::{EXPORT_FORMAT, EXPORT_VERSION};
use airi_domain::canonicalize;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// Writes conversations in the order in which they come (by created_at, id, to be canonical); within each, messages and
/// attachments are put in order of (created_at, id). Nothing is kept: memory is that of one conversation.
pub struct JsonWriter<W: Write> {
    out: W,
    is_first: bool,
}

impl<W: Write> JsonWriter<W> {
    /// Writes the head.
    pub fn new(mut out: W) -> io::Result<JsonWriter<W>> {
        write!(out, "{{\"format\":\"{EXPORT_FORMAT}\",\"version\":{EXPORT_VERSION},\"conversations\":[")?;
        Ok(JsonWriter { out, is_first: true })
    }

    pub fn write(&mut self, exported: &ExportConversation) -> io::Result<()> {
        self.out.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        let mut attachments: Vec<_> = exported.attachments.iter().collect();
        attachments.sort_by_key(|attachment| (attachment.created_at, attachment.id));
        let mut messages: Vec<_> = exported.messages.iter().collect();
        messages.sort_by_key(|message| (message.created_at, message.id));
        self.out.write_all(b"{\"attachments\":[")?;
        self.rows(attachments)?;
        self.out.write_all(b"],\n\"conversation\":")?;
        self.row(&exported.conversation)?;
        self.out.write_all(b",\n\"messages\":[")?;
        self.rows(messages)?;
        self.out.write_all(b"]}")
    }

    /// Writes the end and gives the sink back, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(if self.is_first { b"]}\n" } else { b"\n]}\n" })?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes the end with one more member after the conversations. Readers of the format pass over it.
    pub fn finish_with(mut self, member: &str, value: &Value) -> io::Result<W> {
        self.out.write_all(if self.is_first { b"],\n" } else { b"\n],\n" })?;
        serde_json::to_writer(&mut self.out, member)?;
        self.out.write_all(b":")?;
        serde_json::to_writer(&mut self.out, &canonicalize(value.clone()))?;
        self.out.write_all(b"}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn rows<T: Serialize>(&mut self, rows: Vec<&T>) -> io::Result<()> {
        for (i, row) in rows.into_iter().enumerate() {
            self.out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
            self.row(row)?;
        }
        Ok(())
    }

    fn row<T: Serialize>(&mut self, row: &T) -> io::Result<()> {
        let mut value = serde_json::to_value(row)?;
        if let Value::Object(map) = &mut value {
            // Where a server has the bytes means nothing to anyone else, and holds the owner's id.
            map.remove("storage_path");
        }
        serde_json::to_writer(&mut self.out, &canonicalize(value))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airi_domain::{Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, Role, Time};
    use uuid::Uuid;

    fn exported() -> ExportConversation {
        let at = |n: i64| Time::from_micros(n).unwrap();
        let id = ConversationId(Uuid::from_u128(1));
        let message = |n: u128, micros: i64| {
            Message::new(MessageId(Uuid::from_u128(n)), id, Role::User, format!("m{n}"), at(micros))
        };
        let attachment = Attachment {
            id: AttachmentId(Uuid::from_u128(9)),
            message_id: MessageId(Uuid::from_u128(2)),
            file_name: "a.png".into(),
            file_type: None,
            file_size: Some(3),
            storage_path: "owner/secret".into(),
            sha256: Some("0".repeat(64)),
            mime_type: None,
            width: None,
            height: None,
            duration_seconds: None,
            metadata: airi_domain::empty_object(),
            created_at: at(5),
        };
        ExportConversation {
            conversation: Conversation::new(id, at(0)),
            messages: vec![message(3, 7), message(2, 5)],
            attachments: vec![attachment],
        }
    }

    fn written(rows: &[ExportConversation]) -> String {
        let mut writer = JsonWriter::new(Vec::new()).unwrap();
        for row in rows {
            writer.write(row).unwrap();
        }
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn order_of_rows_does_not_matter_and_each_has_its_line() {
        let mut turned = exported();
        turned.messages.reverse();
        let text = written(&[exported()]);
        assert_eq!(text, written(&[turned]));
        assert!(text.find("\"m2\"").unwrap() < text.find("\"m3\"").unwrap());
        assert_eq!(text.lines().filter(|line| line.contains("\"role\":\"user\"")).count(), 2);
        serde_json::from_str::<Value>(&text).unwrap();
    }

    #[test]
    fn where_the_server_has_a_file_stays_here() {
        assert!(!written(&[exported()]).contains("storage_path"));
        assert!(!written(&[exported()]).contains("owner/secret"));
    }

    #[test]
    fn one_more_member_stands_after_the_conversations() {
        for rows in [vec![], vec![exported()]] {
            let mut writer = JsonWriter::new(Vec::new()).unwrap();
            for row in &rows {
                writer.write(row).unwrap();
            }
            let bytes = writer.finish_with("change", &serde_json::json!({"b": 1, "a": "x"})).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.ends_with("],\n\"change\":{\"a\":\"x\",\"b\":1}}\n"), "{text}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["conversations"].as_array().unwrap().len(), rows.len());
        }
    }

    #[test]
    fn an_empty_history_is_valid_json() {
        assert_eq!(written(&[]), "{\"format\":\"airi-export\",\"version\":1,\"conversations\":[]}\n");
    }
}
