//! The reading half (supabase/migrations/009, 010 and `sync_audit`): what the caller's rows look like on their way.

use super::columns::Table;
use super::state::{Row, State};
use airi_sync::{AuditPage, AuditRange, NamedRow, Preview, PullCursor, PullPage, SnapshotPage};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Bytes of rows in one answer, about.
const PAGE_BYTES: usize = 4_000_000;
const PAGE_ROWS: usize = 1000;
/// Rows in one range of an audit.
const RANGE_ROWS: usize = 1000;
const MAX_RANGES: usize = 64;
const TOMBSTONES: &str = "tombstones";

/// A row under way, with its place in the order of a pull.
struct Keyed {
    at: PullCursor,
    table: &'static str,
    row: Value,
    parent: Option<Uuid>,
}

impl State {
    fn tombstones_of(&self, user: Uuid) -> impl Iterator<Item = (Uuid, i64, Value)> {
        self.tombstones.iter().filter(move |((owner, ..), _)| *owner == user).map(|((owner, table, row), tombstone)| {
            let value = json!({
                "id": tombstone.id, "user_id": owner, "table_name": table.name(), "row_id": row,
                "created_at": tombstone.created_at, "change_seq": tombstone.seq,
            });
            (tombstone.id, tombstone.seq, value)
        })
    }

    /// The rows of a table in order of id, as they travel; None when there is no such table.
    pub(crate) fn travelling(&self, user: Uuid, table: &str) -> Option<Vec<(Uuid, Value)>> {
        if table == TOMBSTONES {
            let mut rows: Vec<_> = self.tombstones_of(user).map(|(id, _, row)| (id, row)).collect();
            rows.sort_by_key(|(id, _)| *id);
            return Some(rows);
        }
        let table = Table::named(table)?;
        Some(self.rows_of(user, table).map(|(id, row)| (*id, row.travelling())).collect())
    }

    pub(crate) fn snapshot(&self, user: Uuid, table: &str, after: Option<Uuid>, limit: u32) -> Option<SnapshotPage> {
        let limit = (limit as usize).clamp(1, PAGE_ROWS);
        let after_id = after.unwrap_or(Uuid::nil());
        let (mut rows, mut bytes, mut next, mut has_more) = (Vec::new(), 0, after, false);
        for (id, row) in self.travelling(user, table)?.into_iter().filter(|(id, _)| *id > after_id) {
            bytes += row.to_string().len();
            if !rows.is_empty() && (rows.len() == limit || bytes > PAGE_BYTES) {
                has_more = true;
                break;
            }
            rows.push(row);
            next = Some(id);
        }
        Some(SnapshotPage { epoch: self.epoch(), rows, has_more, next })
    }

    pub(crate) fn preview(&self, user: Uuid) -> Preview {
        const CONVERSATIONS: usize = 50;
        const MESSAGES: usize = 40;
        let totals =
            Table::ALL.iter().map(|table| (table.name().to_owned(), json!(self.rows_of(user, *table).count())));
        let totals: Map<String, Value> = totals.collect();
        let lives = |row: &Row| row.fields.get("deleted_at").is_none_or(Value::is_null);
        let mut recent: Vec<_> = self.rows_of(user, Table::Conversations).filter(|(_, row)| lives(row)).collect();
        recent.sort_by_key(|(id, row)| (std::cmp::Reverse(row.last_message_at), **id));
        recent.truncate(CONVERSATIONS);
        let mut preview = Preview {
            epoch: self.epoch(),
            totals,
            conversations: Vec::new(),
            chat_messages: Vec::new(),
            message_attachments: Vec::new(),
        };
        let mut named = BTreeSet::new();
        for (id, conversation) in recent {
            preview.conversations.push(conversation.travelling());
            let mut messages: Vec<_> = self
                .rows_of(user, Table::Messages)
                .filter(|(_, row)| lives(row) && row.id_in("conversation_id") == Some(*id))
                .collect();
            let at = |row: &Row| row.fields.get("created_at").and_then(Value::as_str).unwrap_or("").to_owned();
            messages.sort_by_key(|(id, row)| std::cmp::Reverse((at(row), **id)));
            for (id, message) in messages.into_iter().take(MESSAGES) {
                named.insert(*id);
                preview.chat_messages.push(message.travelling());
            }
        }
        for (_, attachment) in self.rows_of(user, Table::Attachments) {
            if attachment.id_in("message_id").is_some_and(|id| named.contains(&id)) {
                preview.message_attachments.push(attachment.travelling());
            }
        }
        preview
    }

    pub(crate) fn pull(&self, user: Uuid, epoch: &str, cursor: PullCursor, limit: u32) -> PullPage {
        let mut page = PullPage {
            epoch: self.epoch(),
            head: self.head(user),
            rejoin: false,
            rows: Vec::new(),
            parents: Vec::new(),
            next: Some(cursor),
            has_more: false,
        };
        if epoch != page.epoch || cursor.seq > page.head {
            return PullPage { rejoin: true, next: None, ..page };
        }
        let mut found: Vec<Keyed> = Vec::new();
        for table in Table::ALL {
            for (id, row) in self.rows_of(user, table) {
                let at = PullCursor { seq: row.seq, rank: table.rank(), id: *id };
                if at > cursor {
                    let parent = match table {
                        Table::Messages => row.id_in("conversation_id"),
                        Table::Attachments => row.id_in("message_id"),
                        _ => None,
                    };
                    found.push(Keyed { at, table: table.name(), row: row.travelling(), parent });
                }
            }
        }
        for (id, seq, row) in self.tombstones_of(user) {
            let at = PullCursor { seq, rank: 9, id };
            if at > cursor {
                found.push(Keyed { at, table: TOMBSTONES, row, parent: None });
            }
        }
        found.sort_by_key(|keyed| keyed.at);
        let limit = (limit as usize).clamp(1, PAGE_ROWS);
        let (mut bytes, mut on_page) = (0, BTreeSet::new());
        let (mut conversations, mut messages) = (Vec::new(), Vec::new());
        for keyed in found {
            bytes += keyed.row.to_string().len();
            if !page.rows.is_empty() && (page.rows.len() == limit || bytes > PAGE_BYTES) {
                page.has_more = true;
                break;
            }
            let mut conversation = (keyed.at.rank == 3).then_some(keyed.parent).flatten();
            if let Some(message) = keyed.parent.filter(|message| keyed.at.rank == 4 && !messages.contains(message)) {
                messages.push(message);
                conversation = self.row(Table::Messages, message).and_then(|row| row.id_in("conversation_id"));
            }
            if let Some(conversation) = conversation.filter(|id| !conversations.contains(id)) {
                conversations.push(conversation);
            }
            on_page.insert(keyed.at.id);
            page.next = Some(keyed.at);
            page.rows.push(NamedRow { table: keyed.table.to_owned(), row: keyed.row });
        }
        for (table, ids) in [(Table::Conversations, conversations), (Table::Messages, messages)] {
            for id in ids.into_iter().filter(|id| !on_page.contains(id)) {
                if let Some(row) = self.row(table, id).filter(|row| row.owner == user) {
                    page.parents.push(NamedRow { table: table.name().to_owned(), row: row.travelling() });
                }
            }
        }
        page
    }

    pub(crate) fn audit(&self, user: Uuid, table: &str, after: Option<Uuid>, ranges: u32) -> Option<AuditPage> {
        let table = Table::named(table)?;
        let after = after.unwrap_or(Uuid::nil());
        let rows: Vec<(Uuid, i64)> =
            self.rows_of(user, table).map(|(id, row)| (*id, row.seq)).filter(|(id, _)| *id > after).collect();
        let most = (ranges as usize).clamp(1, MAX_RANGES);
        let mut page =
            AuditPage { epoch: self.epoch(), head: self.head(user), ranges: Vec::new(), has_more: false, next: None };
        let mut left = rows.as_slice();
        loop {
            let (range, rest) = left.split_at(left.len().min(RANGE_ROWS));
            let is_last = range.len() < RANGE_ROWS;
            let hash = range.iter().fold(0, |hash, (id, seq)| hash ^ row_hash(*id, *seq));
            let upto = if is_last { Uuid::max() } else { range.last().map_or(Uuid::max(), |(id, _)| *id) };
            page.ranges.push(AuditRange { upto, count: range.len() as u64, hash: format!("{hash:016x}") });
            left = rest;
            if is_last {
                return Some(page);
            }
            if page.ranges.len() == most {
                page.has_more = true;
                page.next = Some(upto);
                return Some(page);
            }
        }
    }
}

fn row_hash(id: Uuid, seq: i64) -> u64 {
    let digest = Sha256::digest(format!("{id}:{seq}").as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}
