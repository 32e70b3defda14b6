//! What a person is shown of sync: the devices, what the server refused and what can be done about it, how things stand,
//! and a log that may be sent to anybody.

use crate::device::{Device, airi};
use crate::sync::{account, as_user, converge, count, log_in, shared, signed_in};
use serde_json::{Value, json};
use std::process::Command;

/// What a person reads: without `--json`.
fn read(device: &Device, args: &[&str]) -> String {
    let output = Command::new(airi())
        .arg("--data-dir")
        .arg(device.path("data"))
        .args(args)
        .env("AIRI_PASSPHRASE_FILE", device.path("passphrase"))
        .output()
        .unwrap();
    assert!(output.status.success(), "airi {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {row}"))
}

#[test]
fn a_device_signed_out_from_another_keeps_everything_and_comes_back_as_the_same_one() {
    let user = account();
    let first = signed_in(&user);
    let second = signed_in(&user);
    let devices = first.run(&["devices"]);
    let devices = devices.as_array().unwrap();
    assert_eq!(devices.len(), 2, "{devices:?}");
    let (here, there): (Vec<_>, Vec<_>) = devices.iter().partition(|row| row["current"] == json!(true));
    assert_eq!((here.len(), there.len()), (1, 1));
    for row in devices {
        assert!(!text(row, "name").is_empty());
        assert_eq!(text(row, "platform"), std::env::consts::OS);
        assert_eq!(text(row, "app_version"), env!("CARGO_PKG_VERSION"));
        assert!(text(row, "last_sync_at") >= text(row, "first_seen_at"));
        assert_eq!(row["signed_out_at"], Value::Null);
    }
    let table = read(&first, &["devices"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("this device") && table.contains(text(there[0], "id")), "{table}");

    // An idle sync right after another stays one request: nobody is told again.
    let idle = first.run(&["sync"]);
    assert_eq!((&idle["requests"], &idle["pulled"]), (&json!(1), &json!(0)), "{idle}");

    let id = second.run(&["new", "--title", "Not sent yet"])["id"].as_str().unwrap().to_owned();
    second.run(&["add", &id, "--role", "user", "stays here"]);
    let after = first.run(&["devices", "sign-out", text(there[0], "id")]);
    let gone = after.as_array().unwrap().iter().find(|row| row["id"] == there[0]["id"]).unwrap();
    assert_ne!(gone["signed_out_at"], Value::Null, "{after}");
    assert!(read(&first, &["devices"]).contains("signed out"));

    let (exit, code, message) = second.fail(&["sync"]);
    assert_eq!((exit, code.as_str()), (1, "session_ended"), "{message}");
    let status = second.run(&["status"]);
    assert_eq!((&status["sync"], &status["outbox"]), (&json!("signed_out"), &json!(2)), "{status}");
    assert_eq!(second.search("stays").len(), 1);
    assert!(read(&second, &["status"]).contains("`airi login`"));

    log_in(&second, &user);
    second.run(&["sync"]);
    let back = first.run(&["devices"]);
    let ids = |rows: &Value| {
        let mut ids: Vec<_> = rows.as_array().unwrap().iter().map(|row| text(row, "id").to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&back), ids(&json!(devices)), "the same two devices");
    assert!(back.as_array().unwrap().iter().all(|row| row["signed_out_at"] == Value::Null), "{back}");
    converge(&user, &[&first, &second]);
    assert_eq!(count(&user, "select count(*) from public.chat_messages where user_id = $1"), 1);
}

#[test]
fn the_device_in_use_and_unknown_ones_are_not_signed_out_from_the_list() {
    let user = account();
    let device = signed_in(&user);
    let devices = device.run(&["devices"]);
    let (_, code, message) = device.fail(&["devices", "sign-out", text(&devices[0], "id")]);
    assert_eq!(code, "invalid_input");
    assert!(message.contains("airi logout"), "{message}");
    let stranger = signed_in(&account());
    let others = stranger.run(&["devices"]);
    for unknown in [text(&others[0], "id"), "nonsense"] {
        let (_, code, message) = device.fail(&["devices", "sign-out", unknown]);
        assert_eq!(code, "invalid_input", "{message}");
        assert!(message.contains("not a device of this account"), "{message}");
    }
    stranger.run(&["sync"]);
    device.run(&["sync"]);
    let local = Device::new();
    assert_eq!(local.fail(&["devices"]).1, "signed_out");
}

/// A device whose message the server refuses, since its id is that of another account's message; a second change waits
/// behind it. The ids of the conversation and of the message.
fn refused(user: &airi_tests::User) -> (Device, String, String) {
    let device = signed_in(user);
    let conversation = device.run(&["new", "--title", "Two of one id"])["id"].as_str().unwrap().to_owned();
    device.run(&["sync"]);
    let added = device.run(&["add", &conversation, "--role", "user", "what this device says"]);
    let message = text(&added, "id").to_owned();
    device.run(&["edit", &conversation, "--title", "Waits behind", "--star"]);
    let (other, theirs) = (account(), uuid::Uuid::now_v7());
    as_user(
        &other,
        &format!(
            "insert into public.conversations (id, user_id, title, model_id, provider_id) \
             values ('{theirs}', '{id}', 'Theirs', 'm', 'p'); \
             insert into public.chat_messages (id, conversation_id, user_id, role, content) \
             values ('{message}', '{theirs}', '{id}', 'user', 'what somebody else says')",
            id = other.id
        ),
    );
    let report = device.run(&["sync"]);
    assert_eq!(report["refused"], json!(1), "{report}");
    (device, conversation, message)
}

#[test]
fn a_refused_change_stands_in_view_is_exported_and_given_up_without_loss() {
    let user = account();
    let (device, conversation, message) = refused(&user);
    let rows = device.run(&["outbox"]);
    let row = &rows[0];
    assert_eq!(
        (text(row, "state"), text(row, "code"), text(row, "kind"), text(row, "table")),
        ("wedged", "id_taken", "insert", "chat_messages"),
        "{rows}"
    );
    assert_eq!((text(row, "row_id"), text(row, "conversation_id")), (message.as_str(), conversation.as_str()));
    assert_eq!(text(row, "conversation_title"), "Waits behind");
    assert_eq!((&row["attempts"], &row["fields"]), (&json!(1), &json!([])));
    let waiting = rows.as_array().unwrap().len() - 1;
    assert!(waiting > 0);
    assert_eq!(row["behind"], json!(waiting), "{rows}");
    let fields: Vec<_> =
        rows.as_array().unwrap()[1..].iter().flat_map(|row| row["fields"].as_array().unwrap()).collect();
    assert!(fields.contains(&&json!("title")) && fields.contains(&&json!("is_starred")), "{rows}");

    let id = text(row, "id");
    let page = read(&device, &["outbox"]);
    for part in ["refused: new message in \"Waits behind\"", "tried once", "id_taken", "airi outbox discard"] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    let status = read(&device, &["status"]);
    assert!(status.contains("1 changes refused") && status.contains("`airi outbox`"), "{status}");

    // Sending it again changes nothing about it: it is refused again, under another id.
    device.run(&["outbox", "retry", id]);
    assert_eq!(device.run(&["sync"])["refused"], json!(1));
    let rows = device.run(&["outbox"]);
    assert_eq!(rows[0]["attempts"], json!(2), "{rows}");
    let id = text(&rows[0], "id");

    let path = device.path("kept.json");
    device.run(&["outbox", "export", id, "-o", path.to_str().unwrap()]);
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(kept["change"]["code"], json!("id_taken"));
    assert_eq!(kept["conversations"][0]["conversation"]["id"], json!(conversation));
    assert_eq!(kept["conversations"][0]["messages"][0]["content"], json!("what this device says"));

    device.run(&["outbox", "discard", id]);
    converge(&user, &[&device]);
    assert_eq!(device.run(&["show", &conversation])["messages"], json!([]), "the refused row has left");
    assert!(device.search("\"this device says\"").is_empty());
    assert_eq!(device.list()[0]["is_starred"], json!(true), "what waited behind it was sent");
    assert_eq!(device.run(&["outbox"]), json!([]));
    assert_eq!(read(&device, &["outbox"]).trim(), "Nothing waits.");
    // The file is an export like any other, into any profile.
    let elsewhere = Device::new();
    assert_eq!(elsewhere.import(&path)["messages_imported"], json!(1));
    assert_eq!(elsewhere.search("\"this device says\"").len(), 1);
}

#[test]
fn a_change_with_a_file_takes_its_bytes_into_a_zip() {
    let user = account();
    let device = signed_in(&user);
    device.import(&crate::samples::samples().join("chatgpt-current"));
    let rows = device.run(&["outbox"]);
    let change = rows.as_array().unwrap().iter().find(|row| row["table"] == json!("message_attachments")).unwrap();
    assert_eq!((text(change, "state"), &change["code"]), ("pending", &Value::Null));
    let path = device.path("file.zip");
    device.run(&["outbox", "export", text(change, "id"), "-o", path.to_str().unwrap()]);
    let elsewhere = Device::new();
    let report = elsewhere.import(&path);
    assert_eq!((&report["messages_imported"], &report["attachments_imported"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(device.fail(&["outbox", "export", "0", "-o", "x"]).1, "invalid_input");
    let nobody = "00000000-0000-7000-8000-000000000000";
    let there = device.path("untouched");
    std::fs::write(&there, "as it was").unwrap();
    assert_eq!(device.fail(&["outbox", "export", nobody, "-o", there.to_str().unwrap()]).1, "not_found");
    assert_eq!(std::fs::read_to_string(there).unwrap(), "as it was");
}

#[test]
fn a_paused_sync_says_so_and_how_it_goes_on() {
    let user = account();
    let device = signed_in(&user);
    let status = device.run(&["sync", "--pause"]);
    assert_eq!((&status["paused"], &status["sync"]), (&json!(true), &json!("paused")), "{status}");
    assert!(read(&device, &["status"]).contains("`airi sync --resume`"));
    let status = device.run(&["sync", "--resume"]);
    assert_eq!((&status["paused"], &status["sync"]), (&json!(false), &json!("in_step")), "{status}");
}

#[test]
fn a_comparison_with_the_server_is_told_and_remembered() {
    let user = account();
    let device = signed_in(&user);
    let id = device.run(&["new", "--title", "Compared"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "row by row"]);
    device.run(&["sync"]);
    let report = device.run(&["verify", "--remote"]);
    assert_eq!((&report["ranges_differing"], &report["findings"]), (&json!(0), &json!([])), "{report}");
    assert!(report["rows"].as_u64().unwrap() >= 2, "{report}");
    let status = device.run(&["status"]);
    assert_eq!(status["audit"], report);
    let page = read(&device, &["status"]);
    assert!(page.contains("compared with the server") && page.contains("all the same"), "{page}");
}

#[test]
fn the_log_tells_what_happened_and_holds_no_content_and_no_secret() {
    let user = account();
    let cloud = &shared().cloud;
    let device = Device::new();
    // Everything that goes in or is typed, as a word that is nowhere else.
    let id = device.run(&["new", "--title", "canary-title"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "canary-content of a message"]);
    device.run(&["edit", &id, "--add-tag", "canary-tag"]);
    let broken = device.path("canary-broken-import.json");
    std::fs::write(&broken, "{\"canary-inside\": [").unwrap();
    let (_, code, _) = device.fail(&["import", broken.to_str().unwrap()]);
    device.import(&crate::samples::samples().join("chatgpt-current"));
    let login = |email: &str, password: &str| {
        let args =
            ["login", "--url", &cloud.url, "--key", &cloud.publishable_key, "--email", email, "--password-stdin"];
        device.output(&args, password)
    };
    assert!(!login(&user.email, "canary-password").status.success());
    assert!(!login("canary-mail@example.com", "canary-password").status.success());
    assert!(login(&user.email, &user.password).status.success());
    device.run(&["sync"]);
    device.search("canary-query");
    device.export("canary-export.zip");
    device.fail(&["export", "--all", "-o", device.path("canary-folder/deep/x.json").to_str().unwrap()]);
    device.run(&["verify"]);
    device.run(&["devices"]);
    device.run(&["logout"]);

    let path = device.path("sent.txt");
    device.run(&["log", "-o", path.to_str().unwrap()]);
    let log = std::fs::read_to_string(&path).unwrap();
    for part in [
        "AIRI 0.",
        "profiles: ",
        "start version=",
        " import ",
        " sync ",
        " export ",
        "signed in by=\"password\"",
        "signed out",
    ] {
        assert!(log.contains(part), "'{part}' is not in the log:\n{log}");
    }
    assert!(log.contains(&format!("code=\"{code}\"")), "the broken import is named by its code:\n{log}");
    assert_eq!(read(&device, &["log"]).lines().next(), log.lines().next());
    let everything = {
        let mut all = log.clone();
        for entry in std::fs::read_dir(device.path("data/logs")).unwrap() {
            all += &String::from_utf8(std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        }
        all.to_lowercase()
    };
    let titles: Vec<_> = device.list().into_iter().filter_map(|row| row["title"].as_str().map(str::to_owned)).collect();
    assert!(titles.len() > 1);
    let folder = device.dir.path().to_string_lossy().into_owned();
    let forbidden = [
        "canary",
        user.email.as_str(),
        user.password.as_str(),
        &user.id.to_string(),
        cloud.publishable_key.as_str(),
        "correct horse",
        "127.0.0.1",
        "eyj",
        "token",
        "chatgpt-current",
        &id,
        &folder,
    ];
    for word in forbidden.into_iter().chain(titles.iter().map(String::as_str)) {
        let word = word.to_lowercase();
        assert!(!everything.contains(&word), "'{word}' is in the log:\n{log}");
    }
}
