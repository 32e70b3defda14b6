//! Fuzzing of what comes from outside, through the code that ships: a server's answers (`answers`), a model's replies
//! (`providers`), and archives to import (`imports`). No panic, no loop, bounded memory; one bad row lies aside and the rest goes on; an import is whole or not at
//! all; and nothing that was acknowledged on the device is lost.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `AIRI_FUZZ_ANSWERS` | answers to damage | 1500 |
//! | `AIRI_FUZZ_REPLIES` | replies of providers to damage | 600 |
//! | `AIRI_FUZZ_IMPORTS` | archives to damage | 50 |
//! | `AIRI_FUZZ_FROM` | the first seed | 0 |
//! | `AIRI_FUZZ_SEED` | one run alone, of the test that is named | |

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

mod answers;
mod contradiction;
mod imports;
mod mutate;
mod providers;
mod server;

use airi_cloud::Auth;
use airi_store::Store;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Memory where there is some to put files in: nothing here is about the disk.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("airi-fuzz-").tempdir_in(place).unwrap()
}

/// The most memory that this process has had, in MiB; None where the system does not tell.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Runs seeds on every core until `enough` says so; the seeds that failed, and how.
pub(crate) fn seeds(
    one: Option<u64>,
    enough: impl Fn() -> bool + Sync,
    worker: impl Fn(&dyn Fn() -> Option<u64>) + Sync,
) {
    let next = AtomicU64::new(one.or_else(|| number("AIRI_FUZZ_FROM")).unwrap_or(0));
    let left = AtomicU64::new(if one.is_some() { 1 } else { u64::MAX });
    let draw = || {
        let more = !enough() && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
        more.then(|| next.fetch_add(1, Ordering::Relaxed))
    };
    let cores = if one.is_some() { 1 } else { std::thread::available_parallelism().map_or(2, |n| n.get().min(8)) };
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| worker(&draw));
        }
    });
}

/// Says what is wrong with which seeds.
pub(crate) fn assert_none(failed: Mutex<Vec<(u64, Vec<String>)>>, test: &str) {
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let list: Vec<String> =
        failed.iter().take(10).map(|(seed, problems)| format!("{seed}: {}", problems.join("; "))).collect();
    assert!(
        failed.is_empty(),
        "{} seeds failed:\n{}\nreplay: AIRI_FUZZ_SEED=<n>, the test {test}",
        failed.len(),
        list.join("\n")
    );
    if let Some(most) = most_memory() {
        println!("the most memory: {most} MiB");
        assert!(most < 1500, "{most} MiB of memory");
    }
}

/// An empty mirror of the present schema, to be copied.
fn empty_mirror(folder: &Path) -> PathBuf {
    let path = folder.join("empty.sqlite");
    let store = Store::open(&folder.join("opened.sqlite")).unwrap();
    let owner = airi_domain::OwnerId(uuid::Uuid::from_u128(0xf0f0_0000_0000_4000_8000_0000_0000_0001));
    store.write(|w| w.set_owner(owner)).unwrap();
    store.copy_to(&path).unwrap();
    path
}

#[test]
fn damaged_answers_stop_nothing_and_lose_nothing() {
    let wanted = number("AIRI_FUZZ_ANSWERS").unwrap_or(1_500);
    let (damaged, runs) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let folder = folder();
    let mirror = empty_mirror(folder.path());
    let enough = || damaged.load(Ordering::Relaxed) >= wanted || failed.lock().unwrap().len() >= 20;
    seeds(number("AIRI_FUZZ_SEED"), enough, |draw| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let (address, shared) = server::start().await;
            let auth = Auth::new(&address).unwrap();
            while let Some(seed) = draw() {
                let dir = folder.path().join(seed.to_string());
                std::fs::create_dir_all(&dir).unwrap();
                let (auth, of, mirror, at) = (auth.clone(), shared.clone(), mirror.clone(), dir.clone());
                // A task of its own, so that a panic is this seed's.
                let ran =
                    tokio::task::spawn_local(async move { answers::run(seed, &auth, &of, &mirror, &at).await }).await;
                let problems = match ran {
                    Ok(outcome) => {
                        let so_far = damaged.fetch_add(outcome.damaged, Ordering::Relaxed) + outcome.damaged;
                        if so_far / 100_000 > (so_far - outcome.damaged) / 100_000 {
                            println!("{so_far} of {wanted} answers");
                        }
                        outcome.problems
                    }
                    Err(panic) => {
                        shared.borrow_mut().take();
                        vec![format!("panicked: {panic}")]
                    }
                };
                runs.fetch_add(1, Ordering::Relaxed);
                if !problems.is_empty() {
                    failed.lock().unwrap().push((seed, problems));
                }
                let _ = std::fs::remove_dir_all(dir);
            }
        });
    });
    println!("{} answers damaged in {} runs", damaged.load(Ordering::Relaxed), runs.load(Ordering::Relaxed));
    assert_none(failed, "damaged_answers_stop_nothing_and_lose_nothing");
}

#[test]
fn damaged_replies_end_within_bounds() {
    let wanted = number("AIRI_FUZZ_REPLIES").unwrap_or(600);
    let asked = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let enough = || asked.load(Ordering::Relaxed) >= wanted || failed.lock().unwrap().len() >= 20;
    seeds(number("AIRI_FUZZ_SEED"), enough, |draw| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let clients = std::rc::Rc::new(providers::clients(&providers::start().await));
            while let Some(seed) = draw() {
                let of = clients.clone();
                let ran = tokio::task::spawn_local(async move { providers::run(seed, &of).await }).await;
                let problems = ran.unwrap_or_else(|panic| vec![format!("panicked: {panic}")]);
                asked.fetch_add(3, Ordering::Relaxed);
                if !problems.is_empty() {
                    failed.lock().unwrap().push((seed, problems));
                }
            }
        });
    });
    println!("{} replies damaged", asked.load(Ordering::Relaxed));
    assert_none(failed, "damaged_replies_end_within_bounds");
}
