//! What is saved but not committed to the index yet, held in memory: a message is found the moment it is saved. It
//! supersedes what the index still says of the same rows. For some thousands of rows; beyond that, commit.

use crate::filter::MessageFilter;
use crate::query::{Needle, Query};
use crate::schema::{PARTS, Part, key};
use crate::terms::Terms;
use crate::{Doc, Scope};
use std::collections::{HashMap, HashSet};

/// Keep one beside the index: `put` and `remove…` with every change, a new one after each commit (with the changes that
/// came after the committed position).
#[derive(Debug, Default)]
pub struct Overlay {
    rows: HashMap<u64, Row>,
    removed: HashSet<u64>,
    removed_conversations: HashSet<i64>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) conversation: i64,
    pub(crate) created_at: i64,
    flags: u64,
    model: Option<String>,
    provider: Option<String>,
    parts: [Terms; PARTS],
}

/// Numbers of the main index that make the overlay's scores comparable.
pub(crate) struct Statistics {
    /// By part: mean number of tokens a row.
    pub(crate) mean_length: [f32; PARTS],
    /// By wanted needle and part: the sum of its tokens' weights (inverse document frequencies).
    pub(crate) rarity: Vec<[f32; PARTS]>,
}

impl Overlay {
    pub fn new<'a>(docs: impl IntoIterator<Item = Doc<'a>>) -> Overlay {
        let mut overlay = Overlay::default();
        for doc in docs {
            overlay.put(&doc);
        }
        overlay
    }

    pub fn put(&mut self, doc: &Doc) {
        let row = Row {
            conversation: doc.conversation,
            created_at: doc.created_at.micros(),
            flags: doc.flags(),
            model: doc.model.map(str::to_owned),
            provider: doc.provider.map(str::to_owned),
            parts: doc.parts().map(Terms::new),
        };
        self.removed.remove(&doc.key());
        self.rows.insert(doc.key(), row);
    }

    pub fn remove_message(&mut self, message: i64) {
        let key = key(0, message);
        self.rows.remove(&key);
        self.removed.insert(key);
    }

    pub fn remove_conversation(&mut self, conversation: i64) {
        self.rows.retain(|_, row| row.conversation != conversation);
        self.removed_conversations.insert(conversation);
    }

    /// Rows held, not counting removals.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.removed.is_empty() && self.removed_conversations.is_empty()
    }

    pub(crate) fn has_no_rows(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn supersedes(&self, key: u64, conversation: i64) -> bool {
        self.removed_conversations.contains(&conversation)
            || self.rows.contains_key(&key)
            || self.removed.contains(&key)
    }

    /// Rows that the query, scope and filters let through.
    pub(crate) fn matching<'a>(
        &'a self,
        query: &'a Query,
        scope: &'a Scope,
        filter: &'a MessageFilter,
    ) -> impl Iterator<Item = (u64, &'a Row)> {
        let rows = self.rows.iter().filter(move |(_, row)| {
            scope.contains(row.conversation)
                && filter.accepts_time(row.created_at)
                && filter.accepts_flags(row.flags)
                && filter.accepts_names(row.model.as_deref(), row.provider.as_deref())
                && query.wanted().all(|needle| row.has(needle))
                && !query.unwanted().any(|needle| row.has(needle))
        });
        rows.map(|(key, row)| (*key, row))
    }

    pub(crate) fn contains_word(&self, needle: &Needle) -> bool {
        self.rows.values().any(|row| row.has(needle))
    }

    /// The parts of a row in which any of the words stands.
    pub(crate) fn parts_with(&self, key: u64, query: &Query) -> Vec<Part> {
        let Some(row) = self.rows.get(&key) else { return Vec::new() };
        let has = |part: &Part| query.wanted().any(|needle| row.parts[*part as usize].count(needle) > 0);
        Part::ALL.into_iter().filter(has).collect()
    }

    /// Different tokens of all rows, some more than once.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.rows.values().flat_map(|row| &row.parts).flat_map(Terms::words)
    }
}

impl Row {
    fn has(&self, needle: &Needle) -> bool {
        self.parts.iter().any(|terms| terms.count(needle) > 0)
    }

    /// What the index would give for it: the best part that holds all words, or all parts together.
    pub(crate) fn score(&self, query: &Query, statistics: &Statistics) -> f32 {
        let (mut best, mut across) = (0f32, 0f32);
        let mut in_part = [Some(0f32); PARTS];
        for (n, needle) in query.wanted().enumerate() {
            let mut here = 0f32;
            for part in Part::ALL {
                let at = part as usize;
                let terms = &self.parts[at];
                let count = terms.count(needle) as f32;
                if count == 0.0 {
                    in_part[at] = None;
                    continue;
                }
                let length = 0.25 + 0.75 * terms.length as f32 / statistics.mean_length[at].max(1.0);
                let score = part.weight() * statistics.rarity[n][at] * 2.2 * count / (count + 1.2 * length);
                in_part[at] = in_part[at].map(|sum| sum + score);
                here = here.max(score);
            }
            across += here;
        }
        for score in in_part.into_iter().flatten() {
            best = best.max(score);
        }
        if best > 0.0 { best } else { across }
    }
}
