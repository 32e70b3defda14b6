//! A search from end to end: plan, walk, blend, correct, cut to the page.

use crate::collect::{Found, Rows};
use crate::filter::{MessageFilter, RowFilter};
use crate::overlay::{Overlay, Statistics};
use crate::plan::{Plan, Planner};
use crate::query::Query;
use crate::rank;
use crate::schema::{Fields, PARTS, Part, message_of};
use crate::view::View;
use crate::{IndexError, Scope, typo};
use airi_domain::Time;
use std::collections::{HashMap, HashSet};
use tantivy::Term;
use tantivy::query::{AllQuery, BooleanQuery, ConstScoreQuery, Occur, Query as EngineQuery, QueryClone, TermSetQuery};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By relevance, recent ones a little higher.
    #[default]
    Best,
    Newest,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub limit: usize,
    pub offset: usize,
    pub sort: Sort,
    /// For recency.
    pub now: Time,
    /// At most so many hits of one conversation; 0: all.
    pub per_conversation: usize,
    /// Counting stops here where the number is not known anyway.
    pub count_up_to: usize,
}

impl Options {
    pub fn new(now: Time) -> Options {
        Options { limit: 20, offset: 0, sort: Sort::Best, now, per_conversation: 0, count_up_to: 10_000 }
    }
}

/// One page of results.
#[derive(Debug, Clone, PartialEq)]
pub struct Hits {
    /// Matching rows, before the cap of hits a conversation.
    pub total: usize,
    /// False: there are at least `total`.
    pub total_is_exact: bool,
    pub hits: Vec<Hit>,
    /// What was searched instead because nothing matched what was typed.
    pub corrected: Option<String>,
    /// What was searched: make snippets with this one.
    pub query: Query,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub conversation: i64,
    /// 0: the title.
    pub message: i64,
    /// Comparable within one answer only; 0 when sorted by time.
    pub score: f32,
    pub created_at: Time,
    /// Where any of the words stands, best first; empty for a search by filters alone.
    pub parts: Vec<Part>,
}

/// So many of the most relevant rows are blended with recency, then the next eight times as many, and so on: an order
/// that does not depend on the page asked for.
const WINDOW: usize = 160;
const WINDOW_GROWTH: usize = 8;
/// A scope of so few conversations is asked of the index; a larger one is checked row by row.
const FEW_CONVERSATIONS: usize = 256;

pub(crate) fn search(
    view: &View,
    fields: &Fields,
    query: &Query,
    scope: &Scope,
    options: &Options,
    overlay: Option<&Overlay>,
) -> Result<Hits, IndexError> {
    let search = Search { view, fields, scope, options, overlay };
    let exact = search.run(query)?;
    if exact.total > 0 || !query.has_words() {
        return Ok(exact);
    }
    for corrected in typo::corrections(query, &view.searcher, fields, overlay)? {
        let hits = search.run(&corrected)?;
        if hits.total > 0 {
            return Ok(Hits { corrected: Some(corrected.text().to_owned()), ..hits });
        }
    }
    Ok(exact)
}

struct Search<'a> {
    view: &'a View,
    fields: &'a Fields,
    scope: &'a Scope,
    options: &'a Options,
    overlay: Option<&'a Overlay>,
}

/// Rows in their order, before the page is cut out.
struct Ranked {
    rows: Vec<Found>,
    total: usize,
    exact: bool,
    /// There are rows beyond these.
    more: bool,
}

impl Search<'_> {
    fn run(&self, query: &Query) -> Result<Hits, IndexError> {
        let end = self.options.offset.saturating_add(self.options.limit);
        let empty = Hits { total: 0, total_is_exact: true, hits: Vec::new(), corrected: None, query: query.clone() };
        if query.is_empty() {
            return Ok(empty);
        }
        let filter = MessageFilter::new(query);
        let segments = self.view.searcher.segment_readers().iter().zip(&self.view.columns);
        let filters =
            segments.map(|(segment, columns)| RowFilter::new(segment, columns, self.scope, &filter, self.overlay));
        let rows = Rows { searcher: &self.view.searcher, filters: filters.collect::<Result<_, _>>()? };
        let planner = |every_word| Planner { view: self.view, fields: self.fields, every_word };
        let mut plan = planner(false).plan(query)?;
        let fresh = self.fresh(query, &filter)?;
        let mut window = WINDOW;
        loop {
            if window < end {
                window = window.saturating_mul(WINDOW_GROWTH);
                continue;
            }
            let mut ranked = self.ranked(query, &plan, &rows, &fresh, window)?;
            if plan.cut && !ranked.more && ranked.rows.len() < end {
                // The rarer words that the prefix stands for follow those already found.
                plan = planner(true).plan(query)?;
                let every = self.ranked(query, &plan, &rows, &fresh, window)?;
                let known: HashSet<u64> = ranked.rows.iter().map(|row| row.key).collect();
                ranked.rows.extend(every.rows.into_iter().filter(|row| !known.contains(&row.key)));
                ranked = Ranked { rows: ranked.rows, ..every };
            }
            rank::cap(&mut ranked.rows, self.options.per_conversation);
            if ranked.rows.len() < end && ranked.more && window < 1 << 20 {
                window = window.saturating_mul(WINDOW_GROWTH);
                continue;
            }
            let page: Vec<Found> = ranked.rows.into_iter().skip(self.options.offset).take(self.options.limit).collect();
            let hits = self.hits(query, &plan, &rows, &page)?;
            return Ok(Hits { total: ranked.total, total_is_exact: ranked.exact && !plan.cut, hits, ..empty });
        }
    }

    fn by_relevance(&self, query: &Query) -> bool {
        query.has_words() && self.options.sort == Sort::Best
    }

    /// Filters alone list conversations by their titles, unless the filters speak of messages.
    fn only_titles(query: &Query) -> bool {
        query.clauses.is_empty() && query.message_filters().next().is_none()
    }

    /// Matching rows of the overlay.
    fn fresh(&self, query: &Query, filter: &MessageFilter) -> Result<Vec<Found>, IndexError> {
        let Some(overlay) = self.overlay.filter(|overlay| !overlay.has_no_rows()) else { return Ok(Vec::new()) };
        let statistics = if self.by_relevance(query) { Some(self.statistics(query)?) } else { None };
        let matching = overlay.matching(query, self.scope, filter);
        let wanted = matching.filter(|(key, _)| !Self::only_titles(query) || message_of(*key) == 0);
        let found = wanted.map(|(key, row)| Found {
            score: statistics.as_ref().map_or(0.0, |statistics| row.score(query, statistics)),
            created_at: row.created_at,
            key,
            conversation: row.conversation,
            place: None,
        });
        Ok(found.collect())
    }

    fn ranked(
        &self,
        query: &Query,
        plan: &Plan,
        rows: &Rows,
        fresh: &[Found],
        window: usize,
    ) -> Result<Ranked, IndexError> {
        if !self.by_relevance(query) {
            let mut ranked = self.newest(query, plan, rows, window)?;
            ranked.total += fresh.len();
            ranked.rows.extend(fresh);
            ranked.rows.sort_unstable_by(rank::by_time);
            return Ok(ranked);
        }
        let (mut ranked, last) = self.best(plan, rows, window)?;
        ranked.total += fresh.len();
        ranked.rows.extend(fresh);
        ranked.rows.sort_unstable_by(rank::by_score);
        if ranked.more {
            // Beyond the window not every part has been looked at.
            ranked.rows.truncate(window);
        }
        let (mut from, mut size) = (0, WINDOW);
        while from < ranked.rows.len() {
            let to = size.min(ranked.rows.len());
            for row in &mut ranked.rows[from..to] {
                row.score *= rank::recency(row.created_at, self.options.now);
            }
            ranked.rows[from..to].sort_unstable_by(rank::by_score);
            (from, size) = (to, size.saturating_mul(WINDOW_GROWTH));
        }
        ranked.rows.extend(last);
        Ok(ranked)
    }

    fn newest(&self, query: &Query, plan: &Plan, rows: &Rows, window: usize) -> Result<Ranked, IndexError> {
        let all = if query.has_words() { plan.across() } else { Some(Box::new(AllQuery) as Box<dyn EngineQuery>) };
        let Some(all) = all else { return Ok(Ranked { rows: Vec::new(), total: 0, exact: true, more: false }) };
        let unwanted = plan.unwanted();
        let (found, total) =
            rows.newest(self.narrowed(all).as_ref(), unwanted.as_deref(), window, Self::only_titles(query))?;
        Ok(Ranked { more: found.len() < total, rows: found, total, exact: true })
    }

    /// Rows by bare relevance, and rows to put after all others.
    fn best(&self, plan: &Plan, rows: &Rows, window: usize) -> Result<(Ranked, Vec<Found>), IndexError> {
        let unwanted = plan.unwanted();
        let mut found: HashMap<u64, Found> = HashMap::new();
        // Whether there are rows beyond the window, and whether there would be beyond the smallest.
        let (mut more, mut many) = (false, false);
        for part in Part::ALL {
            let Some(query) = plan.within(part) else { continue };
            let best = rows.best(self.narrowed(query).as_ref(), unwanted.as_deref(), window)?;
            more |= best.len() >= window;
            many |= best.len() >= WINDOW;
            for mut row in best {
                row.score *= part.weight();
                let held = found.entry(row.key).or_insert(row);
                held.score = held.score.max(row.score);
            }
        }
        let across = plan.across();
        // Rows with their words scattered over parts: among the others when those are few, else at the end.
        let mut last = Vec::new();
        if let Some(query) = across.as_ref().filter(|_| plan.spans_parts() && !more) {
            for row in rows.best(self.narrowed(query.box_clone()).as_ref(), unwanted.as_deref(), window)? {
                match found.contains_key(&row.key) {
                    true => {}
                    false if many => last.push(row),
                    false => _ = found.insert(row.key, row),
                }
            }
            more |= found.len() + last.len() >= window;
            last.sort_unstable_by(rank::by_score);
        }
        let known = found.len() + last.len();
        let (total, exact) = match across.filter(|_| more) {
            None => (known, true),
            Some(query) => {
                let most = self.options.count_up_to;
                let counted = rows.count(self.narrowed(query).as_ref(), unwanted.as_deref(), most)?;
                (counted.max(known), counted != most)
            }
        };
        Ok((Ranked { rows: found.into_values().collect(), total, exact, more }, last))
    }

    /// With a scope of few conversations the index looks only at their rows.
    fn narrowed(&self, query: Box<dyn EngineQuery>) -> Box<dyn EngineQuery> {
        let Some(few) = self.scope.few(FEW_CONVERSATIONS) else { return query };
        let field = self.fields.conversation;
        let rows = TermSetQuery::new(few.iter().map(|id| Term::from_field_u64(field, id as u64)));
        let rows = ConstScoreQuery::new(Box::new(rows), 0.0);
        Box::new(BooleanQuery::new(vec![(Occur::Must, query), (Occur::Must, Box::new(rows))]))
    }

    /// The numbers that score rows of the overlay as if they were in the index.
    fn statistics(&self, query: &Query) -> Result<Statistics, IndexError> {
        let fresh = self.overlay.map_or(0, Overlay::len) as f32;
        let old = self.view.rows() as f32;
        // The same numbers as the engine's, so that equal rows score the same on both sides.
        let rows = if old > 0.0 { old } else { fresh };
        // An index that is still empty knows nothing: take what is usual.
        let usual = [5.0, 300.0, 2.0, 20.0, 20.0];
        let mean_length = self.view.tokens.map(|tokens| tokens as f32 / old.max(1.0));
        let mean_length = if old == 0.0 { usual } else { mean_length };
        let mut rarity = Vec::new();
        for needle in query.wanted() {
            let mut sums = [0.0; PARTS];
            for (part, field) in self.fields.parts.iter().enumerate() {
                for word in &needle.parts {
                    let rows_with = self.view.searcher.doc_freq(&Term::from_field_text(*field, word))? as f32;
                    sums[part] += (1.0 + (rows - rows_with + 0.5).max(0.5) / (rows_with + 0.5)).ln();
                }
            }
            rarity.push(sums);
        }
        Ok(Statistics { mean_length, rarity })
    }

    fn hits(&self, query: &Query, plan: &Plan, rows: &Rows, page: &[Found]) -> Result<Vec<Hit>, IndexError> {
        let mut places: Vec<(u32, u32)> = page.iter().filter_map(|row| row.place).collect();
        places.sort_unstable();
        let mut parts: HashMap<(u32, u32), Vec<Part>> = HashMap::new();
        let only = plan.only_part();
        for part in Part::ALL.into_iter().filter(|_| !places.is_empty() && only.is_none()) {
            let Some(any) = plan.any_within(part) else { continue };
            for (place, has) in places.iter().zip(rows.contains(any.as_ref(), &places)?) {
                if has {
                    parts.entry(*place).or_default().push(part);
                }
            }
        }
        let hit = |row: &Found| Hit {
            conversation: row.conversation,
            message: message_of(row.key),
            score: row.score,
            created_at: Time::from_micros(row.created_at).unwrap_or(Time::MIN),
            parts: match row.place {
                Some(place) => match only {
                    Some(part) => vec![part],
                    None => parts.get(&place).cloned().unwrap_or_default(),
                },
                None => self.overlay.map_or_else(Vec::new, |overlay| overlay.parts_with(row.key, query)),
            },
        };
        Ok(page.iter().map(hit).collect())
    }
}
