//! The conversation lists, by keyset: a page costs the same wherever it lies and however long the list is.

use crate::conversations::{record, select_records};
use crate::{ConversationRecord, Reader, StoreError};
use airi_domain::Time;
use rusqlite::params;

/// Which conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Active,
    Starred,
    Archived,
    Trash,
    /// Everything that is not in the trash.
    All,
}

impl List {
    fn condition(self) -> &'static str {
        match self {
            List::Active => "deleted_at is null and is_archived = 0",
            List::Starred => "deleted_at is null and is_starred = 1",
            List::Archived => "deleted_at is null and is_archived = 1",
            List::Trash => "deleted_at is not null",
            List::All => "deleted_at is null",
        }
    }

    fn index(self) -> &'static str {
        match self {
            List::Active => "conversations_active",
            List::Starred => "conversations_starred",
            List::Archived => "conversations_archived",
            List::Trash => "conversations_trash",
            List::All => "conversations_kept",
        }
    }
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListCursor {
    pub last_message_at: i64,
    pub key: i64,
}

/// A page, newest activity first.
#[derive(Debug, Clone)]
pub struct ListPage {
    pub records: Vec<ConversationRecord>,
    /// None on the last page.
    pub next: Option<ListCursor>,
}

impl Reader {
    /// The page after `after` (None: the first), of at most `limit` conversations.
    pub fn list(
        &self,
        list: List,
        tag: Option<&str>,
        after: Option<ListCursor>,
        limit: usize,
    ) -> Result<ListPage, StoreError> {
        let after = after.unwrap_or(ListCursor { last_message_at: i64::MAX, key: i64::MAX });
        let tagged = match tag {
            Some(_) => "and exists (select 1 from json_each(tags) where value = ?4)",
            None => "and ?4 is null",
        };
        let sql = select_records(&format!(
            "indexed by {} where {} and (last_message_at, id) < (?1, ?2) {tagged} \
             order by last_message_at desc, id desc limit ?3",
            list.index(),
            list.condition(),
        ));
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(params![after.last_message_at, after.key, limit + 1, tag], record)?;
        let mut records = rows.collect::<Result<Vec<_>, _>>()?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = match records.last() {
            Some(last) if more => Some(ListCursor { last_message_at: last.last_message_at.micros(), key: last.key }),
            _ => None,
        };
        Ok(ListPage { records, next })
    }

    /// How many conversations a list has; with a tag it is counted, without one it is kept.
    pub fn list_total(&self, list: List, tag: Option<&str>) -> Result<u64, StoreError> {
        if let Some(tag) = tag {
            let sql = format!(
                "select count(*) from conversations where {} and exists (select 1 from json_each(tags) where value = ?1)",
                list.condition()
            );
            return Ok(self.connection().prepare_cached(&sql)?.query_row([tag], |row| row.get::<_, i64>(0))? as u64);
        }
        let names = match list {
            List::Active => "('active')",
            List::Starred => "('starred')",
            List::Archived => "('archived')",
            List::Trash => "('trash')",
            List::All => "('active', 'archived')",
        };
        let sql = format!("select sum(n) from list_counts where list in {names}");
        Ok(self.connection().prepare_cached(&sql)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Every tag of conversations that are not in the trash, most used first.
    pub fn tags(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select value, count(*) from conversations indexed by conversations_tagged, json_each(tags) \
             where tags <> '[]' and deleted_at is null group by value order by count(*) desc, value",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The keys of the conversations that a condition on flags, tag or time of the last message holds for: what searches
    /// are narrowed by.
    pub fn keys_where(
        &self,
        list: Option<List>,
        tag: Option<&str>,
        since: Option<Time>,
        until: Option<Time>,
    ) -> Result<Vec<i64>, StoreError> {
        let condition = list.map_or("1", List::condition);
        let sql = format!(
            "select id from conversations where {condition} and (?1 is null or exists (select 1 from json_each(tags) \
             where lower(value) = lower(?1))) and (?2 is null or last_message_at >= ?2) \
             and (?3 is null or last_message_at < ?3) order by created_at, uuid"
        );
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement
            .query_map(params![tag, since.map(Time::micros), until.map(Time::micros)], |row| row.get::<_, i64>(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The keys of the conversations whose title contains every word of a text, case folded.
    pub fn keys_titled(&self, words: &str) -> Result<Vec<i64>, StoreError> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let mut statement =
            self.connection().prepare_cached("select id, title from conversations where title is not null")?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            // SQLite folds the case of ASCII only.
            let title = row.get_ref(1)?.as_str().unwrap_or("").to_lowercase();
            if words.iter().all(|word| title.contains(word)) {
                keys.push(row.get(0)?);
            }
        }
        Ok(keys)
    }
}
