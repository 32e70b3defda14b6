//! Where the mirror stands with the server, and where each page leads.

use crate::{PullCursor, PullPage, SnapshotPage};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The tables in the order in which parents come before their children; the place is the protocol's rank less one.
pub(crate) const TABLES: [&str; 9] = [
    "user_profiles",
    "conversations",
    "chat_messages",
    "message_attachments",
    "usage_logs",
    "usage_daily_aggregates",
    "subscription_history",
    "payment_history",
    "tombstones",
];

/// What the mirror holds: everything up to this cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub epoch: String,
    #[serde(flatten)]
    pub cursor: PullCursor,
}

/// A snapshot under way: every row of the account by table and id, an order that no change can move a row out of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    pub epoch: String,
    /// The head when it began: what changes meanwhile is pulled from there.
    pub head: i64,
    /// How many tables it is through with.
    pub table: usize,
    pub after: Option<Uuid>,
    /// After a change of epoch: what the server lacks is brought back at the end.
    pub rejoin: bool,
    /// Rows that it has brought, and those that the account had when it began (0: not known).
    #[serde(default)]
    pub done: u64,
    #[serde(default)]
    pub total: u64,
}

impl Walk {
    pub(crate) fn new(epoch: String, head: i64, rejoin: bool, total: u64) -> Walk {
        Walk { epoch, head, table: 0, after: None, rejoin, done: 0, total }
    }

    /// The table that comes next; None at the end. Only a device that brings rows back must know what was erased meanwhile:
    /// first, as in a pull, so that a row that was made anew since finds nothing of the earlier one; and last, for what was
    /// erased while it walked.
    pub(crate) fn table(&self) -> Option<&'static str> {
        let (tombstones, rows) = (&TABLES[TABLES.len() - 1..], &TABLES[..TABLES.len() - 1]);
        let order: [&[&'static str]; 3] = if self.rejoin { [tombstones, rows, tombstones] } else { [&[], rows, &[]] };
        order.into_iter().flatten().nth(self.table).copied()
    }

    /// Where a page leads; None for a page that does not lead on.
    pub(crate) fn past(&self, page: &SnapshotPage) -> Option<Walk> {
        let done = self.done + page.rows.len() as u64;
        match (page.has_more, page.next) {
            (true, Some(next)) if self.after.is_none_or(|after| next > after) => {
                Some(Walk { after: Some(next), done, ..self.clone() })
            }
            (true, _) => None,
            (false, _) => Some(Walk { table: self.table + 1, after: None, done, ..self.clone() }),
        }
    }

    /// Where the mirror stands when the walk is over: at the end of everything up to the head it began with.
    pub(crate) fn end(&self) -> Standing {
        let cursor = PullCursor { seq: self.head, rank: TABLES.len() as i64, id: Uuid::max() };
        Standing { epoch: self.epoch.clone(), cursor }
    }
}

/// What a page of changes says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PullStep {
    /// Another epoch, or a head below the cursor.
    Rejoin,
    /// Store the page's rows and this standing with them. `more`: another page follows.
    Store { standing: Standing, more: bool },
    /// Nothing new.
    Done,
}

/// Where a page of changes leads, or why it makes no sense. A short or empty page is no end: only the server's word is.
pub(crate) fn pull_step(standing: &Standing, page: &PullPage) -> Result<PullStep, &'static str> {
    if page.rejoin {
        return Ok(PullStep::Rejoin);
    }
    if page.epoch != standing.epoch {
        return Err("its epoch is another one than the one that was asked for");
    }
    if page.rows.is_empty() {
        return if page.has_more { Err("an empty page says that more follows") } else { Ok(PullStep::Done) };
    }
    match page.next {
        None => Err("a page of changes did not say where it ends"),
        Some(next) if next <= standing.cursor => Err("the cursor does not move on"),
        Some(cursor) => {
            Ok(PullStep::Store { standing: Standing { epoch: page.epoch.clone(), cursor }, more: page.has_more })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NamedRow;
    use serde_json::json;

    fn cursor(seq: i64) -> PullCursor {
        PullCursor { seq, rank: 3, id: Uuid::nil() }
    }

    fn standing(seq: i64) -> Standing {
        Standing { epoch: "e".into(), cursor: cursor(seq) }
    }

    fn page(rows: usize, next: Option<i64>, has_more: bool) -> PullPage {
        let row = NamedRow { table: "conversations".into(), row: json!({}) };
        PullPage {
            epoch: "e".into(),
            head: 9,
            rejoin: false,
            rows: vec![row; rows],
            parents: vec![],
            next: next.map(cursor),
            has_more,
        }
    }

    fn snapshot(rows: usize, next: Option<Uuid>, has_more: bool) -> SnapshotPage {
        SnapshotPage { epoch: "e".into(), rows: vec![json!({}); rows], has_more, next }
    }

    #[test]
    fn the_cursor_only_ever_moves_on() {
        let step = pull_step(&standing(5), &page(1, Some(7), true)).unwrap();
        assert_eq!(step, PullStep::Store { standing: standing(7), more: true });
        assert!(pull_step(&standing(5), &page(1, Some(5), false)).is_err());
        assert!(pull_step(&standing(5), &page(1, Some(4), false)).is_err());
        assert!(pull_step(&standing(5), &page(1, None, false)).is_err());
    }

    #[test]
    fn the_end_is_what_the_server_calls_so() {
        assert_eq!(pull_step(&standing(5), &page(0, Some(5), false)).unwrap(), PullStep::Done);
        assert!(pull_step(&standing(5), &page(0, Some(5), true)).is_err());
        let short = pull_step(&standing(5), &page(1, Some(6), true)).unwrap();
        assert!(matches!(short, PullStep::Store { more: true, .. }));
    }

    #[test]
    fn another_epoch_is_never_taken_for_this_one() {
        let mut other = page(1, Some(9), false);
        other.epoch = "f".into();
        assert!(pull_step(&standing(5), &other).is_err());
        other.rejoin = true;
        assert_eq!(pull_step(&standing(5), &other).unwrap(), PullStep::Rejoin);
    }

    #[test]
    fn a_walk_goes_through_all_tables_and_counts() {
        let mut walk = Walk::new("e".into(), 4, false, 10);
        let mut seen = vec![];
        while let Some(table) = walk.table() {
            seen.push(table);
            walk = walk.past(&snapshot(2, None, false)).unwrap();
        }
        assert_eq!(seen, TABLES[..8]);
        assert_eq!((walk.done, walk.end().cursor.seq), (16, 4));
        // Bringing back, it knows first and last what was erased.
        let mut walk = Walk::new("e".into(), 4, true, 10);
        let mut seen = vec![];
        while let Some(table) = walk.table() {
            seen.push(table);
            walk = walk.past(&snapshot(0, None, false)).unwrap();
        }
        assert_eq!((seen[0], &seen[1..]), ("tombstones", &TABLES[..]));
    }

    #[test]
    fn a_page_of_the_walk_that_does_not_lead_on_is_told() {
        let walk = Walk::new("e".into(), 4, false, 0).past(&snapshot(1, Some(Uuid::from_u128(5)), true)).unwrap();
        assert_eq!(walk.after, Some(Uuid::from_u128(5)));
        assert!(walk.past(&snapshot(1, Some(Uuid::from_u128(5)), true)).is_none());
        assert!(walk.past(&snapshot(1, None, true)).is_none());
    }
}
