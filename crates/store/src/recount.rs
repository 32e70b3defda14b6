//! How much there is, from sums that are kept rather than counted.

use crate::{Reader, StoreError};

/// What the library holds, deleted rows left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub conversations: u64,
    pub messages: u64,
    pub attachments: u64,
    /// Operations that wait to be sent.
    pub outbox: u64,
    /// Operations that the server refused.
    pub wedged: u64,
    /// Rows of the server that could not be stored.
    pub parked: u64,
}

impl Reader {
    /// Counts for the status line. Messages of deleted conversations are left out with them.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        let one = |sql: &str| -> Result<u64, StoreError> {
            Ok(self.connection().prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
        };
        Ok(Totals {
            conversations: one("select sum(n) from list_counts where list in ('active', 'archived')")?,
            messages: one("select n from list_counts where list = 'messages'")?,
            attachments: one(
                "select (select count(*) from attachments) - (select count(*) from attachments where hidden = 1) \
                 - (select count(*) from conversations c cross join attachments a on a.conversation_id = c.id \
                    where c.deleted_at is not null and a.hidden = 0)",
            )?,
            outbox: one("select count(*) from outbox")?,
            wedged: one("select count(*) from outbox where state = 'wedged'")?,
            parked: one("select count(*) from parked")?,
        })
    }

    /// How many rows the index has when it is complete: every title, and every message that is not deleted.
    pub fn indexed_rows(&self) -> Result<u64, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select (select count(*) from conversations) + (select count(*) from messages where deleted_at is null)",
        )?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    /// The same by looking at every row: what [`Reader::totals`] keeps, held to what there is. None while a conversation waits
    /// to be worked out anew.
    pub fn recounted(&self) -> Result<Option<Totals>, StoreError> {
        let one = |sql: &str| -> Result<u64, StoreError> {
            Ok(self.connection().query_row(sql, [], |row| row.get::<_, i64>(0))? as u64)
        };
        if one("select exists (select 1 from conversations where view_stale = 1)")? == 1 {
            return Ok(None);
        }
        Ok(Some(Totals {
            conversations: one("select count(*) from conversations where deleted_at is null")?,
            messages: one("select count(*) from messages m join conversations c on c.id = m.conversation_id \
                 where m.deleted_at is null and c.deleted_at is null")?,
            attachments: one("select count(*) from attachments a join messages m on m.id = a.message_id \
                 join conversations c on c.id = m.conversation_id where m.deleted_at is null and c.deleted_at is null")?,
            ..self.totals()?
        }))
    }

    /// Conversations whose kept counters differ from a recount of their rows: none, in a sound library.
    pub fn miscounted(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select lower(hex(c.uuid)) from conversations c where view_stale = 0 and message_count <> \
             (select count(*) from messages m where m.conversation_id = c.id and m.deleted_at is null)",
        )?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}
