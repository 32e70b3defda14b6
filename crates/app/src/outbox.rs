//! What waits to be sent, and what the server refused: in view, and in a file before it is given up.

use crate::export::{CHECK, FileAssets, Fresh, export_error};
use crate::profile::Profile;
use crate::{App, AppError};
use airi_contract::{CommandError, OutboxExport, OutboxRow};
use airi_domain::{AttachmentId, ConversationId, MessageId, Patch};
use airi_formats::export::{ExportConversation, JsonWriter, export_zip_with};
use airi_store::{OutboxEntry, OutboxKind, OutboxTable, Reader, StoreError};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// More than this of each kind is not listed; the status tells how many there are.
const LISTED: usize = 1000;

impl App {
    /// What the server refused, then what waits, each in the order in which it was done.
    pub fn outbox(&self) -> Result<Vec<OutboxRow>, CommandError> {
        let profile = self.profile();
        let reader = profile.store.read().map_err(AppError::from)?;
        Ok(reader.snapshot(rows).map_err(AppError::from)?)
    }

    /// Writes a change and the rows that it concerns to a file, in the format of an export, so that giving it up loses
    /// nothing: `airi import` reads the file. A name that ends in .zip takes the bytes of attachments along.
    ///
    /// # Errors
    /// A file that was there under the name stays as it was.
    pub fn export_change(&self, request: &OutboxExport) -> Result<(), CommandError> {
        Ok(self.write_change(request)?)
    }

    fn write_change(&self, request: &OutboxExport) -> Result<(), AppError> {
        let id = change_id(&request.id)?;
        let profile = self.profile();
        let reader = profile.store.read()?;
        let (change, concerned) = reader.snapshot(|reader| -> Result<_, AppError> {
            let entry = reader
                .outbox_entry(id)?
                .ok_or_else(|| StoreError::NotFound { what: "The change", id: request.id.clone() })?;
            let concerned = rows_of(reader, &entry)?;
            let patch = entry.patch.clone();
            let row = row(reader, entry, &mut HashMap::new())?;
            let mut change = serde_json::to_value(row).map_err(|error| AppError::Internal(error.to_string()))?;
            change["patch"] = patch.map_or(Value::Null, Value::Object);
            Ok((change, concerned))
        })?;
        write(&profile, &PathBuf::from(&request.path), &change, concerned)
    }
}

/// The id of a change, as `airi outbox` shows it.
pub(crate) fn change_id(text: &str) -> Result<Uuid, AppError> {
    Uuid::parse_str(text.trim())
        .map_err(|_| AppError::Invalid(format!("'{text}' is not the id of a change; `airi outbox` shows them.")))
}

fn rows(reader: &Reader) -> Result<Vec<OutboxRow>, StoreError> {
    let mut titles = HashMap::new();
    let refused = reader.refused(LISTED)?;
    // The list begins with the oldest, so how many of a lane were passed already is known without asking again.
    let mut behind: HashMap<ConversationId, u64> = HashMap::new();
    let mut listed = Vec::new();
    for entry in refused {
        listed.push(row(reader, entry, &mut titles)?);
    }
    for entry in reader.outbox(LISTED)? {
        let left = match behind.get(&entry.lane) {
            Some(before) => before.saturating_sub(1),
            None => reader.waiting_behind(entry.lane, entry.key)?,
        };
        behind.insert(entry.lane, left);
        if !entry.wedged {
            let title = title(reader, entry.lane, &mut titles)?;
            listed.push(shown(entry, title, left));
        }
    }
    Ok(listed)
}

type Titles = HashMap<ConversationId, Option<String>>;

fn title(reader: &Reader, id: ConversationId, known: &mut Titles) -> Result<Option<String>, StoreError> {
    if let Some(title) = known.get(&id) {
        return Ok(title.clone());
    }
    let title = reader.conversation(id)?.and_then(|record| record.conversation.title);
    known.insert(id, title.clone());
    Ok(title)
}

fn row(reader: &Reader, entry: OutboxEntry, titles: &mut Titles) -> Result<OutboxRow, StoreError> {
    let behind = reader.waiting_behind(entry.lane, entry.key)?;
    let title = title(reader, entry.lane, titles)?;
    Ok(shown(entry, title, behind))
}

fn shown(entry: OutboxEntry, conversation_title: Option<String>, behind: u64) -> OutboxRow {
    OutboxRow {
        id: entry.op_id.to_string(),
        conversation_id: entry.lane.to_string(),
        conversation_title,
        fields: entry.patch.as_ref().map(fields).unwrap_or_default(),
        code: entry.error_code,
        behind,
        table: entry.table.as_str().to_owned(),
        row_id: entry.row_id.to_string(),
        kind: entry.kind.as_str().to_owned(),
        state: if entry.wedged { "wedged" } else { "pending" }.to_owned(),
        attempts: entry.attempts,
        error: entry.error,
        created_at: entry.created_at.to_string(),
    }
}

/// The columns that a patch changes; its merging forms are no columns.
fn fields(patch: &Patch) -> Vec<String> {
    let column = |key: &String| match key.as_str() {
        "settings_set" => "settings".to_owned(),
        "tags_add" | "tags_remove" => "tags".to_owned(),
        _ => key.clone(),
    };
    patch.keys().map(column).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is here of the rows that a change concerns. None: all of it was erased.
fn rows_of(reader: &Reader, entry: &OutboxEntry) -> Result<Option<ExportConversation>, AppError> {
    let Some(record) = reader.conversation(entry.lane)? else { return Ok(None) };
    let (messages, attachments) = match (entry.table, entry.kind) {
        // Nothing of a new conversation is anywhere else.
        (OutboxTable::Conversations, OutboxKind::Insert) => {
            let messages = reader.messages_of(record.key)?;
            (messages.into_iter().map(|record| record.message).collect(), reader.attachments_in(record.key)?)
        }
        (OutboxTable::Conversations, _) => (Vec::new(), Vec::new()),
        (OutboxTable::Messages, _) => match reader.message(MessageId(entry.row_id))? {
            Some(message) => {
                let attachments = reader.attachments_of(message.key)?;
                (vec![message.message], attachments)
            }
            None => (Vec::new(), Vec::new()),
        },
        (OutboxTable::Attachments, _) => match reader.attachment(AttachmentId(entry.row_id))? {
            Some(attachment) => {
                let message = reader.message(attachment.message_id)?;
                (message.into_iter().map(|record| record.message).collect(), vec![attachment])
            }
            None => (Vec::new(), Vec::new()),
        },
    };
    Ok(Some(ExportConversation { conversation: record.conversation, messages, attachments }))
}

fn write(
    profile: &Profile,
    path: &Path,
    change: &Value,
    concerned: Option<ExportConversation>,
) -> Result<(), AppError> {
    let path = if path.is_dir() { path.join("airi-change.json") } else { path.to_owned() };
    let zipped = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    let fresh = Fresh::beside(&path)?;
    if zipped {
        let rows = concerned.into_iter().map(Ok);
        let assets = FileAssets(profile.files.clone());
        export_zip_with(fresh.writer()?, rows, &assets, Some(("change", change))).map_err(export_error)?;
    } else {
        let written = || -> Result<(), AppError> {
            let failed = || AppError::io(format!("The file {}", path.display()), CHECK);
            let mut writer = JsonWriter::new(fresh.writer()?).map_err(failed())?;
            if let Some(rows) = &concerned {
                writer.write(rows).map_err(failed())?;
            }
            writer.finish_with("change", change).map_err(failed())?;
            Ok(())
        };
        written()?;
    }
    fresh.place(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_names_the_columns_that_it_changes() {
        let patch = json!({ "title": "T", "tags_add": ["a"], "tags_remove": ["b"], "settings_set": { "x.y": 1 } });
        let Value::Object(patch) = patch else { panic!("an object") };
        assert_eq!(fields(&patch), ["settings", "tags", "title"]);
    }

    #[test]
    fn what_is_no_id_is_told() {
        assert!(change_id("x").unwrap_err().to_string().contains("airi outbox"));
    }
}
