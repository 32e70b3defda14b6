//! `cargo xtask soak`: tests that can go on for as long as one lets them, beyond what `cargo xtask test` has time for. Each
//! kind goes on where its last run ended and adds up over all of them.

use crate::shell::{cargo, command, finish, root};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::time::Instant;

/// Something that takes a number of runs from a first one on.
struct Kind {
    name: &'static str,
    /// The target of `tests/`, and the test in it.
    target: &'static str,
    test: &'static str,
    /// What one run is called, and the variables that tell the first one and how many.
    runs: &'static str,
    from: &'static str,
    count: &'static str,
    /// Runs in one process, after which the total is noted.
    chunk: u64,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "sim",
        target: "sync_sim",
        test: "devices_and_server_agree_after_any_schedule",
        runs: "schedules",
        from: "AIRI_SIM_FROM",
        count: "AIRI_SIM_SCHEDULES",
        chunk: 5_000,
    },
    Kind {
        name: "kill",
        target: "faults",
        test: "kill",
        runs: "kills",
        from: "AIRI_FAULTS_KILLS_SEED",
        count: "AIRI_FAULTS_KILLS",
        chunk: 500,
    },
];

/// The runs of a kind so far, over all calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Total {
    done: u64,
    seconds: u64,
}

impl Total {
    /// A note that cannot be read is no note: then it begins anew.
    fn read(text: &str) -> Total {
        let mut numbers = text.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(done)), Some(Ok(seconds))) => Total { done, seconds },
            _ => Total::default(),
        }
    }

    fn line(self) -> String {
        format!("{} {}\n", self.done, self.seconds)
    }
}

pub(crate) fn soak(args: &[String]) -> Result<()> {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let usage = format!("cargo xtask soak {} [--runs N]", names.join("|"));
    let Some(kind) = args.first().and_then(|name| KINDS.iter().find(|kind| kind.name == name)) else {
        bail!("{usage}");
    };
    let runs = match &args[1..] {
        [] => kind.chunk,
        [flag, number] if flag == "--runs" || flag.trim_start_matches("--") == kind.runs => {
            number.parse().with_context(|| format!("'{number}' is no number; {usage}"))?
        }
        _ => bail!("{usage}"),
    };
    let mut left = runs;
    while left > 0 {
        let count = left.min(kind.chunk);
        let total = chunk(kind, count)?;
        left -= count;
        println!("soak {}: {} {} passed in all, {} s", kind.name, total.done, kind.runs, total.seconds);
    }
    Ok(())
}

/// Runs the next ones. What failed is not counted, so that it comes first again once it is mended.
fn chunk(kind: &Kind, count: u64) -> Result<Total> {
    let folder = root().join("target/soak");
    let note: PathBuf = folder.join(format!("{}.total", kind.name));
    let total = Total::read(&std::fs::read_to_string(&note).unwrap_or_default());
    let start = Instant::now();
    let args = ["test", "--locked", "--release", "--package", "airi-tests", "--test", kind.target, kind.test];
    let mut tests = command("", &cargo(), &args);
    tests
        .env(kind.from, total.done.to_string())
        .env(kind.count, count.to_string())
        // Optimised, but built in minutes; in a folder of its own, so that the other builds stay as they are.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .env("CARGO_TARGET_DIR", folder.join("build"));
    finish(tests)?;
    let total = Total { done: total.done + count, seconds: total.seconds + start.elapsed().as_secs() };
    std::fs::create_dir_all(&folder)?;
    std::fs::write(&note, total.line())?;
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_back_and_begin_anew_when_they_cannot_be() {
        let total = Total { done: 12_000, seconds: 345 };
        assert_eq!(Total::read(&total.line()), total);
        assert_eq!(Total::read(""), Total::default());
        assert_eq!(Total::read("many 3"), Total::default());
    }
}
