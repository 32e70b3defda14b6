//! What goes to the terminal: JSON for scripts, plain text for people.

use airi_contract::CommandError;
use serde::Serialize;
use std::io::{IsTerminal, Write};

pub(crate) struct Out {
    pub json: bool,
}

impl Out {
    /// The answer: as JSON, or as what `text` makes of it.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) {
        if self.json {
            say(&serde_json::to_string(value).unwrap_or_default());
        } else {
            say(text(value).trim_end());
        }
    }

    pub(crate) fn error(&self, error: &CommandError) {
        if self.json {
            let code = serde_json::to_value(error.code).unwrap_or_default();
            complain(&serde_json::json!({ "error": { "code": code, "message": error.message } }).to_string());
        } else {
            complain(&format!("airi: {}", error.message));
        }
    }

    /// Progress for a person who waits: one line that is written over, on stderr.
    pub(crate) fn progress(&self, step: &str, done: u64, total: Option<u64>) {
        if self.json || !std::io::stderr().is_terminal() {
            return;
        }
        let of = total.map_or(String::new(), |total| format!(" of {total}"));
        let _ = write!(std::io::stderr(), "\r\x1b[K{step} {done}{of}");
    }

    /// Ends the line of progress.
    pub(crate) fn progress_done(&self) {
        if !self.json && std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    /// A remark for people that is not part of the answer.
    pub(crate) fn remark(&self, text: &str) {
        if !self.json {
            complain(text);
        }
    }
}

pub(crate) fn say(text: &str) {
    // A reader that closed the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A text on one line, cut to so many characters.
pub(crate) fn short(text: &str, chars: usize) -> String {
    // What came from elsewhere must not steer the terminal.
    let line: String =
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// `2026-01-31 08:30` of an ISO time.
pub(crate) fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}
