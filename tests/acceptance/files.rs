//! Attachments through the real cloud: what is attached reaches the other device whole, over kills and stalled lines, and
//! leaves a disk only when it can be had again.

use crate::device::Device;
use crate::line::Line;
use crate::sync::{account, as_user, count, shared, signed_in};
use airi_tests::User;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const MB: usize = 1024 * 1024;
/// Requests besides the bytes of files: sign-in, rows, headers.
const SLACK: u64 = 400 * 1024;

/// Bytes that no other test has: equal content is one file.
fn bytes(size: usize) -> Vec<u8> {
    let mut state = Uuid::new_v4().as_u128() as u64 | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn file(device: &Device, name: &str, bytes: &[u8]) -> PathBuf {
    let path = device.path(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn conversation(device: &Device) -> String {
    device.run(&["new", "--title", "With files"])["id"].as_str().unwrap().to_owned()
}

/// Attaches and lets the source vanish.
fn attach(device: &Device, conversation: &str, name: &str, bytes: &[u8]) -> Value {
    let path = file(device, name, bytes);
    let row = device.run(&["attach", conversation, path.to_str().unwrap()]);
    std::fs::remove_file(path).unwrap();
    row
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

/// An attachment as `show` tells it.
fn shown(device: &Device, conversation: &str, attachment: &str) -> Value {
    let messages = device.run(&["show", conversation])["messages"].as_array().unwrap().clone();
    let mut files = messages.iter().flat_map(|message| message["files"].as_array().unwrap());
    files.find(|file| file["id"] == attachment).unwrap().clone()
}

fn state(device: &Device, conversation: &str, attachment: &Value) -> String {
    shown(device, conversation, id(attachment))["state"].as_str().unwrap().to_owned()
}

/// The bytes of an attachment, wherever they have to be fetched from.
fn fetch(device: &Device, attachment: &Value) -> Vec<u8> {
    let to = device.path("fetched");
    device.run(&["fetch", id(attachment), "-o", to.to_str().unwrap()]);
    std::fs::read(to).unwrap()
}

/// Waits for what another process does.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what}: not within two minutes");
    }
}

/// The folder of the files of the profile in use.
fn files_of(device: &Device) -> PathBuf {
    let profile = device.run(&["status"])["profile"].as_str().unwrap().to_owned();
    device.path("data").join("profiles").join(profile).join("files")
}

fn kept_at(device: &Device, attachment: &Value) -> PathBuf {
    let hash = attachment["sha256"].as_str().unwrap();
    files_of(device).join(&hash[..2]).join(hash)
}

fn on_the_way(device: &Device, folder: &str) -> usize {
    std::fs::read_dir(files_of(device).join(folder)).unwrap().count()
}

/// How many objects an account has, and their bytes.
fn objects(user: &User) -> (i64, i64) {
    let of = |what: &str| {
        count(user, &format!("select {what} from storage.objects where split_part(name, '/', 1) = ($1::uuid)::text"))
    };
    (of("count(*)"), of("coalesce(sum((metadata ->> 'size')::bigint), 0)::bigint"))
}

/// Signed in over a line of its own.
fn behind(line: &Line, user: &User) -> Device {
    let device = Device::new();
    let key = &shared().cloud.publishable_key;
    let args = ["login", "--url", &line.url, "--key", key, "--email", &user.email, "--password-stdin"];
    device.run_with(&args, &format!("{}\n", user.password));
    device.run(&["sync"]);
    device
}

/// A sync that is killed once the line stands still.
fn killed(device: &Device, wait_until_still: impl FnOnce()) {
    let mut child = device.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until_still();
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_large_upload_that_is_killed_goes_on_where_it_was() {
    let user = account();
    let line = Line::to(&shared().cloud.url);
    let device = behind(&line, &user);
    let conversation = conversation(&device);
    let content = bytes(20 * MB);
    let row = attach(&device, &conversation, "film.bin", &content);
    assert_eq!(row["state"], json!("waiting"));
    line.up.take();
    line.up.stop_after(5 * MB as u64);
    killed(&device, || line.up.wait_until_still());
    assert!(line.up.take() >= 5 * MB as u64 - 128 * 1024);
    assert_eq!(on_the_way(&device, "outgoing"), 1, "the place on the server is noted");
    assert_eq!(objects(&user).0, 0);
    line.up.go_on();
    // The server may need a moment to see that the first connection is gone; the file waits for it and nothing is refused.
    until("the file goes", || {
        let report = device.run(&["sync"]);
        assert_eq!(report["refused"], json!(0), "{}", device.run(&["outbox"]));
        state(&device, &conversation, &row) == "here"
    });
    let again = line.up.take();
    assert!(again < 15 * MB as u64 + SLACK, "{again} bytes were sent again");
    assert_eq!(objects(&user), (1, 20 * MB as i64));
    assert_eq!(on_the_way(&device, "outgoing"), 0);
    let other = signed_in(&user);
    assert_eq!(state(&other, &conversation, &row), "here");
    assert!(fetch(&other, &row) == content);
}

#[test]
fn a_download_that_is_killed_goes_on_where_it_was() {
    let user = account();
    let first = signed_in(&user);
    let conversation = conversation(&first);
    let line = Line::to(&shared().cloud.url);
    let device = behind(&line, &user);
    let content = bytes(16 * MB);
    let row = attach(&first, &conversation, "film.bin", &content);
    assert_eq!(first.run(&["sync"])["files_uploaded"], json!(1));
    line.down.stop_after(6 * MB as u64);
    killed(&device, || line.down.wait_until_still());
    line.down.go_on();
    let half = shown(&device, &conversation, id(&row));
    assert_eq!(half["state"], json!("remote"), "whoever was killed is not downloading any more");
    let received = half["received"].as_u64().unwrap();
    // What the line had passed on may still have lain between the two programs.
    assert!((1..8 * MB as u64).contains(&received), "{received}");
    line.down.take();
    assert_eq!(device.run(&["sync"])["files_downloaded"], json!(1));
    let again = line.down.take();
    assert!(again < 16 * MB as u64 - received + SLACK, "{again} bytes came, {received} were here");
    assert!(fetch(&device, &row) == content);
    assert_eq!(on_the_way(&device, "incoming"), 0);
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
}

#[test]
fn a_download_that_takes_long_holds_up_no_rows() {
    let user = account();
    let first = signed_in(&user);
    let conversation = conversation(&first);
    let line = Line::to(&shared().cloud.url);
    let device = behind(&line, &user);
    let row = attach(&first, &conversation, "film.bin", &bytes(8 * MB));
    first.run(&["sync"]);
    line.down.stop_after(3 * MB as u64);
    let mut watching =
        device.command(&["sync", "--watch"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    line.down.wait_until_still();
    assert_eq!(state(&device, &conversation, &row), "downloading");
    // Both ways, while the file stands still.
    first.run(&["add", &conversation, "--role", "user", "written meanwhile"]);
    first.run(&["sync"]);
    until("the row comes", || !device.search("meanwhile").is_empty());
    device.run(&["add", &conversation, "--role", "user", "answered meanwhile"]);
    until("the answer goes", || device.run(&["status"])["outbox"] == json!(0));
    assert_eq!(state(&device, &conversation, &row), "downloading");
    line.down.go_on();
    until("the file comes", || state(&device, &conversation, &row) == "here");
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn the_same_file_is_one_object_and_is_sent_once() {
    let user = account();
    let line = Line::to(&shared().cloud.url);
    let (first, second) = (signed_in(&user), behind(&line, &user));
    let here = conversation(&first);
    let content = bytes(3 * MB);
    let rows = [attach(&first, &here, "a.bin", &content), attach(&first, &here, "b.bin", &content)];
    assert_eq!(first.run(&["files"])["here"], json!(1));
    assert_eq!(first.run(&["sync"])["files_uploaded"], json!(1));
    assert_eq!(objects(&user), (1, 3 * MB as i64));
    // Its own copy, attached before it heard that the server has it.
    let there = conversation(&second);
    let third = attach(&second, &there, "c.bin", &content);
    line.up.take();
    let report = second.run(&["sync"]);
    assert_eq!((&report["files_uploaded"], &report["waiting"]), (&json!(0), &json!(0)), "{report}");
    let sent = line.up.take();
    assert!(sent < SLACK, "{sent} bytes were sent");
    assert_eq!(objects(&user).0, 1);
    first.run(&["sync"]);
    for (device, conversation, row) in
        [(&second, &here, &rows[0]), (&second, &here, &rows[1]), (&first, &there, &third)]
    {
        assert_eq!(state(device, conversation, row), "here");
    }
    let placed = "select count(*) from public.message_attachments where user_id = $1 and storage_path <> ''";
    assert_eq!(count(&user, placed), 3);
}

#[test]
fn what_cannot_be_attached_is_said_and_leaves_nothing() {
    let device = Device::new();
    let id = conversation(&device);
    let large = device.path("large");
    File::create(&large).unwrap().set_len(200 * MB as u64 + 1).unwrap();
    let empty = file(&device, "empty", b"");
    let message = Uuid::now_v7().to_string();
    let good = file(&device, "good", b"good");
    for (path, with, code, says) in [
        (device.path("vanished"), None, "io", "still there"),
        (device.path("data"), None, "invalid_input", "folder"),
        (PathBuf::from("/dev/zero"), None, "invalid_input", "not a file"),
        (empty, None, "invalid_input", "empty"),
        (large, None, "invalid_input", "at most"),
        (good.clone(), Some(&message), "not_found", "message"),
    ] {
        let mut args = vec!["attach", &id, path.to_str().unwrap()];
        args.extend(with.iter().flat_map(|message| ["--message", message.as_str()]));
        let (exit, found, text) = device.fail(&args);
        assert_eq!((exit, found.as_str()), (1, code), "{text}");
        assert!(text.contains(says), "{text}");
    }
    assert_eq!(device.run(&["show", &id])["messages"], json!([]));
    assert_eq!((device.run(&["files"])["here"].clone(), on_the_way(&device, "incoming")), (json!(0), 0));
    // On a message that is there, and told by its bytes.
    let told = device.run(&["add", &id, "--role", "user", "look"])["id"].as_str().unwrap().to_owned();
    let row = device.run(&["attach", &id, good.to_str().unwrap(), "--message", &told]);
    assert_eq!((&row["mime_type"], &row["state"]), (&json!("text/plain"), &json!("here")));
    assert_eq!(device.run(&["show", &id])["messages"].as_array().unwrap().len(), 1);
    assert_eq!(device.search("good").len(), 1, "file names are searched");
}

#[test]
fn over_the_bound_what_was_opened_longest_ago_leaves_and_comes_back_when_asked_for() {
    let user = account();
    let device = signed_in(&user);
    let conversation = conversation(&device);
    let contents: Vec<_> = (0..3).map(|_| bytes(3 * MB / 2)).collect();
    let rows: Vec<_> = contents.iter().map(|content| attach(&device, &conversation, "f.bin", content)).collect();
    device.run(&["sync"]);
    device.run(&["fetch", id(&rows[0])]);
    device.run(&["files", "--bound-mb", "2"]);
    device.run(&["sync"]);
    let states =
        |device: &Device| -> Vec<String> { rows.iter().map(|row| state(device, &conversation, row)).collect() };
    assert_eq!(states(&device), ["here", "remote", "remote"]);
    assert!(!kept_at(&device, &rows[1]).exists());
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    // What is still to be sent stays, whatever the bound.
    let unsent = attach(&device, &conversation, "unsent.bin", &bytes(2 * MB));
    assert!(fetch(&device, &rows[1]) == contents[1]);
    assert_eq!(states(&device), ["remote", "here", "remote"]);
    assert_eq!(state(&device, &conversation, &unsent), "waiting");
    assert!(kept_at(&device, &unsent).exists());
    // An export says what is not inside.
    let zip = device.path("all.zip");
    let report = device.run(&["export", "--all", "-o", zip.to_str().unwrap()]);
    assert_eq!((&report["attachments"], &report["attachments_missing"]), (&json!(4), &json!(2)));
    // A device that keeps nothing offline fetches what is opened.
    device.run(&["sync"]);
    let other = Device::new();
    other.run(&["files", "--keep", "on_demand"]);
    crate::sync::log_in(&other, &user);
    assert_eq!(other.run(&["sync"])["files_downloaded"], json!(0));
    assert_eq!(states(&other), ["remote"; 3]);
    assert!(fetch(&other, &rows[2]) == contents[2]);
    assert_eq!(states(&other), ["remote", "remote", "here"]);
}

#[test]
fn what_is_kept_stays_above_the_bound_and_what_is_let_go_leaves_until_it_is_asked_for() {
    let user = account();
    let device = signed_in(&user);
    let conversation = conversation(&device);
    let rows: Vec<_> = (0..3).map(|_| attach(&device, &conversation, "f.bin", &bytes(3 * MB / 2))).collect();
    // Nothing is let go that only this device has.
    let (exit, code, text) = device.fail(&["keep", id(&rows[0]), "--let-go"]);
    assert_eq!((exit, code.as_str()), (1, "invalid_input"), "{text}");
    device.run(&["sync"]);
    let told = |device: &Device| -> Vec<(String, Value)> {
        let files = device.run(&["gallery", &conversation])["files"].as_array().unwrap().clone();
        let of = |row: &Value| files.iter().find(|file| file["id"] == row["id"]).unwrap().clone();
        rows.iter().map(of).map(|file| (file["state"].as_str().unwrap().to_owned(), file["keep"].clone())).collect()
    };
    let is = |state: &str, keep: Value| (state.to_owned(), keep);
    device.run(&["keep", id(&rows[0])]);
    device.run(&["keep", id(&rows[2]), "--let-go"]);
    device.run(&["sync"]);
    assert_eq!(told(&device), [is("here", json!(true)), is("here", json!(null)), is("remote", json!(false))]);
    assert!(!kept_at(&device, &rows[2]).exists());
    device.run(&["sync"]);
    assert_eq!(told(&device)[2].0, "remote", "there is room, and still it does not come by itself");
    assert_eq!(fetch(&device, &rows[2]).len(), 3 * MB / 2);
    device.run(&["sync"]);
    assert_eq!(told(&device)[2], is("here", json!(null)), "asked for, it is like any other");
    device.run(&["files", "--bound-mb", "0"]);
    device.run(&["fetch", id(&rows[1])]);
    device.run(&["sync"]);
    assert_eq!(told(&device)[0].0, "here", "kept, whatever the bound");
    assert_eq!(told(&device)[2].0, "remote");
    // A device that fetches nothing by itself fetches what a conversation keeps, what comes later included.
    let other = Device::new();
    other.run(&["files", "--keep", "on_demand", "--bound-mb", "1"]);
    crate::sync::log_in(&other, &user);
    other.run(&["sync"]);
    other.run(&["keep", &conversation]);
    assert_eq!(other.run(&["sync"])["files_downloaded"], json!(3));
    let late = attach(&device, &conversation, "late.bin", &bytes(MB));
    device.run(&["sync"]);
    assert_eq!(other.run(&["sync"])["files_downloaded"], json!(1));
    let page = other.run(&["gallery", &conversation, "--limit", "1"]);
    assert_eq!((&page["keep"], &page["total"], &page["pictures"]), (&json!(true), &json!(4), &json!(0)));
    assert_eq!((&page["files"][0]["id"], &page["files"][0]["role"]), (&late["id"], &json!("user")), "the newest first");
    assert_eq!(page["files"].as_array().unwrap().len(), 1);
    other.run(&["keep", &conversation, "--let-go"]);
    other.run(&["sync"]);
    assert!(told(&other).iter().filter(|(state, _)| state == "remote").count() >= 2, "the bound holds again");
    assert_eq!(other.run(&["gallery", &conversation, "--only", "pictures"])["files"], json!([]));
    let (_, code, _) = other.fail(&["gallery", &Uuid::now_v7().to_string()]);
    assert_eq!(code, "not_found");
    let alone = Device::new();
    let (_, code, text) = alone.fail(&["keep", &conversation]);
    assert_eq!(code, "invalid_input", "{text}");
}

#[test]
fn what_the_server_does_not_have_never_leaves_this_disk() {
    let user = account();
    let device = signed_in(&user);
    let conversation = conversation(&device);
    let rows: Vec<_> = (0..2).map(|_| attach(&device, &conversation, "f.bin", &bytes(MB))).collect();
    device.run(&["sync"]);
    // The rows say that it is there; the bucket has lost it.
    shared().runtime.block_on(async {
        let client = shared().cloud.connect().await.unwrap();
        let name = format!("{}/{}", user.id, rows[0]["sha256"].as_str().unwrap());
        client.batch_execute("select set_config('storage.allow_delete_query', 'true', false)").await.unwrap();
        client.execute("delete from storage.objects where name = $1", &[&name]).await.unwrap();
    });
    device.run(&["files", "--bound-mb", "0"]);
    device.run(&["sync"]);
    assert!(kept_at(&device, &rows[0]).exists(), "only this device has it");
    let other = signed_in(&user);
    let (exit, code, text) = other.fail(&["fetch", id(&rows[0])]);
    assert_eq!((exit, code.as_str()), (1, "not_found"), "{text}");
    assert_eq!(state(&other, &conversation, &rows[0]), "missing");
    assert_eq!(state(&other, &conversation, &rows[1]), "here", "one file that is gone stops no other");
}

#[test]
fn bytes_that_vanished_before_they_were_sent_come_from_another_device() {
    let user = account();
    let (first, second) = (signed_in(&user), signed_in(&user));
    let here = conversation(&first);
    let content = bytes(MB);
    let lost = attach(&first, &here, "lost.bin", &content);
    std::fs::remove_file(kept_at(&first, &lost)).unwrap();
    let report = first.run(&["sync"]);
    assert_eq!((&report["waiting"], &report["refused"]), (&json!(0), &json!(0)), "the row goes alone");
    assert_eq!(state(&first, &here, &lost), "missing");
    second.run(&["sync"]);
    let there = conversation(&second);
    attach(&second, &there, "kept.bin", &content);
    second.run(&["sync"]);
    first.run(&["sync"]);
    assert_eq!(state(&first, &here, &lost), "here");
    assert!(fetch(&first, &lost) == content);
    let open = "select count(*) from public.message_attachments where user_id = $1 and storage_path = ''";
    assert_eq!(count(&user, open), 0);
}

/// Puts an object as another client of this user does, under a name of its own.
fn put_object(user: &User, name: &str, content: &[u8]) {
    let cloud = &shared().cloud;
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600;
    let claims = json!({ "sub": user.id, "role": "authenticated", "aud": "authenticated", "exp": expires });
    let token = cloud.sign(&claims).unwrap();
    let address = cloud.url.strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /storage/v1/object/attachments/{name} HTTP/1.1\r\nhost: {address}\r\napikey: {}\r\n\
         authorization: Bearer {token}\r\ncontent-type: image/png\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        cloud.publishable_key,
        content.len()
    );
    line.write_all(head.as_bytes()).unwrap();
    line.write_all(content).unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn an_object_of_another_client_without_a_hash_is_shown_and_never_anybody_elses() {
    let (user, stranger) = (account(), account());
    let device = signed_in(&user);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screenshots/start-light.png");
    let picture = std::fs::read(samples).unwrap();
    put_object(&user, &format!("{}/chat/photo.png", user.id), &picture);
    put_object(&user, &format!("{}/chat/larger.png", user.id), &picture);
    put_object(&stranger, &format!("{}/chat/secret.png", stranger.id), &picture);
    let [conversation, message, photo, larger, stolen] = [(); 5].map(|()| Uuid::now_v7());
    let (id, size) = (user.id, picture.len());
    let rows = [
        (photo, format!("{id}/chat/photo.png"), size),
        (larger, format!("{id}/chat/larger.png"), size - 1),
        (stolen, format!("{}/chat/secret.png", stranger.id), size),
    ]
    .map(|(row, path, size)| {
        format!(
            "insert into public.message_attachments (id, message_id, file_name, file_type, file_size, storage_path, mime_type) \
             values ('{row}', '{message}', 'photo.png', 'image', {size}, '{path}', 'image/png');"
        )
    })
    .concat();
    as_user(
        &user,
        &format!(
            "insert into public.conversations (id, user_id, title, model_id, provider_id) \
             values ('{conversation}', '{id}', 'From the web', 'm', 'p'); \
             insert into public.chat_messages (id, conversation_id, user_id, role, content) \
             values ('{message}', '{conversation}', '{id}', 'user', 'a photo'); {}",
            rows.trim_end_matches(';')
        ),
    );
    let report = device.run(&["sync"]);
    assert_eq!((&report["files_downloaded"], &report["parked"]), (&json!(1), &json!(0)), "{report}");
    let conversation = conversation.to_string();
    let row = shown(&device, &conversation, &photo.to_string());
    assert_eq!(row["state"], json!("here"));
    assert!(fetch(&device, &row) == picture);
    // Found out here, and claimed to nobody.
    assert_eq!(row["sha256"].as_str().unwrap().len(), 64);
    let claimed = "select count(*) from public.message_attachments where user_id = $1 and metadata ? 'sha256'";
    assert_eq!(count(&user, claimed), 0);
    for (wrong, state) in [(larger, "remote"), (stolen, "remote")] {
        let (exit, code, text) = device.fail(&["fetch", &wrong.to_string()]);
        assert_eq!((exit, code.as_str()), (1, "not_found"), "{text}");
        assert_eq!(shown(&device, &conversation, &wrong.to_string())["state"], json!(state));
    }
    assert_eq!(device.run(&["verify"])["ok"], json!(true));
    // It leaves and comes back like any other.
    device.run(&["files", "--keep", "on_demand", "--bound-mb", "0"]);
    let other = attach(&device, &conversation, "newer.bin", b"newer");
    device.run(&["sync"]);
    device.run(&["fetch", other["id"].as_str().unwrap()]);
    device.run(&["files", "--bound-mb", "0"]);
    device.run(&["sync"]);
    assert_eq!(shown(&device, &conversation, &photo.to_string())["state"], json!("remote"));
    assert!(fetch(&device, &row) == picture);
}
