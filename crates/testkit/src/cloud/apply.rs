//! One pushed operation, as supabase/migrations/011 applies it: its effect, or the code of its refusal.

use super::columns::{Fields, Table, check, convert, start};
use super::state::{Row, Tx};
use airi_domain::canonicalize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What became of an operation.
pub(crate) enum Outcome {
    Applied(i64),
    /// The row has a later form (its number), or was erased since.
    Superseded(Option<i64>),
    Refused {
        code: &'static str,
        message: Option<String>,
    },
}

fn refused(code: &'static str) -> Outcome {
    Outcome::Refused { code, message: None }
}

fn invalid(message: impl Into<String>) -> Outcome {
    Outcome::Refused { code: "invalid", message: Some(message.into()) }
}

/// What a patch may name, the merging forms left out.
fn patchable(table: Table) -> &'static [&'static str] {
    match table {
        Table::Conversations => &[
            "title",
            "summary",
            "model_id",
            "provider_id",
            "avatar_id",
            "voice_id",
            "personality_template",
            "system_prompt",
            "temperature",
            "max_tokens",
            "is_archived",
            "is_starred",
            "metadata",
            "deleted_at",
            "current_message_id",
        ],
        Table::Messages => &["rating", "feedback", "deleted_at", "metadata"],
        _ => &["storage_path", "metadata"],
    }
}

const MERGING: [&str; 3] = ["settings_set", "tags_add", "tags_remove"];

/// Applies one operation.
pub(crate) fn apply(tx: &mut Tx<'_>, op: &Value) -> Outcome {
    let text = |name: &str| op.get(name).and_then(Value::as_str);
    let table = text("table").and_then(Table::named).filter(|table| table.is_written());
    let id = match text("id").map(Uuid::parse_str) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return invalid("invalid input syntax for type uuid"),
        None => None,
    };
    let held = op.get("held").and_then(Value::as_i64);
    if held.is_some_and(|held| held < 0) && text("kind") != Some("delete") {
        return invalid("held is not the number of a row");
    }
    let object = |name: &str| op.get(name).and_then(Value::as_object);
    match (table, id, text("kind")) {
        (Some(table), Some(id), Some("delete")) => {
            tx.delete(table, id);
            Outcome::Applied(tx.state.head(tx.user))
        }
        (Some(table), Some(id), Some("patch")) => match object("set") {
            Some(set) => patch(tx, table, id, set, held),
            None => invalid("not an operation"),
        },
        (Some(table), Some(id), Some("insert")) => match object("row") {
            Some(row) => insert(tx, table, id, row, held),
            None => invalid("not an operation"),
        },
        _ => invalid("not an operation"),
    }
}

/// Whether the row, or what it hangs on, was erased after the form that would be brought back.
fn erased_since(tx: &Tx<'_>, table: Table, id: Uuid, given: &Map<String, Value>, held: i64) -> bool {
    let parent = match table {
        Table::Messages => Some((Table::Conversations, "conversation_id")),
        Table::Attachments => Some((Table::Messages, "message_id")),
        _ => None,
    };
    let named = parent.and_then(|(table, field)| {
        Some((table, given.get(field).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok())?))
    });
    [Some((table, id)), named]
        .into_iter()
        .flatten()
        .any(|(table, id)| tx.state.tombstones.get(&(tx.user, table, id)).is_some_and(|tombstone| tombstone.seq > held))
}

/// A row that was made anew yields to what was held, but not to what was erased before it was made.
fn erased_before_made(
    tx: &Tx<'_>,
    table: Table,
    id: Uuid,
    given: &Map<String, Value>,
    held: Option<i64>,
) -> Option<Outcome> {
    let old = own(tx, table, id).filter(|old| form(tx, table, id, old.seq) == 0)?;
    erased_since(tx, table, id, given, held?).then_some(Outcome::Superseded(Some(old.seq)))
}

/// The caller's row.
fn own<'a>(tx: &'a Tx<'_>, table: Table, id: Uuid) -> Option<&'a Row> {
    tx.state.row(table, id).filter(|row| row.owner == tx.user)
}

fn form(tx: &Tx<'_>, table: Table, id: Uuid, seq: i64) -> i64 {
    tx.state.form_of(tx.user, table, id, seq)
}

/// Whether the row that is there is as late as the form that would be brought back.
fn is_as_late(tx: &Tx<'_>, table: Table, id: Uuid, there: i64, held: i64) -> bool {
    form(tx, table, id, held) <= form(tx, table, id, there)
}

fn note_held(tx: &mut Tx<'_>, table: Table, id: Uuid, held: Option<i64>, seq: i64) {
    if let Some(held) = held {
        // A number may be given a second time: the one that the row gets now says nothing of what was held under it.
        let held = if held == seq { held } else { form(tx, table, id, held) };
        tx.state.restored.insert((tx.user, table, id, seq), held);
    }
}

fn insert(tx: &mut Tx<'_>, table: Table, id: Uuid, given: &Map<String, Value>, held: Option<i64>) -> Outcome {
    let known = |name: &str| name != "user_id" && table.column(name).is_some();
    if given.keys().any(|name| !known(name)) {
        return refused("forbidden_field");
    }
    match given.get("id").filter(|id| !id.is_null()).map(|id| id.as_str().map(Uuid::parse_str)) {
        None => {}
        Some(Some(Ok(named))) if named == id => {}
        Some(Some(Ok(_))) => return invalid("the row has another id than the operation"),
        Some(_) => return invalid("invalid input syntax for type uuid"),
    }
    if let Some(superseded) = erased_before_made(tx, table, id, given, held) {
        return superseded;
    }
    // What is there already is not looked at again, except that a message must be the same.
    if let Some(old) = own(tx, table, id).filter(|_| table != Table::Messages) {
        match held {
            None => return Outcome::Applied(old.seq),
            Some(held) if is_as_late(tx, table, id, old.seq, held) => return Outcome::Superseded(Some(old.seq)),
            Some(_) => {}
        }
    }
    let mut row = Fields::new();
    for column in table.columns() {
        let value = match given.get(column.name) {
            None => Value::Null,
            Some(value) => match convert(column, value) {
                Ok(value) => value,
                Err(violation) => return invalid(violation),
            },
        };
        row.insert(column.name.to_owned(), value);
    }
    row.insert("id".into(), json!(id));
    row.insert("user_id".into(), json!(tx.user));

    if let Some(old) = own(tx, table, id) {
        if table == Table::Messages {
            let same =
                ["conversation_id", "role", "content"].iter().all(|name| old.fields.get(*name) == row.get(*name))
                    && row.get("created_at").is_none_or(|at| at.is_null() || old.fields.get("created_at") == Some(at));
            if !same {
                return refused("content_conflict");
            }
        }
        return match held {
            None => Outcome::Applied(old.seq),
            Some(held) if is_as_late(tx, table, id, old.seq, held) => Outcome::Superseded(Some(old.seq)),
            Some(held) => bring_back(tx, table, id, &row, given, held),
        };
    }
    if held.is_some_and(|held| erased_since(tx, table, id, given, held)) {
        return Outcome::Superseded(None);
    }
    let now = tx.now;
    for column in table.columns() {
        let filled = row.get(column.name).is_some_and(|value| !value.is_null());
        let value = match column.name {
            _ if filled => continue,
            "model_id" | "provider_id" if table == Table::Conversations => json!(""),
            "storage_path" => json!(""),
            _ => start(column, now, || id),
        };
        row.insert(column.name.to_owned(), value);
    }
    let parent = match table {
        Table::Messages => Some((Table::Conversations, "conversation_id")),
        Table::Attachments => Some((Table::Messages, "message_id")),
        _ => None,
    };
    if let Some((parents, field)) = parent {
        let named = row.get(field).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
        let found = named.and_then(|id| tx.state.row(parents, id)).is_some_and(|parent| parent.owner == tx.user);
        if !found {
            return refused("missing_parent");
        }
    }
    if let Err(violation) = check(table, &row) {
        return invalid(violation);
    }
    if tx.state.row(table, id).is_some() {
        return refused("id_taken");
    }
    match tx.insert(table, id, row) {
        Ok(seq) => {
            note_held(tx, table, id, held, seq);
            Outcome::Applied(seq)
        }
        Err(violation) => invalid(violation),
    }
}

/// An insert that brings back an older form of a row that is there: what a patch may name.
fn bring_back(tx: &mut Tx<'_>, table: Table, id: Uuid, row: &Fields, given: &Map<String, Value>, held: i64) -> Outcome {
    let Some(old) = tx.state.row(table, id) else { return refused("not_found") };
    let mut next = old.fields.clone();
    let merged: &[&str] = if table == Table::Conversations { &["settings", "tags"] } else { &[] };
    for name in patchable(table).iter().chain(merged) {
        if given.contains_key(*name)
            && let Some(value) = row.get(*name)
        {
            next.insert((*name).to_owned(), value.clone());
        }
    }
    stand_in_for_null(table, &mut next);
    finish_update(tx, table, id, next, Some(held))
}

fn patch(tx: &mut Tx<'_>, table: Table, id: Uuid, set: &Map<String, Value>, held: Option<i64>) -> Outcome {
    if let Some(superseded) = erased_before_made(tx, table, id, set, held) {
        return superseded;
    }
    let old = own(tx, table, id);
    if let Some(held) = held {
        // Whether it brings anything back is asked before what it brings.
        match old {
            Some(old) if is_as_late(tx, table, id, old.seq, held) => return Outcome::Superseded(Some(old.seq)),
            None if erased_since(tx, table, id, set, held) => return Outcome::Superseded(None),
            _ => {}
        }
    }
    let merges = |name: &str| table == Table::Conversations && MERGING.contains(&name);
    if set.keys().any(|name| !merges(name) && !patchable(table).contains(&name.as_str())) {
        return refused("forbidden_field");
    }
    let Some(old) = old else { return refused("not_found") };
    let mut next = old.fields.clone();
    for (name, value) in set.iter().filter(|(name, _)| !merges(name)) {
        let Some(column) = table.column(name) else { continue };
        match convert(column, value) {
            Ok(value) => next.insert(name.clone(), value),
            Err(violation) => return invalid(violation),
        };
    }
    if let Some(changes) = set.get("settings_set") {
        let Some(changes) = changes.as_object() else { return invalid("cannot call jsonb_each on a non-object") };
        let mut settings = next.get("settings").cloned().unwrap_or_else(|| json!({}));
        for (path, leaf) in changes {
            set_leaf(&mut settings, path, leaf);
        }
        next.insert("settings".into(), canonicalize(settings));
    }
    if set.contains_key("tags_add") || set.contains_key("tags_remove") {
        let tags = with_tags(next.get("tags"), set.get("tags_add"), set.get("tags_remove"));
        next.insert("tags".into(), tags);
    }
    stand_in_for_null(table, &mut next);
    finish_update(tx, table, id, next, held)
}

fn finish_update(tx: &mut Tx<'_>, table: Table, id: Uuid, next: Fields, held: Option<i64>) -> Outcome {
    match tx.update(table, id, next) {
        Ok(seq) => {
            match held {
                Some(_) => note_held(tx, table, id, held, seq),
                // The same number, but no more the form that was brought back.
                None => {
                    tx.state.restored.remove(&(tx.user, table, id, seq));
                }
            }
            Outcome::Applied(seq)
        }
        Err(violation) => invalid(violation),
    }
}

/// Where the functions give null a meaning.
fn stand_in_for_null(table: Table, fields: &mut Fields) {
    let stands: &[(&str, &str)] = match table {
        Table::Conversations => &[("model_id", "\"\""), ("provider_id", "\"\""), ("metadata", "{}")],
        Table::Messages => &[("metadata", "{}")],
        _ => &[("storage_path", "\"\""), ("metadata", "{}")],
    };
    for (name, text) in stands {
        if fields.get(*name).is_some_and(Value::is_null) {
            fields.insert((*name).to_owned(), serde_json::from_str(text).unwrap_or(Value::Null));
        }
    }
}

/// One leaf of the settings, addressed as `a.b`; null removes, and nothing is made on the way then.
fn set_leaf(settings: &mut Value, path: &str, leaf: &Value) {
    let parts: Vec<&str> = path.split('.').collect();
    let Some((last, way)) = parts.split_last() else { return };
    let mut node = settings;
    for part in way {
        let Value::Object(map) = node else { return };
        if leaf.is_null() {
            match map.get_mut(*part) {
                Some(next) => node = next,
                None => return,
            }
            continue;
        }
        let next = map.entry((*part).to_owned()).or_insert_with(|| json!({}));
        if !next.is_object() {
            *next = json!({});
        }
        node = next;
    }
    let Value::Object(map) = node else { return };
    if leaf.is_null() {
        map.remove(*last);
    } else {
        map.insert((*last).to_owned(), leaf.clone());
    }
}

fn with_tags(tags: Option<&Value>, add: Option<&Value>, remove: Option<&Value>) -> Value {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (gone, mut kept) = (list(remove), Vec::new());
    let stays = list(tags).into_iter().filter(|tag| !gone.contains(tag)).collect::<Vec<_>>();
    for tag in stays.into_iter().chain(list(add)) {
        if !tag.is_null() && !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    Value::Array(kept)
}
