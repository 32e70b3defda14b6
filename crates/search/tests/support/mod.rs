//! A folder with an index, and short ways to ask.
#![allow(dead_code, reason = "each test file uses its share")]

use airi_domain::Time;
use airi_search::{Doc, Hits, Index, Load, Options, Overlay, ParseOptions, Query, Scope, Sort};
use airi_testkit::DEFAULT_NOW;
use tempfile::TempDir;

pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    pub(crate) index: Index,
}

pub(crate) fn now() -> Time {
    Time::from_micros(DEFAULT_NOW).unwrap()
}

/// So many days before now.
pub(crate) fn days_ago(days: i64) -> Time {
    now().plus_micros(-days * 86_400_000_000)
}

pub(crate) fn query(text: &str) -> Query {
    Query::parse(text, &ParseOptions { prefix_last: false, now: now(), utc_offset_seconds: 0 }).unwrap()
}

pub(crate) fn typing(text: &str) -> Query {
    Query::parse(text, &ParseOptions { prefix_last: true, now: now(), utc_offset_seconds: 0 }).unwrap()
}

pub(crate) fn options() -> Options {
    Options { limit: 100, ..Options::new(now()) }
}

pub(crate) fn newest() -> Options {
    Options { sort: Sort::Newest, ..options() }
}

impl Fixture {
    pub(crate) fn empty() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), "mirror").unwrap().into_index();
        Fixture { dir, index }
    }

    pub(crate) fn with(docs: &[Doc]) -> Fixture {
        let fixture = Fixture::empty();
        fixture.commit(docs, docs.len() as i64);
        fixture
    }

    pub(crate) fn commit(&self, docs: &[Doc], position: i64) {
        let mut writer = self.index.writer(Load::Steady).unwrap();
        for doc in docs {
            writer.put(doc).unwrap();
        }
        writer.commit(position).unwrap();
        writer.finish().unwrap();
    }

    pub(crate) fn search(&self, query: &Query, options: &Options, overlay: Option<&Overlay>) -> Hits {
        self.index.search(query, &Scope::default(), options, overlay).unwrap()
    }

    /// Message ids found; a title as the negative of its conversation.
    pub(crate) fn find(&self, text: &str) -> Vec<i64> {
        ids(&self.search(&query(text), &options(), None))
    }

    /// The same, sorted.
    pub(crate) fn found(&self, text: &str) -> Vec<i64> {
        let mut ids = self.find(text);
        ids.sort_unstable();
        ids
    }
}

pub(crate) fn ids(hits: &Hits) -> Vec<i64> {
    hits.hits.iter().map(|hit| if hit.message == 0 { -hit.conversation } else { hit.message }).collect()
}
