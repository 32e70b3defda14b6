//! Backups through `airi`: whole or not at all, brought back beside what is there, and in step with the server again.

use crate::device::Device;
use crate::samples::samples;
use crate::sync::{account, converge, log_in, signed_in};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_backup_brings_everything_back_and_writes_over_nothing() {
    let device = Device::new();
    device.import(&samples().join("chatgpt-current"));
    let before = device.export("before.zip");
    let folder = device.path("backup");
    let made = device.run(&["backup", text(&folder)]);
    assert!(made["files"].as_u64().unwrap() > 0 && made["files_missing"] == json!(0), "{made}");
    let again = device.fail(&["backup", text(&folder)]);
    assert_eq!((again.0, again.1.as_str()), (1, "invalid_input"), "{}", again.2);

    let gone = device.list()[0]["id"].as_str().unwrap().to_owned();
    device.run(&["delete", &gone]);
    let after = device.export("after.zip");

    let looked = device.run(&["restore", text(&folder), "--check"]);
    assert_eq!(looked["profile"], Value::Null);
    assert_eq!(device.export("looked.zip"), after, "looking at a backup changes nothing");

    let restored = device.run(&["restore", text(&folder)]);
    assert_eq!(restored["backup"]["conversations"], made["conversations"]);
    assert_eq!(device.export("restored.zip"), before);
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    assert!(!device.search("railway museum").is_empty(), "the index comes back by itself");

    device.run(&["profiles", "use", restored["before"].as_str().unwrap()]);
    assert_eq!(device.export("still.zip"), after, "the profile in use before is as it was");
}

#[test]
fn a_backup_that_is_not_whole_is_refused_and_nothing_is_left_behind() {
    let device = Device::new();
    device.import(&samples().join("chatgpt-current"));
    let profiles = device.path("data").join("profiles");
    let there = names(&profiles);
    let refused = |name: &str, spoil: &dyn Fn(&Path), says: &str| {
        let folder = device.path(name);
        device.run(&["backup", text(&folder)]);
        spoil(&folder);
        for args in [&["restore", text(&folder)][..], &["restore", text(&folder), "--check"]] {
            let (code, kind, message) = device.fail(args);
            assert_eq!((code, kind.as_str()), (1, "invalid_input"), "{name}: {message}");
            assert!(message.contains(says), "{name}: {message}");
        }
        assert_eq!(names(&profiles), there, "{name}");
    };
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let one_file = |folder: &Path| files(&folder.join("files")).remove(0);
    refused("flipped", &|folder| flip(&folder.join("mirror.sqlite")), "not the one that was written");
    refused("no mirror", &|folder| fs::remove_file(folder.join("mirror.sqlite")).unwrap(), "cannot be read");
    refused("other bytes", &|folder| flip(&one_file(folder)), "has another hash");
    refused("file gone", &|folder| fs::remove_file(one_file(folder)).unwrap(), "1 of its");
    refused("no note", &|folder| fs::remove_file(folder.join("backup.json")).unwrap(), "is not a backup of AIRI");
    refused(
        "newer",
        &|folder| {
            let path = folder.join("backup.json");
            let mut note: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            note["airi_backup"] = json!(99);
            fs::write(path, note.to_string()).unwrap();
        },
        "newer version",
    );
    let (_, kind, _) = device.fail(&["restore", text(&device.path("nowhere"))]);
    assert_eq!(kind, "invalid_input");
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
}

#[test]
fn a_library_that_cannot_be_opened_is_replaced_by_its_backup_and_left_where_it_is() {
    let device = Device::new();
    device.import(&samples().join("claude"));
    let before = device.export("before.json");
    let folder = PathBuf::from(device.run(&["backup"])["path"].as_str().unwrap());
    let mirror = device.path("data").join("profiles/local/mirror.sqlite");
    for log in ["mirror.sqlite-wal", "mirror.sqlite-shm"] {
        // Gone already when the last process closed it.
        let _ = fs::remove_file(mirror.with_file_name(log));
    }
    fs::write(&mirror, vec![7; 8192]).unwrap();
    assert_eq!(device.fail(&["list"]).1, "damaged");
    device.run(&["restore", text(&folder)]);
    assert_eq!(device.export("after.json"), before);
    assert_eq!(fs::read(&mirror).unwrap(), vec![7; 8192], "the damaged one is left for whoever wants to look");
}

#[test]
fn seven_are_kept_and_share_the_bytes_of_files_with_the_library() {
    let device = Device::new();
    device.import(&samples().join("chatgpt-current"));
    let made: Vec<Value> = (0..9).map(|_| device.run(&["backup"])["path"].clone()).collect();
    let kept = device.run(&["backup", "--list"]);
    let kept: Vec<&Value> = kept.as_array().unwrap().iter().map(|row| &row["path"]).collect();
    assert_eq!(kept, made.iter().rev().take(7).collect::<Vec<_>>());
    assert_eq!(names(&device.path("data").join("backups/local")).len(), 7);
    #[cfg(unix)]
    for file in files(&Path::new(kept[0].as_str().unwrap()).join("files")) {
        use std::os::unix::fs::MetadataExt;
        assert!(file.metadata().unwrap().nlink() >= 8, "{}", file.display());
    }
}

#[test]
fn a_restored_account_comes_into_step_again_and_unsent_work_is_still_there() {
    let user = account();
    let (one, other) = (signed_in(&user), signed_in(&user));
    let id = one.run(&["new", "--title", "Before the backup"])["id"].as_str().unwrap().to_owned();
    one.run(&["add", &id, "--role", "user", "said before the backup"]);
    one.run(&["sync"]);
    let folder = one.path("backup");
    let made = one.run(&["backup", text(&folder)]);
    assert!(made["account"].as_str().unwrap().contains(&user.email));
    assert!(files(&folder).iter().all(|path| !text(path).contains("session")), "no session goes into a backup");

    one.run(&["add", &id, "--role", "assistant", "sent after the backup"]);
    one.run(&["sync"]);
    one.run(&["edit", &id, "--title", "Never sent"]);
    let waiting = one.run(&["status"])["outbox"].as_u64().unwrap();
    assert!(waiting > 0);

    let restored = one.run(&["restore", text(&folder)]);
    assert_eq!(restored["unsent_before"], json!(waiting), "{restored}");
    let status = one.run(&["status"]);
    assert_eq!((&status["sync"], &status["messages"]), (&json!("signed_out"), &json!(1)), "{status}");
    assert_eq!(log_in(&one, &user)["profile"], restored["profile"], "the restored profile is the one signed in");
    converge(&user, &[&one, &other]);
    assert_eq!(one.run(&["status"])["messages"], json!(2));
    assert_eq!(one.list()[0]["title"], json!("Before the backup"));

    // What was never sent goes from where it is.
    one.run(&["profiles", "use", restored["before"].as_str().unwrap()]);
    one.run(&["sync"]);
    one.run(&["profiles", "use", restored["profile"].as_str().unwrap()]);
    converge(&user, &[&one, &other]);
    for device in [&one, &other] {
        assert_eq!(device.list()[0]["title"], json!("Never sent"));
    }
    assert_eq!(one.run(&["devices"]).as_array().unwrap().len(), 3, "a restored profile is a device of its own");
}
