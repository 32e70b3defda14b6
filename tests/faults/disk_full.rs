//! The disk is full at every step of 4 KiB: of a write, of imports of rows and of files (with their index), of a backup, and
//! of bringing an older library forward. A limit on the size of files stands in for it: SQLite, the index and the files meet
//! the same error in the same places, first in one file and then in the next.

use crate::archive::{self, Archive};
use crate::device::{Device, airi};
use crate::env::{self, Replay};
use crate::ledger::{Known, Ledger};
use crate::rows::on_device;
use crate::upgrade;
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

/// What a device does while the disk fills up.
enum Act {
    Write {
        conversation: String,
        text: String,
    },
    Import {
        path: String,
        archive: Archive,
    },
    Backup,
    /// A library of the first version is opened.
    Upgrade,
}

/// A device as it was before, and what it does then.
struct Scene {
    name: &'static str,
    before: Device,
    ledger: Ledger,
    act: Act,
    /// The limits at which something may fail, in KiB.
    steps: Vec<u64>,
}

/// A library with twenty messages that were acknowledged.
fn library() -> (Device, Ledger) {
    let device = Device::new();
    let mut ledger = Ledger::default();
    let id = device.run(&["new", "--title", "Kept"])["id"].as_str().unwrap().to_owned();
    ledger.conversation(&id, "Kept");
    for n in 0..20 {
        let text = format!("before the disk was full {n} {}", "and on ".repeat(60));
        let made = device.run(&["add", &id, "--role", "user", &text]);
        ledger.message(made["id"].as_str().unwrap(), &id, &text);
    }
    (device, ledger)
}

/// What a library that was opened by this version holds, as a ledger.
fn ledger_of(device: &Device) -> Ledger {
    let mut ledger = Ledger::default();
    for ((table, id), row) in on_device(device) {
        match table {
            "conversations" => ledger.conversation(&id, row["title"].as_str().unwrap()),
            "chat_messages" => {
                let conversation = row["conversation_id"].as_str().unwrap();
                ledger.message(&id, conversation, row["content"].as_str().unwrap());
            }
            _ => panic!("an old library has no {table}"),
        }
    }
    ledger
}

impl Scene {
    fn new(name: &'static str, before: Device, ledger: Ledger, act: Act) -> Scene {
        let mut scene = Scene { name, before, ledger, act, steps: Vec::new() };
        let after = scene.copy();
        let args = scene.args(&after);
        after.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        scene.steps = (1..=largest(&after.path("")) / STEP + 1).map(|n| n * STEP).collect();
        scene
    }

    fn copy(&self) -> Device {
        let device = Device::new();
        copy_folder(&self.before.path("data"), &device.path("data"));
        device
    }

    fn args(&self, device: &Device) -> Vec<String> {
        let backup = device.path("backup");
        let words = match &self.act {
            Act::Write { conversation, text } => vec!["add", conversation, "--role", "user", text],
            Act::Import { path, .. } => vec!["import", path],
            Act::Backup => vec!["backup", backup.to_str().unwrap()],
            Act::Upgrade => vec!["verify"],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// What the device must hold once the act has been acknowledged with this answer.
    fn acknowledge(&self, answer: &Value) -> Ledger {
        let mut ledger = Ledger { messages: self.ledger.messages.clone(), ..Ledger::default() };
        ledger.conversations.extend(
            self.ledger
                .conversations
                .iter()
                .map(|(id, known)| (id.clone(), Known { titles: known.titles.clone(), ..Known::default() })),
        );
        match &self.act {
            Act::Write { conversation, text } => ledger.message(answer["id"].as_str().unwrap(), conversation, text),
            Act::Import { archive, .. } => {
                assert_eq!(answer["attachments_missing"], json!(0), "{answer}");
                ledger.import(archive);
            }
            Act::Backup => assert_eq!(answer["messages"], json!(ledger.messages.len()), "{answer}"),
            Act::Upgrade => assert_eq!(answer["ok"], json!(true), "{answer}"),
        }
        ledger
    }

    /// Acts with `kib` of room in each file, and again with room enough. Whether the disk was full.
    fn step(&self, kib: u64) -> bool {
        let device = self.copy();
        let args = self.args(&device);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let place = format!("{} with {kib} KiB", self.name);
        let output = limited(&device, kib, &args);
        let full = !output.status.success();
        let check = |ledger: &Ledger| {
            let verify = device.output(&["verify"], "");
            let said = String::from_utf8_lossy(&verify.stdout).into_owned();
            assert!(verify.status.success(), "{place}: {said}{}", String::from_utf8_lossy(&verify.stderr));
            ledger.assert_kept(&format!("{place}: the library"), &on_device(&device));
        };
        if full {
            let error: Value = serde_json::from_slice(&output.stderr)
                .unwrap_or_else(|_| panic!("{place}: {}", String::from_utf8_lossy(&output.stderr)));
            let code = error["error"]["code"].as_str().unwrap();
            assert!(["disk_full", "io", "internal"].contains(&code), "{place}: {error}");
            check(&self.ledger);
        }
        // There is room again.
        let answer = match full {
            true => device.run(&args),
            false => serde_json::from_slice(&output.stdout).unwrap(),
        };
        let ledger = self.acknowledge(&answer);
        check(&ledger);
        if let Act::Backup = self.act {
            let other = Device::new();
            other.run(&["restore", device.path("backup").to_str().unwrap()]);
            ledger.assert_kept(&format!("{place}: the backup"), &on_device(&other));
        }
        full
    }

    /// The nth limit, in an order that spreads over all of them and, after as many as there are, has taken each once.
    fn limit(&self, n: u64) -> u64 {
        let count = self.steps.len() as u64;
        let mut stride = (count as f64 * 0.618) as u64 | 1;
        while greatest_common_divisor(stride, count) != 1 {
            stride += 2;
        }
        self.steps[(n.wrapping_mul(stride) % count) as usize]
    }
}

fn in_library(name: &'static str, act: Act) -> Scene {
    let (device, ledger) = library();
    Scene::new(name, device, ledger, act)
}

fn old_library() -> Scene {
    let before = upgrade::device_of(1).0;
    let scene = Scene::new("an upgrade", before, Ledger::default(), Act::Upgrade);
    let after = scene.copy();
    let ledger = ledger_of(&after);
    Scene { ledger, ..scene }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[test]
fn a_disk_that_is_full_at_any_step_loses_nothing_and_work_goes_on_once_there_is_room() {
    let wanted = env::number("AIRI_FAULTS_DISK_STEPS", 60);
    let first = env::seed("AIRI_FAULTS_DISK_SEED");
    let _replay = Replay(format!("AIRI_FAULTS_DISK_STEPS={wanted} AIRI_FAULTS_DISK_SEED={first}"));
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(7);
    let mut archive = |name: &str, messages, files, bytes| {
        let path = folder.path().join(name);
        let archive = archive::write(&path, &mut rng, messages, files, bytes);
        Act::Import { path: path.to_str().unwrap().to_owned(), archive }
    };
    // Once many rows, once few rows with large files.
    let (texts, files) = (archive("texts.zip", 400, 0, 0), archive("files.zip", 6, 3, 150_000));
    let (device, ledger) = library();
    let conversation = ledger.conversations.keys().next().unwrap().clone();
    let write = Act::Write { conversation, text: "a long message ".repeat(4000) };
    let scenes = [
        Scene::new("a write", device, ledger, write),
        in_library("an import of rows", texts),
        in_library("an import of files", files),
        in_library("a backup", Act::Backup),
        old_library(),
    ];
    let sizes: Vec<String> = scenes.iter().map(|scene| format!("{} {}", scene.name, scene.steps.len())).collect();
    println!("steps of 4 KiB: {}", sizes.join(", "));
    let mut full = 0;
    for n in 0..wanted {
        let turn = first + n;
        let scene = &scenes[(turn % scenes.len() as u64) as usize];
        full += u64::from(scene.step(scene.limit(turn / scenes.len() as u64)));
        if n % 50 == 49 {
            println!("{} of {wanted} steps: full {full}", n + 1);
        }
    }
    assert!(full * 2 > wanted, "the disk was hardly ever full: {full} of {wanted}");
}
