//! What a user asks: words, phrases and filters. Pure: no index, no clock, and no input makes it panic.
//!
//! The language is described for users in `docs/search.md`.

mod dates;
mod needle;
mod parse;

pub(crate) use needle::Needle;

use airi_domain::{Role, Time};
use std::ops::Range;

/// What parsing needs to know of the world.
#[derive(Debug, Clone, Copy)]
pub struct ParseOptions {
    /// The last word is still being typed: it matches as a prefix, and an unfinished filter is no error yet.
    pub prefix_last: bool,
    /// For relative dates.
    pub now: Time,
    /// The user's time zone east of UTC, for the days that dates name.
    pub utc_offset_seconds: i32,
}

/// A parsed question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    pub(crate) text: String,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) filters: Vec<Filter>,
}

/// A word or a phrase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    pub(crate) negated: bool,
    pub(crate) quoted: bool,
    /// Where it stands in the text.
    pub(crate) span: Range<usize>,
    pub(crate) needle: Needle,
}

/// `key:value`, perhaps with a minus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub negated: bool,
    pub kind: FilterKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterKind {
    /// Words of the conversation's title, or its id. Several: any of them.
    In(String),
    /// Several: all of them.
    Tag(String),
    Starred,
    Archived,
    /// In the trash.
    Deleted,
    /// Several: any of them.
    Role(Role),
    /// Part of the model's name, case and accents aside. Several: any of them.
    Model(String),
    /// Part of the provider's name. Several: any of them.
    Provider(String),
    /// Strictly before this moment.
    Before(Time),
    /// At this moment or later.
    After(Time),
    HasAttachment,
}

impl FilterKind {
    /// Whether it speaks of the conversation: the caller answers it from the mirror, as a [`crate::Scope`].
    pub fn is_of_conversation(&self) -> bool {
        use FilterKind as K;
        matches!(self, K::In(_) | K::Tag(_) | K::Starred | K::Archived | K::Deleted)
    }
}

/// Why a text is no question. Messages are for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("'{filter}:{value}' is not understood: after '{filter}:' comes {allowed}")]
    BadValue { filter: &'static str, value: String, allowed: &'static str },
    #[error("'{filter}:' needs a value: {allowed}")]
    NoValue { filter: &'static str, allowed: &'static str },
    #[error("this is too long to search for: at most {max} characters")]
    TooLong { max: usize },
}

impl Query {
    /// Longest text in characters.
    pub const MAX_CHARS: usize = 1000;

    pub fn parse(text: &str, options: &ParseOptions) -> Result<Query, QueryError> {
        parse::parse(text, options)
    }

    /// The filters that the caller has to resolve to a [`crate::Scope`].
    pub fn conversation_filters(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().filter(|filter| filter.kind.is_of_conversation())
    }

    /// The filters that the index applies itself.
    pub fn message_filters(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().filter(|filter| !filter.kind.is_of_conversation())
    }

    /// Whether nothing is asked for: no word that can be searched and no filter.
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty() && self.filters.is_empty()
    }

    /// Whether words are asked for, not only filters.
    pub fn has_words(&self) -> bool {
        self.clauses.iter().any(|clause| !clause.negated)
    }

    /// As it was typed, or as it was corrected.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn wanted(&self) -> impl Iterator<Item = &Needle> {
        self.clauses.iter().filter(|clause| !clause.negated).map(|clause| &clause.needle)
    }

    pub(crate) fn unwanted(&self) -> impl Iterator<Item = &Needle> {
        self.clauses.iter().filter(|clause| clause.negated).map(|clause| &clause.needle)
    }

    /// The same question with some clauses' words replaced, in the text too.
    pub(crate) fn with_words(&self, words: &[(usize, String)]) -> Query {
        let mut next = self.clone();
        for (at, word) in words.iter().rev() {
            if let Some(clause) = next.clauses.get_mut(*at) {
                next.text.replace_range(clause.span.clone(), word);
                clause.needle = Needle::of_word(word.clone());
            }
        }
        let mut moved = 0isize;
        for (at, clause) in next.clauses.iter_mut().enumerate() {
            let start = clause.span.start.saturating_add_signed(moved);
            let mut length = clause.span.len();
            if let Some((_, word)) = words.iter().find(|(changed, _)| *changed == at) {
                moved += word.len() as isize - length as isize;
                length = word.len();
            }
            clause.span = start..start + length;
        }
        next
    }
}
