//! Making, finding, changing, deleting: without a network and without an account.

use crate::device::Device;
use serde_json::json;

#[test]
fn a_conversation_is_made_filled_found_changed_and_brought_back() {
    let device = Device::new();
    let row = device.run(&["new", "--title", "Bread", "--model", "m-1", "--provider", "p"]);
    let id = row["id"].as_str().unwrap();
    assert_eq!((&row["title"], &row["model_id"], &row["message_count"]), (&json!("Bread"), &json!("m-1"), &json!(0)));
    let first = device.run(&["add", id, "--role", "user", "How long does a sourdough rise? 酵母はどれくらい?"]);
    let second =
        device.run_with(&["add", id, "--role", "assistant", "-"], "About four hours at getRoomTemperature().\n");
    assert_eq!(second["parent_id"], first["id"]);
    for query in
        ["sourdough", "\"sourdough rise\"", "酵", "酵母", "room temperature", "role:assistant hours", "in:bread four"]
    {
        assert_eq!(device.search(query).len(), 1, "{query}");
    }
    let hit = &device.search("sourdough")[0];
    assert_eq!((&hit["conversation_id"], &hit["message_id"]), (&row["id"], &first["id"]));
    assert!(
        hit["snippet"].as_str().unwrap().contains("sourdough") && !hit["highlights"].as_array().unwrap().is_empty()
    );

    let edited = device.run(&["edit", id, "--title", "Sourdough", "--star", "--add-tag", "kitchen"]);
    assert_eq!(
        (&edited["title"], &edited["is_starred"], &edited["tags"]),
        (&json!("Sourdough"), &json!(true), &json!(["kitchen"]))
    );
    assert_eq!(device.run(&["list", "--starred"]).as_array().unwrap().len(), 1);
    assert_eq!(device.search("tag:kitchen hours").len(), 1);
    device.run(&["edit", id, "--archive"]);
    assert!(device.list().is_empty());
    assert_eq!(device.run(&["list", "--archived"])[0]["id"], row["id"]);
    device.run(&["edit", id, "--unarchive"]);

    device.run(&["delete", second["id"].as_str().unwrap()]);
    assert!(device.search("hours").is_empty());
    assert_eq!(device.run(&["show", id])["messages"].as_array().unwrap().len(), 1);
    device.run(&["undelete", second["id"].as_str().unwrap()]);
    assert_eq!(device.search("hours").len(), 1);

    device.run(&["delete", id]);
    assert!(device.list().is_empty() && device.search("sourdough").is_empty());
    assert_eq!(device.run(&["status"])["conversations"], json!(0));
    device.run(&["undelete", id]);
    assert_eq!(device.list().len(), 1);
    assert_eq!(device.search("sourdough rise").len(), 1);
    let report = device.run(&["verify"]);
    assert_eq!((&report["ok"], &report["messages"]), (&json!(true), &json!(2)), "{report}");
}

#[test]
fn show_pages_backwards_from_a_message() {
    let device = Device::new();
    let id = device.run(&["new"])["id"].as_str().unwrap().to_owned();
    for n in 1..=5 {
        device.run(&["add", &id, "--role", "user", &format!("message {n}")]);
    }
    let last = device.run(&["show", &id, "--limit", "2"]);
    let contents = |shown: &serde_json::Value| -> Vec<String> {
        shown["messages"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(contents(&last), ["message 4", "message 5"]);
    let before = last["messages"][0]["id"].as_str().unwrap();
    assert_eq!(contents(&device.run(&["show", &id, "--limit", "2", "--before", before])), ["message 2", "message 3"]);
}

#[test]
fn usage_is_counted_by_day_model_and_provider() {
    let device = Device::new();
    let id = device.run(&["new"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "one"]);
    let by_day = device.run(&["usage"]);
    assert_eq!(by_day["rows"][0]["messages"], json!(1));
    let by_model = device.run(&["usage", "--by", "model"]);
    assert_eq!(by_model["rows"][0]["key"], json!(null), "a model that is not known is not invented");
    assert!(device.run(&["usage", "--since", "2999-01-01"])["rows"].as_array().unwrap().is_empty());
}

#[test]
fn wrong_usage_exits_with_two_and_failures_with_one() {
    let device = Device::new();
    for args in
        [&["frobnicate"][..], &["add"], &["list", "--limit", "many"], &["export"], &["edit", "x", "--star", "--unstar"]]
    {
        let (exit, code, _) = device.fail(args);
        assert_eq!((exit, code.as_str()), (2, "usage"), "{args:?}");
    }
    let missing = "0190a1b2-0000-7000-8000-000000000000";
    for (args, expected) in [
        (&["show", missing][..], "not_found"),
        (&["show", "abc"], "invalid_input"),
        (&["delete", missing], "not_found"),
        (&["search", "before:tomorow x"], "invalid_input"),
        (&["usage", "--since", "yesterdayish"], "invalid_input"),
        (&["sync"], "signed_out"),
        (&["logout"], "signed_out"),
        (&["--profile", "../x", "list"], "invalid_input"),
    ] {
        let (exit, code, message) = device.fail(args);
        assert_eq!((exit, code.as_str()), (1, expected), "{args:?}: {message}");
        assert!(message.len() > 20, "{message}");
    }
}

#[test]
fn a_lost_or_damaged_index_comes_back_by_itself() {
    let device = Device::new();
    let id = device.run(&["new", "--title", "Alpha"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "the quick brown fox"]);
    device.run(&["verify"]);
    let index = device.path("data/profiles/local/index");
    std::fs::remove_dir_all(&index).unwrap();
    assert_eq!(device.search("brown").len(), 1);
    device.run(&["verify"]);
    for file in std::fs::read_dir(index.join("index")).unwrap() {
        std::fs::write(file.unwrap().path(), b"garbage").unwrap();
    }
    assert_eq!(device.search("brown").len(), 1);
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    // The list of files is sound, the files are not: the first search finds it, or `verify`, which says so once.
    let spoil = || {
        for file in std::fs::read_dir(index.join("index")).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|kind| kind != "json") {
                std::fs::write(path, b"garbage").unwrap();
            }
        }
    };
    spoil();
    assert_eq!(device.search("brown").len(), 1);
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    spoil();
    let output = device.output(&["verify"], "");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "{told}");
    assert!(told.contains("is damaged") && told.contains("It was made anew."), "{told}");
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    assert_eq!(device.search("brown").len(), 1);
}

#[test]
fn several_processes_write_at_once_and_nothing_is_lost() {
    let device = Device::new();
    let id = device.run(&["new"])["id"].as_str().unwrap().to_owned();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (device, id) = (&device, &id);
            scope.spawn(move || {
                for n in 0..8 {
                    device.run(&["add", id, "--role", "user", &format!("writer{writer} number{n}")]);
                }
            });
        }
    });
    assert_eq!(device.run(&["status"])["messages"], json!(32));
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    assert_eq!(device.search("writer2 number7").len(), 1);
}
