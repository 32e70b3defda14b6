//! One row of the server into the mirror, or aside with the reason.

use crate::pull::is_known;
use crate::wire;
use airi_domain::{MessageId, Time};
use airi_store::{StoreError, WAITED_BEFORE, Writer};
use serde_json::Value;
use uuid::Uuid;

pub(crate) const WAITS_FOR_PARENT: &str = "it waits for the row it belongs to";

/// False when the row was kept aside.
pub(crate) fn store_or_park(w: &mut Writer<'_>, table: &str, row: &Value, now: Time) -> Result<bool, StoreError> {
    let reason = match store_row(w, table, row) {
        Ok(true) => {
            // An older form of it that lay aside has nothing more to say.
            if let Some(id) = row.get("id").and_then(Value::as_str) {
                w.unpark(table, id)?;
            }
            return Ok(true);
        }
        Ok(false) => WAITS_FOR_PARENT.to_owned(),
        Err(RowError::Unreadable(reason)) => reason,
        // What is wrong with one row is that row's; what is wrong with the disk is everybody's.
        Err(RowError::Store(error)) if error.is_about_the_row() => error.to_string(),
        Err(RowError::Store(error)) => return Err(error),
    };
    let id = row.get("id").and_then(Value::as_str).unwrap_or("?").to_owned();
    w.park(table, &id, &reason, row, now)?;
    Ok(false)
}

/// Takes in what lay aside for want of a parent that has come meanwhile. What the server of before had sent is nothing that
/// the one of now has: like all that this device holds it is brought back.
pub(crate) fn take_in_waiting(w: &mut Writer<'_>, now: Time) -> Result<(), StoreError> {
    let mut missing = false;
    for parked in w.parked()? {
        let Ok(row) = serde_json::from_str::<Value>(&parked.row) else { continue };
        match parked.reason.as_str() {
            WAITS_FOR_PARENT | WAITED_BEFORE if went_along(w, &parked.table, &row)? => {
                w.unpark(&parked.table, &parked.id)?;
            }
            WAITS_FOR_PARENT => {
                store_or_park(w, &parked.table, &row, now)?;
            }
            WAITED_BEFORE if matches!(store_row(w, &parked.table, &row), Ok(true)) => {
                w.unpark(&parked.table, &parked.id)?;
                if let Ok(id) = wire::row_id(&row) {
                    w.await_word_of(&parked.table, id)?;
                    missing = true;
                }
            }
            _ => {}
        }
    }
    if missing {
        w.bring_back_missing()?;
        w.offer_files_again()?;
    }
    Ok(())
}

/// Whether what the row belongs to was erased later than it came: it went along, without a tombstone of its own. A parent of
/// that id that is here now is another one, made anew.
fn went_along(w: &Writer<'_>, table: &str, row: &Value) -> Result<bool, StoreError> {
    let seq = wire::change_seq(row);
    let named = |name: &str| row.get(name).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
    let mut parents = vec![];
    match table {
        "chat_messages" => parents.extend(named("conversation_id")),
        "message_attachments" => {
            let message = named("message_id").map(MessageId);
            parents.extend(message.map(|id| id.0));
            if let Some(found) = message.map(|id| w.message(id)).transpose()?.flatten() {
                parents.push(found.message.conversation_id.0);
            }
        }
        _ => {}
    }
    for id in parents {
        if w.was_erased_after(id, seq)? {
            return Ok(true);
        }
    }
    Ok(false)
}

enum RowError {
    Unreadable(String),
    Store(StoreError),
}

impl From<StoreError> for RowError {
    fn from(error: StoreError) -> RowError {
        RowError::Store(error)
    }
}

impl From<String> for RowError {
    fn from(reason: String) -> RowError {
        RowError::Unreadable(reason)
    }
}

/// False when its parent is not here.
fn store_row(w: &mut Writer<'_>, table: &str, row: &Value) -> Result<bool, RowError> {
    wire::check_owner(table, row, w.owner())?;
    let id = wire::row_id(row)?;
    let seq = wire::change_seq(row);
    match table {
        "conversations" => {
            w.pull_conversation(wire::read_conversation(row)?, seq)?;
            Ok(true)
        }
        "chat_messages" => Ok(w.pull_message(wire::read_message(row)?, seq)?),
        "message_attachments" => Ok(w.pull_attachment(wire::read_attachment(row)?, seq)?),
        "tombstones" => {
            let table = row.get("table_name").and_then(Value::as_str).ok_or("it names no table".to_owned())?;
            let erased = row.get("row_id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
            w.pull_tombstone(table, erased.ok_or("it names no row".to_owned())?, seq)?;
            Ok(true)
        }
        name if is_known(name) => {
            w.pull_server_row(name, id, seq, row)?;
            Ok(true)
        }
        other => Err(RowError::Unreadable(format!("the table '{other}' is not known to this version"))),
    }
}
