//! What leaves this computer, and what leaves the server: nothing is removed while something waits or was not typed, and
//! nothing but what was meant.

use crate::device::Device;
use airi_tests::{Cloud, CloudOptions, User};
use serde_json::Value;
use std::path::Path;
use tokio::runtime::Runtime;

fn titles(device: &Device) -> Vec<String> {
    let mut titles: Vec<String> =
        device.list().iter().map(|row| row["title"].as_str().unwrap_or_default().to_owned()).collect();
    titles.sort();
    titles
}

/// Every file below a folder, without the logs.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path.display().to_string()),
        }
    }
    found
}

#[test]
fn a_profile_leaves_this_computer_only_when_nothing_is_lost_or_its_name_was_typed() {
    let runtime = Runtime::new().unwrap();
    let cloud = runtime.block_on(Cloud::start(CloudOptions::default())).unwrap();
    let user = runtime.block_on(cloud.create_user()).unwrap();
    let device = Device::new();
    device.run(&["new", "--title", "Stays without an account"]);
    let profile = device.log_in(&cloud, &user, &["--take", "none"])["profile"].as_str().unwrap().to_owned();
    let here = device.path("data").join("profiles").join(&profile);
    device.run(&["new", "--title", "On the server too"]);

    // What waits is not thrown away.
    let (_, code, message) = device.fail(&["profiles", "remove", &profile]);
    assert_eq!(code, "invalid_input");
    assert!(message.contains("not sent"), "{message}");
    device.run(&["sync"]);

    // What is nowhere else goes only by its owner's word.
    let only = device.run(&["new", "--title", "Nowhere else"])["id"].as_str().unwrap().to_owned();
    device.run(&["edit", &only, "--only-here"]);
    let (_, code, message) = device.fail(&["profiles", "remove", &profile]);
    assert_eq!(code, "confirm_needed");
    assert!(message.contains(&user.email), "{message}");
    assert_eq!(device.fail(&["profiles", "remove", &profile, "--confirm", "somebody@else.test"]).1, "confirm_needed");
    assert_eq!(titles(&device), ["Nowhere else", "On the server too"], "nothing was removed yet");

    device.run(&["backup", device.path("own-backup").to_str().unwrap()]);
    let status = device.run(&["profiles", "remove", &profile, "--confirm", &user.email.to_uppercase()]);
    assert_eq!(status["profile"], "local");
    assert!(!here.exists(), "the database, the index, the files and the session are gone");
    let left = files(&device.path("data"));
    assert!(!left.iter().any(|path| path.contains(&profile) || path.contains(".removed-")), "{left:?}");
    assert!(device.path("own-backup").join("backup.json").is_file(), "a backup elsewhere is the user's");
    assert_eq!(titles(&device), ["Stays without an account"], "the other profile is as it was");
    assert_eq!(device.fail(&["profiles", "remove", &profile]).1, "not_found");

    // The server kept what it has, and its account its other sessions.
    device.log_in(&cloud, &user, &["--take", "none"]);
    device.run(&["sync"]);
    assert_eq!(titles(&device), ["On the server too"]);

    // The profile without an account comes back empty.
    device.run(&["profiles", "use", "local"]);
    assert_eq!(device.fail(&["profiles", "remove", "local"]).1, "confirm_needed");
    let status = device.run(&["profiles", "remove", "local", "--confirm", "local"]);
    assert_eq!((&status["profile"], &status["conversations"]), (&Value::from("local"), &Value::from(0)));
    assert_eq!(device.run(&["profiles"]).as_array().unwrap().len(), 2, "nothing of the change is left in the list");
    runtime.block_on(cloud.stop()).unwrap();
}

#[test]
fn an_account_is_deleted_on_the_server_with_its_files_and_this_computer_keeps_everything() {
    let runtime = Runtime::new().unwrap();
    let cloud = runtime.block_on(Cloud::start(CloudOptions::default())).unwrap();
    let user = runtime.block_on(cloud.create_user()).unwrap();
    let other = runtime.block_on(cloud.create_user()).unwrap();
    let device = Device::new();
    let profile = device.log_in(&cloud, &user, &["--take", "none"])["profile"].as_str().unwrap().to_owned();
    let made = device.run(&["new", "--title", "Mine"])["id"].as_str().unwrap().to_owned();
    std::fs::write(device.path("note.txt"), "a file of mine").unwrap();
    device.run(&["attach", &made, device.path("note.txt").to_str().unwrap()]);
    device.run(&["sync"]);
    let second = Device::new();
    second.log_in(&cloud, &user, &["--take", "none"]);
    second.run(&["sync"]);

    let count = |sql: &str, id: &User| -> i64 {
        runtime.block_on(async { cloud.connect().await.unwrap().query_one(sql, &[&id.id]).await.unwrap().get(0) })
    };
    let rows = "select (select count(*) from auth.users where id = $1) + (select count(*) from public.conversations where user_id = $1)";
    let objects = "select count(*) from storage.objects where starts_with(name, $1::uuid::text || '/')";
    assert_eq!((count(rows, &user), count(objects, &user)), (2, 1));

    assert_eq!(device.fail(&["delete-account"]).1, "confirm_needed");
    assert_eq!(device.fail(&["delete-account", "--confirm", &other.email]).1, "confirm_needed");
    assert_eq!((count(rows, &user), count(objects, &user)), (2, 1), "nothing was deleted");

    let deleted = device.run(&["delete-account", "--confirm", &user.email]);
    assert_eq!(deleted["files_left"], 0);
    assert_eq!(deleted["status"]["sync"], "signed_out");
    assert_eq!((count(rows, &user), count(objects, &user)), (0, 0), "rows and files are gone from the server");
    assert_eq!(count(rows, &other), 1, "nobody else's are");

    // Both computers keep what they have; nothing of it goes anywhere.
    assert_eq!(titles(&device), ["Mine"]);
    assert!(device.run(&["status"])["message"].as_str().unwrap().contains("stays yours"));
    assert_eq!(device.fail(&["sync"]).1, "session_ended");
    assert_eq!(second.fail(&["sync"]).1, "session_ended");
    assert_eq!(titles(&second), ["Mine"]);
    device.run(&["verify"]);

    // Now it is nowhere else, so it goes only when the address is typed.
    assert_eq!(device.fail(&["profiles", "remove", &profile]).1, "confirm_needed");
    device.run(&["profiles", "remove", &profile, "--confirm", &user.email]);
    assert!(titles(&device).is_empty());
    runtime.block_on(cloud.stop()).unwrap();
}

#[test]
fn without_the_server_no_account_is_deleted_and_that_is_said() {
    let runtime = Runtime::new().unwrap();
    let cloud = runtime.block_on(Cloud::start(CloudOptions::default())).unwrap();
    let user = runtime.block_on(cloud.create_user()).unwrap();
    let device = Device::new();
    device.log_in(&cloud, &user, &["--take", "none"]);
    runtime.block_on(cloud.stop()).unwrap();
    assert_eq!(device.fail(&["delete-account", "--confirm", &user.email]).1, "offline");
    let status = device.run(&["status"]);
    assert_eq!(status["account"]["signed_in"], true, "nothing was changed");
}
