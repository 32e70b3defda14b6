//! What the mirror accepts, the server accepts: every row is brought into a form that fits the server's columns when it
//! enters the mirror, and what did not fit is kept in `metadata.fitted`, so that nothing is lost.

use crate::{Attachment, Conversation, Message, canonicalize, empty_object, has_nul, is_empty_object};
use serde_json::{Map, Value, json};

/// Stands in for U+0000, which PostgreSQL's text cannot hold.
const NUL_PICTURE: &str = "\u{2400}";
const MAX_INT: i64 = i32::MAX as i64;

/// The conversation in the form that the server's table `conversations` holds.
pub fn fit_conversation(mut c: Conversation) -> Conversation {
    let mut fitted = Fitted::default();
    fitted.optional("title", &mut c.title, 255);
    fitted.optional("summary", &mut c.summary, usize::MAX);
    fitted.optional("model_id", &mut c.model_id, 100);
    fitted.optional("provider_id", &mut c.provider_id, 50);
    fitted.optional("avatar_id", &mut c.avatar_id, 100);
    fitted.optional("voice_id", &mut c.voice_id, 100);
    fitted.optional("personality_template", &mut c.personality_template, 100);
    fitted.optional("system_prompt", &mut c.system_prompt, usize::MAX);
    // '' is the server's word for "not known".
    c.model_id = c.model_id.filter(|text| !text.is_empty());
    c.provider_id = c.provider_id.filter(|text| !text.is_empty());
    let temperature = if c.temperature.is_finite() { c.temperature.clamp(-9.99, 9.99) } else { 0.7 };
    c.temperature = (temperature * 100.0).round() / 100.0;
    c.max_tokens = c.max_tokens.clamp(0, MAX_INT);
    fitted.json("settings", &mut c.settings);
    for tag in &mut c.tags {
        *tag = tag.replace('\0', NUL_PICTURE);
    }
    let mut seen = Vec::new();
    c.tags.retain(|tag| {
        !tag.is_empty() && !seen.contains(tag) && {
            seen.push(tag.clone());
            true
        }
    });
    if !c.settings.is_object() {
        c.settings = empty_object();
    }
    c.metadata = fitted.into_metadata(c.metadata);
    c
}

/// The message in the form that the server's table `chat_messages` holds.
pub fn fit_message(mut m: Message) -> Message {
    let mut fitted = Fitted::default();
    fitted.text("content", &mut m.content, usize::MAX);
    fitted.optional("model_id", &mut m.model_id, 100);
    fitted.optional("provider_id", &mut m.provider_id, 50);
    fitted.optional("finish_reason", &mut m.finish_reason, 50);
    fitted.optional("feedback", &mut m.feedback, usize::MAX);
    m.model_id = m.model_id.filter(|text| !text.is_empty());
    m.provider_id = m.provider_id.filter(|text| !text.is_empty());
    for count in [&mut m.prompt_tokens, &mut m.completion_tokens, &mut m.total_tokens] {
        *count = (*count).clamp(0, MAX_INT);
    }
    m.response_time_ms = m.response_time_ms.map(|ms| ms.clamp(0, MAX_INT));
    m.rating = m.rating.filter(|rating| (1..=5).contains(rating));
    fitted.json("attachments", &mut m.attachments);
    if !m.attachments.is_array() {
        m.attachments = Value::Array(Vec::new());
    }
    if let Some(call) = &mut m.function_call {
        fitted.json("function_call", call);
    }
    m.function_call = m.function_call.filter(|call| !call.is_null());
    if let Some(calls) = &mut m.tool_calls {
        fitted.json("tool_calls", calls);
        if !calls.is_array() {
            *calls = Value::Array(vec![calls.take()]);
        }
    }
    m.metadata = fitted.into_metadata(m.metadata);
    m
}

/// The attachment in the form that the server's table `message_attachments` holds.
pub fn fit_attachment(mut a: Attachment) -> Attachment {
    let mut fitted = Fitted::default();
    fitted.text("file_name", &mut a.file_name, 255);
    fitted.optional("file_type", &mut a.file_type, 100);
    fitted.optional("mime_type", &mut a.mime_type, 100);
    fitted.text("storage_path", &mut a.storage_path, usize::MAX);
    a.file_size = a.file_size.filter(|size| *size >= 0);
    for number in [&mut a.width, &mut a.height, &mut a.duration_seconds] {
        *number = number.filter(|n| (0..=MAX_INT).contains(n));
    }
    if a.sha256.as_deref().is_some_and(|hash| !crate::is_sha256_hex(hash)) {
        a.sha256 = None;
    }
    a.metadata = fitted.into_metadata(a.metadata);
    a
}

/// Collects what had to be changed, by field.
#[derive(Default)]
struct Fitted(Map<String, Value>);

impl Fitted {
    fn optional(&mut self, field: &str, value: &mut Option<String>, max_chars: usize) {
        if let Some(text) = value {
            self.text(field, text, max_chars);
        }
    }

    fn text(&mut self, field: &str, text: &mut String, max_chars: usize) {
        let mut note = Map::new();
        if text.contains('\0') {
            let at: Vec<usize> = text.chars().enumerate().filter(|(_, c)| *c == '\0').map(|(i, _)| i).collect();
            note.insert("nul_at".into(), json!(at));
            *text = text.replace('\0', NUL_PICTURE);
        }
        // Counting bytes first: a text that short has no more characters than that.
        if text.len() > max_chars && text.chars().count() > max_chars {
            note.insert("original".into(), Value::String(text.clone()));
            *text = text.chars().take(max_chars - 1).chain(['…']).collect();
        }
        if !note.is_empty() {
            self.0.insert(field.to_owned(), Value::Object(note));
        }
    }

    fn json(&mut self, field: &str, value: &mut Value) {
        if has_nul(value) {
            self.0.insert(field.to_owned(), json!({ "nul_replaced": true }));
            *value = without_nul(value.take());
        }
        *value = canonicalize(value.take());
    }

    fn into_metadata(mut self, metadata: Value) -> Value {
        let mut metadata = if is_empty_object(&metadata) { empty_object() } else { metadata };
        self.json("metadata", &mut metadata);
        if self.0.is_empty() {
            return if metadata.is_object() { metadata } else { json!({ "raw": metadata }) };
        }
        let mut map = match metadata {
            Value::Object(map) => map,
            other => Map::from_iter([("raw".to_owned(), other)]),
        };
        let notes = map.entry("fitted").or_insert_with(empty_object);
        if let Value::Object(notes) = notes {
            for (field, note) in self.0 {
                // The first original is the true one: fitting again must not overwrite it.
                notes.entry(field).or_insert(note);
            }
        }
        canonicalize(Value::Object(map))
    }
}

fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', NUL_PICTURE)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(k, v)| (k.replace('\0', NUL_PICTURE), without_nul(v))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConversationId, MessageId, Role, Time};
    use uuid::Uuid;

    fn conversation() -> Conversation {
        Conversation::new(ConversationId(Uuid::from_u128(1)), Time::from_micros(0).unwrap())
    }

    #[test]
    fn a_long_title_is_cut_and_kept() {
        let mut c = conversation();
        let long = "長".repeat(300);
        c.title = Some(long.clone());
        let fit = fit_conversation(c);
        assert_eq!(fit.title.as_ref().unwrap().chars().count(), 255);
        assert_eq!(fit.metadata["fitted"]["title"]["original"], json!(long));
    }

    #[test]
    fn nul_is_replaced_and_its_places_are_kept() {
        let time = Time::from_micros(0).unwrap();
        let m = Message::new(
            MessageId(Uuid::from_u128(1)),
            ConversationId(Uuid::from_u128(2)),
            Role::User,
            "a\0b\0".into(),
            time,
        );
        let fit = fit_message(m);
        assert_eq!(fit.content, "a\u{2400}b\u{2400}");
        assert_eq!(fit.metadata["fitted"]["content"]["nul_at"], json!([1, 3]));
    }

    #[test]
    fn fitting_twice_changes_nothing_more() {
        let mut c = conversation();
        c.title = Some("x".repeat(400));
        c.temperature = 123.456;
        c.tags = vec!["a".into(), "a".into(), "".into()];
        c.settings = json!({"b": 1.0, "a": "\0"});
        let once = fit_conversation(c);
        assert_eq!(fit_conversation(once.clone()), once);
        assert_eq!((once.temperature, once.tags.len()), (9.99, 1));
        assert_eq!(once.settings, json!({"a": "\u{2400}", "b": 1}));
    }

    #[test]
    fn a_row_that_fits_is_left_alone() {
        let c = conversation();
        assert_eq!(fit_conversation(c.clone()), c);
    }
}
