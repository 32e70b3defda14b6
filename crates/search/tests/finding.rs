//! What is found, in every script, and what is not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use airi_domain::Role;
use airi_search::{Bitset, Doc, Part, Scope};
use rstest::rstest;
use std::sync::Arc;
use support::{Fixture, days_ago, ids, newest, options, query, typing};

fn texts(texts: &[&'static str]) -> Fixture {
    let docs: Vec<Doc> =
        texts.iter().enumerate().map(|(n, text)| Doc::message(1, n as i64 + 1, text, days_ago(n as i64))).collect();
    Fixture::with(&docs)
}

#[rstest]
#[case("The café was open", "cafe")]
#[case("the cafe was open", "CAFÉ")]
#[case("Die Straße", "strasse")]
#[case("ЁЛКА", "елка")]
#[case("数据库的索引", "数据库")]
#[case("数据库的索引", "索")]
#[case("東京タワー", "タワー")]
#[case("ガソリン", "ｶﾞｿﾘﾝ")]
#[case("안녕하세요 여러분", "하세요")]
#[case("ภาษาไทยง่ายนิดเดียว", "ไทย")]
#[case("हिन्दी में लिखो", "हिन्दी")]
#[case("ＦＵＬＬ　ｗｉｄｔｈ", "full width")]
#[case("def get_user_profile():", "user")]
#[case("def get_user_profile():", "getUserProfile")]
#[case("def get_user_profile():", "get_user_profile")]
#[case("new HTTPServer2()", "server")]
#[case("new HTTPServer2()", "httpserver2")]
#[case("in src/main.rs now", "src/main.rs")]
#[case("in src/main.rs now", "main.rs")]
#[case("foo::bar::baz()", "foo::bar")]
#[case("rust 1.95.0 is out", "1.95.0")]
#[case("I write C++ daily", "c++")]
#[case("ship it 🚀 now", "🚀")]
#[case("good 👍🏽", "👍")]
#[case("an e-mail for you", "email")]
#[case("don't panic", "dont")]
#[case("one two three", "\"two three\"")]
#[case("call getUserProfile now", "\"call get user\"")]
fn it_is_found(#[case] text: &'static str, #[case] asked: &str) {
    assert_eq!(texts(&["nothing of that", text]).find(asked), [2]);
}

#[rstest]
#[case("rust 1.95.0", "1.9")]
#[case("one two three", "\"three two\"")]
#[case("one two", "one four")]
#[case("数据库", "据数")]
#[case("が", "か")]
#[case("cat", "dog")]
#[case("alpha beta", "alpha -beta")]
#[case("alpha beta gamma", "alpha -\"beta gamma\"")]
fn it_is_not_found(#[case] text: &'static str, #[case] asked: &str) {
    assert_eq!(texts(&[text]).find(asked), Vec::<i64>::new());
}

#[test]
fn a_prefix_finds_while_typing_even_with_thousands_of_words() {
    let many: Vec<String> = (0..5000).map(|n| format!("pre{n:04}x")).collect();
    let mut docs: Vec<Doc> =
        many.iter().enumerate().map(|(n, text)| Doc::message(1, n as i64 + 1, text, days_ago(1))).collect();
    docs.push(Doc::message(2, 9000, "needle prefixed", days_ago(1)));
    let fixture = Fixture::with(&docs);
    let find = |text: &str| ids(&fixture.search(&typing(text), &options(), None));
    assert_eq!(find("needle prefi"), [9000]);
    assert_eq!(find("needle pre"), [9000]);
    assert_eq!(find("pre4999"), [5000]);
    assert_eq!(find("pre").len(), 100);
    assert_eq!(find("\"needle pre"), [9000]);
    assert_eq!(find("zzz"), Vec::<i64>::new());
}

#[test]
fn words_may_stand_in_different_parts_and_the_parts_are_told() {
    let fixture = Fixture::with(&[
        Doc { file_names: "report.pdf", ..Doc::message(1, 1, "here is the file", days_ago(1)) },
        Doc {
            thinking: "weighing the options",
            tool: "{\"q\":\"weather\"}",
            ..Doc::message(1, 2, "done", days_ago(1))
        },
        Doc::title(1, "Weather report", days_ago(2)),
    ]);
    assert_eq!(fixture.find("file report"), [1]);
    assert_eq!(fixture.find("weighing weather"), [2]);
    let hits = fixture.search(&query("report"), &options(), None);
    assert_eq!(ids(&hits), [-1, 1]);
    assert_eq!((hits.hits[0].parts.clone(), hits.hits[1].parts.clone()), (vec![Part::Title], vec![Part::File]));
    let hits = fixture.search(&query("weather"), &options(), None);
    assert_eq!((hits.hits[1].message, hits.hits[1].parts.clone()), (2, vec![Part::Tool]));
}

#[test]
fn filters_of_messages() {
    let fixture = Fixture::with(&[
        Doc {
            role: Some(Role::User),
            model: Some("gpt-4o-mini"),
            provider: Some("openai"),
            ..Doc::message(1, 1, "word", days_ago(10))
        },
        Doc { role: Some(Role::Assistant), model: Some("claude-3"), ..Doc::message(1, 2, "word", days_ago(5)) },
        Doc { has_attachment: true, ..Doc::message(2, 3, "word", days_ago(1)) },
        Doc::title(1, "word", days_ago(10)),
    ]);
    for (asked, expected) in [
        ("word role:user", vec![1]),
        ("word role:user role:assistant", vec![1, 2]),
        ("word -role:user", vec![-1, 2, 3]),
        ("word model:GPT-4o", vec![1]),
        ("word model:claude", vec![2]),
        ("word -model:gpt", vec![-1, 2, 3]),
        ("word provider:openai", vec![1]),
        ("word has:attachment", vec![3]),
        ("word -has:attachment role:assistant", vec![2]),
        ("word after:7d", vec![2, 3]),
        ("word before:7d", vec![-1, 1]),
        ("word after:7d before:3d", vec![2]),
        ("word -after:7d", vec![-1, 1]),
        ("role:user", vec![1]),
        ("-nothing role:assistant", vec![2]),
        ("is:starred", vec![-1]),
        ("word has:attachment -has:attachment", vec![]),
        ("-word", vec![]),
        ("-absent", vec![-1, 1, 2, 3]),
    ] {
        assert_eq!(fixture.found(asked), expected, "{asked}");
    }
}

#[test]
fn the_scope_bounds_the_conversations() {
    let docs: Vec<Doc> = (1..=600).map(|n| Doc::message(n, n * 10, "word", days_ago(n))).collect();
    let fixture = Fixture::with(&docs);
    let set = |ids: &mut dyn Iterator<Item = i64>| Some(Arc::new(ids.collect::<Bitset>()));
    let count = |scope: &Scope, text: &str| {
        let hits = fixture.index.search(&query(text), scope, &options(), None).unwrap();
        (hits.total, hits.hits.len())
    };
    let few = Scope { include: set(&mut [3, 5].into_iter()), exclude: set(&mut [5].into_iter()) };
    assert_eq!(count(&few, "word"), (1, 1));
    let many = Scope { include: set(&mut (1..=400)), exclude: set(&mut (1..=50)) };
    assert_eq!(count(&many, "word"), (350, 100));
    assert_eq!(count(&Scope { include: set(&mut [].into_iter()), exclude: None }, "word"), (0, 0));
    let by_time = fixture.index.search(&query("word"), &many, &newest(), None).unwrap();
    assert_eq!((by_time.total, by_time.hits[0].conversation), (350, 51));
}

#[test]
fn a_typo_is_forgiven_only_when_nothing_matches() {
    let fixture = texts(&["the database is slow", "a databases overview", "datebase typo kept", "cat", "sha256"]);
    assert_eq!(fixture.find("datebase"), [3]);
    let hits = fixture.search(&query("databsae slow"), &options(), None);
    assert_eq!(
        (ids(&hits), hits.corrected.as_deref(), hits.query.text()),
        (vec![1], Some("database slow"), "database slow")
    );
    assert_eq!(fixture.search(&typing("slow databsa"), &options(), None).corrected.as_deref(), Some("slow database"));
    for kept in ["cta", "sha257", "\"databsae\"", "数剧", "slow -databsae cat"] {
        assert_eq!(fixture.search(&query(kept), &options(), None).corrected, None, "{kept}");
    }
}

#[test]
fn an_empty_question_finds_nothing() {
    let fixture = texts(&["something"]);
    assert_eq!(fixture.search(&query(" ?! "), &options(), None).total, 0);
    assert_eq!(Fixture::empty().find("anything"), Vec::<i64>::new());
}
