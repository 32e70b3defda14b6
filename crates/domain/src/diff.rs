//! The patch that leads from one form of a row to another: what is queued when a user changes something.
//!
//! Made from the rows as they fit the server's columns, so that a patch never holds what the server would refuse. Only
//! fields that a patch may name are compared; laid over `from`, the patch gives `to` in all of them.

use crate::{Conversation, Message, Patch};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What changes `from` into `to`, as far as conversations can be changed.
pub fn diff_conversation(from: &Conversation, to: &Conversation) -> Patch {
    let mut patch = Patch::new();
    let mut note = |field: &str, differs: bool, value: Value| {
        if differs {
            patch.insert(field.to_owned(), value);
        }
    };
    note("title", from.title != to.title, json!(to.title));
    note("summary", from.summary != to.summary, json!(to.summary));
    // One choice in two columns: half of one device's and half of another's would be a model that nobody chose.
    let model = (&from.model_id, &from.provider_id) != (&to.model_id, &to.provider_id);
    note("model_id", model, json!(to.model_id));
    note("provider_id", model, json!(to.provider_id));
    note("avatar_id", from.avatar_id != to.avatar_id, json!(to.avatar_id));
    note("voice_id", from.voice_id != to.voice_id, json!(to.voice_id));
    let personality = from.personality_template != to.personality_template;
    note("personality_template", personality, json!(to.personality_template));
    note("system_prompt", from.system_prompt != to.system_prompt, json!(to.system_prompt));
    note("temperature", from.temperature != to.temperature, json!(to.temperature));
    note("max_tokens", from.max_tokens != to.max_tokens, json!(to.max_tokens));
    note("is_starred", from.is_starred != to.is_starred, json!(to.is_starred));
    note("is_archived", from.is_archived != to.is_archived, json!(to.is_archived));
    note("metadata", from.metadata != to.metadata, to.metadata.clone());
    note("deleted_at", from.deleted_at != to.deleted_at, json!(to.deleted_at));
    note("current_message_id", from.current_message_id != to.current_message_id, json!(to.current_message_id));
    let only_in =
        |a: &[String], b: &[String]| -> Vec<String> { a.iter().filter(|t| !b.contains(t)).cloned().collect() };
    let (added, removed) = (only_in(&to.tags, &from.tags), only_in(&from.tags, &to.tags));
    note("tags_add", !added.is_empty(), json!(added));
    note("tags_remove", !removed.is_empty(), json!(removed));
    let leaves = diff_settings(&from.settings, &to.settings);
    note("settings_set", !leaves.is_empty(), Value::Object(leaves));
    patch
}

/// What changes `from` into `to`, as far as messages can be changed.
pub fn diff_message(from: &Message, to: &Message) -> Patch {
    let mut patch = Patch::new();
    if from.rating != to.rating {
        patch.insert("rating".into(), json!(to.rating));
    }
    if from.feedback != to.feedback {
        patch.insert("feedback".into(), json!(to.feedback));
    }
    if from.deleted_at != to.deleted_at {
        patch.insert("deleted_at".into(), json!(to.deleted_at));
    }
    if from.metadata != to.metadata {
        patch.insert("metadata".into(), to.metadata.clone());
    }
    patch
}

/// What is left of a patch when a later one has replaced some of its values: whole fields by fields, settings by leaf, tags
/// by what was done to them since.
pub fn without_replaced(earlier: Patch, later: &Patch) -> Patch {
    let texts = |field: &str| -> Vec<Value> { later.get(field).and_then(Value::as_array).cloned().unwrap_or_default() };
    let (added, removed) = (texts("tags_add"), texts("tags_remove"));
    let touched = |tag: &Value| added.contains(tag) || removed.contains(tag);
    let mut left = Patch::new();
    for (field, value) in earlier {
        let rest = match (field.as_str(), value) {
            ("tags_add" | "tags_remove", Value::Array(tags)) => {
                Value::Array(tags.into_iter().filter(|tag| !touched(tag)).collect())
            }
            ("settings_set", Value::Object(mut leaves)) => {
                let newer = later.get("settings_set").and_then(Value::as_object);
                leaves.retain(|path, _| newer.is_none_or(|newer| !newer.contains_key(path)));
                Value::Object(leaves)
            }
            (name, _) if later.contains_key(name) => continue,
            (_, value) => value,
        };
        let empty = rest.as_array().is_some_and(Vec::is_empty) || rest.as_object().is_some_and(Map::is_empty);
        if !(empty && ["tags_add", "tags_remove", "settings_set"].contains(&field.as_str())) {
            left.insert(field, rest);
        }
    }
    left
}

/// Leaves by their path; null removes one.
fn diff_settings(from: &Value, to: &Value) -> Map<String, Value> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    collect_leaves("", from, &mut old);
    collect_leaves("", to, &mut new);
    let mut leaves = Map::new();
    for path in old.keys().filter(|path| !new.contains_key(*path)) {
        leaves.insert(missing_part(path, to), Value::Null);
    }
    for (path, leaf) in new {
        if old.get(&path) != Some(&leaf) {
            leaves.insert(path, leaf.clone());
        }
    }
    leaves
}

/// The beginning of a path up to the first name that is not there: an object that is gone goes as a whole.
fn missing_part(path: &str, within: &Value) -> String {
    let mut node = within;
    for (at, _) in path.match_indices('.') {
        let name = path[..at].rsplit('.').next().unwrap_or_default();
        match node.get(name) {
            Some(next) => node = next,
            None => return path[..at].to_owned(),
        }
    }
    path.to_owned()
}

fn collect_leaves<'a>(path: &str, value: &'a Value, into: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() || path.is_empty() => {
            for (name, value) in fields {
                // A name with a dot has no path of its own.
                if !name.contains('.') {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    collect_leaves(&path, value, into);
                }
            }
        }
        leaf => {
            into.insert(path.to_owned(), leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConversationId, MessageId, Role, Time, apply_to_conversation, apply_to_message};
    use uuid::Uuid;

    fn time(micros: i64) -> Time {
        Time::from_micros(micros).unwrap()
    }

    #[test]
    fn the_patch_leads_from_one_conversation_to_the_other() {
        let mut from = Conversation::new(ConversationId(Uuid::from_u128(1)), time(0));
        from.tags = vec!["a".into(), "b".into()];
        from.settings = json!({"view": {"font": "mono", "size": 12}, "x": 1, "z": {"k": 1}, "gone": {"a": {"b": 1}}});
        let mut to = from.clone();
        to.title = Some("T".into());
        to.temperature = 0.1;
        to.tags = vec!["b".into(), "c".into()];
        to.settings = json!({"view": {"font": "serif"}, "x": {"y": 2}, "z": 3});
        to.deleted_at = Some(time(5));
        to.is_archived = true;
        let mut reached = from.clone();
        apply_to_conversation(&mut reached, &diff_conversation(&from, &to)).unwrap();
        assert_eq!(reached, to);
        assert_eq!(diff_conversation(&to, &to), Patch::new());
    }

    #[test]
    fn what_a_later_patch_replaces_is_left_out_of_an_earlier_one() {
        let patch = |value: Value| value.as_object().unwrap().clone();
        let earlier =
            patch(json!({"title": "a", "is_starred": true, "tags_add": ["x", "y"], "settings_set": {"p": 1, "q": 2}}));
        let later = patch(json!({"title": "b", "tags_add": ["z"], "tags_remove": ["x"], "settings_set": {"q": 3}}));
        let left = without_replaced(earlier.clone(), &later);
        assert_eq!(json!(left), json!({"is_starred": true, "tags_add": ["y"], "settings_set": {"p": 1}}));
        assert!(without_replaced(earlier.clone(), &earlier).is_empty());
    }

    #[test]
    fn model_and_provider_travel_together() {
        let from =
            Conversation { provider_id: Some("p".into()), ..Conversation::new(ConversationId(Uuid::nil()), time(0)) };
        let to = Conversation { model_id: Some("m".into()), ..from.clone() };
        assert_eq!(json!(diff_conversation(&from, &to)), json!({"model_id": "m", "provider_id": "p"}));
    }

    #[test]
    fn the_patch_leads_from_one_message_to_the_other() {
        let id = MessageId(Uuid::from_u128(1));
        let from = Message::new(id, ConversationId(Uuid::from_u128(2)), Role::User, "a".into(), time(0));
        let to = Message { rating: Some(3), deleted_at: Some(time(7)), metadata: json!({"a": 1}), ..from.clone() };
        let mut reached = from.clone();
        apply_to_message(&mut reached, &diff_message(&from, &to)).unwrap();
        assert_eq!(reached, to);
    }
}
