//! What the scripts keep and what they let go: the archive of the log, and base backups older than the window.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::world::World;
use airi_tests::CloudOptions;

/// Runs `archive-wal.sh` as PostgreSQL would; whether it said yes.
fn archive(from: &Path, backups: &Path) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../supabase/operations/archive-wal.sh");
    Command::new("bash").arg(script).arg(from).arg("000000010000000000000001").arg(backups).status().unwrap().success()
}

#[test]
fn an_archived_file_is_never_overwritten_and_may_be_archived_again() {
    let place = tempfile::tempdir().unwrap();
    let (from, backups) = (place.path().join("log"), place.path().join("backups"));
    let archived = backups.join("wal/000000010000000000000001");
    fs::write(&from, "one").unwrap();
    // What a crash has left of a copy under way is no file of the archive.
    fs::create_dir_all(backups.join("wal")).unwrap();
    fs::write(archived.with_extension("partial"), "o").unwrap();
    assert!(archive(&from, &backups));
    assert!(archive(&from, &backups), "PostgreSQL asks again when it was killed before it noted the yes");
    fs::write(&from, "two").unwrap();
    assert!(!archive(&from, &backups), "another cluster's log");
    assert_eq!(fs::read_to_string(&archived).unwrap(), "one");
    fs::remove_file(&from).unwrap();
    assert!(!archive(&from, &place.path().join("elsewhere")), "a file that cannot be read");
    assert!(!place.path().join("elsewhere/wal/000000010000000000000001").exists());
}

#[test]
fn a_backup_lets_go_what_no_moment_of_the_window_needs() {
    let world = World::start(CloudOptions { archive: true, ..CloudOptions::default() });
    let backups = world.cloud.folder().unwrap().join("postgres/backups");
    let names = || {
        let entries = fs::read_dir(backups.join("base")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    world.runtime.block_on(world.cloud.back_up()).unwrap();
    let first = backups.join("base").join(&names()[0]);
    let old = ["20200101T000000.000000000Z", "20200102T000000.000000000Z"];
    for name in old {
        let copied = Command::new("cp").arg("-a").arg(&first).arg(backups.join("base").join(name)).status().unwrap();
        assert!(copied.success());
    }
    let wal = backups.join("wal");
    fs::write(wal.join("000000010000000000000000"), "before every backup").unwrap();
    world.runtime.block_on(world.cloud.archive_all()).unwrap();
    let kept = fs::read_dir(&wal).unwrap().count() - 1;
    assert!(kept > 0);

    world.runtime.block_on(world.cloud.back_up()).unwrap();
    let names = names();
    assert!(!names.contains(&old[0].to_owned()), "{names:?}");
    assert_eq!((names[0].as_str(), names.len()), (old[1], 3), "the window's first moments begin with it: {names:?}");
    assert!(!wal.join("000000010000000000000000").exists());
    assert!(fs::read_dir(&wal).unwrap().count() >= kept, "the log since the oldest backup stays");
}

#[test]
fn a_snapshot_comes_back_whole_into_an_empty_database_and_over_nothing() {
    let world = World::start(CloudOptions::default());
    let device = world.signed_in(&world.account());
    let made = device.run(&["new", "--title", "Kept"]);
    device.run(&["add", made["id"].as_str().unwrap(), "--role", "user", "in the snapshot"]);
    device.run(&["sync"]);
    let place = tempfile::tempdir().unwrap();
    let run = |script: &str, argument: &Path, with: &[(&str, &str)]| {
        let mut command = world.cloud.operation(script, &[argument]).unwrap();
        let output = command.envs(with.iter().copied()).output().unwrap();
        let [out, error] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (output.status.success(), out, error)
    };
    let mut names = Vec::new();
    for _ in 0..3 {
        let (well, out, error) = run("snapshot.sh", place.path(), &[("KEEP", "2")]);
        assert!(well, "{error}");
        names.push(out.trim().to_owned());
    }
    let left: Vec<bool> = names.iter().map(|name| Path::new(name).exists()).collect();
    assert_eq!(left, [false, true, true], "the last ones stay");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);

    let last = Path::new(&names[2]);
    let (well, _, error) = run("restore-snapshot.sh", last, &[]);
    assert!(!well && error.contains("has tables already"), "{error}");
    world.runtime.block_on(async {
        let client = world.cloud.connect().await.unwrap();
        client.batch_execute("create database again template template0").await.unwrap();
    });
    let (well, out, error) = run("restore-snapshot.sh", last, &[("PGDATABASE", "again")]);
    assert!(well && out.starts_with("whole\n"), "{out}{error}");
    let manifest = world.cloud.manifest().unwrap();
    assert!(manifest.contains("public.chat_messages 1 "), "{manifest}");
    // What the server notes of itself goes on meanwhile: pg_cron runs its jobs.
    let of_users = |manifest: &str| -> Vec<String> {
        let notes = ["airi_private.job", "airi_private.query_samples", "public.query_performance_logs", "whole"];
        let lines = manifest.lines().filter(|line| !notes.iter().any(|note| line.starts_with(note)));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(of_users(&out), of_users(&manifest));
    assert!(of_users(&out).len() > 20, "{out}");
}
