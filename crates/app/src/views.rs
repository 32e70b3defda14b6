//! From the mirror's records to the contract's rows.

use crate::AppError;
use crate::profile::Profile;
use airi_contract::{AttachmentRow, BlockView, Branch, ConversationRow, FileState, MessageRow, MessageView};
use airi_domain::{Attachment, Message, MessageId, OwnerId, Role, Time};
use airi_formats::render;
use airi_store::{ConversationRecord, MessageRecord, Reader};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

pub(crate) fn text(time: Option<Time>) -> Option<String> {
    time.map(|time| time.to_string())
}

pub(crate) fn conversation_row(record: ConversationRecord) -> ConversationRow {
    let c = record.conversation;
    ConversationRow {
        id: c.id.to_string(),
        title: c.title,
        summary: c.summary,
        model_id: c.model_id,
        provider_id: c.provider_id,
        avatar_id: c.avatar_id,
        voice_id: c.voice_id,
        personality_template: c.personality_template,
        system_prompt: c.system_prompt,
        temperature: c.temperature,
        max_tokens: c.max_tokens,
        settings: c.settings,
        tags: c.tags,
        is_archived: c.is_archived,
        is_starred: c.is_starred,
        metadata: c.metadata,
        deleted_at: text(c.deleted_at),
        current_message_id: c.current_message_id.map(|id| id.to_string()),
        created_at: c.created_at.to_string(),
        last_message_at: record.last_message_at.to_string(),
        message_count: record.message_count,
        total_tokens_used: record.total_tokens_used,
        waiting: record.waiting,
        only_here: record.only_here,
        on_server: record.server_seq.is_some(),
    }
}

pub(crate) fn attachment_row(profile: &Profile, a: Attachment) -> AttachmentRow {
    let (sha256, state) = standing(profile, &a);
    let received = match state {
        FileState::Remote | FileState::Downloading => Some(profile.files.received(&a.storage_path)).filter(|n| *n > 0),
        _ => None,
    };
    AttachmentRow {
        id: a.id.to_string(),
        message_id: a.message_id.to_string(),
        file_name: a.file_name,
        file_type: a.file_type,
        file_size: a.file_size,
        mime_type: a.mime_type,
        width: a.width,
        height: a.height,
        duration_seconds: a.duration_seconds,
        sha256,
        metadata: a.metadata,
        created_at: a.created_at.to_string(),
        state,
        received,
    }
}

/// The hash of an attachment's bytes, as far as it is known here, and where they are.
fn standing(profile: &Profile, a: &Attachment) -> (Option<String>, FileState) {
    let reader = profile.store.read();
    // A row that cannot be looked up is shown by what it says itself.
    let sha256 = reader.as_ref().ok().and_then(|reader| reader.hash_of(a).ok()).unwrap_or_else(|| a.sha256.clone());
    let here = sha256.as_deref().is_some_and(|hash| profile.files.find(hash).is_some());
    let stays = reader.as_ref().is_ok_and(|reader| reader.is_only_here(a.message_id).unwrap_or(false));
    let state = match (here, a.storage_path.as_str()) {
        (true, "") if profile.store.owner() != OwnerId::LOCAL && !stays => FileState::Waiting,
        (true, _) => FileState::Here,
        (false, "") => FileState::Missing,
        (false, path) if profile.files.is_claimed(path) => FileState::Downloading,
        (false, _) => match reader.ok().and_then(|reader| reader.file_fault(a).ok()).flatten() {
            Some(fault) if fault.gone => FileState::Missing,
            _ => FileState::Remote,
        },
    };
    (sha256, state)
}

pub(crate) fn message_row(profile: &Profile, reader: &Reader, record: &MessageRecord) -> Result<MessageRow, AppError> {
    let files = reader.attachments_of(record.key)?;
    let m = &record.message;
    Ok(MessageRow {
        id: m.id.to_string(),
        conversation_id: m.conversation_id.to_string(),
        parent_id: m.parent_id.map(|id| id.to_string()),
        role: m.role.to_string(),
        content: m.content.clone(),
        content_type: m.content_type.to_string(),
        attachments: m.attachments.clone(),
        prompt_tokens: m.prompt_tokens,
        completion_tokens: m.completion_tokens,
        total_tokens: m.total_tokens,
        model_id: m.model_id.clone(),
        provider_id: m.provider_id.clone(),
        response_time_ms: m.response_time_ms,
        finish_reason: m.finish_reason.clone(),
        function_call: m.function_call.clone(),
        tool_calls: m.tool_calls.clone(),
        rating: m.rating,
        feedback: m.feedback.clone(),
        metadata: m.metadata.clone(),
        created_at: m.created_at.to_string(),
        edited_at: text(m.edited_at),
        deleted_at: text(m.deleted_at),
        files: files.into_iter().map(|a| attachment_row(profile, a)).collect(),
    })
}

pub(crate) fn message_view(
    profile: &Profile,
    reader: &Reader,
    record: &MessageRecord,
    siblings: &[MessageId],
) -> Result<MessageView, AppError> {
    let row = message_row(profile, reader, record)?;
    let index = siblings.iter().position(|id| *id == record.message.id);
    Ok(MessageView {
        html: rendered(&record.message),
        blocks: record.message.blocks().iter().map(block_view).collect(),
        hidden: record.message.is_hidden(),
        // A reply that is being written has not ended yet, so most rows need no question.
        writing: record.message.finish_reason.is_none()
            && record.message.role == Role::Assistant
            && reader.is_unfinished(record.key)?,
        branch: index.map(|index| Branch {
            index: index as u32,
            sibling_ids: siblings.iter().map(MessageId::to_string).collect(),
        }),
        row,
    })
}

fn block_view(block: &Value) -> BlockView {
    let field = |name: &str| block.get(name).and_then(Value::as_str);
    let kind = field("type").unwrap_or("unknown").to_owned();
    let body = match (field("text"), block.get("input")) {
        (Some(text), _) if kind == "thinking" => text.to_owned(),
        (Some(text), _) => fenced(text, field("language").unwrap_or("")),
        (None, Some(Value::String(text))) => fenced(text, ""),
        (None, Some(input)) => fenced(&serde_json::to_string_pretty(input).unwrap_or_default(), "json"),
        (None, None) => fenced(&serde_json::to_string_pretty(block).unwrap_or_default(), "json"),
    };
    BlockView {
        title: field("name").or_else(|| field("title")).map(str::to_owned),
        html: render::to_html(&body),
        is_error: block.get("is_error").and_then(Value::as_bool).unwrap_or(false),
        kind,
    }
}

/// A code fence that is longer than any inside.
fn fenced(text: &str, language: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

const RENDERED_AT_MOST: usize = 600;

/// A finished message is rendered once: what was said never changes.
fn rendered(message: &Message) -> String {
    static CACHE: LazyLock<Mutex<HashMap<MessageId, (u64, String)>>> = LazyLock::new(Mutex::default);
    let stamp = message.content.len() as u64;
    let lock = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, html)) = lock().get(&message.id)
        && *known == stamp
    {
        return html.clone();
    }
    let html = match message.content_type {
        airi_domain::ContentType::Code => render::to_html(&fenced(
            &message.content,
            message.metadata.get("language").and_then(Value::as_str).unwrap_or(""),
        )),
        _ => render::to_html(&message.content),
    };
    let mut cache = lock();
    if cache.len() >= RENDERED_AT_MOST {
        cache.clear();
    }
    cache.insert(message.id, (stamp, html.clone()));
    html
}
