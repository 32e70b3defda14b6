//! Tokens by day, model, provider or conversation, each model apart, counted from the messages of this device.

use crate::{Reader, StoreError};
use airi_domain::Time;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageGroup {
    Day,
    Model,
    Provider,
    Conversation,
}

/// What one model has under one key; None: not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    pub key: Option<String>,
    /// Of a conversation.
    pub title: Option<String>,
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
            UsageGroup::Conversation => "lower(hex(c.uuid))",
        };
        let title = if group == UsageGroup::Conversation { "c.title" } else { "null" };
        let sql = format!(
            "select {key}, m.model_id, count(*), sum(m.prompt_tokens), sum(m.completion_tokens), sum(m.total_tokens), {title} \
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
                title: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the server counted of its own work for the account, from the rows that it sends: by day where it has summed a
    /// day up, else by call. `since` and `until` are days, the second is left out.
    pub fn served(&self, since: Option<&str>, until: Option<&str>) -> Result<Served, StoreError> {
        let sql = "with days as materialized (select json_extract(row, '$.date') as day, \
               cast(json_extract(row, '$.total_estimated_cost') as real) as cost, \
               json_extract(row, '$.total_tokens') as tokens, json_extract(row, '$.message_count') as calls \
             from server_rows where table_name = 'usage_daily_aggregates'), \
             calls as (select substr(json_extract(row, '$.created_at'), 1, 10) as day, \
               cast(json_extract(row, '$.estimated_cost') as real) as cost, json_extract(row, '$.total_tokens') as tokens \
             from server_rows where table_name = 'usage_logs'), \
             every as (select day, cost, tokens, calls from days \
               union all select day, cost, tokens, 1 from calls where day not in (select day from days)) \
             select sum(cost), coalesce(sum(tokens), 0), coalesce(sum(calls), 0) from every \
             where (?1 is null or day >= ?1) and (?2 is null or day < ?2)";
        let mut statement = self.connection().prepare_cached(sql)?;
        Ok(statement.query_row([since, until], |row| {
            Ok(Served { cost: row.get(0)?, tokens: row.get::<_, f64>(1)? as u64, calls: row.get::<_, f64>(2)? as u64 })
        })?)
    }
}

/// What the server did for an account, as it counts it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// As the server estimates it, in US dollars; None: nothing.
    pub cost: Option<f64>,
    pub tokens: u64,
    pub calls: u64,
}
