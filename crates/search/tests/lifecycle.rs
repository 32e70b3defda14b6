//! Writing, replacing, removing, the overlay, and what another process or a crash does to it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use airi_search::{Doc, Index, IndexError, Load, Opened, Overlay, Rebuilt, Scope};
use std::path::Path;
use std::process::Command;
use support::{Fixture, days_ago, ids, newest, options, query};

#[test]
fn a_put_replaces_and_a_removal_removes() {
    let fixture = Fixture::with(&[
        Doc::title(1, "first title", days_ago(1)),
        Doc::message(1, 1, "first text", days_ago(1)),
        Doc::message(1, 2, "second text", days_ago(1)),
        Doc::message(2, 3, "third text", days_ago(1)),
    ]);
    let mut writer = fixture.index.writer(Load::Steady).unwrap();
    writer.put(&Doc::message(1, 1, "draft", days_ago(1))).unwrap();
    writer.put(&Doc::message(1, 1, "changed", days_ago(1))).unwrap();
    writer.put(&Doc::title(1, "changed title", days_ago(1))).unwrap();
    writer.remove_message(2).unwrap();
    assert_eq!(fixture.found("text"), [1, 2, 3], "nothing is seen before the commit");
    writer.commit(9).unwrap();
    assert_eq!(fixture.found("text"), [3]);
    assert_eq!(fixture.found("changed"), [-1, 1]);
    assert_eq!(fixture.found("draft"), Vec::<i64>::new());
    writer.remove_conversation(1).unwrap();
    writer.commit(10).unwrap();
    assert_eq!(fixture.found("changed"), Vec::<i64>::new());
    assert_eq!((fixture.index.position(), fixture.index.len().unwrap()), (10, 1));
    writer.merge().unwrap();
    assert_eq!(fixture.found("text"), [3]);
    writer.clear().unwrap();
    writer.commit(0).unwrap();
    assert!(fixture.index.is_empty().unwrap());
}

#[test]
fn what_is_saved_is_found_before_it_is_committed() {
    let committed: Vec<Doc> = (1..=50).map(|n| Doc::message(1, n, "shared word here", days_ago(n))).collect();
    let fixture = Fixture::with(&committed);
    let mut overlay = Overlay::new([Doc::message(2, 100, "shared fresh 数据", days_ago(0))]);
    overlay.put(&Doc::title(2, "Fresh title", days_ago(0)));
    let find = |overlay: &Overlay, text: &str| ids(&fixture.search(&query(text), &options(), Some(overlay)));
    assert_eq!(find(&overlay, "fresh"), [-2, 100]);
    assert_eq!(find(&overlay, "数据"), [100]);
    let hits = fixture.search(&query("shared"), &options(), Some(&overlay));
    assert_eq!((hits.total, hits.hits.len()), (51, 51));
    assert_eq!(ids(&fixture.search(&query("shared"), &newest(), Some(&overlay)))[..2], [100, 1]);
    assert_eq!(ids(&fixture.search(&query("is:starred"), &options(), Some(&overlay))), [-2]);
    // Changed and removed since the commit.
    overlay.put(&Doc::message(1, 7, "other", days_ago(0)));
    overlay.remove_message(8);
    let found = find(&overlay, "shared");
    assert_eq!((found.len(), found.contains(&7), found.contains(&8)), (49, false, false));
    assert_eq!(find(&overlay, "other"), [7]);
    overlay.remove_conversation(1);
    assert_eq!(find(&overlay, "shared"), [100]);
    assert_eq!(find(&overlay, "frehsly"), Vec::<i64>::new());
    assert_eq!(find(&overlay, "frehs"), find(&overlay, "fresh"));
}

#[test]
fn a_row_of_the_overlay_scores_as_it_would_in_the_index() {
    let texts: Vec<String> =
        (0..200).map(|n| format!("{} {}", "filler ".repeat(n % 40), ["target", "other"][n / 40 % 2])).collect();
    let docs: Vec<Doc> = texts.iter().zip(1..).map(|(text, n)| Doc::message(1, n, text, days_ago(3))).collect();
    let fixture = Fixture::with(&docs);
    let alone = fixture.search(&query("target filler"), &options(), None);
    let again = Overlay::new(docs[..20].iter().copied());
    let mixed = fixture.search(&query("target filler"), &options(), Some(&again));
    assert_eq!(mixed.total, alone.total);
    for hit in &mixed.hits {
        let before = alone.hits.iter().find(|other| other.message == hit.message).unwrap();
        assert!((before.score / hit.score - 1.0).abs() < 0.05, "{before:?} {hit:?}");
    }
}

#[test]
fn an_index_over_an_empty_history_works() {
    let fixture = Fixture::empty();
    assert_eq!(fixture.index.position(), 0);
    let overlay = Overlay::new([Doc::message(1, 1, "only this", days_ago(0))]);
    assert_eq!(ids(&fixture.search(&query("only"), &options(), Some(&overlay))), [1]);
}

#[test]
fn the_position_and_the_mirror_are_remembered() {
    let Fixture { dir, index } = Fixture::with(&[Doc::message(1, 1, "a", days_ago(0))]);
    drop(index);
    let Opened::Ready(index) = Index::open(dir.path(), "mirror").unwrap() else { panic!("not ready") };
    assert_eq!(index.position(), 1);
    drop(index);
    let Opened::Rebuilt { index, reason } = Index::open(dir.path(), "another").unwrap() else { panic!("kept") };
    assert_eq!((index.position(), index.len().unwrap(), reason), (0, 0, Rebuilt::OtherMirror));
}

#[test]
fn a_missing_index_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let Opened::Rebuilt { reason, .. } = Index::open(&dir.path().join("deep/er"), "m").unwrap() else { panic!() };
    assert_eq!(reason, Rebuilt::Missing);
}

/// Set for the child process that a test starts of this very binary.
const CHILD: &str = "AIRI_SEARCH_TEST_DIR";

fn child(test: &str, dir: &Path) -> std::process::Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, dir);
    command.output().unwrap()
}

/// The index of the test that started this process; None: this process is not a child.
fn child_index() -> Option<Index> {
    let dir = std::env::var(CHILD).ok()?;
    Some(Index::open(Path::new(&dir), "mirror").unwrap().into_index())
}

#[test]
fn a_second_process_is_told_that_the_index_is_busy() {
    if let Some(index) = child_index() {
        let busy = matches!(index.writer(Load::Steady), Err(IndexError::Busy));
        println!("busy={busy} found={}", index.len().unwrap());
        return;
    }
    let name = "a_second_process_is_told_that_the_index_is_busy";
    let fixture = Fixture::with(&[Doc::message(1, 1, "a", days_ago(0))]);
    let writer = fixture.index.writer(Load::Steady).unwrap();
    assert!(matches!(fixture.index.writer(Load::Steady), Err(IndexError::Busy)));
    let said = String::from_utf8(child(name, fixture.dir.path()).stdout).unwrap();
    assert!(said.contains("busy=true found=1"), "{said}");
    drop(writer);
    let said = String::from_utf8(child(name, fixture.dir.path()).stdout).unwrap();
    assert!(said.contains("busy=false"), "{said}");
}

#[test]
fn a_crash_between_put_and_commit_loses_only_what_was_not_committed() {
    if let Some(index) = child_index() {
        let mut writer = index.writer(Load::Steady).unwrap();
        writer.put(&Doc::message(1, 1, "committed", days_ago(0))).unwrap();
        writer.commit(5).unwrap();
        for n in 2..500 {
            writer.put(&Doc::message(1, n, "lost", days_ago(0))).unwrap();
        }
        std::process::abort();
    }
    let fixture = Fixture::empty();
    let name = "a_crash_between_put_and_commit_loses_only_what_was_not_committed";
    assert!(!child(name, fixture.dir.path()).status.success());
    // What the other process committed is seen here after a reload, and its lock is free.
    assert_eq!(fixture.index.position(), 0);
    fixture.index.reload().unwrap();
    assert_eq!((fixture.index.position(), fixture.found("committed")), (5, vec![1]));
    assert_eq!(fixture.found("lost"), Vec::<i64>::new());
    fixture.commit(&[Doc::message(1, 2, "again", days_ago(0))], 6);
    assert_eq!((fixture.index.position(), fixture.found("again")), (6, vec![2]));
}

#[test]
fn readers_go_on_while_a_writer_writes() {
    let fixture = Fixture::with(&[Doc::message(1, 1, "constant", days_ago(0))]);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let index = fixture.index.clone();
                scope.spawn(move || {
                    let mut most = 0;
                    while most < 400 {
                        let hits = index.search(&query("growing"), &Scope::default(), &options(), None).unwrap();
                        assert!(hits.total >= most, "rows vanished");
                        most = hits.total;
                        let constant = index.search(&query("constant"), &Scope::default(), &options(), None).unwrap();
                        assert_eq!(constant.total, 1);
                    }
                })
            })
            .collect();
        let mut writer = fixture.index.writer(Load::Steady).unwrap();
        for n in 0..40 {
            for k in 0..10 {
                writer.put(&Doc::message(2, 100 + n * 10 + k, "growing", days_ago(0))).unwrap();
            }
            writer.commit(n).unwrap();
        }
        for reader in readers {
            reader.join().unwrap();
        }
    });
}
