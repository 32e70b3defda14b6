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
