//! `cargo xtask soak`: tests that can go on for as long as one lets them, beyond what `cargo xtask test` has time for. Each
//! kind goes on where its last run ended and adds up over all of them.

use crate::shell::{cargo, command, describe, finish, output, root};
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
        name: "fuzz-reply",
        target: "fuzz",
        test: "damaged_replies",
        runs: "replies",
        count: "AIRI_FUZZ_REPLIES",
        from: Some("AIRI_FUZZ_FROM"),
        chunk: 10_000,
        goal: 100_000,
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

/// The runs of a kind so far, over all calls and machines. They stand in the docs: what was reached is read there, and a
/// machine that begins tomorrow goes on from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Total {
    done: u64,
    seconds: u64,
}

const DOC: &str = "docs/simulation.md";

/// The table's row of a kind: `| kind | passed | in all | seconds | last on |`.
fn row<'a>(doc: &'a str, kind: &str) -> Option<&'a str> {
    let table = doc.split("<!-- soak -->").nth(1)?.split("<!-- /soak -->").next()?;
    table.lines().find(|line| line.starts_with(&format!("| `{kind}` |")))
}

impl Total {
    fn of(doc: &str, kind: &Kind) -> Result<Total> {
        let row =
            row(doc, kind.name).with_context(|| format!("{DOC} has no row of {} between its marks", kind.name))?;
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().replace(',', "")).collect();
        let number = |at: usize| cells.get(at).and_then(|cell| cell.parse().ok());
        match (number(2), number(4)) {
            (Some(done), Some(seconds)) => Ok(Total { done, seconds }),
            _ => bail!("{DOC}: no numbers in the row {row}"),
        }
    }

    fn row(self, kind: &Kind, date: &str) -> String {
        let [done, goal, seconds] = [self.done, kind.goal, self.seconds].map(grouped);
        format!("| `{}` | {done} | {goal} | {seconds} | {date} |", kind.name)
    }
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn doc() -> Result<String> {
    std::fs::read_to_string(root().join(DOC)).with_context(|| format!("read {DOC}"))
}

pub(crate) fn soak(args: &[String]) -> Result<()> {
    let usage = format!("cargo xtask soak {} [--runs N | --to-goal]", names());
    let Some(kind) = args.first().and_then(|name| KINDS.iter().find(|kind| kind.name == name)) else {
        bail!("{usage}");
    };
    let runs = match &args[1..] {
        [] => kind.chunk,
        [flag] if flag == "--to-goal" => kind.goal.saturating_sub(Total::of(&doc()?, kind)?.done),
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
        .env("CARGO_TARGET_DIR", root().join("target/soak"));
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
    let from = Total::of(&doc()?, kind)?;
    let start = Instant::now();
    let mut tests = command("tests", &program.to_string_lossy(), &[kind.test, "--nocapture"]);
    tests.env(kind.count, count.to_string());
    if let Some(variable) = kind.from {
        tests.env(variable, from.done.to_string());
    }
    finish(tests)?;
    // Read again: another kind may have been noted meanwhile.
    let doc = doc()?;
    let total = Total { done: from.done + count, seconds: from.seconds + start.elapsed().as_secs() };
    let date = output("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default();
    let old = row(&doc, kind.name).with_context(|| format!("{DOC} lost its row of {}", kind.name))?;
    std::fs::write(root().join(DOC), doc.replacen(old, &total.row(kind, &date), 1))?;
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_back_from_the_docs_and_what_is_no_table_is_refused() {
        let kind = &KINDS[0];
        let total = Total { done: 1_012_000, seconds: 345 };
        let doc = |row: &str| format!("| `sim` | a run |\n<!-- soak -->\n| kind |\n|---|\n{row}\n<!-- /soak -->\n");
        let row = total.row(kind, "2026-11-30");
        assert_eq!(row, "| `sim` | 1,012,000 | 100,000 | 345 | 2026-11-30 |");
        assert_eq!(Total::of(&doc(&row), kind).unwrap(), total);
        assert!(Total::of(&doc("| `kill` | 1 | 2 | 3 |"), kind).is_err());
        assert!(Total::of(&doc("| `sim` | many | 2 | 3 |"), kind).is_err());
    }

    #[test]
    fn the_docs_have_a_row_of_every_kind() {
        let doc = doc().unwrap();
        for kind in KINDS {
            Total::of(&doc, kind).unwrap();
        }
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
