//! Walks of one engine query over all segments: the best rows by score, the newest rows, and how many there are.
//!
//! The best are found with the engine's pruning: it skips blocks of rows that cannot reach what is already held. That
//! needs the bare score, so recency is blended in afterwards, over a window of candidates.

use crate::IndexError;
use crate::filter::RowFilter;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tantivy::query::{EnableScoring, Query as EngineQuery, Scorer, Weight};
use tantivy::{DocSet, Searcher, TERMINATED};

/// A row that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) score: f32,
    pub(crate) created_at: i64,
    pub(crate) key: u64,
    pub(crate) conversation: i64,
    /// Segment and row; None: in the overlay.
    pub(crate) place: Option<(u32, u32)>,
}

/// The searcher with a filter for each of its segments.
pub(crate) struct Rows<'a> {
    pub(crate) searcher: &'a Searcher,
    pub(crate) filters: Vec<RowFilter<'a>>,
}

/// Score (its bits: scores are positive, so these have their order), time, key; segment and row.
type Candidate = Reverse<(u32, i64, u64, usize, u32)>;

/// Rows in rising order that must not be among the results.
struct Unwanted(Option<Box<dyn Scorer>>);

impl Unwanted {
    fn holds(&mut self, row: u32) -> bool {
        self.0.as_mut().is_some_and(|rows| rows.doc() == row || (rows.doc() < row && rows.seek(row) == row))
    }
}

impl Rows<'_> {
    fn weight(&self, query: &dyn EngineQuery, scored: bool) -> Result<Box<dyn Weight>, IndexError> {
        let scoring = match scored {
            true => EnableScoring::enabled_from_searcher(self.searcher),
            false => EnableScoring::disabled_from_searcher(self.searcher),
        };
        Ok(query.weight(scoring)?)
    }

    fn unwanted(&self, weight: Option<&dyn Weight>, segment: usize) -> Result<Unwanted, IndexError> {
        let segment = self.searcher.segment_reader(segment as u32);
        Ok(Unwanted(weight.map(|weight| weight.scorer(segment, 1.0)).transpose()?))
    }

    fn found(&self, segment: usize, row: u32, score: f32) -> Found {
        let filter = &self.filters[segment];
        let (key, conversation) = filter.ids(row);
        Found { score, created_at: filter.created_at(row), key, conversation, place: Some((segment as u32, row)) }
    }

    /// The `most` rows of highest score, in no order; of equal scores the newest.
    pub(crate) fn best(
        &self,
        query: &dyn EngineQuery,
        unwanted: Option<&dyn EngineQuery>,
        most: usize,
    ) -> Result<Vec<Found>, IndexError> {
        let weight = self.weight(query, true)?;
        let not = unwanted.map(|query| self.weight(query, false)).transpose()?;
        let mut heap: BinaryHeap<Candidate> = BinaryHeap::new();
        for (segment, filter) in self.filters.iter().enumerate() {
            let mut not = self.unwanted(not.as_deref(), segment)?;
            // The engine passes what is above the threshold: just below the least, so that equals are seen too.
            let threshold = |heap: &BinaryHeap<Candidate>| match heap.peek() {
                Some(Reverse(least)) if heap.len() >= most => f32::from_bits(least.0).next_down(),
                _ => 0.0,
            };
            let start = threshold(&heap);
            weight.for_each_pruning(start, self.searcher.segment_reader(segment as u32), &mut |row, score| {
                let bits = score.max(0.0).to_bits();
                let full = heap.len() >= most;
                let older = |Reverse(least): &Candidate| bits == least.0 && filter.created_at(row) < least.1;
                if !(full && heap.peek().is_some_and(older)) && filter.accepts(row) && !not.holds(row) {
                    heap.push(Reverse((bits, filter.created_at(row), filter.ids(row).0, segment, row)));
                    if full {
                        heap.pop();
                    }
                }
                threshold(&heap)
            })?;
        }
        let rows = heap.into_iter().map(|Reverse((bits, _, _, segment, row))| (segment, row, f32::from_bits(bits)));
        Ok(rows.map(|(segment, row, score)| self.found(segment, row, score)).collect())
    }

    /// Visits every row until `visit` returns false.
    fn each(
        &self,
        query: &dyn EngineQuery,
        unwanted: Option<&dyn EngineQuery>,
        mut visit: impl FnMut(usize, &RowFilter, u32) -> bool,
    ) -> Result<(), IndexError> {
        let weight = self.weight(query, false)?;
        let not = unwanted.map(|query| self.weight(query, false)).transpose()?;
        for (segment, filter) in self.filters.iter().enumerate() {
            let mut not = self.unwanted(not.as_deref(), segment)?;
            let mut rows = weight.scorer(self.searcher.segment_reader(segment as u32), 1.0)?;
            let mut buffer = [0; tantivy::COLLECT_BLOCK_BUFFER_LEN];
            loop {
                let filled = rows.fill_buffer(&mut buffer);
                for &row in &buffer[..filled] {
                    if row != TERMINATED && filter.accepts(row) && !not.holds(row) && !visit(segment, filter, row) {
                        return Ok(());
                    }
                }
                if filled < buffer.len() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The `most` newest rows, in no order, and how many there are in all. With `titles`, only titles.
    pub(crate) fn newest(
        &self,
        query: &dyn EngineQuery,
        unwanted: Option<&dyn EngineQuery>,
        most: usize,
        titles: bool,
    ) -> Result<(Vec<Found>, usize), IndexError> {
        let mut heap: BinaryHeap<Reverse<(i64, u64, usize, u32)>> = BinaryHeap::new();
        let mut total = 0;
        self.each(query, unwanted, |segment, filter, row| {
            if titles && !filter.is_title(row) {
                return true;
            }
            total += 1;
            let time = filter.created_at(row);
            if heap.len() < most || heap.peek().is_some_and(|Reverse(last)| time >= last.0) {
                heap.push(Reverse((time, filter.ids(row).0, segment, row)));
                if heap.len() > most {
                    heap.pop();
                }
            }
            true
        })?;
        let found = heap.into_iter().map(|Reverse((_, _, segment, row))| self.found(segment, row, 0.0));
        Ok((found.collect(), total))
    }

    /// How many rows there are, counting no further than `most`.
    pub(crate) fn count(
        &self,
        query: &dyn EngineQuery,
        unwanted: Option<&dyn EngineQuery>,
        most: usize,
    ) -> Result<usize, IndexError> {
        let whole = unwanted.is_none() && self.filters.iter().all(RowFilter::is_everything);
        if whole && query.is::<tantivy::query::TermQuery>() {
            // The dictionary knows.
            let weight = self.weight(query, false)?;
            let segments = self.searcher.segment_readers().iter();
            if self.searcher.segment_readers().iter().all(|segment| !segment.has_deletes()) {
                return Ok(segments.map(|segment| weight.count(segment)).sum::<tantivy::Result<u32>>()? as usize);
            }
        }
        let mut total = 0;
        if most > 0 {
            self.each(query, unwanted, |_, _, _| {
                total += 1;
                total < most
            })?;
        }
        Ok(total)
    }

    /// Whether the query finds these rows; `places` in rising order.
    pub(crate) fn contains(&self, query: &dyn EngineQuery, places: &[(u32, u32)]) -> Result<Vec<bool>, IndexError> {
        let weight = self.weight(query, false)?;
        let mut out = Vec::with_capacity(places.len());
        for segment in places.chunk_by(|a, b| a.0 == b.0) {
            let mut rows = Unwanted(Some(weight.scorer(self.searcher.segment_reader(segment[0].0), 1.0)?));
            out.extend(segment.iter().map(|&(_, row)| rows.holds(row)));
        }
        Ok(out)
    }
}
