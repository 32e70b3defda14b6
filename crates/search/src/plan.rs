//! From needles to the engine's queries.
//!
//! Each part of a row (title, text, …) is asked on its own, because a plain conjunction of words in one field is what
//! the engine can cut short (block-max WAND); a query across fields has to score every row.

use crate::IndexError;
use crate::query::{Needle, Query};
use crate::schema::{Fields, PARTS, Part};
use crate::view::View;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use tantivy::Term;
use tantivy::query::{
    BooleanQuery, BoostQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query as EngineQuery, QueryClone, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

type Boxed = Box<dyn EngineQuery>;

/// A prefix stands for so many words at first, the most common ones, each with its own weight.
const FEW_WORDS: usize = 20;
/// One or two letters stand for very common words: the search is for the eye while typing goes on.
const FEWER_WORDS: usize = 8;
/// A prefix is not looked up further than that in a segment's dictionary.
const SCANNED: usize = 20_000;
/// A word typed in full is worth more than longer ones that begin with it.
const TYPED_IN_FULL: f32 = 1.5;

/// The queries of one question.
pub(crate) struct Plan {
    /// By wanted needle, by part: None where the index holds no such word.
    clauses: Vec<[Option<Boxed>; PARTS]>,
    unwanted: Vec<Boxed>,
    /// A prefix stands for more words than were taken.
    pub(crate) cut: bool,
}

pub(crate) struct Planner<'a> {
    pub(crate) view: &'a View,
    pub(crate) fields: &'a Fields,
    /// Where the common words of a prefix found too little: every word, without its weight.
    pub(crate) every_word: bool,
}

impl Planner<'_> {
    pub(crate) fn plan(&self, query: &Query) -> Result<Plan, IndexError> {
        let mut plan = Plan { clauses: Vec::new(), unwanted: Vec::new(), cut: false };
        for needle in query.wanted() {
            let mut row: [Option<Boxed>; PARTS] = Default::default();
            for part in self.parts() {
                row[part as usize] = self.needle(needle, self.field(part), &mut plan.cut)?;
            }
            plan.clauses.push(row);
        }
        for needle in query.unwanted() {
            for part in self.parts() {
                plan.unwanted.extend(self.needle(needle, self.field(part), &mut plan.cut)?);
            }
        }
        Ok(plan)
    }

    fn parts(&self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(|part| self.view.tokens[*part as usize] > 0)
    }

    fn field(&self, part: Part) -> Field {
        self.fields.parts[part as usize]
    }

    fn needle(&self, needle: &Needle, field: Field, cut: &mut bool) -> Result<Option<Boxed>, IndexError> {
        let mut ways: Vec<(Occur, Boxed)> = Vec::new();
        if let Some(word) = needle.single() {
            self.word(word, needle.prefix, field, &mut ways, cut)?;
        } else {
            ways.extend(self.phrase(needle, field, cut)?.map(|phrase| (Occur::Should, phrase)));
        }
        if let Some(whole) = &needle.whole {
            self.word(whole, needle.prefix, field, &mut ways, cut)?;
        }
        Ok(match ways.len() {
            0 => None,
            1 => ways.pop().map(|(_, only)| only),
            _ => Some(Box::new(BooleanQuery::new(ways))),
        })
    }

    fn phrase(&self, needle: &Needle, field: Field, cut: &mut bool) -> Result<Option<Boxed>, IndexError> {
        let terms: Vec<Term> = needle.parts.iter().map(|part| Term::from_field_text(field, part)).collect();
        let exact = if needle.prefix { &terms[..terms.len() - 1] } else { &terms[..] };
        for term in exact {
            if self.view.searcher.doc_freq(term)? == 0 {
                return Ok(None);
            }
        }
        if !needle.prefix {
            return Ok(Some(Box::new(PhraseQuery::new(terms))));
        }
        // The engine takes the first in the alphabet; all of them are for the second round.
        if let Some(last) = needle.parts.last().filter(|_| !self.every_word) {
            *cut |= self.words_with_prefix(last, field, cut)?.len() > FEW_WORDS;
        }
        let mut phrase = PhrasePrefixQuery::new(terms);
        phrase.set_max_expansions(if self.every_word { SCANNED } else { FEW_WORDS } as u32);
        Ok(Some(Box::new(phrase)))
    }

    fn word(
        &self,
        word: &str,
        prefix: bool,
        field: Field,
        ways: &mut Vec<(Occur, Boxed)>,
        cut: &mut bool,
    ) -> Result<(), IndexError> {
        let exact = Term::from_field_text(field, word);
        if self.view.searcher.doc_freq(&exact)? > 0 {
            let query: Boxed = Box::new(TermQuery::new(exact, IndexRecordOption::WithFreqs));
            ways.push((Occur::Should, if prefix { Box::new(BoostQuery::new(query, TYPED_IN_FULL)) } else { query }));
        }
        if !prefix {
            return Ok(());
        }
        if self.every_word {
            let mut every = PhrasePrefixQuery::new(vec![Term::from_field_text(field, word)]);
            every.set_max_expansions(u32::MAX);
            ways.push((Occur::Should, Box::new(every)));
            return Ok(());
        }
        let found = self.words_with_prefix(word, field, cut)?;
        let few = if word.chars().count() <= 2 { FEWER_WORDS } else { FEW_WORDS };
        *cut |= found.len() > few;
        for (longer, _) in found.into_iter().take(few) {
            let term = Term::from_field_text(field, &longer);
            ways.push((Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))));
        }
        Ok(())
    }

    /// Longer words that begin so, the most common first, at least `FEW_WORDS` and one where there are so many.
    fn words_with_prefix(&self, word: &str, field: Field, cut: &mut bool) -> Result<Vec<(String, u64)>, IndexError> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for segment in self.view.searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let mut stream = inverted.terms().range().gt(word.as_bytes()).into_stream()?;
            // A dictionary has very many rare words: most are never copied.
            let mut common: BinaryHeap<Reverse<(u32, String)>> = BinaryHeap::new();
            let mut scanned = 0;
            while let Some((key, info)) = stream.next() {
                if !key.starts_with(word.as_bytes()) {
                    break;
                }
                scanned += 1;
                if scanned > SCANNED {
                    *cut = true;
                    break;
                }
                let full = common.len() > 2 * FEW_WORDS;
                if full && common.peek().is_some_and(|Reverse((least, _))| info.doc_freq <= *least) {
                    continue;
                }
                let Ok(found) = std::str::from_utf8(key) else { continue };
                common.push(Reverse((info.doc_freq, found.to_owned())));
                if full {
                    common.pop();
                }
            }
            for Reverse((count, found)) in common {
                *counts.entry(found).or_default() += u64::from(count);
            }
        }
        let mut found: Vec<(String, u64)> = counts.into_iter().collect();
        found.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(found)
    }
}

impl Plan {
    /// All words within one part; None when that part cannot hold all of them.
    pub(crate) fn within(&self, part: Part) -> Option<Boxed> {
        let clauses: Option<Vec<Boxed>> =
            self.clauses.iter().map(|row| row[part as usize].as_ref().map(|query| query.box_clone())).collect();
        let mut clauses = clauses?;
        // A conjunction of one hides from the engine that it could be cut short.
        if clauses.len() <= 1 { clauses.pop() } else { Some(Box::new(BooleanQuery::intersection(clauses))) }
    }

    /// Whether a row can hold all words, some in one part and some in another.
    pub(crate) fn spans_parts(&self) -> bool {
        let parts = |row: &[Option<Boxed>; PARTS]| (1..PARTS).filter(|&part| row[part].is_some()).collect::<Vec<_>>();
        let all: Vec<_> = self.clauses.iter().map(parts).collect();
        all.len() > 1
            && all.iter().all(|parts| !parts.is_empty())
            && all.iter().flatten().any(|part| *part != all[0][0])
    }

    /// All words, each in any part. None when a word is nowhere.
    pub(crate) fn across(&self) -> Option<Boxed> {
        let mut clauses: Vec<Boxed> = Vec::new();
        for row in &self.clauses {
            let mut ways: Vec<Boxed> = Vec::new();
            for part in Part::ALL {
                if let Some(query) = &row[part as usize] {
                    ways.push(match part.weight() {
                        1.0 => query.box_clone(),
                        weight => Box::new(BoostQuery::new(query.box_clone(), weight)),
                    });
                }
            }
            clauses.push(if ways.len() == 1 { ways.pop()? } else { Box::new(BooleanQuery::union(ways)) });
        }
        if self.clauses.iter().any(|row| row.iter().all(Option::is_none)) {
            return None;
        }
        if clauses.len() == 1 { clauses.pop() } else { Some(Box::new(BooleanQuery::intersection(clauses))) }
    }

    /// The only part that holds any of the words, when there is only one.
    pub(crate) fn only_part(&self) -> Option<Part> {
        let held = |part: &Part| self.clauses.iter().any(|row| row[*part as usize].is_some());
        let mut parts = Part::ALL.into_iter().filter(held);
        parts.next().filter(|_| parts.next().is_none())
    }

    /// Any of the words, in one part.
    pub(crate) fn any_within(&self, part: Part) -> Option<Boxed> {
        let ways: Vec<Boxed> =
            self.clauses.iter().filter_map(|row| Some(row[part as usize].as_ref()?.box_clone())).collect();
        if ways.is_empty() { None } else { Some(Box::new(BooleanQuery::union(ways))) }
    }

    /// Rows that must not be; None: there are none.
    pub(crate) fn unwanted(&self) -> Option<Boxed> {
        if self.unwanted.is_empty() {
            return None;
        }
        Some(Box::new(BooleanQuery::union(self.unwanted.iter().map(|query| query.box_clone()).collect())))
    }
}
