//! Archives that are damaged, through the import as it ships: whole, or refused with nothing changed.

use crate::{folder, mutate, number, seeds};
use airi_app::{App, AppOptions, Cancel, ImportOptions};
use airi_contract::VerifyReport;
use airi_testkit::Rng;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use zip::write::SimpleFileOptions;

#[path = "../faults/archive.rs"]
#[allow(dead_code, reason = "the fault tests need to know what is in it")]
mod archive;

/// What a sound export holds.
struct Export {
    files: Vec<(String, Vec<u8>)>,
}

impl Export {
    fn of_folder(folder: &Path) -> Export {
        let mut files = Vec::new();
        take(folder, folder, &mut files);
        files.sort();
        Export { files }
    }

    fn of_zip(path: &Path) -> Export {
        let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
        let mut files = Vec::new();
        for place in 0..zip.len() {
            let mut entry = zip.by_index(place).unwrap();
            let mut bytes = Vec::new();
            std::io::copy(&mut entry, &mut bytes).unwrap();
            files.push((entry.name().unwrap().into_owned(), bytes));
        }
        Export { files }
    }

    fn all(folder: &Path) -> Vec<Export> {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        let ours = folder.join("ours.zip");
        archive::write(&ours, &mut Rng::new(1), 6, 2, 900);
        let mut all: Vec<Export> = ["chatgpt", "chatgpt-current", "claude"]
            .iter()
            .map(|name| Export::of_folder(&samples.join(name)))
            .collect();
        all.push(Export::of_zip(&ours));
        all
    }
}

fn take(folder: &Path, at: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            take(folder, &path, files);
        } else {
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
}

/// Writes the export as a ZIP, a folder or a single file.
fn write(files: &[(String, Vec<u8>)], form: usize, dir: &Path, rng: &mut Rng) -> PathBuf {
    match form {
        0 => {
            let path = dir.join("export");
            for (name, bytes) in files {
                let file = path.join(name);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, bytes).unwrap();
            }
            path
        }
        1 => {
            let path = dir.join("export.json");
            let json: Vec<_> = files.iter().filter(|(name, _)| name.contains("conversations")).collect();
            std::fs::write(&path, json.first().map_or(&files[0].1, |(_, bytes)| bytes)).unwrap();
            path
        }
        _ => {
            let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            for (name, bytes) in files {
                let method =
                    if rng.chance(0.5) { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
                zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
                zip.write_all(bytes).unwrap();
            }
            let mut bytes = zip.finish().unwrap().into_inner();
            if rng.chance(0.3) {
                for _ in 0..1 + rng.below(4) {
                    mutate::bytes(&mut bytes, rng);
                }
            }
            let path = dir.join("export.zip");
            std::fs::write(&path, bytes).unwrap();
            path
        }
    }
}

fn damaged(export: &Export, rng: &mut Rng) -> Vec<(String, Vec<u8>)> {
    let mut files = export.files.clone();
    let json: Vec<usize> = (0..files.len()).filter(|place| files[*place].0.ends_with(".json")).collect();
    for _ in 0..1 + rng.below(2) {
        let place = if rng.chance(0.9) { *rng.pick(&json) } else { rng.below(files.len()) };
        let (name, bytes) = &mut files[place];
        match serde_json::from_slice::<Value>(bytes) {
            Ok(value) if rng.chance(0.7) => *bytes = mutate::json_bytes(&value, rng),
            _ => (0..1 + rng.below(3)).for_each(|_| mutate::bytes(bytes, rng)),
        }
        if rng.chance(0.05) {
            let mut odd = name.clone().into_bytes();
            mutate::bytes(&mut odd, rng);
            let odd: String =
                String::from_utf8_lossy(&odd).chars().filter(|c| *c != '\0' && *c != '/').take(80).collect();
            *name = format!("{odd}x");
        }
    }
    files
}

struct Library {
    app: App,
}

impl Library {
    fn open(dir: &Path) -> Library {
        let data_dir = Some(dir.join("data"));
        Library { app: App::open(AppOptions { data_dir, ..AppOptions::default() }).unwrap() }
    }

    fn import(&self, path: &Path) -> Result<airi_contract::ImportReport, airi_contract::CommandError> {
        let options = ImportOptions { path: path.to_owned(), format: "auto".into(), confirmed: false };
        self.app.import(&options, &Cancel::default(), &mut |_, _, _| ())
    }

    /// What is in it, sound or not.
    fn look(&self) -> VerifyReport {
        self.app.verify().unwrap()
    }
}

fn run(seed: u64, exports: &[Export], dir: &Path, taken: &AtomicU64) -> Vec<String> {
    let mut rng = Rng::new(seed);
    let export = rng.pick(exports);
    let files = damaged(export, &mut rng);
    let form = rng.below(5);
    let path = write(&files, form, dir, &mut rng);
    let library = Library::open(dir);
    let mut problems = Vec::new();
    let result = library.import(&path);
    let after = library.look();
    problems.extend(after.problems.clone());
    match result {
        Ok(report) => {
            taken.fetch_add(1, Ordering::Relaxed);
            if (report.conversations_imported, report.messages_imported) != (after.conversations, after.messages) {
                // What was deleted where it comes from is in the library and not counted there.
                let hidden =
                    report.messages_imported >= after.messages && report.conversations_imported >= after.conversations;
                if !hidden {
                    problems.push(format!("{report:?} and in the library {after:?}"));
                }
            }
        }
        Err(error) => {
            if (after.conversations, after.messages) != (0, 0) {
                problems.push(format!("it failed ({}) and left {after:?}", error.message));
            }
            if format!("{:?}", error.code).to_lowercase().contains("internal") {
                problems.push(format!("an error that says nothing: {}", error.message));
            }
        }
    }
    // The sound one comes in all the same.
    if rng.chance(0.2) {
        let sound = dir.join("sound");
        std::fs::create_dir_all(&sound).unwrap();
        let path = write(&export.files, 0, &sound, &mut rng);
        match library.import(&path) {
            Ok(report) if report.skipped.is_empty() && report.messages_read > 0 => {}
            other => problems.push(format!("the sound archive afterwards: {other:?}")),
        }
        problems.extend(library.look().problems);
    }
    problems
}

#[test]
fn damaged_archives_come_in_whole_or_not_at_all() {
    let wanted = number("AIRI_FUZZ_IMPORTS").unwrap_or(50);
    let folder = folder();
    let exports = Export::all(folder.path());
    let (done, taken) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let enough = || done.load(Ordering::Relaxed) >= wanted || failed.lock().unwrap().len() >= 20;
    seeds(number("AIRI_FUZZ_SEED"), enough, |draw| {
        while let Some(seed) = draw() {
            let dir = folder.path().join(format!("import-{seed}"));
            std::fs::create_dir_all(&dir).unwrap();
            let ran = std::panic::catch_unwind(|| run(seed, &exports, &dir, &taken));
            let problems = ran.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                vec![format!("panicked: {}", text.unwrap_or_default())]
            });
            if !problems.is_empty() {
                failed.lock().unwrap().push((seed, problems));
            }
            if (done.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(1000) {
                println!("{} of {wanted} archives", done.load(Ordering::Relaxed));
            }
            let _ = std::fs::remove_dir_all(dir);
        }
    });
    let (done, taken) = (done.into_inner(), taken.into_inner());
    println!("{done} archives damaged: {taken} came in, {} were refused", done - taken);
    crate::assert_none(failed, "damaged_archives_come_in_whole_or_not_at_all");
    assert!(done < 40 || (taken > done / 20 && taken < done * 19 / 20), "{taken} of {done} came in");
}
