//! Two devices and the real cloud: real PostgreSQL, the official CLI's migrations, real PostgREST.

use crate::device::Device;
use crate::samples::samples;
use airi_tests::{Cloud, CloudOptions, Migrations, User};
use serde_json::{Value, json};
use std::sync::OnceLock;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// One cloud for all tests of this file; each test has its own account on it.
pub(crate) struct Shared {
    pub(crate) runtime: Runtime,
    pub(crate) cloud: Cloud,
}

pub(crate) fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let cloud = runtime.block_on(Cloud::start(CloudOptions::default())).unwrap();
        Shared { runtime, cloud }
    })
}

pub(crate) fn account() -> User {
    let shared = shared();
    shared.runtime.block_on(shared.cloud.create_user()).unwrap()
}

/// Runs SQL as that user, the way another client's request runs.
pub(crate) fn as_user(user: &User, sql: &str) {
    let shared = shared();
    shared.runtime.block_on(async {
        let client = shared.cloud.connect().await.unwrap();
        let claims = json!({ "sub": user.id, "role": "authenticated" }).to_string();
        let whole = format!(
            "begin; select set_config('request.jwt.claims', '{claims}', true); set local role authenticated; {sql}; commit;"
        );
        client.batch_execute(&whole).await.unwrap();
    });
}

pub(crate) fn count(user: &User, sql: &str) -> i64 {
    let shared = shared();
    shared.runtime.block_on(async {
        let client = shared.cloud.connect().await.unwrap();
        client.query_one(sql, &[&user.id]).await.unwrap().get(0)
    })
}

pub(crate) fn log_in(device: &Device, user: &User) -> Value {
    device.log_in(&shared().cloud, user, &[])
}

pub(crate) fn signed_in(user: &User) -> Device {
    let device = Device::new();
    log_in(&device, user);
    device.run(&["sync"]);
    device
}

/// Syncs both until neither moves, and checks that they and the server hold the same.
pub(crate) fn converge(user: &User, devices: &[&Device]) {
    for _ in 0..2 {
        for device in devices {
            device.run(&["sync"]);
        }
    }
    let path = |device: &Device| {
        let path = device.path("same.zip");
        device.run(&["export", "--all", "--include-deleted", "-o", path.to_str().unwrap()]);
        std::fs::read(path).unwrap()
    };
    let first = path(devices[0]);
    for device in &devices[1..] {
        assert!(path(device) == first, "two devices hold different rows");
    }
    for device in devices {
        let status = device.run(&["status"]);
        assert_eq!(
            (&status["sync"], &status["outbox"], &status["parked"]),
            (&json!("in_step"), &json!(0), &json!(0)),
            "{status}"
        );
        assert_eq!(device.run(&["verify"])["ok"], json!(true));
        let messages = count(
            user,
            "select count(*) from public.chat_messages m join public.conversations c on c.id = m.conversation_id \
             where m.user_id = $1 and m.deleted_at is null and c.deleted_at is null",
        );
        assert_eq!(status["messages"], json!(messages));
    }
    let idle = devices[0].run(&["sync"]);
    assert_eq!((&idle["requests"], &idle["pulled"], &idle["pushed"]), (&json!(1), &json!(0), &json!(0)), "{idle}");
}

#[test]
fn a_history_goes_to_the_cloud_and_comes_out_on_a_second_device_identical() {
    let user = account();
    let first = signed_in(&user);
    let chatgpt = first.import(&samples().join("chatgpt-current"));
    let claude = first.import(&samples().join("claude"));
    let sent = first.run(&["sync"]);
    assert_eq!(sent["refused"], json!(0), "{}", first.run(&["outbox"]));
    assert!(sent["files_uploaded"].as_u64().unwrap() > 0);
    let second = signed_in(&user);
    converge(&user, &[&first, &second]);
    assert_eq!(first.export("all.zip"), second.export("all.zip"), "with the attachments' bytes");
    let title = first.list()[0]["title"].as_str().unwrap().to_owned();
    assert!(!second.search(&format!("\"{}\"", title.replace('"', ""))).is_empty());
    let imported = [&chatgpt, &claude].map(|report| report["conversations_imported"].as_i64().unwrap());
    let there = count(&user, "select count(*) from public.conversations where user_id = $1");
    assert_eq!(there, imported.iter().sum::<i64>());
    // The same archive, imported on the second device too, is the same history.
    let again = second.import(&samples().join("chatgpt-current"));
    assert_eq!(again["messages_imported"], json!(0), "{again}");
    converge(&user, &[&first, &second]);
}

#[test]
fn local_conversations_come_along_or_stay_as_the_user_says() {
    let user = account();
    let device = Device::new();
    device.import(&samples().join("chatgpt-current"));
    let before = device.list().len();
    let status = log_in(&device, &user);
    assert_eq!(status["account"]["signed_in"], json!(true));
    assert_eq!(status["account"]["session_in"], json!("file"));
    assert_eq!(device.list().len(), before);
    device.run(&["sync"]);
    let second = signed_in(&user);
    // What joined from a local profile has the ids that an import into the account would give, its files too.
    let again = second.import(&samples().join("chatgpt-current"));
    assert_eq!((&again["messages_imported"], &again["attachments_imported"]), (&json!(0), &json!(0)), "{again}");
    converge(&user, &[&device, &second]);

    let stays = Device::new();
    stays.run(&["new", "--title", "Private"]);
    let other = account();
    stays.log_in(&shared().cloud, &other, &["--take", "none"]);
    stays.run(&["sync"]);
    assert!(stays.list().is_empty());
    assert_eq!(count(&other, "select count(*) from public.conversations where user_id = $1"), 0);
    assert_eq!(stays.run(&["--profile", "local", "list"])[0]["title"], json!("Private"));
}

#[test]
fn rows_that_another_client_writes_straight_to_the_tables_arrive() {
    let user = account();
    let (first, second) = (signed_in(&user), signed_in(&user));
    let (conversation, message) = (Uuid::now_v7(), Uuid::now_v7());
    as_user(
        &user,
        &format!(
            "insert into public.conversations (id, user_id, title, model_id, provider_id) \
             values ('{conversation}', '{id}', 'From the web', 'm', 'p'); \
             insert into public.chat_messages (id, conversation_id, user_id, role, content) \
             values ('{message}', '{conversation}', '{id}', 'user', 'Written elsewhere, 別の場所で')",
            id = user.id
        ),
    );
    converge(&user, &[&first, &second]);
    assert_eq!(first.search("別").len(), 1);
    assert_eq!(second.list()[0]["title"], json!("From the web"));
    as_user(&user, &format!("update public.conversations set title = 'Renamed there' where id = '{conversation}'"));
    as_user(&user, &format!("update public.chat_messages set deleted_at = now() where id = '{message}'"));
    converge(&user, &[&first, &second]);
    assert_eq!(first.list()[0]["title"], json!("Renamed there"));
    assert!(first.search("elsewhere").is_empty());
    // A hard delete arrives as a tombstone.
    as_user(&user, &format!("delete from public.conversations where id = '{conversation}'"));
    converge(&user, &[&first, &second]);
    assert!(first.list().is_empty() && second.list().is_empty());
}

#[test]
fn edits_on_both_sides_meet_field_by_field() {
    let user = account();
    let first = signed_in(&user);
    let id = first.run(&["new", "--title", "Start"])["id"].as_str().unwrap().to_owned();
    first.run(&["add", &id, "--role", "user", "one"]);
    first.run(&["sync"]);
    let second = signed_in(&user);
    first.run(&["edit", &id, "--title", "From the first", "--add-tag", "a"]);
    second.run(&["edit", &id, "--star", "--add-tag", "b"]);
    first.run(&["add", &id, "--role", "assistant", "an answer of the first"]);
    second.run(&["add", &id, "--role", "assistant", "an answer of the second"]);
    converge(&user, &[&first, &second]);
    let row = second.list()[0].clone();
    assert_eq!(
        (&row["title"], &row["is_starred"], &row["message_count"]),
        (&json!("From the first"), &json!(true), &json!(3))
    );
    let mut tags: Vec<_> = row["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["a", "b"]);
}

#[test]
fn deleting_and_restoring_travel() {
    let user = account();
    let first = signed_in(&user);
    let id = first.run(&["new", "--title", "Here and gone"])["id"].as_str().unwrap().to_owned();
    let message = first.run(&["add", &id, "--role", "user", "hello there"])["id"].as_str().unwrap().to_owned();
    first.run(&["sync"]);
    let second = signed_in(&user);
    first.run(&["delete", &id]);
    converge(&user, &[&first, &second]);
    assert!(second.list().is_empty());
    assert_eq!(second.run(&["list", "--deleted"]).as_array().unwrap().len(), 1);
    second.run(&["undelete", &id]);
    second.run(&["delete", &message]);
    converge(&user, &[&first, &second]);
    assert_eq!(first.list()[0]["message_count"], json!(0));
    first.run(&["undelete", &message]);
    converge(&user, &[&first, &second]);
    assert_eq!(second.search("hello").len(), 1);
}

#[test]
fn what_is_pushed_twice_takes_effect_once() {
    let user = account();
    let device = signed_in(&user);
    let id = device.run(&["new", "--title", "Once"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "only once"]);
    device.run(&["edit", &id, "--add-tag", "t"]);
    // A copy of the device from before its sync sends the very same operations again.
    let copy = Device::new();
    copy_folder(&device.path("data"), &copy.path("data"));
    std::fs::copy(device.path("passphrase"), copy.path("passphrase")).unwrap();
    device.run(&["sync"]);
    let sent = copy.run(&["sync"]);
    assert_eq!(sent["refused"], json!(0));
    converge(&user, &[&device, &copy]);
    assert_eq!(count(&user, "select count(*) from public.chat_messages where user_id = $1"), 1);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn an_export_of_another_account_is_given_ids_of_this_one() {
    let (one, other) = (account(), account());
    let first = signed_in(&one);
    let id = first.run(&["new", "--title", "Mine first"])["id"].as_str().unwrap().to_owned();
    first.run(&["add", &id, "--role", "user", "shared words"]);
    first.run(&["sync"]);
    let path = first.path("mine.json");
    first.run(&["export", "--all", "-o", path.to_str().unwrap()]);
    let second = signed_in(&other);
    second.import(&path);
    converge(&other, &[&second]);
    assert_ne!(second.list()[0]["id"], json!(id));
    assert_eq!(second.search("shared words").len(), 1);
    converge(&one, &[&first]);
}

#[test]
fn signing_out_keeps_everything_and_what_waits_is_sent_later() {
    let user = account();
    let device = signed_in(&user);
    let id = device.run(&["new", "--title", "Unsent"])["id"].as_str().unwrap().to_owned();
    let status = device.run(&["logout"]);
    assert_eq!((&status["sync"], &status["outbox"]), (&json!("signed_out"), &json!(1)));
    assert_eq!(device.fail(&["sync"]).1, "signed_out");
    device.run(&["add", &id, "--role", "user", "written while signed out"]);
    log_in(&device, &user);
    converge(&user, &[&device]);
    assert_eq!(count(&user, "select count(*) from public.chat_messages where user_id = $1"), 1);
}

#[test]
fn without_a_network_work_goes_on_and_waits() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = || CloudOptions { data: Some(folder.path().join("cloud")), ..CloudOptions::default() };
    let cloud = runtime.block_on(Cloud::start(options())).unwrap();
    let device = Device::new();
    let url = cloud.url.clone();
    let args = ["login", "--url", &url, "--key", &cloud.publishable_key, "--email", &cloud.email, "--password-stdin"];
    device.run_with(&args, &cloud.password);
    device.run(&["sync"]);
    runtime.block_on(cloud.stop()).unwrap();
    let id = device.run(&["new", "--title", "Offline"])["id"].as_str().unwrap().to_owned();
    device.run(&["add", &id, "--role", "user", "on a train"]);
    let (exit, code, message) = device.fail(&["sync"]);
    assert_eq!((exit, code.as_str()), (1, "offline"), "{message}");
    let status = device.run(&["status"]);
    assert_eq!((&status["sync"], &status["outbox"]), (&json!("offline"), &json!(2)));
    let cloud = runtime.block_on(Cloud::start(options())).unwrap();
    assert_eq!(cloud.url, url, "the same server is back");
    let sent = device.run(&["sync"]);
    assert_eq!((&sent["pushed"], &sent["waiting"]), (&json!(2), &json!(0)));
    assert_eq!(device.run(&["status"])["sync"], json!("in_step"));
    runtime.block_on(cloud.stop()).unwrap();
}

#[test]
fn a_wrong_password_and_a_wrong_key_are_told_and_change_nothing() {
    let user = account();
    let device = Device::new();
    let cloud = &shared().cloud;
    let login = |key: &str, password: &str| {
        let args = ["login", "--url", &cloud.url, "--key", key, "--email", &user.email, "--password-stdin"];
        device.fail_with(&args, password)
    };
    assert_eq!(login(&cloud.publishable_key, "nonsense 1").1, "wrong_password");
    assert_eq!(login("sb_publishable_wrong", &user.password).1, "server_unsuitable");
    let (_, code, message) = login(&cloud.service_key, &user.password);
    assert_eq!(code, "invalid_input");
    assert!(!message.contains(&cloud.service_key));
    let args = [
        "login",
        "--url",
        "http://example.com",
        "--key",
        &cloud.publishable_key,
        "--email",
        "a@b.c",
        "--password-stdin",
    ];
    assert_eq!(device.fail_with(&args, "x").1, "invalid_input");
    let args = [
        "login",
        "--url",
        "http://127.0.0.1:9",
        "--key",
        &cloud.publishable_key,
        "--email",
        "a@b.c",
        "--password-stdin",
    ];
    assert_eq!(device.fail_with(&args, "x").1, "offline");
    assert_eq!(device.run(&["status"])["profile"], json!("local"));
}

#[test]
fn a_server_without_our_migrations_is_named_as_such() {
    let runtime = Runtime::new().unwrap();
    let options = CloudOptions { migrations: Migrations::None, ..CloudOptions::default() };
    let cloud = runtime.block_on(Cloud::start(options)).unwrap();
    let device = Device::new();
    let args =
        ["login", "--url", &cloud.url, "--key", &cloud.publishable_key, "--email", &cloud.email, "--password-stdin"];
    let (exit, code, message) = device.fail_with(&args, &cloud.password);
    assert_eq!((exit, code.as_str()), (1, "server_unsuitable"), "{message}");
    assert!(message.contains("migrations"), "{message}");
    assert_eq!(device.run(&["status"])["profile"], json!("local"));
    runtime.block_on(cloud.stop()).unwrap();
}

#[test]
fn no_secret_lies_in_plain_text_on_the_disk() {
    let user = account();
    let device = signed_in(&user);
    device.run(&["new", "--title", "x"]);
    device.run(&["sync"]);
    let mut files = Vec::new();
    let mut folders = vec![device.path("data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found(user.password.as_bytes()), "the password is in {}", file.display());
        assert!(!found(b"eyJ"), "a token is in {}", file.display());
        assert!(!found(b"refresh_token"), "a session is in {}", file.display());
    }
    assert!(files.iter().any(|file| file.ends_with("session.enc")));
}

#[test]
fn without_a_keyring_and_a_passphrase_sign_in_says_what_to_do() {
    let user = account();
    let device = Device::new();
    let cloud = &shared().cloud;
    let args =
        ["login", "--url", &cloud.url, "--key", &cloud.publishable_key, "--email", &user.email, "--password-stdin"];
    let mut command = device.command(&args);
    command.env_remove("AIRI_PASSPHRASE_FILE").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    command.env_remove("XDG_RUNTIME_DIR");
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"whatever\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("no_keyring") && stderr.contains("AIRI_PASSPHRASE_FILE"), "{stderr}");
}

/// A session bus with an unlocked keyring, and on it sign-in, sync and status. The daemon is ended by its id.
#[cfg(target_os = "linux")]
const IN_A_KEYRING: &str = r#"
printf pw | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 & daemon=$!
for n in $(seq 200); do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets 2>/dev/null | grep -q 'boolean true' && break; sleep 0.05
done
run() { "$AIRI" --data-dir "$DATA" --json "$@"; }
printf '%s\n' "$PASSWORD" | run login --url "$URL" --key "$KEY" --email "$EMAIL" --password-stdin >/dev/null \
  && run new --title "Kept in the keyring" >/dev/null && run sync >/dev/null && run status; code=$?
kill $daemon; exit $code"#;

#[cfg(target_os = "linux")]
#[test]
fn the_session_lies_in_the_keyring_where_there_is_one() {
    let user = account();
    let device = Device::new();
    let cloud = &shared().cloud;
    let home = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("dbus-run-session")
        .args(["--", "bash", "-c", IN_A_KEYRING])
        .env_remove("AIRI_PASSPHRASE_FILE")
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path())
        .env("AIRI", crate::device::airi())
        .env("DATA", device.path("data"))
        .env("PASSWORD", &user.password)
        .env("URL", &cloud.url)
        .env("KEY", &cloud.publishable_key)
        .env("EMAIL", &user.email)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let status: Value = serde_json::from_str(text.trim())
        .unwrap_or_else(|_| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(status["account"]["session_in"], json!("keyring"));
    assert_eq!(status["sync"], json!("in_step"));
    assert_eq!(count(&user, "select count(*) from public.conversations where user_id = $1"), 1);
}
