//! Devices and server, compared row by row.

use crate::device::Device;
use crate::world::World;
use airi_tests::User;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// (table, id) → the columns that a user made.
pub(crate) type Rows = BTreeMap<(&'static str, String), Value>;

const CONVERSATION: &[&str] = &[
    "title",
    "summary",
    "model_id",
    "provider_id",
    "system_prompt",
    "max_tokens",
    "settings",
    "tags",
    "is_archived",
    "is_starred",
    "metadata",
    "deleted_at",
    "current_message_id",
    "created_at",
];
const MESSAGE: &[&str] = &[
    "conversation_id",
    "parent_id",
    "role",
    "content",
    "content_type",
    "total_tokens",
    "model_id",
    "rating",
    "feedback",
    "metadata",
    "created_at",
    "deleted_at",
];
const ATTACHMENT: &[&str] = &["message_id", "file_name", "file_size", "mime_type", "sha256", "created_at"];

/// The server's rows of that user, in the export's form.
const ON_SERVER: &str = "
    with t as (select 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' as form)
    select jsonb_build_object(
      'conversations', coalesce((select jsonb_agg(to_jsonb(c) || jsonb_build_object(
          'model_id', nullif(c.model_id, ''), 'provider_id', nullif(c.provider_id, ''),
          'created_at', to_char(c.created_at at time zone 'utc', t.form),
          'deleted_at', to_char(c.deleted_at at time zone 'utc', t.form)))
        from public.conversations as c where c.user_id = $1), '[]'),
      'chat_messages', coalesce((select jsonb_agg(to_jsonb(m) || jsonb_build_object(
          'created_at', to_char(m.created_at at time zone 'utc', t.form),
          'deleted_at', to_char(m.deleted_at at time zone 'utc', t.form)))
        from public.chat_messages as m where m.user_id = $1), '[]'),
      'message_attachments', coalesce((select jsonb_agg(to_jsonb(a) || jsonb_build_object(
          'sha256', a.metadata ->> 'sha256',
          'created_at', to_char(a.created_at at time zone 'utc', t.form)))
        from public.message_attachments as a where a.user_id = $1), '[]'))
    from t";

pub(crate) fn on_server(world: &World, user: &User) -> Rows {
    let all = world.json(user, ON_SERVER);
    let mut rows = Rows::new();
    take(&mut rows, "conversations", CONVERSATION, &all["conversations"]);
    take(&mut rows, "chat_messages", MESSAGE, &all["chat_messages"]);
    take(&mut rows, "message_attachments", ATTACHMENT, &all["message_attachments"]);
    rows
}

/// What the device's own export says, deleted rows included.
pub(crate) fn on_device(device: &Device) -> Rows {
    let path = device.path("rows.json");
    device.run(&["export", "--all", "--include-deleted", "-o", path.to_str().unwrap()]);
    let export: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut rows = Rows::new();
    for conversation in export["conversations"].as_array().unwrap() {
        take(&mut rows, "conversations", CONVERSATION, &json!([conversation["conversation"]]));
        take(&mut rows, "chat_messages", MESSAGE, &conversation["messages"]);
        take(&mut rows, "message_attachments", ATTACHMENT, &conversation["attachments"]);
    }
    rows
}

fn take(rows: &mut Rows, table: &'static str, columns: &[&str], from: &Value) {
    for row in from.as_array().unwrap() {
        let id = row["id"].as_str().unwrap().to_owned();
        let mut kept: Map<String, Value> =
            columns.iter().map(|column| ((*column).to_owned(), row[*column].clone())).collect();
        if let Some(Value::Array(tags)) = kept.get_mut("tags") {
            tags.sort_by_key(Value::to_string);
        }
        let before = rows.insert((table, id.clone()), Value::Object(kept));
        assert!(before.is_none(), "{table} {id} is there twice");
    }
}

/// Fails with the rows that differ, not with two walls of text.
pub(crate) fn assert_same(what: &str, left: &Rows, right: &Rows) {
    let mut told = Vec::new();
    for (key, row) in left {
        match right.get(key) {
            None => told.push(format!("{key:?} is only in the first: {row}")),
            Some(other) if other != row => {
                let differs = |column: &&String| row[column.as_str()] != other[column.as_str()];
                let columns: Vec<&String> = row.as_object().unwrap().keys().filter(differs).collect();
                let show = |row: &Value| columns.iter().map(|c| row[c.as_str()].to_string()).collect::<Vec<_>>();
                told.push(format!("{key:?} differs in {columns:?}: {:?} and {:?}", show(row), show(other)));
            }
            Some(_) => {}
        }
    }
    told.extend(
        right
            .iter()
            .filter(|(key, _)| !left.contains_key(key))
            .map(|(k, r)| format!("{k:?} is only in the second: {r}")),
    );
    assert!(
        told.is_empty(),
        "{what}: {} rows are not the same:\n{}",
        told.len(),
        told[..told.len().min(12)].join("\n")
    );
}

/// Syncs the devices in their order until none moves, and sends what was refused by a broken line once more.
pub(crate) fn settle(devices: &[&Device]) {
    const ROUNDS: usize = 12;
    for round in 0.. {
        let mut moved = false;
        for device in devices {
            for entry in device.run(&["outbox"]).as_array().unwrap() {
                // Whether a change is refused rightly is for the caller to say: in these tests none is.
                if entry["state"] == "wedged" {
                    device.run(&["outbox", "retry", entry["id"].as_str().unwrap()]);
                }
            }
            let report = device.run(&["sync"]);
            let count = |name: &str| report[name].as_u64().unwrap();
            moved |= ["pulled", "pushed", "refused", "waiting", "files_uploaded", "files_downloaded"]
                .iter()
                .any(|name| count(name) > 0);
        }
        if !moved {
            return;
        }
        assert!(round < ROUNDS, "the devices do not come to rest: {}", devices[0].run(&["outbox"]));
    }
}

/// Lets the devices come to rest, and checks that all of them and the server hold the same rows and files.
pub(crate) fn converge(world: &World, user: &User, devices: &[&Device]) -> Rows {
    settle(devices);
    let server = on_server(world, user);
    for (n, device) in devices.iter().enumerate() {
        let status = device.run(&["status"]);
        let standing = (&status["sync"], &status["outbox"], &status["wedged"], &status["parked"]);
        assert_eq!(standing, (&json!("in_step"), &json!(0), &json!(0), &json!(0)), "{status}");
        assert_same(&format!("device {n} and the server"), &on_device(device), &server);
        let verify = device.output(&["verify"], "");
        assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    }
    let first = files_of(devices[0]);
    for device in &devices[1..] {
        let other = files_of(device);
        let differ: Vec<_> = first.symmetric_difference(&other).collect();
        let given_up: Vec<Vec<String>> = [devices[0], device].map(given_up).into();
        assert!(
            differ.is_empty(),
            "two devices differ in the files of their exports: {differ:?}; given up by each: {given_up:?}"
        );
    }
    server
}

/// Names and check sums of what the device exports, the bytes of attachments included.
/// Why a device no longer asks for some files.
fn given_up(device: &Device) -> Vec<String> {
    let profiles = std::fs::read_dir(device.path("data").join("profiles")).unwrap();
    profiles
        .flat_map(|profile| {
            let mirror = rusqlite::Connection::open(profile.unwrap().path().join("mirror.sqlite")).unwrap();
            let mut statement = mirror.prepare("select gone || ' ' || reason from file_faults").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap()
        })
        .collect()
}

pub(crate) fn files_of(device: &Device) -> BTreeSet<(String, u32)> {
    let path = device.path("whole.zip");
    device.run(&["export", "--all", "--include-deleted", "-o", path.to_str().unwrap()]);
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..zip.len())
        .map(|n| {
            let file = zip.by_index_raw(n).unwrap();
            (file.name().unwrap().into_owned(), file.crc32())
        })
        .collect()
}
