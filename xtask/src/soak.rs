//! `cargo xtask soak`: tests that can go on for as long as one lets them, beyond what `cargo xtask test` has time for. Each
//! kind goes on where its last run ended and adds up over all of them.

use crate::shell::{cargo, command, describe, finish, root};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Something that takes a number of runs from a first one on.
struct Kind {
    name: &'static str,
    /// The target of `tests/`, and the test in it.
    target: &'static str,
    test: &'static str,
    /// What one run is called, and the variables that tell how many and, where they are seeded, the first one.
    runs: &'static str,
    count: &'static str,
    from: Option<&'static str>,
    /// Runs in one process, after which the total is noted.
    chunk: u64,
    /// Runs that are wanted once, over all calls.
    goal: u64,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "sim",
        target: "sync_sim",
        test: "devices_and_server_agree_after_any_schedule",
        runs: "schedules",
        count: "AIRI_SIM_SCHEDULES",
        from: Some("AIRI_SIM_FROM"),
        chunk: 5_000,
        goal: 100_000,
    },
    Kind {
        name: "kill",
        target: "faults",
        test: "a_process_killed_at_any_moment",
        runs: "kills",
        count: "AIRI_FAULTS_KILLS",
        from: Some("AIRI_FAULTS_KILLS_SEED"),
        chunk: 200,
        goal: 10_000,
    },
    Kind {
        name: "disk",
        target: "faults",
        test: "a_disk_that_is_full",
        runs: "steps",
        count: "AIRI_FAULTS_DISK_STEPS",
        from: Some("AIRI_FAULTS_DISK_SEED"),
        chunk: 250,
        goal: 3_000,
    },
    Kind {
        name: "refresh",
        target: "faults",
        test: "sessions::",
        runs: "races",
        count: "AIRI_FAULTS_REFRESHES",
        from: None,
        chunk: 1_000,
        goal: 10_000,
    },
    Kind {
        name: "deadlock",
        target: "server",
        test: "writers_of_one_user_never_deadlock",
        runs: "seconds",
        count: "AIRI_DEADLOCK_SECONDS",
        from: None,
        chunk: 300,
        goal: 3_600,
    },
    Kind {
        name: "fuzz",
        target: "fuzz",
        test: "damaged_answers",
        runs: "answers",
        count: "AIRI_FUZZ_ANSWERS",
        from: Some("AIRI_FUZZ_FROM"),
        chunk: 50_000,
        goal: 1_000_000,
    },
    Kind {
        name: "fuzz-import",
        target: "fuzz",
        test: "damaged_archives",
        runs: "archives",
        count: "AIRI_FUZZ_IMPORTS",
        from: Some("AIRI_FUZZ_FROM"),
        chunk: 1_000,
        goal: 10_000,
    },
];

/// The kinds, for messages.
pub(crate) fn names() -> String {
    KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join("|")
}

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

    fn note(kind: &Kind) -> PathBuf {
        folder().join(format!("{}.total", kind.name))
    }

    fn of(kind: &Kind) -> Total {
        Total::read(&std::fs::read_to_string(Total::note(kind)).unwrap_or_default())
    }
}

pub(crate) fn soak(args: &[String]) -> Result<()> {
    let usage = format!("cargo xtask soak {} [--runs N | --to-goal]", names());
    let Some(kind) = args.first().and_then(|name| KINDS.iter().find(|kind| kind.name == name)) else {
        bail!("{usage}");
    };
    let runs = match &args[1..] {
        [] => kind.chunk,
        [flag] if flag == "--to-goal" => kind.goal.saturating_sub(Total::of(kind).done),
        [flag, number] if flag == "--runs" || flag.trim_start_matches("--") == kind.runs => {
            number.parse().with_context(|| format!("'{number}' is no number; {usage}"))?
        }
        _ => bail!("{usage}"),
    };
    if ["faults", "server"].contains(&kind.target) {
        crate::setup::tests()?;
    }
    let program = build(kind)?;
    let mut left = runs;
    while left > 0 {
        let count = left.min(kind.chunk);
        let total = chunk(kind, &program, count)?;
        left -= count;
        println!(
            "soak {}: {} of {} {} passed in all, {} s",
            kind.name, total.done, kind.goal, kind.runs, total.seconds
        );
    }
    Ok(())
}

/// Where the totals and the builds lie.
fn folder() -> PathBuf {
    root().join("target/soak")
}

/// Builds what a kind needs once, so that a run of hours tests one state of the sources; the test program's path.
fn build(kind: &Kind) -> Result<PathBuf> {
    // The program that the tests start lies beside them. In one build, so that nothing is built in two ways.
    let args = ["build", "--locked", "--release", "--message-format=json-render-diagnostics"];
    let mut tests = command("", &cargo(), &args);
    tests.args(["--package", "airi-cli", "--package", "airi-tests", "--bin", "airi", "--test", kind.target]);
    optimised(&mut tests);
    eprintln!("+ {}", describe(&tests));
    let output = tests.stdout(Stdio::piped()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("failed ({}): {}", output.status, describe(&tests));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    executable(&said, kind.target).with_context(|| format!("cargo named no program of the tests {}", kind.target))
}

/// Optimised, but built in minutes; in a folder of its own, so that the other builds stay as they are.
fn optimised(command: &mut Command) {
    command
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .env("CARGO_TARGET_DIR", folder().join("build"));
}

/// The path of a test program in what `cargo test --message-format=json` says.
fn executable(said: &str, target: &str) -> Option<PathBuf> {
    let name = format!("\"name\":\"{target}\"");
    let line = said.lines().find(|line| line.contains(&name) && line.contains("\"executable\":\""))?;
    let path = line.split("\"executable\":\"").nth(1)?.split('"').next()?;
    Some(PathBuf::from(path.replace("\\\\", "\\")))
}

/// Runs the next ones. What failed is not counted, so that it comes first again once it is mended.
fn chunk(kind: &Kind, program: &Path, count: u64) -> Result<Total> {
    let total = Total::of(kind);
    let start = Instant::now();
    let mut tests = command("tests", &program.to_string_lossy(), &[kind.test, "--nocapture"]);
    tests.env(kind.count, count.to_string());
    if let Some(from) = kind.from {
        tests.env(from, total.done.to_string());
    }
    finish(tests)?;
    let total = Total { done: total.done + count, seconds: total.seconds + start.elapsed().as_secs() };
    std::fs::create_dir_all(folder())?;
    std::fs::write(Total::note(kind), total.line())?;
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

    #[test]
    fn the_program_of_the_target_is_found_in_what_cargo_says() {
        let said = concat!(
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"airi_sync"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"faults"},"executable":"/t/faults-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"server"},"executable":"/t/server-2"}"#,
        );
        assert_eq!(executable(said, "server"), Some(PathBuf::from("/t/server-2")));
        assert_eq!(executable(said, "sync_sim"), None);
    }
}
