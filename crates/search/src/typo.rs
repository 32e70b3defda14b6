//! A second try for words that are nowhere: the nearest word that is. Only for words of letters, of at least four (one
//! slip) or eight (two) of them; what was typed exactly and found is never touched.

use crate::IndexError;
use crate::overlay::Overlay;
use crate::query::Query;
use crate::schema::Fields;
use crate::tokens::{Class, class};
use std::collections::HashMap;
use tantivy::query::FuzzyTermQuery;
use tantivy::{Searcher, Term};

/// Other spellings tried for each word.
pub(crate) const TRIES: usize = 3;

/// Slips that are forgiven in this word.
fn forgiven(word: &str) -> usize {
    let letters = word.chars().all(|c| class(c) == Class::Letter);
    match word.chars().count() {
        4..8 if letters => 1,
        8..=64 if letters => 2,
        _ => 0,
    }
}

/// The query with unknown words replaced by their nearest neighbours: best first, empty when nothing is near.
pub(crate) fn corrections(
    query: &Query,
    searcher: &Searcher,
    fields: &Fields,
    overlay: Option<&Overlay>,
) -> Result<Vec<Query>, IndexError> {
    let mut replaced: Vec<(usize, Vec<String>)> = Vec::new();
    for (at, clause) in query.clauses.iter().enumerate() {
        let Some(word) = clause.needle.single().filter(|_| !clause.negated && !clause.quoted) else { continue };
        let slips = forgiven(word);
        if slips == 0 || is_known(word, searcher, fields)? || overlay.is_some_and(|o| o.contains_word(&clause.needle)) {
            continue;
        }
        let near = neighbours(word, slips, clause.needle.prefix, searcher, fields, overlay)?;
        if !near.is_empty() {
            replaced.push((at, near));
        }
    }
    let tries = replaced.iter().map(|(_, near)| near.len()).max().unwrap_or(0).min(TRIES);
    let pick = |n: usize| -> Vec<(usize, String)> {
        replaced.iter().map(|(at, near)| (*at, near[n.min(near.len() - 1)].clone())).collect()
    };
    Ok((0..tries).map(|n| query.with_words(&pick(n))).collect())
}

fn is_known(word: &str, searcher: &Searcher, fields: &Fields) -> Result<bool, IndexError> {
    for field in fields.parts {
        if searcher.doc_freq(&Term::from_field_text(field, word))? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Nearest first, then the most common.
fn neighbours(
    word: &str,
    slips: usize,
    prefix: bool,
    searcher: &Searcher,
    fields: &Fields,
    overlay: Option<&Overlay>,
) -> Result<Vec<String>, IndexError> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for field in fields.parts {
        let term = Term::from_field_text(field, word);
        let fuzzy = match prefix {
            true => FuzzyTermQuery::new_prefix(term, slips as u8, true),
            false => FuzzyTermQuery::new(term, slips as u8, true),
        };
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let mut stream = inverted.terms().search(fuzzy.automaton()?).into_stream()?;
            while let Some((key, info)) = stream.next() {
                if let Ok(found) = std::str::from_utf8(key) {
                    *counts.entry(found.to_owned()).or_default() += u64::from(info.doc_freq);
                }
            }
        }
    }
    let length = word.chars().count();
    for found in overlay.into_iter().flat_map(Overlay::words) {
        let near = found.len() <= 4 * 64 && found.chars().count().abs_diff(length) <= slips;
        if near && distance(word, found, false) <= slips {
            *counts.entry(found.to_owned()).or_default() += 1;
        }
    }
    let mut near: Vec<(usize, u64, String)> =
        counts.into_iter().map(|(found, count)| (distance(word, &found, prefix), count, found)).collect();
    near.retain(|(distance, ..)| *distance <= slips);
    near.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then_with(|| a.2.cmp(&b.2)));
    near.truncate(TRIES);
    Ok(near.into_iter().map(|(_, _, found)| found).collect())
}

/// Insertions, removals, replacements and swaps of neighbours between the two; as a prefix, the least to any beginning
/// of `other`.
fn distance(word: &str, other: &str, prefix: bool) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    let last = &rows[a.len()];
    if prefix { last.iter().copied().min().unwrap_or(0) } else { last[b.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted_as_people_make_them() {
        assert_eq!(distance("databse", "database", false), 1);
        assert_eq!(distance("teh", "the", false), 1);
        assert_eq!(distance("datb", "database", true), 1);
        assert_eq!(distance("résumé", "resume", false), 2);
    }

    #[test]
    fn short_words_digits_and_han_are_taken_as_typed() {
        let forgiven: Vec<usize> = ["cat", "word", "database", "sha256", "数据数据", "abc_"].map(forgiven).to_vec();
        assert_eq!(forgiven, [0, 1, 2, 0, 0, 0]);
    }
}
