//! Tokens by day, model, provider or conversation, each model apart, counted from the messages of this device.

use crate::{Reader, StoreError, Writer};
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

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// What the two tables of sums hold, as migration 0009 filled them.
const BY_CONVERSATION: &str = "select conversation_id, (created_at - ((created_at % 86400000000) + 86400000000) % 86400000000) / 86400000000, \
       coalesce(model_id, ''), coalesce(provider_id, ''), count(*), sum(prompt_tokens), sum(completion_tokens), \
       sum(total_tokens) from messages where deleted_at is null group by 1, 2, 3, 4";
const BY_DAY: &str = "select u.day, u.model_id, u.provider_id, sum(u.messages), sum(u.prompt_tokens), sum(u.completion_tokens), \
       sum(u.total_tokens) from usage_by_conversation u join conversations c on c.id = u.conversation_id \
     where c.deleted_at is null group by 1, 2, 3";

impl Writer<'_> {
    /// Sums usage up anew from the messages.
    pub fn sum_usage(&mut self) -> Result<(), StoreError> {
        self.connection().execute_batch(&format!(
            "delete from usage_by_conversation; delete from usage_by_day; insert into usage_by_conversation {BY_CONVERSATION}; \
             delete from usage_by_day; insert into usage_by_day {BY_DAY};"
        ))?;
        Ok(())
    }
}

impl Reader {
    /// Messages and tokens since a moment and before another, deleted rows left out; in order of the keys. From sums that are
    /// kept by days (UTC): a moment within a day costs a look at every message.
    pub fn usage(
        &self,
        group: UsageGroup,
        since: Option<Time>,
        until: Option<Time>,
    ) -> Result<Vec<UsageLine>, StoreError> {
        let (since, until) = (since.map(Time::micros), until.map(Time::micros));
        if [since, until].into_iter().flatten().any(|moment| moment % DAY != 0) {
            return self.usage_summed(group, since, until);
        }
        let source = match group {
            UsageGroup::Conversation => {
                "usage_by_conversation u join conversations c on c.id = u.conversation_id and c.deleted_at is null"
            }
            _ => "usage_by_day u",
        };
        let (key, title) = match group {
            UsageGroup::Day => ("date(u.day * 86400, 'unixepoch')", "null"),
            UsageGroup::Model => ("nullif(u.model_id, '')", "null"),
            UsageGroup::Provider => ("nullif(u.provider_id, '')", "null"),
            UsageGroup::Conversation => ("lower(hex(c.uuid))", "c.title"),
        };
        let sql = format!(
            "select {key}, nullif(u.model_id, ''), sum(u.messages), sum(u.prompt_tokens), sum(u.completion_tokens), \
             sum(u.total_tokens), {title} from {source} \
             where (?1 is null or u.day >= ?1) and (?2 is null or u.day < ?2) group by 1, 2 order by 1, 2"
        );
        self.usage_lines(&sql, since.map(|moment| moment / DAY), until.map(|moment| moment / DAY))
    }

    /// Whether the sums that are kept differ from those of the messages, deleted conversations among them: never, in a sound
    /// library.
    pub fn usage_differs(&self) -> Result<bool, StoreError> {
        let differ = |kept: &str, summed: &str| -> Result<bool, StoreError> {
            let sql = format!(
                "with summed as materialized ({summed}) select exists (select * from summed except select * from {kept}) \
                 or exists (select * from {kept} except select * from summed)"
            );
            Ok(self.connection().query_row(&sql, [], |row| row.get(0))?)
        };
        Ok(differ("usage_by_conversation", BY_CONVERSATION)? || differ("usage_by_day", BY_DAY)?)
    }

    /// As [`Reader::usage`], by looking at every message.
    fn usage_summed(
        &self,
        group: UsageGroup,
        since: Option<i64>,
        until: Option<i64>,
    ) -> Result<Vec<UsageLine>, StoreError> {
        let (key, title) = match group {
            UsageGroup::Day => (
                "date((m.created_at - ((m.created_at % 86400000000) + 86400000000) % 86400000000) / 1000000, 'unixepoch')",
                "null",
            ),
            UsageGroup::Model => ("nullif(m.model_id, '')", "null"),
            UsageGroup::Provider => ("nullif(m.provider_id, '')", "null"),
            UsageGroup::Conversation => ("lower(hex(c.uuid))", "c.title"),
        };
        let sql = format!(
            "select {key}, nullif(m.model_id, ''), count(*), sum(m.prompt_tokens), sum(m.completion_tokens), \
             sum(m.total_tokens), {title} from messages m join conversations c on c.id = m.conversation_id \
             where m.deleted_at is null and c.deleted_at is null and (?1 is null or m.created_at >= ?1) \
             and (?2 is null or m.created_at < ?2) group by 1, 2 order by 1, 2"
        );
        self.usage_lines(&sql, since, until)
    }

    fn usage_lines(&self, sql: &str, since: Option<i64>, until: Option<i64>) -> Result<Vec<UsageLine>, StoreError> {
        let mut statement = self.connection().prepare_cached(sql)?;
        let rows = statement.query_map([since, until], |row| {
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
