//! What the model's database holds, and one transaction on it: numbers, tombstones and the triggers of
//! supabase/migrations/005 and 006.

use super::columns::{Fields, Table, Violation, check};
use airi_domain::Time;
use airi_sync::OpResult;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Numbers after a restore begin at the next multiple of this.
const EPOCH_STEP: i64 = 1_000_000_000_000;
/// Those of an epoch that was called for by hand, which has no timeline of its own, at the next multiple of this.
const STEP_BY_HAND: i64 = 100_000_000_000;

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub owner: Uuid,
    pub seq: i64,
    pub fields: Fields,
    /// Conversations: orders the preview; does not travel.
    pub last_message_at: Time,
}

impl Row {
    /// The row as it travels.
    pub(crate) fn travelling(&self) -> Value {
        let mut fields = self.fields.clone();
        fields.insert("change_seq".into(), json!(self.seq));
        Value::Object(fields)
    }

    pub(crate) fn id_in(&self, field: &str) -> Option<Uuid> {
        self.fields.get(field).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Tombstone {
    pub id: Uuid,
    pub seq: i64,
    pub created_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub seq: i64,
    /// In which epoch it moved last.
    pub epoch: String,
}

/// Everything that a backup of the database holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The stored id and the system; a restore brings them back unchanged.
    pub stored_epoch: String,
    pub timeline: u32,
    pub heads: BTreeMap<Uuid, Head>,
    pub tables: [BTreeMap<Uuid, Row>; 8],
    pub tombstones: BTreeMap<(Uuid, Table, Uuid), Tombstone>,
    /// By user, table, row and a number that the row had: the number that its form of then was held under before it was
    /// brought back, 0 when it was made anew after a restore.
    pub restored: BTreeMap<(Uuid, Table, Uuid, i64), i64>,
    pub operations: BTreeMap<(Uuid, Uuid), OpResult>,
    pub objects: BTreeMap<String, Arc<Vec<u8>>>,
    /// New ids are this, counted up.
    pub made_ids: u64,
}

impl State {
    pub(crate) fn epoch(&self) -> String {
        format!("{}:{}", self.stored_epoch, self.timeline)
    }

    pub(crate) fn head(&self, user: Uuid) -> i64 {
        self.heads.get(&user).map_or(0, |head| head.seq)
    }

    /// The number that the form of a row with the number `seq` is measured by.
    pub(crate) fn form_of(&self, user: Uuid, table: Table, id: Uuid, seq: i64) -> i64 {
        self.restored.get(&(user, table, id, seq)).copied().unwrap_or(seq)
    }

    pub(crate) fn row(&self, table: Table, id: Uuid) -> Option<&Row> {
        self.tables[table as usize].get(&id)
    }

    /// A user's rows of a table in order of id.
    pub(crate) fn rows_of(&self, user: Uuid, table: Table) -> impl Iterator<Item = (&Uuid, &Row)> {
        self.tables[table as usize].iter().filter(move |(_, row)| row.owner == user)
    }

    pub(crate) fn new_id(&mut self) -> Uuid {
        self.made_ids += 1;
        // Another hand than the clients': version 4, so it never collides with what they make.
        Uuid::from_u128(0x5e1f_0000_0000_4000_8000_0000_0000_0000 | u128::from(self.made_ids))
    }
}

/// A field of a row that got another value, or its first one.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The server's name of the table.
    pub table: &'static str,
    pub id: Uuid,
    pub field: String,
    pub value: Value,
    /// With a new row: it is not a change of this field alone.
    pub inserted: bool,
}

/// One transaction of one user.
pub(crate) struct Tx<'a> {
    pub state: &'a mut State,
    pub user: Uuid,
    pub now: Time,
    history: &'a mut Vec<Change>,
    bumped: Option<i64>,
    buried: BTreeSet<Uuid>,
}

impl<'a> Tx<'a> {
    pub(crate) fn begin(state: &'a mut State, history: &'a mut Vec<Change>, user: Uuid, now: Time) -> Tx<'a> {
        Tx { state, user, now, history, bumped: None, buried: BTreeSet::new() }
    }

    /// What changed, in the order in which it arrived. It outlives every restore: it is the tests' memory, not the server's.
    fn note(&mut self, table: Table, id: Uuid, old: Option<&Fields>, new: &Fields) {
        if table.is_written() {
            let others = new.iter().filter(|(name, value)| old.is_none_or(|old| old.get(*name) != Some(*value)));
            self.history.extend(others.map(|(name, value)| Change {
                table: table.name(),
                id,
                field: name.clone(),
                value: value.clone(),
                inserted: old.is_none(),
            }));
        }
    }

    fn bump(&mut self) -> i64 {
        let epoch = self.state.epoch();
        // Two restores of one backup begin at the same head, on different timelines.
        let floor = (i64::from(self.state.timeline) - 1) * EPOCH_STEP;
        let head = self.state.heads.entry(self.user).or_insert_with(|| Head { seq: floor, epoch: epoch.clone() });
        if head.epoch != epoch {
            let timeline = |epoch: &str| epoch.rsplit(':').next().map(str::to_owned);
            let by_hand = timeline(&head.epoch) == timeline(&epoch);
            let step = if by_hand { STEP_BY_HAND } else { EPOCH_STEP };
            head.seq = ((head.seq / step + 1) * step).max(floor);
            head.epoch = epoch;
        } else {
            head.seq += 1;
        }
        self.bumped = Some(head.seq);
        head.seq
    }

    /// The number of this transaction for a row: once per transaction, and later than a tombstone of the same row.
    fn number(&mut self, id: Uuid) -> i64 {
        match self.bumped {
            Some(seq) if !self.buried.contains(&id) => seq,
            _ => {
                self.buried.remove(&id);
                self.bump()
            }
        }
    }

    /// Adds a complete row of the caller's. The parents are checked first, as the triggers are.
    pub(crate) fn insert(&mut self, table: Table, id: Uuid, mut fields: Fields) -> Result<i64, Violation> {
        check(table, &fields)?;
        archive_deleted(table, None, &mut fields);
        self.note(table, id, None, &fields);
        let seq = self.number(id);
        let created: Time =
            fields.get("created_at").and_then(Value::as_str).and_then(|t| t.parse().ok()).unwrap_or(self.now);
        if seq >= STEP_BY_HAND {
            self.state.restored.insert((self.user, table, id, seq), 0);
        }
        let row = Row { owner: self.user, seq, fields, last_message_at: created.min(self.now) };
        if table == Table::Messages {
            self.count_message(&row);
        }
        self.state.tables[table as usize].insert(id, row);
        Ok(seq)
    }

    /// Puts other fields into a row; its number moves only when they are others.
    pub(crate) fn update(&mut self, table: Table, id: Uuid, mut fields: Fields) -> Result<i64, Violation> {
        check(table, &fields)?;
        let Some(old) = self.state.row(table, id) else { return Err("the row is gone".into()) };
        if old.fields == fields {
            return Ok(old.seq);
        }
        let old = old.fields.clone();
        archive_deleted(table, Some(&old), &mut fields);
        self.note(table, id, Some(&old), &fields);
        let seq = self.number(id);
        if let Some(row) = self.state.tables[table as usize].get_mut(&id) {
            (row.fields, row.seq) = (fields, seq);
        }
        Ok(seq)
    }

    /// Erases a row with all that hangs on it, and writes one tombstone. False: there was none.
    pub(crate) fn delete(&mut self, table: Table, id: Uuid) -> bool {
        if self.state.row(table, id).is_none_or(|row| row.owner != self.user) {
            return false;
        }
        self.take_out(table, id);
        let seq = match self.bumped {
            Some(seq) => seq,
            None => self.bump(),
        };
        self.buried.insert(id);
        let (new_id, now) = (self.state.new_id(), self.now);
        let tombstone = self.state.tombstones.entry((self.user, table, id)).or_insert_with(|| Tombstone {
            id: new_id,
            seq,
            created_at: now,
        });
        (tombstone.seq, tombstone.created_at) = (seq, now);
        true
    }

    fn take_out(&mut self, table: Table, id: Uuid) {
        self.state.tables[table as usize].remove(&id);
        let (children, field) = match table {
            Table::Conversations => (Table::Messages, "conversation_id"),
            Table::Messages => (Table::Attachments, "message_id"),
            _ => return,
        };
        let hanging: Vec<Uuid> = self.state.tables[children as usize]
            .iter()
            .filter(|(_, row)| row.id_in(field) == Some(id))
            .map(|(id, _)| *id)
            .collect();
        for child in hanging {
            self.take_out(children, child);
        }
    }

    /// The counters of the profile travel; those of the conversation do not.
    fn count_message(&mut self, row: &Row) {
        let created: Time =
            row.fields.get("created_at").and_then(Value::as_str).and_then(|t| t.parse().ok()).unwrap_or(self.now);
        if row.fields.get("deleted_at").is_none_or(Value::is_null)
            && let Some(conversation) = row.id_in("conversation_id")
            && let Some(parent) = self.state.tables[Table::Conversations as usize].get_mut(&conversation)
        {
            parent.last_message_at = parent.last_message_at.max(created.min(self.now));
        }
        if row.fields.get("role").and_then(Value::as_str) != Some("user") {
            return;
        }
        let user = self.user;
        let Some(profile) = self.state.row(Table::Profiles, user) else { return };
        let today: Time = self.now.date().parse().unwrap_or(self.now);
        let mut fields = profile.fields.clone();
        let number = |fields: &Fields, name: &str| fields.get(name).and_then(Value::as_i64).unwrap_or(0);
        let total = number(&fields, "total_message_count") + 1;
        fields.insert("total_message_count".into(), json!(total));
        if created >= today {
            let reset: Time = fields
                .get("last_message_reset_at")
                .and_then(Value::as_str)
                .and_then(|t| t.parse().ok())
                .unwrap_or(today);
            let daily = if reset < today { 1 } else { number(&fields, "daily_message_count") + 1 };
            fields.insert("daily_message_count".into(), json!(daily));
            fields.insert("last_message_reset_at".into(), json!(reset.max(today)));
        }
        let seq = self.number(user);
        if let Some(profile) = self.state.tables[Table::Profiles as usize].get_mut(&user) {
            (profile.fields, profile.seq) = (fields, seq);
        }
    }
}

/// Deleting archives too, so that clients which do not know `deleted_at` hide the conversation.
fn archive_deleted(table: Table, old: Option<&Fields>, fields: &mut Fields) {
    let deleted = |fields: &Fields| fields.get("deleted_at").is_some_and(|value| !value.is_null());
    if table == Table::Conversations && deleted(fields) && !old.is_some_and(deleted) {
        fields.insert("is_archived".into(), json!(true));
    }
}
