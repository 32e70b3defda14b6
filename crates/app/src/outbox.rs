//! What waits to be sent.

use crate::{App, AppError};
use airi_contract::{CommandError, OutboxRow};

/// More than this is not listed; the status tells how many there are.
const LISTED: usize = 1000;

impl App {
    pub fn outbox(&self) -> Result<Vec<OutboxRow>, CommandError> {
        let entries = self.profile().store.read().and_then(|reader| reader.outbox(LISTED)).map_err(AppError::from)?;
        let rows = entries.into_iter().map(|entry| OutboxRow {
            id: entry.op_id.to_string(),
            conversation_id: entry.lane.to_string(),
            table: entry.table.as_str().to_owned(),
            row_id: entry.row_id.to_string(),
            kind: entry.kind.as_str().to_owned(),
            state: if entry.wedged { "wedged" } else { "pending" }.to_owned(),
            attempts: entry.attempts,
            error: entry.error,
            created_at: entry.created_at.to_string(),
        });
        Ok(rows.collect())
    }
}
