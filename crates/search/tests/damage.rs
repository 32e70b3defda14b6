//! A damaged folder costs a rebuild, never an error and never a panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use airi_search::{Doc, Index, Load, Opened, Overlay, Rebuilt, Scope};
use airi_testkit::Rng;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use support::{Fixture, days_ago, options, query};

/// A folder of its own with the files of one index that is made once.
fn filled() -> Fixture {
    static TEMPLATE: OnceLock<Fixture> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let texts: Vec<String> = (0..400).map(|n| format!("word{n} common {}", "数据 text ".repeat(n % 9))).collect();
        let docs: Vec<Doc> = texts.iter().zip(1..).map(|(text, n)| Doc::message(n % 7, n, text, days_ago(n))).collect();
        let fixture = Fixture::with(&docs[..300]);
        fixture.commit(&docs[300..], 400);
        fixture
    });
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("index")).unwrap();
    for path in files(template.dir.path()) {
        fs::copy(&path, dir.path().join("index").join(path.file_name().unwrap())).unwrap();
    }
    let Opened::Ready(index) = Index::open(dir.path(), "mirror").unwrap() else { panic!("the copy is damaged") };
    Fixture { dir, index }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir.join("index")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| !path.file_name().unwrap().to_string_lossy().ends_with(".lock"));
    all.sort();
    all
}

/// Whatever is done to the files: it opens, and then searches and is written to like any other. Why it was made anew, when it
/// was: at opening, or for what showed at the first search.
fn open_and_use(dir: &Path, what: &str) -> Option<Rebuilt> {
    let (index, mut reason) = match Index::open(dir, "mirror").unwrap_or_else(|error| panic!("{what}: {error}")) {
        Opened::Ready(index) => (index, None),
        Opened::Rebuilt { index, reason } => {
            assert_eq!((index.position(), index.len().unwrap()), (0, 0), "{what}");
            (index, Some(reason))
        }
    };
    let search = |index: &Index| index.search(&query("common"), &Scope::default(), &options(), None::<&Overlay>);
    // Damage that does not show at opening shows here, as an error that asks for a rebuild.
    let index = match search(&index) {
        Ok(_) => index,
        Err(error) => {
            assert!(error.is_damage(), "{what}: {error}");
            reason = Some(Rebuilt::Damaged(error.to_string()));
            Index::rebuild(dir, "mirror").unwrap()
        }
    };
    let written = (|| {
        let mut writer = index.writer(Load::Steady)?;
        writer.put(&Doc::message(1, 9999, "afterwards", days_ago(0)))?;
        writer.commit(7)
    })();
    if let Err(error) = written {
        assert!(error.is_damage(), "{what}: {error}");
    }
    reason
}

#[test]
fn nothing_damaged_nothing_rebuilt() {
    let Fixture { dir, index } = filled();
    index.verify().unwrap();
    drop(index);
    assert_eq!(open_and_use(dir.path(), "untouched"), None);
}

#[test]
fn a_file_that_was_cut_or_lost_means_a_rebuild() {
    let count = files(filled().dir.path()).len();
    for n in 0..count {
        for keep in [None, Some(0.0), Some(0.5), Some(0.99)] {
            let Fixture { dir, index } = filled();
            drop(index);
            let path = files(dir.path())[n].clone();
            let bytes = fs::read(&path).unwrap();
            match keep {
                None => fs::remove_file(&path).unwrap(),
                Some(share) => fs::write(&path, &bytes[..(bytes.len() as f64 * share) as usize]).unwrap(),
            }
            let name = path.extension().map_or("json".into(), |name| name.to_string_lossy().into_owned());
            let reason = open_and_use(dir.path(), &format!("{} {keep:?}", path.display()));
            // The store holds nothing of ours and is never read; the list of files is made again.
            let needed = !matches!(name.as_str(), "store") && !path.ends_with(".managed.json");
            assert!(reason.is_some() || !needed, "{} {keep:?} went unnoticed", path.display());
        }
    }
}

#[test]
fn garbage_in_the_lists_means_a_rebuild() {
    for garbage in ["", "{", "null", "[1,2]", "\u{0}\u{0}", "{\"segments\": 7}"] {
        let Fixture { dir, index } = filled();
        drop(index);
        fs::write(dir.path().join("index/meta.json"), garbage).unwrap();
        assert!(matches!(open_and_use(dir.path(), garbage), Some(Rebuilt::Damaged(_))), "{garbage:?}");
    }
    let Fixture { dir, index } = filled();
    drop(index);
    let path = dir.path().join("index/meta.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("airi-search 1", "airi-search 999")).unwrap();
    assert_eq!(open_and_use(dir.path(), "format"), Some(Rebuilt::OtherFormat));
    // A file where the folder should be.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index"), "x").unwrap();
    assert!(open_and_use(dir.path(), "file").is_some());
}

#[test]
fn flipped_bytes_never_panic_and_verify_finds_them() {
    let mut rng = Rng::new(21);
    for round in 0..60 {
        let Fixture { dir, index } = filled();
        drop(index);
        let all = files(dir.path());
        let path = rng.pick(&all);
        let mut bytes = fs::read(path).unwrap();
        for _ in 0..1 + rng.below(4) {
            let at = rng.below(bytes.len());
            bytes[at] ^= 1 << rng.below(8);
        }
        fs::write(path, &bytes).unwrap();
        let what = format!("round {round}: {}", path.display());
        if let Ok(Opened::Ready(index)) = Index::open(dir.path(), "mirror") {
            let segment = path.extension().is_none_or(|name| name != "json");
            assert!(!segment || index.verify().is_err(), "{what} went unnoticed");
        }
        open_and_use(dir.path(), &what);
    }
}
