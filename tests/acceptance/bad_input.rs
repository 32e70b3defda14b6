//! Bad input: each kind has its own clear error, and nothing is lost or half done.

use crate::device::Device;
use crate::samples::samples;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::Path;

/// An import that must fail, and must change nothing.
fn refused(device: &Device, path: &Path, expected: &str) -> String {
    let before = device.run(&["status"]);
    let (exit, code, message) = device.fail(&["import", path.to_str().unwrap()]);
    assert_eq!((exit, code.as_str()), (1, expected), "{}: {message}", path.display());
    let after = device.run(&["status"]);
    assert_eq!(before["messages"], after["messages"]);
    assert_eq!(before["conversations"], after["conversations"]);
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    message
}

fn file(device: &Device, name: &str, content: &[u8]) -> std::path::PathBuf {
    let path = device.path(name);
    fs::write(&path, content).unwrap();
    path
}

#[test]
fn what_is_no_export_is_told_apart() {
    let device = Device::new();
    let messages = [
        refused(&device, &file(&device, "text.json", b"Dear diary, today"), "bad_archive"),
        refused(&device, &file(&device, "empty.json", b""), "bad_archive"),
        refused(&device, &file(&device, "other.json", br#"[{"name": "x"}]"#), "bad_archive"),
        refused(&device, &file(&device, "none.json", b"[]"), "bad_archive"),
        refused(&device, &device.path("missing.json"), "io"),
    ];
    for (i, a) in messages.iter().enumerate() {
        assert!(messages[i + 1..].iter().all(|b| a != b), "two kinds of bad input, one message: {a}");
    }
}

#[test]
fn a_truncated_archive_changes_nothing_and_says_where() {
    let device = Device::new();
    let whole = fs::read(samples().join("chatgpt/conversations.json")).unwrap();
    for share in [3, 10, 50, 90, 99] {
        let cut = file(&device, "cut.json", &whole[..whole.len() * share / 100]);
        let message = refused(&device, &cut, "bad_archive");
        assert!(message.contains("byte"), "{message}");
    }
}

#[test]
fn the_wrong_vendor_is_named() {
    let device = Device::new();
    let path = samples().join("claude/conversations.json");
    let (_, code, message) = device.fail(&["import", "--format", "chatgpt", path.to_str().unwrap()]);
    assert_eq!(code, "bad_archive");
    assert!(message.contains("claude"), "{message}");
}

#[test]
fn depth_and_blanks_do_not_exhaust_anything() {
    let device = Device::new();
    let deep = format!("[{}{}]", "[".repeat(200_000), "]".repeat(200_000));
    refused(&device, &file(&device, "deep.json", deep.as_bytes()), "bad_archive");
    let in_value = format!(r#"[{{"title":"t","mapping":{}{}}}]"#, "[".repeat(200_000), "]".repeat(200_000));
    refused(&device, &file(&device, "deep2.json", in_value.as_bytes()), "bad_archive");
    // A gigabyte of blanks, as a sparse file cannot be: blanks are written once and linked by length.
    let path = device.path("blanks.json");
    let mut out = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        out.write_all(&blanks).unwrap();
    }
    drop(out);
    refused(&device, &path, "bad_archive");
    fs::remove_file(path).unwrap();
}

#[test]
fn an_archive_that_climbs_out_is_refused() {
    let device = Device::new();
    let path = device.path("evil.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("../../evil.txt", options).unwrap();
    zip.write_all(b"x").unwrap();
    zip.start_file("conversations.json", options).unwrap();
    zip.write_all(&fs::read(samples().join("chatgpt/conversations.json")).unwrap()).unwrap();
    zip.finish().unwrap();
    let message = refused(&device, &path, "bad_archive");
    assert!(message.contains("evil.txt"), "{message}");
    assert!(!device.dir.path().parent().unwrap().join("evil.txt").exists());
}

#[test]
fn an_unreadable_conversation_is_kept_and_told_and_the_rest_comes_in() {
    let device = Device::new();
    let text = fs::read_to_string(samples().join("chatgpt/conversations.json")).unwrap();
    let mut all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let good = all.len() as u64;
    all.insert(1, json!({"title": "Broken one", "mapping": 7, "id": "broken"}));
    let path = file(&device, "one-bad.json", serde_json::to_string(&all).unwrap().as_bytes());
    let report = device.import(&path);
    assert_eq!(report["conversations_read"], json!(good + 1));
    assert_eq!(report["conversations_imported"], json!(good));
    assert_eq!(report["skipped"].as_array().unwrap().len(), 1);
    assert_eq!((&report["skipped"][0]["position"], &report["skipped"][0]["title"]), (&json!(2), &json!("Broken one")));
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    // A size limit on files stands in for the disk: SQLite and the index meet the same error in the same places.
    let device = Device::new();
    let id = device.run(&["new", "--title", "Kept"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "before the disk was full"]);
    let sample = samples().join("chatgpt/conversations.json");
    let mut shell = std::process::Command::new("bash");
    shell.arg("-c").arg("trap '' XFSZ; ulimit -f 64; exec \"$@\"").arg("--").arg(crate::device::airi());
    shell.arg("--data-dir").arg(device.path("data")).arg("--json").arg("import").arg(&sample);
    let output = shell.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("\"code\""),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(device.run(&["status"])["messages"], json!(1));
    assert_eq!(device.search("before the disk").len(), 1);
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    device.import(&sample);
}

#[test]
fn a_database_from_a_newer_version_is_left_untouched() {
    let device = Device::new();
    device.run(&["new"]);
    let path = device.path("data/profiles/local/mirror.sqlite");
    // The version stands in the file's header at byte 60, in big-endian order.
    let mut bytes = fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&900u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    for name in ["mirror.sqlite-wal", "mirror.sqlite-shm"] {
        let _ = fs::remove_file(path.with_file_name(name));
    }
    let (exit, code, message) = device.fail(&["list"]);
    assert_eq!((exit, code.as_str()), (1, "newer_version"), "{message}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_damaged_database_is_left_untouched() {
    let device = Device::new();
    device.run(&["new"]);
    let path = device.path("data/profiles/local/mirror.sqlite");
    fs::write(&path, b"this is not a database at all, and it is long enough to be looked at").unwrap();
    let (exit, code, _) = device.fail(&["list"]);
    assert_eq!((exit, code.as_str()), (1, "damaged"));
    assert!(fs::read(&path).unwrap().starts_with(b"this is not"));
}

#[cfg(unix)]
#[test]
fn a_locked_database_is_waited_for_and_then_told() {
    let device = Device::new();
    device.run(&["new"]);
    let lock = rusqlite::Connection::open(device.path("data/profiles/local/mirror.sqlite")).unwrap();
    lock.execute_batch("begin immediate").unwrap();
    let (exit, code, _) = device.fail(&["new"]);
    assert_eq!((exit, code.as_str()), (1, "busy"));
    // Reading goes on all the while.
    assert_eq!(device.list().len(), 1);
    lock.execute_batch("rollback").unwrap();
    device.run(&["new"]);
    assert_eq!(device.list().len(), 2);
}

#[test]
fn a_data_folder_that_is_a_file_is_told() {
    let device = Device::new();
    fs::write(device.path("data"), b"x").unwrap();
    let (exit, code, message) = device.fail(&["list"]);
    assert_eq!((exit, code.as_str()), (1, "io"), "{message}");
}

#[test]
fn a_folder_without_an_export_is_told() {
    let device = Device::new();
    let folder = device.path("photos");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("cat.jpg"), b"x").unwrap();
    let message = refused(&device, &folder, "bad_archive");
    assert!(message.contains("conversations.json"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let device = Device::new();
    let closed = device.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("conversations.json"), b"[]").unwrap();
    let mode = |path: &Path, bits: u32| fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    mode(&closed, 0o000);
    mode(device.dir.path(), 0o777);
    // Root may read everything, so there the program runs as nobody, from a place that nobody can reach.
    let program = device.path("airi");
    fs::copy(crate::device::airi(), &program).unwrap();
    let root = closed.join("conversations.json").exists();
    let mut command = match root {
        true => {
            let mut command = std::process::Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
            command
        }
        false => std::process::Command::new(&program),
    };
    command.arg("--data-dir").arg(device.path("data")).args(["--json", "import"]).arg(&closed);
    let output = command.output().unwrap();
    mode(&closed, 0o700);
    assert_eq!(output.status.code(), Some(1));
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "io", "{error}");
}
