//! Between SQLite's values and the domain's types: the one place where a column's form is known.

use crate::StoreError;
use airi_domain::{Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, Time, canonical_json};
use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::Value;
use uuid::Uuid;

pub(crate) const CONVERSATION_COLUMNS: &str = "id, uuid, title, summary, model_id, provider_id, avatar_id, voice_id, \
     personality_template, system_prompt, temperature, max_tokens, settings, tags, is_archived, is_starred, metadata, \
     deleted_at, current_message_id, created_at, last_message_at, message_count, total_tokens_used, hidden_count, \
     view_stale, server_seq";

pub(crate) const MESSAGE_COLUMNS: &str = "m.id, m.uuid, c.uuid, m.parent_id, m.role, m.content, m.content_type, \
     m.attachments, m.prompt_tokens, m.completion_tokens, m.total_tokens, m.model_id, m.provider_id, \
     m.response_time_ms, m.finish_reason, m.function_call, m.tool_calls, m.rating, m.feedback, m.metadata, \
     m.created_at, m.edited_at, m.deleted_at, m.server_seq, m.conversation_id";

pub(crate) const ATTACHMENT_COLUMNS: &str = "a.id, a.uuid, m.uuid, a.file_name, a.file_type, a.file_size, \
     a.storage_path, a.sha256, a.mime_type, a.width, a.height, a.duration_seconds, a.metadata, a.created_at, \
     a.server_seq";

pub(crate) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes: Vec<u8> = row.get(column)?;
    Uuid::from_slice(&bytes).map_err(|error| failure(column, Type::Blob, error))
}

fn optional_uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    bytes.map(|bytes| Uuid::from_slice(&bytes).map_err(|error| failure(column, Type::Blob, error))).transpose()
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Time> {
    // Clamped rather than refused: one odd moment must not make a whole page unreadable.
    let micros: i64 = row.get(column)?;
    Ok(Time::from_micros(micros.clamp(Time::MIN.micros(), Time::MAX.micros())).unwrap_or(Time::MIN))
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Time>> {
    match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => time(row, column).map(Some),
    }
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text = row.get_ref(column)?.as_str().map_err(|error| failure(column, Type::Text, error))?;
    serde_json::from_str(text).map_err(|error| failure(column, Type::Text, error))
}

fn optional_json(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Value>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => json(row, column).map(Some),
    }
}

fn failure(column: usize, kind: Type, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

pub(crate) fn conversation(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation {
        id: ConversationId(uuid(row, 1)?),
        title: row.get(2)?,
        summary: row.get(3)?,
        model_id: row.get(4)?,
        provider_id: row.get(5)?,
        avatar_id: row.get(6)?,
        voice_id: row.get(7)?,
        personality_template: row.get(8)?,
        system_prompt: row.get(9)?,
        temperature: row.get(10)?,
        max_tokens: row.get(11)?,
        settings: json(row, 12)?,
        tags: serde_json::from_value(json(row, 13)?).map_err(|error| failure(13, Type::Text, error))?,
        is_archived: row.get(14)?,
        is_starred: row.get(15)?,
        metadata: json(row, 16)?,
        deleted_at: optional_time(row, 17)?,
        current_message_id: optional_uuid(row, 18)?.map(MessageId),
        created_at: time(row, 19)?,
    })
}

pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let named = |column: usize| row.get_ref(column)?.as_str().map_err(|error| failure(column, Type::Text, error));
    Ok(Message {
        id: MessageId(uuid(row, 1)?),
        conversation_id: ConversationId(uuid(row, 2)?),
        parent_id: optional_uuid(row, 3)?.map(MessageId),
        role: named(4)?.parse().map_err(|error| failure(4, Type::Text, error))?,
        content: row.get(5)?,
        content_type: named(6)?.parse().map_err(|error| failure(6, Type::Text, error))?,
        attachments: json(row, 7)?,
        prompt_tokens: row.get(8)?,
        completion_tokens: row.get(9)?,
        total_tokens: row.get(10)?,
        model_id: row.get(11)?,
        provider_id: row.get(12)?,
        response_time_ms: row.get(13)?,
        finish_reason: row.get(14)?,
        function_call: optional_json(row, 15)?,
        tool_calls: optional_json(row, 16)?,
        rating: row.get(17)?,
        feedback: row.get(18)?,
        metadata: json(row, 19)?,
        created_at: time(row, 20)?,
        edited_at: optional_time(row, 21)?,
        deleted_at: optional_time(row, 22)?,
    })
}

pub(crate) fn attachment(row: &Row<'_>) -> rusqlite::Result<Attachment> {
    Ok(Attachment {
        id: AttachmentId(uuid(row, 1)?),
        message_id: MessageId(uuid(row, 2)?),
        file_name: row.get(3)?,
        file_type: row.get(4)?,
        file_size: row.get(5)?,
        storage_path: row.get(6)?,
        sha256: row.get(7)?,
        mime_type: row.get(8)?,
        width: row.get(9)?,
        height: row.get(10)?,
        duration_seconds: row.get(11)?,
        metadata: json(row, 12)?,
        created_at: time(row, 13)?,
    })
}

/// A JSON column's text.
pub(crate) fn text(value: &Value) -> String {
    canonical_json(value)
}

pub(crate) fn tags_text(tags: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(tags).map_err(|error| StoreError::Invalid(format!("tags: {error}")))
}

pub(crate) fn micros(time: Option<Time>) -> Option<i64> {
    time.map(Time::micros)
}
