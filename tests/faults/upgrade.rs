//! A library of an older version: made with the older migrations alone, killed while it is brought forward.

use crate::device::Device;
use crate::kills::{End, run_and_kill};
use crate::rows::on_device;
use airi_testkit::Rng;
use rusqlite::{Connection, params};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use uuid::Uuid;

const MESSAGES: usize = 300;
const APPLICATION_ID: i64 = 0x4149_5249;

fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations-local");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "sql"));
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// A device whose library has the first `version` migrations, one conversation and its messages.
pub(crate) fn device_of(version: usize) -> (Device, BTreeSet<String>) {
    let device = Device::new();
    let folder = device.path("data/profiles/local");
    std::fs::create_dir_all(&folder).unwrap();
    let mut database = Connection::open(folder.join("mirror.sqlite")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    let transaction = database.transaction().unwrap();
    for sql in &migrations()[..version] {
        transaction.execute_batch(sql).unwrap();
    }
    let id = Uuid::now_v7();
    transaction
        .execute(
            "insert into conversations (uuid, title, temperature, max_tokens, settings, tags, is_archived, is_starred,
               metadata, created_at, last_message_at, message_count, view_stale, seq)
             values (?1, 'Old', 0.7, 2000, '{}', '[]', 0, 1, '{}', 1700000000000000, ?2, ?3, 1, 1)",
            params![id.as_bytes().as_slice(), 1_700_000_000_000_000 + MESSAGES as i64, MESSAGES],
        )
        .unwrap();
    let mut texts = BTreeSet::new();
    for n in 0..MESSAGES {
        let text = format!("an old message {n} {}", "words ".repeat(n % 200));
        transaction
            .execute(
                "insert into messages (uuid, conversation_id, role, content, content_type, attachments, prompt_tokens,
                   completion_tokens, total_tokens, metadata, created_at, hidden, seq)
                 values (?1, 1, 'user', ?2, 'text', '[]', 0, 0, 0, '{}', ?3, 0, ?4)",
                params![Uuid::now_v7().as_bytes().as_slice(), text, 1_700_000_000_000_000 + n as i64, n + 2],
            )
            .unwrap();
        texts.insert(text);
    }
    transaction.execute("update head set seq = ?1", [MESSAGES + 1]).unwrap();
    transaction.pragma_update(None, "user_version", version as i64).unwrap();
    transaction.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    transaction.commit().unwrap();
    (device, texts)
}

fn assert_upgraded(device: &Device, texts: &BTreeSet<String>) {
    let verify = device.output(&["verify"], "");
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let rows = on_device(device);
    let kept = rows.iter().filter(|((table, _), _)| *table == "chat_messages");
    let kept: Vec<String> = kept.map(|(_, row)| row["content"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kept.len(), MESSAGES);
    assert_eq!(&kept.into_iter().collect::<BTreeSet<_>>(), texts);
    let list = device.list();
    assert_eq!((&list[0]["title"], &list[0]["is_starred"]), (&json!("Old"), &json!(true)));
    let database = Connection::open(device.path("data/profiles/local/mirror.sqlite")).unwrap();
    let version: usize = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, migrations().len());
}

/// Kills an upgrade from a random older version; whether it was killed in time.
pub(crate) fn kill_one(rng: &mut Rng) -> bool {
    static TYPICAL: OnceLock<Duration> = OnceLock::new();
    let typical = TYPICAL.get_or_init(|| {
        let (device, _) = device_of(1);
        let started = Instant::now();
        device.run(&["verify"]);
        started.elapsed()
    });
    let (device, texts) = device_of(1 + rng.below(migrations().len() - 1));
    let mut killed = false;
    // A second kill meets what the first one left.
    for _ in 0..1 + rng.below(2) {
        killed |= matches!(run_and_kill(device.command(&["verify"]), typical.mul_f64(rng.unit() * 1.05)), End::Killed);
    }
    assert_upgraded(&device, &texts);
    killed
}

#[test]
fn a_library_of_every_older_version_is_brought_forward_with_all_its_rows() {
    for version in 1..migrations().len() {
        let (device, texts) = device_of(version);
        assert_upgraded(&device, &texts);
    }
}
