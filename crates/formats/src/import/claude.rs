//! One conversation of a Claude export: a list of messages that since 2025 name their parents.

use super::fields::{Object, keep_raw, mime_of, take_bool, take_count, take_list, take_object, take_text, take_time};
use super::tree::{Draft, DraftFile, Home, Parent, cut_cycles, epoch, grow, newest_leaf};
use super::{ImportedConversation, Source};
use airi_domain::{Conversation, ConversationId, OwnerId, Role, derive_uuid, fit_conversation};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

const PROVIDER: &str = "anthropic";
/// The parent of a beginning.
const ROOT: &str = "00000000-0000-4000-8000-000000000000";

/// Err: a sentence that says why the conversation cannot be understood.
pub(crate) fn convert(owner: OwnerId, json: &str) -> Result<ImportedConversation, String> {
    let mut members: BTreeMap<String, &RawValue> =
        serde_json::from_str(json).map_err(|_| "it is no JSON object".to_owned())?;
    let listed = members.remove("chat_messages").ok_or("it has no 'chat_messages'")?;
    let listed: Vec<&RawValue> =
        serde_json::from_str(listed.get()).map_err(|_| "its 'chat_messages' is no list".to_owned())?;
    let mut rest = Object::new();
    for (key, raw) in members {
        let value = serde_json::from_str(raw.get()).map_err(|error| format!("its member '{key}': {error}"))?;
        rest.insert(key, value);
    }
    let mut notes = Vec::new();
    let external_id = take_text(&mut rest, "uuid").unwrap_or_else(|| {
        notes.push("it has no id; one was made from its bytes".to_owned());
        format!("sha256:{:x}", Sha256::digest(json.as_bytes()))
    });
    let began = take_time(&mut rest, "created_at");

    let mut drafts = Vec::new();
    let mut parents: Vec<Option<String>> = Vec::new();
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut left_out = 0;
    for (position, raw) in listed.iter().enumerate() {
        let message: Value =
            serde_json::from_str(raw.get()).map_err(|error| format!("its message {}: {error}", position + 1))?;
        let Value::Object(mut message) = message else {
            left_out += 1;
            continue;
        };
        let uuid = take_text(&mut message, "uuid").unwrap_or_else(|| format!("#{position}"));
        if place.contains_key(&uuid) {
            left_out += 1;
            continue;
        }
        place.insert(uuid.clone(), drafts.len());
        parents.push(take_text(&mut message, "parent_message_uuid"));
        drafts.push(draft(uuid, message));
    }
    if left_out > 0 {
        notes.push(format!("{left_out} elements are no messages, or the same one twice, and were left out"));
    }
    // Exports from before branches: one after the other.
    let is_line = parents.iter().all(Option::is_none);
    let mut missing = 0;
    for (i, parent) in parents.into_iter().enumerate() {
        drafts[i].parent = match parent.as_deref() {
            Some(ROOT) => Parent::Start,
            Some(parent) => place.get(parent).map_or_else(
                || {
                    missing += 1;
                    Parent::Unknown
                },
                |at| Parent::Of(*at),
            ),
            None if is_line && i > 0 => Parent::Of(i - 1),
            None => Parent::Start,
        };
    }
    if missing > 0 {
        notes.push(format!(
            "{missing} messages name a parent that is not there; they follow the message before them in time"
        ));
    }
    match cut_cycles(&mut drafts) {
        0 => {}
        count => notes.push(format!("{count} cycles in the tree of messages were cut")),
    }

    let conversation_id = ConversationId(derive_uuid(owner, "claude", "conversation", &external_id));
    let dated = began.or_else(|| drafts.iter().filter_map(|draft| draft.created).min());
    let home = Home { owner, source: Source::Claude, external_id: &external_id, conversation_id, began };
    let tree: Vec<Parent> = drafts.iter().map(|draft| draft.parent).collect();
    let grown = grow(&home, drafts);
    let named = take_text(&mut rest, "current_leaf_message_uuid").and_then(|uuid| place.get(&uuid).copied());
    let current = named.or_else(|| newest_leaf(&tree, &grown.times));

    let created_at = dated.unwrap_or_else(|| {
        notes.push("it has no date at all".to_owned());
        epoch()
    });
    let mut conversation = Conversation::new(conversation_id, created_at);
    conversation.title = take_text(&mut rest, "name");
    conversation.summary = take_text(&mut rest, "summary");
    conversation.model_id = take_text(&mut rest, "model");
    conversation.provider_id = Some(PROVIDER.to_owned());
    conversation.is_starred = take_bool(&mut rest, "is_starred").unwrap_or(false);
    conversation.is_archived = take_bool(&mut rest, "is_archived").unwrap_or(false);
    conversation.current_message_id = current.map(|at| grown.ids[at]);
    // Whose account it was: the owner knows, and it must not travel with an export.
    take_object(&mut rest, "account");
    let mut metadata = Object::new();
    metadata.insert("source".to_owned(), Source::Claude.as_str().into());
    metadata.insert("external_id".to_owned(), external_id.clone().into());
    keep_raw(&mut metadata, rest);
    conversation.metadata = airi_domain::canonicalize(Value::Object(metadata));
    Ok(ImportedConversation {
        source: Source::Claude,
        external_id,
        conversation: fit_conversation(conversation),
        messages: grown.messages,
        attachments: grown.attachments,
        notes,
    })
}

fn draft(uuid: String, mut message: Object) -> Draft {
    let sender = take_text(&mut message, "sender");
    let role = match sender.as_deref() {
        Some("human" | "user") => Some(Role::User),
        Some("assistant") => Some(Role::Assistant),
        other => other.and_then(|name| name.parse().ok()),
    };
    let mut draft = Draft::new(uuid, role.unwrap_or(Role::System));
    if role.is_none() {
        draft.metadata.insert("fitted".to_owned(), json!({ "role": { "original": sender } }));
    }
    draft.created = take_time(&mut message, "created_at");
    draft.message.model_id = take_text(&mut message, "model");
    if role == Some(Role::Assistant) {
        draft.message.provider_id = Some(PROVIDER.to_owned());
    }
    let mut read = Content::default();
    for block in take_list(&mut message, "content").unwrap_or_default() {
        read.block(block);
    }
    // Beside the blocks stands the same text once more; alone it is all that there is.
    let flat = take_text(&mut message, "text").unwrap_or_default();
    draft.message.content = if read.texts.is_empty() { flat } else { read.texts.join("\n\n") };
    add_attachments(&mut draft, &mut message, &mut read.blocks);
    add_files(&mut draft, &mut message);
    let is_empty = draft.message.content.trim().is_empty() && read.blocks.is_empty() && draft.files.is_empty();
    if role != Some(Role::User) && (is_empty || role.is_none()) {
        draft.metadata.insert("hidden".to_owned(), true.into());
    }
    if !read.blocks.is_empty() {
        draft.metadata.insert("blocks".to_owned(), Value::Array(read.blocks));
    }
    if !read.citations.is_empty() {
        draft.metadata.insert("citations".to_owned(), Value::Array(read.citations));
    }
    keep_raw(&mut draft.metadata, message);
    draft
}

#[derive(Default)]
struct Content {
    texts: Vec<String>,
    blocks: Vec<Value>,
    citations: Vec<Value>,
}

impl Content {
    fn block(&mut self, block: Value) {
        let Value::Object(mut map) = block else {
            match block {
                Value::String(text) if !text.is_empty() => self.texts.push(text),
                Value::Null => {}
                other => self.blocks.push(json!({ "type": "unknown", "raw": other })),
            }
            return;
        };
        for time in ["start_timestamp", "stop_timestamp"] {
            map.remove(time);
        }
        match map.get("type").and_then(Value::as_str).unwrap_or_default() {
            "text" => {
                self.citations.extend(take_list(&mut map, "citations").unwrap_or_default());
                self.texts.extend(take_text(&mut map, "text"));
            }
            "voice_note" => {
                self.texts.extend(take_text(&mut map, "title"));
                self.texts.extend(take_text(&mut map, "text"));
            }
            "thinking" => {
                let text = take_text(&mut map, "thinking").unwrap_or_default();
                self.keep(json!({ "type": "thinking", "text": text }), map, &["summaries"]);
            }
            "tool_use" => self.keep(json!({ "type": "tool_use" }), map, &["id", "name", "input", "message"]),
            "tool_result" => {
                let text = result_text(&mut map);
                let is_error = take_bool(&mut map, "is_error").unwrap_or(false);
                let made = json!({ "type": "tool_result", "text": text, "is_error": is_error });
                self.keep(made, map, &["tool_use_id", "name", "content"]);
            }
            _ => self.blocks.push(Value::Object(map)),
        }
    }

    /// The block with these members of the original; what else it had goes under `raw`.
    fn keep(&mut self, made: Value, mut map: Object, keys: &[&str]) {
        let Value::Object(mut block) = made else { return };
        map.remove("type");
        super::fields::prune(&mut map);
        for key in keys {
            if let Some(value) = map.remove(*key) {
                block.insert((*key).to_owned(), value);
            }
        }
        if !map.is_empty() {
            block.insert("raw".to_owned(), Value::Object(map));
        }
        self.blocks.push(Value::Object(block));
    }
}

/// The readable text of a tool's result; parts that have more than text stay in `content`.
fn result_text(map: &mut Object) -> String {
    let mut texts = Vec::new();
    let mut others = Vec::new();
    match map.remove("content") {
        Some(Value::String(text)) => texts.push(text),
        Some(Value::Array(parts)) => {
            for part in parts {
                let text = |key: &str| part.get(key).and_then(Value::as_str);
                if text("type") == Some("text") {
                    texts.extend(text("text").map(str::to_owned));
                    continue;
                }
                let line: Vec<&str> = ["title", "url", "text"].iter().filter_map(|key| text(key)).collect();
                if !line.is_empty() {
                    texts.push(line.join("\n"));
                }
                others.push(part);
            }
        }
        Some(other) => others.push(other),
        None => {}
    }
    if !others.is_empty() {
        map.insert("content".to_owned(), Value::Array(others));
    }
    texts.join("\n\n")
}

/// Attachments came as text that was taken out of them: it is kept on the attachment, and in a block to be found by.
fn add_attachments(draft: &mut Draft, message: &mut Object, blocks: &mut Vec<Value>) {
    for (position, value) in take_list(message, "attachments").unwrap_or_default().into_iter().enumerate() {
        let Value::Object(mut map) = value else { continue };
        let name = take_text(&mut map, "file_name").unwrap_or_else(|| format!("attachment {}", position + 1));
        let id = take_text(&mut map, "id").unwrap_or_else(|| format!("attachment/{position}"));
        let extracted = take_text(&mut map, "extracted_content");
        let mut file = DraftFile::new(id.clone(), name.clone());
        let row = &mut file.attachment;
        row.file_size = take_count(&mut map, "file_size");
        row.file_type = take_text(&mut map, "file_type");
        let given = row.file_type.clone().filter(|kind| kind.contains('/'));
        row.mime_type = given.or_else(|| mime_of(&name).map(str::to_owned));
        let mut metadata = file_metadata(&id);
        if let Some(text) = extracted {
            blocks.push(json!({ "type": "attachment_text", "name": name, "text": text }));
            metadata.insert("extracted_content".to_owned(), text.into());
        }
        keep_raw(&mut metadata, map);
        row.metadata = Value::Object(metadata);
        draft.files.push(file);
    }
}

/// Files are named only: Claude's exports hold no bytes.
fn add_files(draft: &mut Draft, message: &mut Object) {
    for key in ["files", "files_v2"] {
        for (position, value) in take_list(message, key).unwrap_or_default().into_iter().enumerate() {
            let Value::Object(mut map) = value else { continue };
            let id = take_text(&mut map, "file_uuid").unwrap_or_else(|| format!("file/{position}"));
            if draft.files.iter().any(|file| file.external_id == id) {
                continue;
            }
            let name = take_text(&mut map, "file_name").unwrap_or_else(|| id.clone());
            let mut file = DraftFile::new(id.clone(), name);
            file.attachment.mime_type = mime_of(&file.attachment.file_name).map(str::to_owned);
            let mut metadata = file_metadata(&id);
            keep_raw(&mut metadata, map);
            file.attachment.metadata = Value::Object(metadata);
            draft.files.push(file);
        }
    }
}

fn file_metadata(id: &str) -> Object {
    let mut metadata = Object::new();
    metadata.insert("source".to_owned(), Source::Claude.as_str().into());
    metadata.insert("external_id".to_owned(), id.into());
    metadata
}

#[cfg(test)]
#[path = "claude_tests.rs"]
mod tests;
