//! What a program and all that it started use, from `/proc`.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The unit of times in `/proc/*/stat` on Linux.
const TICK: Duration = Duration::from_millis(10);

struct Stat {
    pid: u32,
    parent: u32,
    cpu: Duration,
    /// Since the machine started.
    begun: Duration,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| Some(TICK * fields.get(place)?.parse::<u32>().ok()?);
    Some(Stat { pid, parent: fields.get(1)?.parse().ok()?, cpu: ticks(11)? + ticks(12)?, begun: ticks(19)? })
}

fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").expect("Linux");
    entries.flatten().filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The program's process that was started last.
pub(crate) fn newest(program: &Path) -> u32 {
    let program = program.canonicalize().expect("the program is there");
    let runs = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
    all().into_iter().filter(|one| runs(one.pid)).max_by_key(|one| one.begun).expect("the program runs").pid
}

/// It and all that it started, directly or not.
fn tree(root: u32) -> Vec<Stat> {
    let mut within = vec![root];
    let everything = all();
    loop {
        let before = within.len();
        for one in &everything {
            if within.contains(&one.parent) && !within.contains(&one.pid) {
                within.push(one.pid);
            }
        }
        if within.len() == before {
            return everything.into_iter().filter(|one| within.contains(&one.pid)).collect();
        }
    }
}

/// Processor time of all of them so far.
pub(crate) fn cpu(root: u32) -> Duration {
    tree(root).iter().map(|one| one.cpu).sum()
}

/// Memory of all of them, in megabytes, what is shared divided among those who share it (PSS).
pub(crate) fn memory(root: u32) -> f64 {
    let kilobytes = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    tree(root).iter().filter_map(|one| kilobytes(one.pid)).sum::<f64>() / 1024.0
}

/// When it was started, in milliseconds since 1970.
pub(crate) fn begun(pid: u32) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let text = fs::read_to_string("/proc/uptime").expect("Linux");
    let up: f64 = text.split_whitespace().next().and_then(|up| up.parse().ok()).expect("a number");
    (now - up + stat(pid).expect("it runs").begun.as_secs_f64()) * 1000.0
}
