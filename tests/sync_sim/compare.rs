//! Whether a device holds what the server holds: all rows with all travelling fields, the bytes of files, the thread in the
//! same order, counters that are right.

use airi_domain::{
    Attachment, Conversation, ConversationId, Message, MessageId, Patch, apply_to_conversation, apply_to_message,
    canonicalize,
};
use airi_store::{OutboxKind, Place};
use airi_testkit::cloud::ModelCloud;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

use crate::device::Device;
use crate::oracle::id_of;

/// What differs, in words. Lanes in `waiting` hold a refused change and may differ.
pub(crate) fn differences(
    device: &Device,
    cloud: &ModelCloud,
    waiting: &BTreeSet<Uuid>,
    odd: &BTreeSet<Uuid>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let reader = device.store.read().expect("a reader");
    let (mut conversations, mut messages, mut attachments) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut lanes = BTreeMap::new();
    for key in reader.conversation_keys().expect("keys") {
        let record = reader.conversation_by_key(key).expect("a read").expect("a conversation");
        let lane = record.conversation.id.0;
        for message in reader.messages_of(key).expect("messages") {
            lanes.insert(message.message.id.0, lane);
            messages.insert(message.message.id.0, message_as_row(&message.message));
        }
        for attachment in reader.attachments_in(key).expect("attachments") {
            lanes.insert(attachment.id.0, lane);
            let hash = attachment.sha256.clone();
            if let Some(hash) = hash.filter(|_| !attachment.storage_path.is_empty() && !waiting.contains(&lane))
                && !device.files.is_sound(&hash).expect("a file")
            {
                problems.push(format!("d{} lacks the bytes of {}", device.index, attachment.id));
            }
            attachments.insert(attachment.id.0, attachment_as_row(&attachment));
        }
        lanes.insert(lane, lane);
        conversations.insert(lane, conversation_as_row(&record.conversation));
    }
    // Where a change waits here, messages may be on the server alone.
    for row in cloud.rows(device.owner.0, "chat_messages") {
        if let (Some(id), Some(lane)) = (id_of(&row, "id"), id_of(&row, "conversation_id")) {
            lanes.entry(id).or_insert(lane);
        }
    }
    for (table, held) in
        [("conversations", conversations), ("chat_messages", messages), ("message_attachments", attachments)]
    {
        let mut server: BTreeMap<Uuid, Value> = BTreeMap::new();
        for row in cloud.rows(device.owner.0, table) {
            if let Some(id) = id_of(&row, "id") {
                server.insert(id, travelling(table, row, odd.contains(&id)));
            }
        }
        let lane_of = |id: &Uuid, row: &Value| {
            lanes
                .get(id)
                .copied()
                .or_else(|| id_of(row, "conversation_id"))
                .or_else(|| id_of(row, "message_id").and_then(|m| lanes.get(&m).copied()))
                .unwrap_or(*id)
        };
        let all: BTreeSet<Uuid> = held.keys().chain(server.keys()).copied().collect();
        for id in all {
            let (here, there) = (held.get(&id), server.get(&id));
            if here == there || waiting.contains(&lane_of(&id, here.or(there).unwrap_or(&Value::Null))) {
                continue;
            }
            match (here, there) {
                (Some(_), None) => problems.push(format!("d{} holds {table} {id}, the server does not", device.index)),
                (None, Some(_)) => problems.push(format!("d{} lacks {table} {id}", device.index)),
                (Some(here), Some(there)) => {
                    for (name, value) in there.as_object().into_iter().flatten() {
                        if here.get(name) != Some(value) {
                            let held = here.get(name).unwrap_or(&Value::Null);
                            problems.push(format!("d{} {table} {id} {name}: {held}, the server {value}", device.index));
                        }
                    }
                }
                (None, None) => {}
            }
        }
    }
    for table in ["user_profiles", "usage_logs"] {
        let mut here = reader.server_rows(table).expect("rows");
        let mut there: Vec<Value> = cloud.rows(device.owner.0, table).into_iter().map(canonicalize).collect();
        for rows in [&mut here, &mut there] {
            rows.sort_by_key(Value::to_string);
        }
        if here != there {
            problems.push(format!("d{} {table}: {here:?}, the server {there:?}", device.index));
        }
    }
    problems
}

/// What must hold of a mirror by itself.
pub(crate) fn unsound(device: &Device) -> Vec<String> {
    let reader = device.store.read().expect("a reader");
    let mut problems: Vec<String> = Vec::new();
    for id in reader.miscounted().expect("a count") {
        problems.push(format!("d{} has miscounted {id}", device.index));
    }
    let (kept, found) = (reader.totals().expect("sums"), reader.recounted().expect("a count"));
    if found.is_none_or(|found| found != kept) {
        problems.push(format!("d{} holds {found:?} and says {kept:?}", device.index));
    }
    if reader.usage_differs().expect("sums") {
        problems.push(format!("d{} has another usage than it says", device.index));
    }
    problems.extend(device.store.integrity_problems().expect("a check"));
    problems
}

/// What a user did shows at once and until the server has answered for it: changes that wait, laid over the row once more,
/// change nothing.
pub(crate) fn not_shown(device: &Device) -> Vec<String> {
    let reader = device.store.read().expect("a reader");
    let mut problems = Vec::new();
    let mut rows: BTreeMap<Uuid, Vec<Patch>> = BTreeMap::new();
    for entry in reader.outbox(10_000).expect("an outbox") {
        if let Some(patch) = entry.patch.filter(|_| entry.kind == OutboxKind::Patch) {
            rows.entry(entry.row_id).or_default().push(patch);
        }
    }
    for (id, patches) in rows {
        let changed = if let Some(record) = reader.conversation(ConversationId(id)).expect("a read") {
            let mut again = record.conversation.clone();
            let applied = patches.iter().all(|patch| apply_to_conversation(&mut again, patch).is_ok());
            let (mut shown, mut again) = (record.conversation, airi_domain::fit_conversation(again));
            // Their order may be another one after the same changes.
            shown.tags.sort();
            again.tags.sort();
            for conversation in [&mut shown, &mut again] {
                conversation.settings = without_empty(conversation.settings.take());
            }
            applied && shown != again
        } else if let Some(record) = reader.message(MessageId(id)).expect("a read") {
            let mut again = record.message.clone();
            let applied = patches.iter().all(|patch| apply_to_message(&mut again, patch).is_ok());
            applied && record.message != airi_domain::fit_message(again)
        } else {
            false
        };
        if changed {
            problems.push(format!("d{} does not show what waits of {id}: {patches:?}", device.index));
        }
    }
    problems
}

/// A leaf that goes may leave the empty object behind in which it was; nobody can tell it from none.
fn without_empty(settings: Value) -> Value {
    match settings {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, without_empty(value)));
            Value::Object(fields.filter(|(_, value)| *value != json!({})).collect())
        }
        other => other,
    }
}

/// The messages in view, per conversation, in their order.
pub(crate) fn views(device: &Device, but: &BTreeSet<Uuid>) -> BTreeMap<Uuid, Vec<Uuid>> {
    let reader = device.store.read().expect("a reader");
    let mut views = BTreeMap::new();
    for key in reader.conversation_keys().expect("keys") {
        let record = reader.conversation_by_key(key).expect("a read").expect("a conversation");
        if but.contains(&record.conversation.id.0) {
            continue;
        }
        let slice = reader.thread_from(key, Place { position: 0, sub: 0 }, 10_000, true).expect("a thread");
        let shown = slice.rows.iter().map(|row| row.record.message.id.0).collect();
        views.insert(record.conversation.id.0, shown);
    }
    views
}

/// A row of the server without what is the server's alone, in the mirror's words.
pub(crate) fn travelling(table: &str, row: Value, odd: bool) -> Value {
    let Value::Object(mut fields) = row else { return row };
    fields.remove("user_id");
    fields.remove("change_seq");
    if table == "conversations" {
        for name in ["model_id", "provider_id"] {
            if fields.get(name) == Some(&json!("")) {
                fields.insert(name.into(), Value::Null);
            }
        }
    }
    let row = Value::Object(fields);
    if !odd {
        return canonicalize(row);
    }
    // Another client wrote what the mirror keeps in another form: the form that the rules give it.
    match table {
        "conversations" => serde_json::from_value(without_nulls(row.clone()))
            .map_or(row, |c: Conversation| conversation_as_row(&airi_domain::fit_conversation(c))),
        "chat_messages" => serde_json::from_value(without_nulls(row.clone()))
            .map_or(row, |m: Message| message_as_row(&airi_domain::fit_message(m))),
        _ => canonicalize(row),
    }
}

fn without_nulls(row: Value) -> Value {
    match row {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

pub(crate) fn conversation_as_row(conversation: &Conversation) -> Value {
    canonicalize(json!(conversation))
}

pub(crate) fn message_as_row(message: &Message) -> Value {
    canonicalize(json!(message))
}

fn attachment_as_row(attachment: &Attachment) -> Value {
    let mut row = json!(attachment);
    if let Value::Object(fields) = &mut row {
        let hash = fields.remove("sha256").filter(|hash| !hash.is_null());
        if let (Some(hash), Some(Value::Object(metadata))) = (hash, fields.get_mut("metadata")) {
            metadata.insert("sha256".into(), hash);
        }
    }
    canonicalize(row)
}
