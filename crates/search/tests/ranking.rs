//! The order of results, pages and counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use airi_search::{Doc, Options};
use airi_testkit::Rng;
use std::collections::HashSet;
use support::{Fixture, days_ago, ids, newest, options, query};

#[test]
fn a_title_stands_before_text_before_file_names_before_thinking() {
    let rest = "other words that make the text as long as texts are ".repeat(4);
    let text = format!("zebra {rest}");
    let fixture = Fixture::with(&[
        Doc { thinking: "zebra and more of that", ..Doc::message(1, 1, &rest, days_ago(1)) },
        Doc { file_names: "zebra and.pdf", ..Doc::message(1, 2, &rest, days_ago(1)) },
        Doc::message(1, 3, &text, days_ago(1)),
        Doc::title(1, "About a zebra", days_ago(1)),
    ]);
    let hits = fixture.search(&query("zebra"), &options(), None);
    assert_eq!(hits.hits[0].message, 0, "{hits:?}");
    assert_eq!(ids(&hits).last(), Some(&1), "{hits:?}");
}

#[test]
fn of_equal_matches_the_newer_comes_first_and_equal_times_go_by_id() {
    let docs: Vec<Doc> = (1..=300).map(|n| Doc::message(1, n, "same words", days_ago((n * 7) % 10))).collect();
    let fixture = Fixture::with(&docs);
    for sorted in [options(), newest()] {
        let found = fixture.search(&query("words"), &sorted, None);
        let order: Vec<_> = found.hits.iter().map(|hit| (hit.created_at, hit.message)).collect();
        assert!(order.is_sorted_by(|a, b| a > b), "{order:?}");
        assert!(order[..30].iter().all(|(time, _)| *time == days_ago(0)), "{order:?}");
        assert_eq!((found.total, found.total_is_exact), (300, true));
    }
}

#[test]
fn a_much_better_match_beats_a_newer_one() {
    let fixture = Fixture::with(&[
        Doc::message(1, 1, "tokio tokio tokio runtime", days_ago(900)),
        Doc::message(1, 2, &format!("tokio {}", "filler words ".repeat(80)), days_ago(0)),
    ]);
    assert_eq!(fixture.find("tokio"), [1, 2]);
}

#[test]
fn pages_add_up_to_the_whole() {
    let mut rng = Rng::new(4);
    let texts: Vec<String> = (0..500).map(|_| "word ".repeat(1 + rng.below(5)) + &"x ".repeat(rng.below(30))).collect();
    let docs: Vec<Doc> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| Doc::message(n as i64 % 40, n as i64 + 1, text, days_ago(n as i64)))
        .collect();
    let fixture = Fixture::with(&docs);
    for (base, per_conversation) in [(options(), 0), (options(), 2), (newest(), 0), (newest(), 2)] {
        let page = |offset, limit| {
            let options = Options { offset, limit, per_conversation, ..base.clone() };
            ids(&fixture.search(&query("word"), &options, None))
        };
        let paged: Vec<i64> = (0..10).flat_map(|n| page(n * 50, 50)).collect();
        let expected = if per_conversation == 0 { 500 } else { 80 };
        assert_eq!(paged.iter().collect::<HashSet<_>>().len(), expected);
        assert_eq!(paged, page(0, 500));
    }
}

#[test]
fn one_conversation_cannot_fill_the_page() {
    let mut docs: Vec<Doc> = (1..=3000).map(|n| Doc::message(1, n, "word word word", days_ago(0))).collect();
    docs.push(Doc::message(2, 9000, "word and some other things", days_ago(100)));
    let fixture = Fixture::with(&docs);
    let hits = fixture.search(&query("word"), &Options { per_conversation: 3, limit: 10, ..options() }, None);
    assert_eq!((ids(&hits).len(), ids(&hits)[3]), (4, 9000));
}

#[test]
fn counting_stops_where_it_is_told_to() {
    let docs: Vec<Doc> = (1..=2000).map(|n| Doc::message(1, n, "alpha beta", days_ago(0))).collect();
    let fixture = Fixture::with(&docs);
    let count = |text: &str, up_to| {
        let options = Options { count_up_to: up_to, limit: 5, ..options() };
        let hits = fixture.search(&query(text), &options, None);
        (hits.total, hits.total_is_exact)
    };
    assert_eq!(count("alpha", 10), (2000, true));
    assert_eq!(count("alpha beta", 500), (500, false));
    assert_eq!(count("alpha beta", 5000), (2000, true));
}
