//! A real history comes in and goes out.

use crate::device::Device;
use crate::samples::{samples, zip_of};
use serde_json::{Value, json};
use std::fs;

#[test]
fn the_sample_comes_in_whole_from_file_folder_and_zip() {
    let (file, folder, zip) = (Device::new(), Device::new(), Device::new());
    let first = file.import(&samples().join("chatgpt/conversations.json"));
    let second = folder.import(&samples().join("chatgpt-current"));
    let path = zip.path("export.zip");
    zip_of(&samples().join("chatgpt-current"), &path);
    let third = zip.import(&path);
    assert!(first["conversations_imported"].as_u64().unwrap() >= 15, "{first}");
    for field in ["conversations_imported", "messages_imported", "attachments_imported"] {
        assert_eq!(second[field], third[field], "{field}");
    }
    assert!(second["attachments_imported"].as_u64().unwrap() > 0, "{second}");
    assert_eq!(folder.export("a.zip"), zip.export("a.zip"), "folder and ZIP are the same history");
    for device in [&file, &folder, &zip] {
        assert_eq!(device.run(&["verify"])["ok"], json!(true));
    }
}

#[test]
fn a_second_import_adds_nothing_and_keeps_what_the_user_did() {
    let device = Device::new();
    let path = samples().join("chatgpt-current");
    let first = device.import(&path);
    let row = device.list()[0].clone();
    let id = row["id"].as_str().unwrap();
    device.run(&["edit", id, "--title", "My own title"]);
    let gone = device.list()[1]["id"].as_str().unwrap().to_owned();
    device.run(&["delete", &gone]);
    let again = device.import(&path);
    assert_eq!(again["conversations_imported"], json!(0));
    assert_eq!(again["messages_imported"], json!(0));
    assert_eq!(again["attachments_imported"], json!(0));
    assert_eq!(again["conversations_already_there"], first["conversations_imported"]);
    assert_eq!(again["messages_already_there"], first["messages_imported"]);
    assert_eq!(device.run(&["show", id])["conversation"]["title"], json!("My own title"));
    assert!(device.list().iter().all(|row| row["id"] != json!(gone)));
}

#[test]
fn a_newer_archive_adds_only_what_is_new() {
    let device = Device::new();
    let text = fs::read_to_string(samples().join("chatgpt/conversations.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let older = device.path("older.json");
    fs::write(&older, serde_json::to_string(&all[..all.len() - 2]).unwrap()).unwrap();
    let first = device.import(&older);
    let second = device.import(&samples().join("chatgpt/conversations.json"));
    assert_eq!(second["conversations_imported"], json!(2));
    assert_eq!(second["conversations_already_there"], first["conversations_imported"]);
}

#[test]
fn files_that_come_with_a_later_import_find_their_rows() {
    let device = Device::new();
    let bare = device.import(&samples().join("chatgpt/conversations.json"));
    assert!(bare["attachments_missing"].as_u64().unwrap() > 0);
    let whole = device.import(&samples().join("chatgpt"));
    assert_eq!(whole["messages_imported"], json!(0));
    assert_eq!(whole["attachments_imported"], bare["attachments_missing"]);
    assert_eq!(device.import(&samples().join("chatgpt"))["attachments_imported"], json!(0));
}

#[test]
fn what_is_exported_comes_back_byte_for_byte() {
    let device = Device::new();
    device.import(&samples().join("chatgpt-current"));
    device.import(&samples().join("claude"));
    let id = device.list()[0]["id"].as_str().unwrap().to_owned();
    device.run(&["edit", &id, "--star", "--add-tag", "旅行"]);
    for name in ["all.json", "all.zip"] {
        let out = device.export(name);
        let empty = Device::new();
        empty.import(&device.path(name));
        assert!(empty.export(name) == out, "{name} differs after a round trip");
        assert_eq!(empty.run(&["verify"])["ok"], json!(true));
    }
}

#[test]
fn deleted_rows_are_left_out_unless_asked_for() {
    let device = Device::new();
    device.import(&samples().join("claude"));
    let count = device.list().len();
    let id = device.list()[0]["id"].as_str().unwrap().to_owned();
    device.run(&["delete", &id]);
    let path = device.path("out.json");
    let report = device.run(&["export", "--all", "-o", path.to_str().unwrap()]);
    assert_eq!(report["conversations"], json!(count - 1));
    let report = device.run(&["export", "--all", "--include-deleted", "-o", path.to_str().unwrap()]);
    assert_eq!(report["conversations"], json!(count));
}

#[test]
fn markdown_and_html_are_readable_files() {
    let device = Device::new();
    device.import(&samples().join("claude"));
    let row = device.list().into_iter().find(|row| row["title"].is_string()).unwrap();
    let (id, title) = (row["id"].as_str().unwrap(), row["title"].as_str().unwrap());
    for (format, name) in [("markdown", "one.md"), ("html", "one.html")] {
        let path = device.path(name);
        device.run(&["export", id, "--format", format, "-o", path.to_str().unwrap()]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(title), "{format}");
        let folder = device.path(format);
        let report = device.run(&["export", "--all", "--format", format, "-o", folder.to_str().unwrap()]);
        let files: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(json!(files.len()), report["conversations"]);
        for name in files {
            assert!(!name.contains(['<', '>', ':', '"', '/', '\\', '|', '?', '*']) && name.len() < 200, "{name}");
        }
    }
}

#[test]
fn what_was_imported_is_found_in_every_script() {
    let device = Device::new();
    device.import(&samples().join("chatgpt-current"));
    device.import(&samples().join("claude"));
    let titles: Vec<String> = device.list().iter().filter_map(|row| row["title"].as_str().map(str::to_owned)).collect();
    for title in &titles {
        let word = title.split_whitespace().max_by_key(|word| word.len()).unwrap();
        let hits = device.search(&format!("\"{}\"", word.replace('"', "")));
        assert!(!hits.is_empty(), "{title}");
    }
    let cjk = titles.iter().find(|title| title.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))).unwrap();
    let one = cjk.chars().find(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).unwrap();
    assert!(!device.search(&one.to_string()).is_empty(), "one character finds");
}

#[test]
fn a_hundred_thousand_messages_come_in_and_go_out_in_bounded_memory() {
    let device = Device::new();
    device.run(&["generate", "--messages", "100000", "--seed", "7"]);
    let out = device.path("big.json");
    let exported = peak_kib(&device, &["export", "--all", "-o", out.to_str().unwrap()]);
    let size = fs::metadata(&out).unwrap().len() / 1024;
    let empty = Device::new();
    let imported = peak_kib(&empty, &["import", out.to_str().unwrap()]);
    assert_eq!(empty.run(&["status"])["messages"], json!(100_000));
    // The index writer alone may take some hundred MB; the file is larger than what either of them held.
    eprintln!("export peak {exported} KiB, import peak {imported} KiB, file {size} KiB");
    assert!(exported < 200_000, "export held {exported} KiB");
    assert!(imported < 700_000, "import held {imported} KiB");
}

/// The largest resident memory of a call, from the kernel's own account of it.
fn peak_kib(device: &Device, args: &[&str]) -> u64 {
    let mut child = device.command(args).stdout(std::process::Stdio::null()).spawn().unwrap();
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Ok(text) = fs::read_to_string(&path)
            && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:"))
        {
            peak = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(peak);
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "airi {args:?}");
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
