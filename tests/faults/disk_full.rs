//! The disk is full at every step of 4 KiB. A limit on the size of files stands in for it: SQLite, the index and the files
//! meet the same error in the same places, first in one file and then in the next.

use crate::archive;
use crate::device::{Device, airi};
use crate::env;
use crate::ledger::Ledger;
use crate::rows::on_device;
use airi_testkit::Rng;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const STEP: u64 = 4;

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Runs `airi` where no file may be larger than so many KiB.
fn limited(device: &Device, kib: u64, args: &[&str]) -> Output {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {kib}; exec \"$@\""), "limited"]).arg(airi());
    shell.arg("--data-dir").arg(device.path("data")).arg("--json").args(args).stdin(Stdio::null()).output().unwrap()
}

/// The largest file below a folder, in KiB: with that much room nothing fails.
fn largest(folder: &Path) -> u64 {
    let mut most = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        most = most.max(if path.is_dir() { largest(&path) } else { path.metadata().unwrap().len().div_ceil(1024) });
    }
    most
}

struct Scene {
    before: Device,
    ledger: Ledger,
}

impl Scene {
    fn new() -> Scene {
        let before = Device::new();
        let mut ledger = Ledger::default();
        let id = before.run(&["new", "--title", "Kept"])["id"].as_str().unwrap().to_owned();
        ledger.conversation(&id, "Kept");
        for n in 0..20 {
            let text = format!("before the disk was full {n} {}", "and on ".repeat(60));
            let made = before.run(&["add", &id, "--role", "user", &text]);
            ledger.message(made["id"].as_str().unwrap(), &id, &text);
        }
        Scene { before, ledger }
    }

    /// Does something with `kib` of room in each file, and again with room enough. `added` is what it adds, when it is
    /// acknowledged. Whether the disk was full.
    fn step(&self, kib: u64, args: &[&str], added: impl Fn(&Value, &mut Ledger)) -> bool {
        let device = Device::new();
        copy_folder(&self.before.path("data"), &device.path("data"));
        let mut ledger = Ledger::default();
        ledger.conversations.extend(self.ledger.conversations.iter().map(|(id, known)| {
            (id.clone(), crate::ledger::Known { titles: known.titles.clone(), ..crate::ledger::Known::default() })
        }));
        ledger.messages.clone_from(&self.ledger.messages);
        let output = limited(&device, kib, args);
        let full = !output.status.success();
        if full {
            let error: Value = serde_json::from_slice(&output.stderr)
                .unwrap_or_else(|_| panic!("{kib} KiB, {args:?}: {}", String::from_utf8_lossy(&output.stderr)));
            let code = error["error"]["code"].as_str().unwrap();
            assert!(["disk_full", "io", "internal"].contains(&code), "{kib} KiB, {args:?}: {error}");
        } else {
            added(&serde_json::from_slice(&output.stdout).unwrap(), &mut ledger);
        }
        let check = |ledger: &Ledger| {
            let verify = device.output(&["verify"], "");
            let said = String::from_utf8_lossy(&verify.stdout).into_owned();
            assert!(verify.status.success(), "{kib} KiB, {args:?}: {said}{}", String::from_utf8_lossy(&verify.stderr));
            ledger.assert_kept(&format!("{kib} KiB, {args:?}: the library"), &on_device(&device));
        };
        check(&ledger);
        // There is room again.
        if full {
            added(&device.run(args), &mut ledger);
            check(&ledger);
        }
        full
    }
}

/// The limits for one kind of work: all steps up to where nothing fails, thinned to `share` of them.
fn steps(scene: &Scene, args: &[&str], share: u64) -> Vec<u64> {
    let after = Device::new();
    copy_folder(&scene.before.path("data"), &after.path("data"));
    after.run(args);
    let all: Vec<u64> = (1..=largest(&after.path("data")) / STEP + 1).map(|n| n * STEP).collect();
    let every = (all.len() as u64).div_ceil(share.max(1)).max(1);
    // Another place within each stretch at each run, so that all are met in time.
    let start = env::seed("AIRI_FAULTS_DISK_SEED") % every;
    all.into_iter().skip(start as usize).step_by(every as usize).collect()
}

#[test]
fn a_disk_that_is_full_at_any_step_loses_nothing_and_work_goes_on_once_there_is_room() {
    let wanted = env::number("AIRI_FAULTS_DISK_STEPS", 60);
    let scene = Scene::new();
    let id = scene.ledger.conversations.keys().next().unwrap().clone();
    let long = "a long message ".repeat(4000);
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(wanted);
    // Once many rows, once few rows with large files.
    let texts = folder.path().join("texts.zip");
    let of_texts = archive::write(&texts, &mut rng, 400, 0, 0);
    let files = folder.path().join("files.zip");
    let of_files = archive::write(&files, &mut rng, 6, 3, 150_000);
    let (texts, files) = (texts.to_str().unwrap(), files.to_str().unwrap());
    let mut done = [0, 0];
    let mut tried = 0;
    while tried < wanted {
        let before = tried;
        for kib in steps(&scene, &["add", &id, "--role", "user", &long], wanted / 4)
            .into_iter()
            .take((wanted - tried) as usize)
        {
            let full = scene.step(kib, &["add", &id, "--role", "user", &long], |made, ledger| {
                ledger.message(made["id"].as_str().unwrap(), &id, &long);
            });
            done[usize::from(full)] += 1;
            tried += 1;
        }
        for (path, archive) in [(texts, &of_texts), (files, &of_files)] {
            for kib in steps(&scene, &["import", path], wanted * 3 / 8).into_iter().take((wanted - tried) as usize) {
                let full = scene.step(kib, &["import", path], |report, ledger| {
                    assert_eq!(report["attachments_missing"], json!(0), "{report}");
                    ledger.import(archive);
                });
                done[usize::from(full)] += 1;
                tried += 1;
            }
        }
        println!("{tried} of {wanted} steps: full {}, room enough {}", done[1], done[0]);
        assert!(tried > before);
    }
    assert!(done[1] * 2 > tried, "the disk was hardly ever full: {done:?}");
}
