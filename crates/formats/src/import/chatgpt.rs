//! One conversation of a ChatGPT export: a tree of nodes in `mapping`, some without a message.

use super::chatgpt_content;
use super::fields::{
    Object, keep_raw, mime_of, take_bool, take_count, take_list, take_object, take_text, take_time, time,
};
use super::layout::Assets;
use super::tree::{Draft, DraftFile, Home, Parent, cut_cycles, epoch, grow, newest_leaf};
use super::{ImportedConversation, Source};
use airi_domain::{Conversation, ConversationId, OwnerId, Role, derive_uuid, fit_conversation};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};

const PROVIDER: &str = "openai";

type Raw<'a> = BTreeMap<String, &'a RawValue>;

/// Err: a sentence that says why the conversation cannot be understood.
pub(crate) fn convert(owner: OwnerId, json: &str, assets: &Assets) -> Result<ImportedConversation, String> {
    let mut members: Raw<'_> = serde_json::from_str(json).map_err(|_| "it is no JSON object".to_owned())?;
    let mapping = members.remove("mapping").ok_or("it has no 'mapping'")?;
    let mapping: Raw<'_> =
        serde_json::from_str(mapping.get()).map_err(|_| "its 'mapping' is no JSON object".to_owned())?;
    let mut rest = Object::new();
    for (key, raw) in members {
        let value = serde_json::from_str(raw.get()).map_err(|error| format!("its member '{key}': {error}"))?;
        rest.insert(key, value);
    }
    let mut notes = Vec::new();
    let external_id = external_id(&mut rest, json, &mut notes);
    let default_model = model(&mut rest, "default_model_slug");
    let current_node = take_text(&mut rest, "current_node");
    let began = take_time(&mut rest, "create_time");

    let nodes = Nodes::read(&mapping, &mut notes)?;
    let mut drafts = Vec::new();
    let mut place = HashMap::new();
    for (key, message) in nodes.messages {
        place.insert(key.to_owned(), drafts.len());
        drafts.push(draft(key, message, default_model.as_deref(), assets));
    }
    let mut anchors = HashMap::new();
    let mut missing = 0;
    for (key, at) in &place {
        let anchor = nearest(nodes.parents.get(key.as_str()).copied().flatten(), &nodes.parents, &place, &mut anchors);
        missing += usize::from(anchor == Parent::Unknown);
        drafts[*at].parent = anchor;
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

    let conversation_id = ConversationId(derive_uuid(owner, "chatgpt", "conversation", &external_id));
    let earliest = drafts.iter().filter_map(|draft| draft.created).min();
    let dated = began.or(earliest).or(rest.get("update_time").and_then(time));
    let began = began.or(dated.filter(|_| earliest.is_none()));
    let home = Home { owner, source: Source::ChatGpt, external_id: &external_id, conversation_id, began };
    let parents: Vec<Parent> = drafts.iter().map(|draft| draft.parent).collect();
    let grown = grow(&home, drafts);
    let current = match current_node.as_deref() {
        Some(node) if place.contains_key(node) => place.get(node).copied(),
        Some(node) if nodes.parents.contains_key(node) => {
            match nearest(Some(node), &nodes.parents, &place, &mut anchors) {
                Parent::Of(at) => Some(at),
                Parent::Start | Parent::Unknown => newest_leaf(&parents, &grown.times),
            }
        }
        Some(_) => {
            notes.push("the message in view is not there; the newest one is shown instead".to_owned());
            newest_leaf(&parents, &grown.times)
        }
        None => newest_leaf(&parents, &grown.times),
    };

    let created_at = dated.unwrap_or_else(|| {
        notes.push("it has no date at all".to_owned());
        epoch()
    });
    let mut conversation = Conversation::new(conversation_id, created_at);
    conversation.title = take_text(&mut rest, "title");
    conversation.model_id = default_model;
    conversation.provider_id = Some(PROVIDER.to_owned());
    conversation.is_archived = take_bool(&mut rest, "is_archived").unwrap_or(false);
    // What is pinned stands at the top there as what is starred does here; the time of it stays in `raw`.
    let pinned = rest.get("pinned_time").and_then(time).is_some();
    conversation.is_starred = take_bool(&mut rest, "is_starred").unwrap_or(false) || pinned;
    conversation.current_message_id = current.map(|at| grown.ids[at]);
    let mut metadata = Object::new();
    metadata.insert("source".to_owned(), Source::ChatGpt.as_str().into());
    metadata.insert("external_id".to_owned(), external_id.clone().into());
    keep_raw(&mut metadata, rest);
    conversation.metadata = airi_domain::canonicalize(Value::Object(metadata));
    Ok(ImportedConversation {
        source: Source::ChatGpt,
        external_id,
        conversation: fit_conversation(conversation),
        messages: grown.messages,
        attachments: grown.attachments,
        notes,
    })
}

fn external_id(rest: &mut Object, json: &str, notes: &mut Vec<String>) -> String {
    let (id, other) = (take_text(rest, "conversation_id"), take_text(rest, "id"));
    id.or(other).unwrap_or_else(|| {
        notes.push("it has no id; one was made from its bytes".to_owned());
        format!("sha256:{:x}", Sha256::digest(json.as_bytes()))
    })
}

/// A model's name; `auto` is a choice of the window, not a model.
fn model(map: &mut Object, key: &str) -> Option<String> {
    if map.get(key).and_then(Value::as_str) == Some("auto") {
        return None;
    }
    take_text(map, key)
}

struct Nodes<'a> {
    /// Every node → its parent.
    parents: HashMap<&'a str, Option<&'a str>>,
    /// Nodes with a message, in order of key.
    messages: Vec<(&'a str, Object)>,
}

impl<'a> Nodes<'a> {
    fn read(mapping: &'a Raw<'a>, notes: &mut Vec<String>) -> Result<Nodes<'a>, String> {
        let mut nodes = Nodes { parents: HashMap::new(), messages: Vec::new() };
        let mut unreadable = 0;
        for (key, raw) in mapping {
            let node: Value = serde_json::from_str(raw.get()).map_err(|error| format!("its node '{key}': {error}"))?;
            let Value::Object(mut node) = node else {
                unreadable += 1;
                nodes.parents.insert(key, None);
                continue;
            };
            let parent = take_text(&mut node, "parent");
            // A key that is not in the mapping stands for itself: it is known to be missing.
            let parent = parent.map(|name| mapping.get_key_value(&name).map_or(MISSING, |(known, _)| known.as_str()));
            nodes.parents.insert(key, parent);
            match node.remove("message") {
                Some(Value::Object(message)) => nodes.messages.push((key, message)),
                None | Some(Value::Null) => {}
                Some(_) => unreadable += 1,
            }
        }
        if unreadable > 0 {
            notes.push(format!("{unreadable} nodes are no messages and were left out"));
        }
        Ok(nodes)
    }
}

const MISSING: &str = "\u{0}missing";

/// The nearest message at or above a node. What was found is remembered for every node passed, so long chains of nodes
/// without messages stay linear.
fn nearest<'a>(
    from: Option<&'a str>,
    parents: &HashMap<&'a str, Option<&'a str>>,
    place: &HashMap<String, usize>,
    known: &mut HashMap<&'a str, Parent>,
) -> Parent {
    let mut passed = HashSet::new();
    let mut at = from;
    let found = loop {
        let Some(key) = at else { break Parent::Start };
        if let Some(place) = place.get(key) {
            break Parent::Of(*place);
        }
        if let Some(found) = known.get(key) {
            break *found;
        }
        if !passed.insert(key) {
            break Parent::Unknown;
        }
        match parents.get(key) {
            Some(parent) => at = *parent,
            None => break Parent::Unknown,
        }
    };
    for key in passed {
        known.insert(key, found);
    }
    found
}

fn draft(key: &str, mut message: Object, default_model: Option<&str>, assets: &Assets) -> Draft {
    let mut author = take_object(&mut message, "author").unwrap_or_default();
    let said = take_text(&mut author, "role");
    let role = said.as_deref().and_then(|role| role.parse::<Role>().ok());
    let mut draft = Draft::new(key.to_owned(), role.unwrap_or(Role::System));
    if role.is_none() {
        draft.metadata.insert("fitted".to_owned(), json!({ "role": { "original": said } }));
    }
    let role = draft.message.role;
    let author_name = author.get("name").and_then(Value::as_str).map(str::to_owned);
    draft.created = take_time(&mut message, "create_time");
    if message.get("id").and_then(Value::as_str) == Some(key) {
        message.remove("id");
    }

    let mut extra = take_object(&mut message, "metadata").unwrap_or_default();
    let own_model = model(&mut extra, "model_slug");
    if extra.get("default_model_slug").and_then(Value::as_str) == default_model {
        extra.remove("default_model_slug");
    }
    if role == Role::Assistant || own_model.is_some() {
        draft.message.provider_id = Some(PROVIDER.to_owned());
    }
    let fallback = if role == Role::Assistant { default_model.map(str::to_owned) } else { None };
    draft.message.model_id = own_model.or(fallback);
    if let Some(mut details) = take_object(&mut extra, "finish_details") {
        draft.message.finish_reason = take_text(&mut details, "type");
        details.remove("stop_tokens");
        if !details.is_empty() {
            extra.insert("finish_details".to_owned(), Value::Object(details));
        }
    }

    let recipient = message.get("recipient").and_then(Value::as_str).unwrap_or("all").to_owned();
    let content = take_object(&mut message, "content").unwrap_or_default();
    let voice = chatgpt_content::Voice { role, name: author_name.as_deref(), recipient: &recipient };
    let mut read = chatgpt_content::read(content, &voice);
    for key in ["citations", "content_references", "search_result_groups"] {
        if let Some(list) = take_list(&mut extra, key)
            && !list.is_empty()
        {
            draft.metadata.insert(key.to_owned(), Value::Array(list));
        }
    }
    add_files(&mut draft, &mut extra, &read.pointers, assets);

    let flag = |extra: &mut Object, key: &str| take_bool(extra, key).unwrap_or(false);
    let flagged = flag(&mut extra, "is_visually_hidden_from_conversation") | flag(&mut extra, "is_user_system_message");
    let has_media = !read.pointers.is_empty();
    let plumbing = recipient != "all" || matches!(role, Role::Tool | Role::Function) && !has_media;
    let is_empty = read.text.trim().is_empty() && read.blocks.is_empty() && draft.files.is_empty();
    if flagged || plumbing || read.hidden || (is_empty && role != Role::User) {
        draft.metadata.insert("hidden".to_owned(), true.into());
    }
    if !read.blocks.is_empty() {
        draft.metadata.insert("blocks".to_owned(), Value::Array(read.blocks));
    }
    if !read.marks.is_empty() {
        draft.metadata.insert("marks".to_owned(), Value::Array(read.marks));
    }
    draft.message.content = read.text;
    draft.message.content_type = read.content_type;

    // What says no more than the usual is left out of `raw`.
    for (key, usual) in
        [("status", json!("finished_successfully")), ("recipient", json!("all")), ("weight", json!(1.0))]
    {
        if message.get(key) == Some(&usual) || (key == "weight" && message.get(key) == Some(&json!(1))) {
            message.remove(key);
        }
    }
    if !extra.is_empty() {
        message.insert("metadata".to_owned(), Value::Object(extra));
    }
    if !author.is_empty() {
        message.insert("author".to_owned(), Value::Object(author));
    }
    super::fields::prune(&mut read.rest);
    if !read.rest.is_empty() {
        message.insert("content".to_owned(), Value::Object(read.rest));
    }
    keep_raw(&mut draft.metadata, message);
    draft
}

/// The files that `metadata.attachments` lists and those that the content points to: often the same, met under one id.
fn add_files(draft: &mut Draft, extra: &mut Object, pointers: &[chatgpt_content::Pointer], assets: &Assets) {
    let listed = take_list(extra, "attachments").unwrap_or_default();
    let mut odd = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (position, value) in listed.into_iter().enumerate() {
        let Value::Object(mut map) = value else {
            odd.push(value);
            continue;
        };
        let id = take_text(&mut map, "id").unwrap_or_else(|| format!("#{position}"));
        if by_id.contains_key(&id) {
            continue;
        }
        let (asset, real_name) = assets.find(&id);
        let name = take_text(&mut map, "name").or(real_name).unwrap_or_else(|| id.clone());
        let asset = asset.or_else(|| assets.named(&name));
        let mut file = DraftFile::new(id.clone(), name);
        let row = &mut file.attachment;
        row.mime_type = take_text(&mut map, "mime_type")
            .or_else(|| take_text(&mut map, "mimeType"))
            .or_else(|| mime_of(&row.file_name).map(str::to_owned));
        row.file_size = take_count(&mut map, "size").or(asset.as_ref().map(|asset| asset.size as i64));
        row.width = take_count(&mut map, "width");
        row.height = take_count(&mut map, "height");
        let mut metadata = file_metadata(&id);
        keep_raw(&mut metadata, map);
        row.metadata = Value::Object(metadata);
        file.asset = asset;
        by_id.insert(id, draft.files.len());
        draft.files.push(file);
    }
    if !odd.is_empty() {
        extra.insert("attachments".to_owned(), Value::Array(odd));
    }
    for pointer in pointers {
        let at = *by_id.entry(pointer.id.clone()).or_insert_with(|| {
            let (asset, real_name) = assets.find(&pointer.id);
            let name = real_name
                .or_else(|| asset.as_ref().and_then(|a| a.name.rsplit('/').next()).map(str::to_owned))
                .unwrap_or_else(|| pointer.id.clone());
            let mut file = DraftFile::new(pointer.id.clone(), name);
            file.attachment.file_size = asset.as_ref().map(|asset| asset.size as i64);
            file.attachment.metadata = Value::Object(file_metadata(&pointer.id));
            file.asset = asset;
            draft.files.push(file);
            draft.files.len() - 1
        });
        let row = &mut draft.files[at].attachment;
        row.width = row.width.or(pointer.width);
        row.height = row.height.or(pointer.height);
        row.file_size = row.file_size.or(pointer.size);
        row.duration_seconds = row.duration_seconds.or(pointer.seconds);
        if row.mime_type.is_none() {
            let by_name = mime_of(&row.file_name).map(str::to_owned);
            row.mime_type = by_name
                .or_else(|| pointer.format.as_deref().and_then(|f| mime_of(&format!(".{f}")).map(str::to_owned)));
        }
        if !pointer.rest.is_empty()
            && let Value::Object(metadata) = &mut row.metadata
        {
            metadata.insert("pointer".to_owned(), Value::Object(pointer.rest.clone()));
        }
    }
}

fn file_metadata(id: &str) -> Object {
    let mut metadata = Object::new();
    metadata.insert("source".to_owned(), Source::ChatGpt.as_str().into());
    metadata.insert("external_id".to_owned(), id.into());
    metadata
}

#[cfg(test)]
#[path = "chatgpt_tests.rs"]
mod tests;
