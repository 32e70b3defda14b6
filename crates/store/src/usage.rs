//! Tokens by day, model or provider, each model apart, counted from the messages of this device.

use crate::{Reader, StoreError};
use airi_domain::Time;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageGroup {
    Day,
    Model,
    Provider,
}

/// What one model has under one key; None: not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    pub key: Option<String>,
    pub model: Option<String>,
    pub messages: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
}

impl Reader {
    /// Messages and tokens since a moment and before another, deleted rows left out; in order of the keys.
    pub fn usage(
        &self,
        group: UsageGroup,
        since: Option<Time>,
        until: Option<Time>,
    ) -> Result<Vec<UsageLine>, StoreError> {
        let key = match group {
            UsageGroup::Day => "date(m.created_at / 1000000, 'unixepoch')",
            UsageGroup::Model => "m.model_id",
            UsageGroup::Provider => "m.provider_id",
        };
        let sql = format!(
            "select {key}, m.model_id, count(*), sum(m.prompt_tokens), sum(m.completion_tokens), sum(m.total_tokens) \
             from messages m join conversations c on c.id = m.conversation_id \
             where m.deleted_at is null and c.deleted_at is null and (?1 is null or m.created_at >= ?1) \
             and (?2 is null or m.created_at < ?2) group by 1, 2 order by 1, 2"
        );
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map([since.map(Time::micros), until.map(Time::micros)], |row| {
            Ok(UsageLine {
                key: row.get(0)?,
                model: row.get(1)?,
                messages: row.get::<_, i64>(2)? as u64,
                prompt_tokens: row.get::<_, i64>(3)? as u64,
                completion_tokens: row.get::<_, i64>(4)? as u64,
                total_tokens: row.get::<_, i64>(5)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
