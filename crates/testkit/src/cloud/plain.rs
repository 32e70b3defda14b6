//! Another client: one that knows nothing of sync and writes the tables as a web app does, bound by the same policies,
//! grants, constraints and triggers.

use super::ModelCloud;
use super::columns::{Fields, Table, check, convert, start};
use super::state::{State, Tx};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A statement that the database did not let through, in about its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// One signed-in user at the tables.
#[derive(Debug, Clone)]
pub struct PlainClient {
    cloud: ModelCloud,
    user: Uuid,
}

/// What clients may update, by column.
fn updatable(table: Table) -> &'static [&'static str] {
    match table {
        Table::Profiles => &["username", "display_name", "avatar_url", "bio", "preferences"],
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
            "settings",
            "tags",
            "is_archived",
            "is_starred",
            "created_at",
            "metadata",
            "deleted_at",
            "current_message_id",
        ],
        Table::Messages => &["rating", "feedback", "deleted_at", "metadata"],
        Table::Attachments => &["storage_path", "metadata"],
        _ => &[],
    }
}

fn table_of(name: &str) -> Result<Table, Refusal> {
    Table::named(name).ok_or_else(|| Refusal(format!("relation \"{name}\" does not exist")))
}

impl PlainClient {
    pub(crate) fn new(cloud: ModelCloud, user: Uuid) -> PlainClient {
        PlainClient { cloud, user }
    }

    /// Inserts one row. Columns left out get their defaults; its id.
    ///
    /// # Errors
    /// What a constraint, a policy or a trigger refuses: nothing was written.
    pub fn insert(&self, table: &str, row: &Map<String, Value>) -> Result<Uuid, Refusal> {
        let table = table_of(table)?;
        if !table.is_written() {
            return Err(Refusal(format!("permission denied for table {}", table.name())));
        }
        let owner = row.get("user_id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
        let inherits = table == Table::Attachments && owner.is_none();
        if owner != Some(self.user) && !inherits {
            return Err(Refusal("new row violates row-level security policy".into()));
        }
        self.cloud.transaction(self.user, |tx| insert(tx, table, row))
    }

    /// Updates one row by its id; whether there was one that the user may see.
    ///
    /// # Errors
    /// What a grant, a constraint or a trigger refuses: nothing was written.
    pub fn update(&self, table: &str, id: Uuid, set: &Map<String, Value>) -> Result<bool, Refusal> {
        let table = table_of(table)?;
        if set.keys().any(|name| !updatable(table).contains(&name.as_str())) {
            return Err(Refusal(format!("permission denied for table {}", table.name())));
        }
        self.cloud.transaction(self.user, |tx| {
            let Some(old) = tx.state.row(table, id).filter(|row| row.owner == tx.user) else { return Ok(false) };
            let mut next = old.fields.clone();
            for (name, value) in set {
                let Some(column) = table.column(name) else { continue };
                next.insert(name.clone(), convert(column, value).map_err(Refusal)?);
            }
            tx.update(table, id, next).map_err(Refusal)?;
            Ok(true)
        })
    }

    /// Deletes one row by its id, for good; whether there was one that the user may see.
    ///
    /// # Errors
    /// A table that users may not delete from.
    pub fn delete(&self, table: &str, id: Uuid) -> Result<bool, Refusal> {
        let table = table_of(table)?;
        if !table.is_written() {
            return Err(Refusal(format!("permission denied for table {}", table.name())));
        }
        self.cloud.transaction(self.user, |tx| Ok(tx.delete(table, id)))
    }
}

fn insert(tx: &mut Tx<'_>, table: Table, given: &Map<String, Value>) -> Result<Uuid, Refusal> {
    let fields = complete(tx.state, table, given, tx.now)?;
    let mut fields = fields;
    fields.insert("user_id".into(), json!(tx.user));
    let id = fields.get("id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
    let id = id.ok_or_else(|| Refusal("null value in column \"id\"".into()))?;
    let parent = match table {
        Table::Messages => Some((Table::Conversations, "conversation_id")),
        Table::Attachments => Some((Table::Messages, "message_id")),
        _ => None,
    };
    if let Some((parents, field)) = parent {
        let named = fields.get(field).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
        if named.and_then(|id| tx.state.row(parents, id)).is_none_or(|row| row.owner != tx.user) {
            return Err(Refusal(format!("{field} does not exist")));
        }
    }
    check(table, &fields).map_err(Refusal)?;
    if tx.state.row(table, id).is_some() {
        return Err(Refusal("duplicate key value violates unique constraint".into()));
    }
    tx.insert(table, id, fields).map_err(Refusal)?;
    Ok(id)
}

/// A row with every column: given, or its default.
pub(crate) fn complete(
    state: &mut State,
    table: Table,
    given: &Map<String, Value>,
    now: airi_domain::Time,
) -> Result<Fields, Refusal> {
    let mut fields = Fields::new();
    for column in table.columns() {
        let value = match given.get(column.name) {
            Some(value) => convert(column, value).map_err(Refusal)?,
            None => start(column, now, || state.new_id()),
        };
        fields.insert(column.name.to_owned(), value);
    }
    Ok(fields)
}
