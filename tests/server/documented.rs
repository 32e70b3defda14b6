//! `docs/server.md` lists what the server promises with the test that shows it. Here: each test that it names exists, and each
//! line names one or says that there is none.

use crate::world::{read, repository};

const DOC: &str = "docs/server.md";

/// A line of a table: what it is about, and the tests that it names, as (file, which).
struct Line {
    subject: String,
    tests: Vec<(String, String)>,
    says_none: bool,
}

fn lines(doc: &str) -> Vec<Line> {
    let rows = doc.lines().filter(|line| line.starts_with("| ") && !line.starts_with("|--"));
    let heads = ["| table |", "| also said", "| said |", "| function |", "| promised |", "| defect |"];
    rows.filter(|row| !heads.iter().any(|head| row.starts_with(head)))
        .map(|row| Line {
            subject: row.split('|').nth(1).unwrap_or_default().trim().to_owned(),
            tests: row.split('`').skip(1).step_by(2).filter_map(named).collect(),
            says_none: row.contains("**No test**"),
        })
        .collect()
}

/// `10_functions.sql: with its conversation` → the file and the test's name.
fn named(text: &str) -> Option<(String, String)> {
    let (file, test) = text.split_once(": ")?;
    (file.ends_with(".sql") || file.ends_with(".rs")).then(|| (file.to_owned(), test.to_owned()))
}

/// Why the test is not one of the file's.
fn fault(file: &str, test: &str) -> Option<String> {
    let path = match file {
        file if file.ends_with(".sql") => format!("supabase/tests/{file}"),
        file if file.contains('/') => format!("tests/{file}"),
        file => format!("tests/server/{file}"),
    };
    if !repository().join(&path).is_file() {
        return Some(format!("{path} is not there"));
    }
    let text = read(&path);
    let is_there = if path.ends_with(".sql") {
        // A description, as it is written in SQL; part of one where the rest is made of a name.
        text.contains(&test.replace('\'', "''"))
    } else {
        let called = format!("fn {test}()");
        text.match_indices(&called).any(|(place, _)| {
            let before: Vec<&str> = text[..place].lines().rev().take(2).collect();
            before.iter().any(|line| line.contains("#[test]") || line.contains("#[tokio::test"))
        })
    };
    (!is_there).then(|| format!("{path} has no test '{test}'"))
}

#[test]
fn every_line_of_the_schema_names_a_test_that_exists() {
    let lines = lines(&read(DOC));
    assert!(lines.len() > 80, "the tables were read: {}", lines.len());
    let mut faults = Vec::new();
    for line in &lines {
        if line.tests.is_empty() && !line.says_none {
            faults.push(format!("{}: it names no test, and does not say so", line.subject));
        }
        faults.extend(line.tests.iter().filter_map(|(file, test)| fault(file, test)));
    }
    assert!(faults.is_empty(), "{DOC}:\n{}", faults.join("\n"));
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    assert!(fault("10_functions.sql", "nothing of this name").is_some());
    assert!(fault("99_none.sql", "x").is_some());
    assert!(fault("documented.rs", "fault").is_some(), "a function that is no test");
    assert!(fault("documented.rs", "a_test_that_is_not_there_is_noticed").is_none());
    let found = lines("| a | `x.sql: y` | z |\n| b | `plain` |\n|---|\n| c | **No test** |");
    assert_eq!(found.iter().map(|line| line.tests.len()).collect::<Vec<_>>(), [1, 0, 0]);
    assert!(found[2].says_none && !found[1].says_none);
}
