//! Backups of the profile.

use crate::account::Done;
use crate::args::{Backup, Restore};
use crate::print::Out;
use airi_app::App;
use airi_contract::BackupRow;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn backup(app: &App, out: &Out, given: &Backup) -> Done {
    if given.list {
        out.answer(&app.list_backups()?, |rows| match rows.as_slice() {
            [] => "No backup yet. The window makes one a day, `airi backup` makes one now.".into(),
            rows => rows.iter().map(|row| line(row) + "\n").collect(),
        });
    } else {
        out.answer(&app.back_up(given.path.as_deref())?, |row| format!("Backed up and checked: {}", line(row)));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(row: &BackupRow) -> String {
    let missing = match row.files_missing {
        0 => String::new(),
        missing => format!(" ({missing} more are not on this computer)"),
    };
    format!(
        "{}  {} conversations, {} messages, {} files{missing}, {:.1} MB  {}",
        row.made_at,
        row.conversations,
        row.messages,
        row.files,
        row.bytes as f64 / 1e6,
        row.path
    )
}

pub(crate) fn restore(data_dir: Option<&Path>, out: &Out, given: &Restore) -> Done {
    let report = airi_app::restore(data_dir, &given.path, given.check)?;
    out.answer(&report, |report| format!("{}\n{}", line(&report.backup), report.message));
    Ok(ExitCode::SUCCESS)
}
