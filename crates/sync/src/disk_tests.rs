//! What is let go and what is fetched.

use super::*;
use airi_domain::AttachmentId;
use uuid::Uuid;

fn time(day: i64) -> Time {
    Time::from_micros(day * 86_400 * 1_000_000).unwrap()
}

/// A content of 10 bytes that the server has, attached on that day.
fn content(name: &str, day: i64) -> Content {
    Content {
        sha256: Some(name.into()),
        attachment: AttachmentId(Uuid::nil()),
        storage_path: format!("u/{name}"),
        size: Some(10),
        created_at: time(day),
        used_at: None,
        waits: false,
        fault_at: None,
        keep: None,
    }
}

fn here(names: &[&str]) -> HashMap<String, u64> {
    names.iter().map(|name| ((*name).to_owned(), 10)).collect()
}

fn decide(contents: Vec<Content>, here_now: &[&str], keep: Keep, bound: u64) -> (Vec<String>, Vec<String>) {
    let plan = plan(contents, &here(here_now), DiskPolicy { keep, bound }, time(100));
    let names = |list: Vec<Content>| list.into_iter().map(|c| c.storage_path[2..].to_owned()).collect();
    (names(plan.leave), names(plan.fetch))
}

#[test]
fn what_was_needed_longest_ago_leaves_first() {
    let opened = Content { used_at: Some(time(90)), ..content("old-but-opened", 1) };
    let all = vec![content("b", 20), opened, content("a", 10), content("c", 30)];
    let names = ["a", "b", "c", "old-but-opened"];
    assert_eq!(decide(all.clone(), &names, Keep::All, 20).0, ["a", "b"]);
    assert_eq!(decide(all.clone(), &names, Keep::All, 40).0, [""; 0], "what fits stays");
    assert_eq!(decide(all, &names, Keep::All, 0).0, ["a", "b", "c"], "the one opened last is being looked at");
}

#[test]
fn what_waits_and_what_only_this_device_has_never_leaves() {
    let waits = Content { waits: true, ..content("waits", 1) };
    let alone = Content { storage_path: String::new(), ..content("alone", 1) };
    let all = vec![waits, alone, content("elsewhere", 50)];
    let (leave, fetch) = decide(all.clone(), &["waits", "alone", "elsewhere", "unnamed"], Keep::All, 5);
    assert_eq!((leave, fetch), (vec!["elsewhere".to_owned()], vec![]));
    // And what they take is not there for others.
    assert_eq!(decide(all, &["waits", "alone"], Keep::All, 29).1, [""; 0]);
}

#[test]
fn the_newest_are_fetched_first_and_only_what_fits() {
    let all = vec![content("a", 10), content("b", 20), content("c", 30)];
    assert_eq!(decide(all.clone(), &[], Keep::All, 1000).1, ["c", "b", "a"]);
    assert_eq!(decide(all.clone(), &[], Keep::All, 20).1, ["c", "b"]);
    // What is new pushes the oldest out, and is not pushed out by it again.
    assert_eq!(decide(all.clone(), &["a", "b"], Keep::All, 20), (vec!["a".into()], vec!["c".into()]));
    assert_eq!(decide(all, &["c", "b"], Keep::All, 20), (vec![], vec![]));
}

#[test]
fn only_what_is_asked_for_is_fetched() {
    let opened = Content { used_at: Some(time(95)), ..content("opened", 1) };
    let all = vec![content("old", 10), content("new", 90), opened];
    assert_eq!(decide(all.clone(), &[], Keep::Recent, 1000).1, ["opened", "new"]);
    assert_eq!(decide(all.clone(), &[], Keep::OnDemand, 1000).1, [""; 0]);
    // Nobody makes room for what is not going to come.
    assert_eq!(decide(all, &["old"], Keep::OnDemand, 10).0, [""; 0]);
}

#[test]
fn an_object_that_was_not_there_is_asked_for_again_after_a_day() {
    let asked = |day| Content { fault_at: Some(time(day)), ..content("a", 10) };
    assert_eq!(decide(vec![asked(100)], &[], Keep::All, 1000).1, [""; 0]);
    assert_eq!(decide(vec![asked(99)], &[], Keep::All, 1000).1, ["a"]);
}

#[test]
fn what_the_user_keeps_comes_and_stays_above_the_bound_and_others_make_room_for_it() {
    let kept = |name, day| Content { keep: Some(true), ..content(name, day) };
    let all = vec![kept("old", 1), kept("older", 0), content("new", 50)];
    // Though nothing else is fetched by itself.
    assert_eq!(decide(all.clone(), &[], Keep::OnDemand, 5).1, ["old", "older"]);
    assert_eq!(decide(all.clone(), &["old", "older", "new"], Keep::All, 5).0, ["new"]);
    assert_eq!(decide(all.clone(), &["new"], Keep::All, 20), (vec!["new".into()], vec!["old".into(), "older".into()]));
    assert_eq!(decide(all, &["new"], Keep::All, 30).0, [""; 0]);
    let gone = Content { fault_at: Some(time(100)), ..kept("gone", 1) };
    assert_eq!(decide(vec![gone], &[], Keep::All, 100).1, [""; 0], "nobody asks by the minute for what is not there");
}

#[test]
fn what_the_user_lets_go_leaves_although_there_is_room_and_comes_back_only_when_asked_for() {
    let let_go = Content { keep: Some(false), used_at: Some(time(99)), ..content("let-go", 99) };
    let unsent = Content { keep: Some(false), waits: true, ..content("unsent", 99) };
    let alone = Content { keep: Some(false), storage_path: String::new(), ..content("alone", 99) };
    let all = vec![let_go, unsent, alone, content("other", 1)];
    let (leave, fetch) = decide(all.clone(), &["let-go", "unsent", "alone", "other"], Keep::All, 1000);
    assert_eq!((leave, fetch), (vec!["let-go".to_owned()], vec![]));
    assert_eq!(decide(all, &[], Keep::All, 1000).1, ["other"]);
}
