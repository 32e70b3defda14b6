//! The log as one text to send to somebody: a head that says what it comes from, then all lines.

use super::file::Rolling;
use super::{FOLDER, short};
use crate::export::{CHECK, Fresh};
use crate::profile::now;
use crate::{App, AppError};
use airi_contract::{CommandError, PathRequest};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

impl App {
    /// The log with its head. There is no content and no secret in it.
    pub fn log_text(&self) -> Result<String, CommandError> {
        Ok(self.whole_log()?)
    }

    /// Writes [`App::log_text`] to a file.
    ///
    /// # Errors
    /// A file that was there under the name stays as it was.
    pub fn save_log(&self, request: &PathRequest) -> Result<(), CommandError> {
        Ok(self.write_log(PathBuf::from(&request.path))?)
    }

    fn write_log(&self, path: PathBuf) -> Result<(), AppError> {
        let path = if path.is_dir() { path.join("airi-log.txt") } else { path };
        let text = self.whole_log()?;
        let fresh = Fresh::beside(&path)?;
        let failed = || AppError::io(format!("The file {}", path.display()), CHECK);
        let mut out = fresh.writer()?;
        out.write_all(text.as_bytes()).map_err(failed())?;
        out.flush().map_err(failed())?;
        drop(out);
        fresh.place(&path)?;
        Ok(())
    }

    fn whole_log(&self) -> Result<String, AppError> {
        let mut text = self.head()?;
        for path in Rolling::files(&self.0.data.path().join(FOLDER)) {
            // One that is put aside just now is read under its next name, or missed.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            text += &String::from_utf8_lossy(&bytes);
        }
        Ok(text)
    }

    fn head(&self) -> Result<String, AppError> {
        let profile = self.profile();
        let reader = profile.store.read()?;
        let totals = reader.totals()?;
        let account = profile.account()?;
        let mut text = String::new();
        let _ = writeln!(
            text,
            "AIRI {} on {} {}{}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            system().map_or(String::new(), |system| format!(" ({system})"))
        );
        let _ = writeln!(text, "written {}", now());
        let _ =
            writeln!(text, "mirror {}, {} changes not indexed", airi_store::SCHEMA_VERSION, profile.indexer.behind()?);
        let _ = writeln!(
            text,
            "profiles: {}; in use: {}",
            self.0.data.profile_names()?.len(),
            match &account {
                None => "without an account".to_owned(),
                Some(account) => format!(
                    "account {}, {}",
                    short(&account.owner.to_string()),
                    if account.signed_in { "signed in" } else { "signed out" }
                ),
            }
        );
        let _ = writeln!(
            text,
            "{} conversations, {} messages, {} attachments; waiting {}, refused {}, put aside {}",
            totals.conversations, totals.messages, totals.attachments, totals.outbox, totals.wedged, totals.parked
        );
        if let Some(last) = reader.meta("sync.last")? {
            let _ = writeln!(text, "last sync {last}");
        }
        text.push('\n');
        Ok(text)
    }
}

/// What the operating system calls itself, where it says so in a file.
fn system() -> Option<String> {
    let release = std::fs::read_to_string("/etc/os-release").ok()?;
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Some(format!("{}, {}", name.trim_matches('"'), kernel.trim()))
}
