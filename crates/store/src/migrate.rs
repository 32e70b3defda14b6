//! Brings a database to the newest schema, or leaves it untouched and says why not.
//!
//! Before the first step on a database with content, a copy is made and checked beside it, so that a migration that goes
//! wrong costs nothing. The version is SQLite's `user_version`.

use crate::StoreError;
use crate::files::{full, sync_folder};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations-local/0001_mirror.sql"),
    include_str!("../../../migrations-local/0002_sync.sql"),
    include_str!("../../../migrations-local/0003_rejoin.sql"),
    include_str!("../../../migrations-local/0004_files.sql"),
    include_str!("../../../migrations-local/0005_replies.sql"),
    include_str!("../../../migrations-local/0006_only_here.sql"),
    include_str!("../../../migrations-local/0007_gallery.sql"),
    include_str!("../../../migrations-local/0008_totals.sql"),
    include_str!("../../../migrations-local/0009_usage.sql"),
];

/// The schema version that this build knows.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Tells a database of ours from any other SQLite file: "AIRI" in ASCII.
const APPLICATION_ID: i64 = 0x4149_5249;

pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    migrate_to(connection, path, SCHEMA_VERSION)
}

pub(crate) fn migrate_to(connection: &mut Connection, path: &Path, target: i64) -> Result<(), StoreError> {
    let found = version(connection)?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (tables > 0 || found > 0) {
        return Err(StoreError::Damaged { path: path.to_owned(), why: "it is not a library of AIRI".into() });
    }
    if found > SCHEMA_VERSION {
        return Err(StoreError::NewerVersion { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    if found >= target {
        return Ok(());
    }
    let start = Instant::now();
    if found > 0 {
        keep_copy(connection, path, found)?;
    }
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    // Another process may have migrated while this one waited for the lock.
    let found = version(&tx)?;
    for (step, sql) in MIGRATIONS.iter().enumerate().take(target as usize).skip(found as usize) {
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", step as i64 + 1)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.commit()?;
    tracing::info!(from = found, to = target, ms = start.elapsed().as_millis() as u64, "mirror migrated");
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Where the copy from before the migration that starts at `version` lies.
fn copy_path(path: &Path, version: i64) -> PathBuf {
    path.with_extension(format!("before-v{}.sqlite", version + 1))
}

fn keep_copy(connection: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let copy = copy_path(path, version);
    if copy.exists() {
        std::fs::remove_file(&copy)?;
    }
    copy_checked(connection, &copy)
}

/// Writes the database as it is now to a file that must not be there yet, checks it, and makes it outlive a power cut.
pub(crate) fn copy_checked(connection: &Connection, to: &Path) -> Result<(), StoreError> {
    connection.execute("vacuum into ?1", [to.to_string_lossy()])?;
    let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let check: String = copy.query_row("pragma integrity_check", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(StoreError::Damaged { path: to.to_owned(), why: check });
    }
    File::open(to).and_then(|file| file.sync_all()).map_err(full)?;
    sync_folder(to);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_library_with_rows_is_copied_checked_and_brought_forward() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.sqlite");
        let mut old = Connection::open(&path).unwrap();
        migrate_to(&mut old, &path, 1).unwrap();
        old.execute("insert into meta values ('k', 'v')", []).unwrap();
        migrate(&mut old, &path).unwrap();
        assert_eq!(version(&old).unwrap(), SCHEMA_VERSION);
        let copy = Connection::open(copy_path(&path, 1)).unwrap();
        assert_eq!(version(&copy).unwrap(), 1);
        let kept: String = copy.query_row("select value from meta where key = 'k'", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "v");
        let rows: i64 = old.query_row("select count(*) from outbox", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0);
    }

    #[test]
    fn files_of_an_old_library_and_new_ones_know_their_conversation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.sqlite");
        let mut old = Connection::open(&path).unwrap();
        migrate_to(&mut old, &path, 6).unwrap();
        let file = "insert into attachments (uuid, message_id, file_name, storage_path, metadata, created_at) \
                    values (randomblob(16), 8, 'a.png', '', '{}', 1)";
        old.execute_batch(&format!(
            "insert into conversations (id, uuid, temperature, max_tokens, settings, tags, is_archived, is_starred, \
               metadata, created_at, last_message_at, seq) \
             values (5, randomblob(16), 0.7, 1, '{{}}', '[]', 0, 0, '{{}}', 1, 1, 1); \
             insert into messages (id, uuid, conversation_id, role, content, content_type, attachments, prompt_tokens, \
               completion_tokens, total_tokens, metadata, created_at, hidden, seq) \
             values (8, randomblob(16), 5, 'user', '', 'text', '[]', 0, 0, 0, '{{}}', 1, 0, 1); {file}"
        ))
        .unwrap();
        migrate(&mut old, &path).unwrap();
        old.execute_batch(file).unwrap();
        let known = "select count(*) from attachments where conversation_id = 5";
        assert_eq!(old.query_row(known, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    }

    #[test]
    fn a_library_of_a_newer_version_is_left_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.sqlite");
        let mut newer = Connection::open(&path).unwrap();
        migrate(&mut newer, &path).unwrap();
        newer.pragma_update(None, "user_version", SCHEMA_VERSION + 3).unwrap();
        let error = migrate(&mut newer, &path).unwrap_err();
        assert!(matches!(error, StoreError::NewerVersion { .. }), "{error}");
        assert_eq!(version(&newer).unwrap(), SCHEMA_VERSION + 3);
    }

    #[test]
    fn a_foreign_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.sqlite");
        let mut foreign = Connection::open(&path).unwrap();
        foreign.execute_batch("create table theirs (x)").unwrap();
        assert!(matches!(migrate(&mut foreign, &path).unwrap_err(), StoreError::Damaged { .. }));
    }
}
