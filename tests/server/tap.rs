//! Runs pgTAP scripts through psql and reads what they say. Promise: a script passes only if it ran at least one test, all
//! were ok, their numbers are those of its plan, and psql saw no error.

use std::collections::BTreeSet;
use std::path::Path;

use airi_tests::postgres::psql;
use tokio::process::Command;

use crate::database::Database;

/// What a script said.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) numbers: Vec<u32>,
    pub(crate) failed: Vec<String>,
    plan: Option<u32>,
    /// What psql complained about, if it did not end well.
    error: Option<String>,
    /// All that was printed, for whoever must find out.
    pub(crate) text: String,
}

impl Report {
    fn read(text: String, error: Option<String>) -> Self {
        let mut report = Self { error, ..Self::default() };
        for line in text.lines() {
            if let Some(plan) = line.strip_prefix("1..") {
                report.plan = plan.trim().parse().ok();
            } else if let Some(rest) = line.strip_prefix("ok ") {
                report.numbers.extend(number(rest));
            } else if let Some(rest) = line.strip_prefix("not ok ") {
                report.numbers.extend(number(rest));
                report.failed.push(line.to_owned());
            } else if line.starts_with("Bail out!") {
                report.error = Some(line.to_owned());
            }
        }
        report.text = text;
        report
    }

    /// Why the script does not count as passed.
    pub(crate) fn fault(&self) -> Option<String> {
        if let Some(error) = &self.error {
            return Some(error.clone());
        }
        if !self.failed.is_empty() {
            return Some(self.failed.join("\n"));
        }
        let ran = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        if ran == 0 {
            return Some("it ran no test".into());
        }
        let in_order = self.numbers.iter().copied().eq(1..=ran);
        match self.plan {
            Some(plan) if plan == ran && in_order => None,
            plan => Some(format!("the plan is {plan:?}, the tests that ran are {:?}", self.numbers)),
        }
    }
}

fn number(rest: &str) -> Option<u32> {
    rest.split_whitespace().next()?.parse().ok()
}

/// Runs a script; `before` comes first in the same session.
pub(crate) async fn run(database: &Database, script: &Path, before: &str) -> Report {
    let mut command = Command::new(psql().unwrap());
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]).arg(database.superuser_url());
    if !before.is_empty() {
        command.args(["-c", before]);
    }
    let output = command
        .arg("-f")
        .arg(script)
        .env("PGCLIENTENCODING", "UTF8")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("psql can be run");
    let error = (!output.status.success())
        .then(|| format!("psql ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    Report::read(String::from_utf8_lossy(&output.stdout).into_owned(), error)
}

/// The scripts of `supabase/tests`, by name.
pub(crate) fn scripts() -> BTreeSet<String> {
    let folder = crate::world::repository().join("supabase/tests");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".sql")).collect()
}

/// Why a text does not count as passed.
fn fault_of(text: &str) -> Option<String> {
    Report::read(text.to_owned(), None).fault()
}

#[test]
fn a_script_passes_when_all_that_it_planned_is_ok() {
    assert_eq!(fault_of("ok 1 - a\nsome row\nok 2 - b\n1..2\n"), None);
    assert_eq!(fault_of("1..1\nok 1\n"), None);
}

#[test]
fn a_script_fails_by_a_test_a_plan_or_by_silence() {
    assert!(fault_of("ok 1 - a\nnot ok 2 - b\n1..2\n").unwrap().contains("not ok 2 - b"));
    assert!(fault_of("ok 1 - a\n1..2\n").is_some(), "too few");
    assert!(fault_of("ok 1 - a\nok 2 - a\n1..1\n").is_some(), "too many");
    assert!(fault_of("ok 1 - a\nok 1 - b\n1..2\n").is_some(), "one twice, one never");
    assert!(fault_of("ok 1 - a\n").is_some(), "no plan");
    assert!(fault_of("1..0\n").is_some(), "nothing ran");
    assert!(fault_of("").is_some());
    assert!(fault_of("ok 1 - a\n1..1\nBail out! enough\n").is_some());
    let broken = Report::read("ok 1 - a\n1..1\n".into(), Some("psql ended with 3".into()));
    assert!(broken.fault().is_some());
}
