//! Sync, and how things stand.

use crate::args::{Retention, RetentionAction, Sync};
use crate::invalid;
use crate::print::{Out, minute};
use airi_app::App;
use airi_contract::{AuditReport, CommandError, PauseRequest, Status, SyncReport, SyncState};
use std::fmt::Write as _;
use std::future::Future;
use std::process::ExitCode;

pub(crate) type Done = Result<ExitCode, CommandError>;

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| invalid(format!("The program cannot start its network part: {error}")))?;
    Ok(runtime.block_on(future))
}

pub(crate) fn sync(app: &App, out: &Out, given: &Sync) -> Done {
    if given.pause || given.resume {
        let status = wait(app.pause_sync(PauseRequest { paused: given.pause }))??;
        out.answer(&status, status_text);
        return Ok(ExitCode::SUCCESS);
    }
    if given.watch {
        // One line a round, until a signal ends the process.
        wait(app.sync_forever(|result| match result {
            Ok(report) => out.answer(&report, sync_text),
            Err(error) => out.error(&error),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let json = out.json;
    let report = wait(app.sync_once(move |progress| {
        let out = Out { json };
        let total = Some(progress.total).filter(|total| *total > 0);
        out.progress("rows", progress.report.pulled + progress.report.pushed, total);
    }))?;
    out.progress_done();
    out.answer(&report?, sync_text);
    Ok(ExitCode::SUCCESS)
}

fn sync_text(report: &SyncReport) -> String {
    let mut text = format!("{} rows taken, {} changes sent", report.pulled, report.pushed);
    if report.files_uploaded + report.files_downloaded > 0 {
        let _ = write!(text, ", {} files up, {} down", report.files_uploaded, report.files_downloaded);
    }
    if report.refused > 0 {
        let _ = write!(text, ", {} refused (`airi outbox`)", report.refused);
    }
    if report.waiting > 0 {
        let _ = write!(text, ", {} still waiting", report.waiting);
    }
    text + "."
}

/// Exit code 0 also when something differed: it is repaired by then.
pub(crate) fn verify_remote(app: &App, out: &Out) -> Done {
    let report = wait(app.verify_remote())??;
    out.answer(&report, |report| {
        let mut text = audit_text(report) + ".\n";
        for finding in &report.findings {
            let _ = writeln!(text, "{finding}");
        }
        text
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn retention(app: &App, out: &Out, given: Retention) -> Done {
    let told = |days| airi_contract::Retention { delete_messages_after_days: days };
    let holds = match given.action {
        None => wait(app.retention())??,
        Some(RetentionAction::On { days }) => wait(app.set_retention(told(Some(days))))??,
        Some(RetentionAction::Off) => wait(app.set_retention(told(None)))??,
    };
    out.answer(&holds, |holds| match holds.delete_messages_after_days {
        None => "Off: the server deletes no messages by itself.".into(),
        Some(days) => format!(
            "On: messages older than {days} days go, in conversations that nobody touched for as long and that are not starred."
        ),
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn status(app: &App, out: &Out) -> Done {
    out.answer(&app.status()?, status_text);
    Ok(ExitCode::SUCCESS)
}

/// How things stand, in words, with what to do.
pub(crate) fn status_text(status: &Status) -> String {
    let mut text = format!("{}\n", status.message);
    if let Some(todo) = todo(status) {
        let _ = writeln!(text, "{todo}");
    }
    if let Some(progress) = status.progress.filter(|progress| progress.total > 0) {
        let percent = (progress.done * 100 / progress.total).min(100);
        let _ = writeln!(text, "{} of {} rows taken ({percent} %)", progress.done, progress.total);
    }
    match &status.account {
        Some(account) => {
            let _ = writeln!(text, "profile {}: {} at {}", status.profile, account.email, account.url);
        }
        None => {
            let _ = writeln!(text, "profile {}: no account", status.profile);
        }
    }
    let _ = writeln!(
        text,
        "{} conversations, {} messages, {} attachments",
        status.conversations, status.messages, status.attachments
    );
    if status.outbox > status.wedged {
        let _ = writeln!(text, "{} changes wait to be sent", status.outbox - status.wedged);
    }
    if status.wedged > 0 {
        let _ = writeln!(text, "{} changes refused by the server: `airi outbox` shows them", status.wedged);
    }
    if status.parked > 0 {
        let _ = writeln!(
            text,
            "{} rows of the server could not be stored; they are kept aside and the rest goes on",
            status.parked
        );
    }
    if let Some(last) = &status.last_sync {
        let _ = writeln!(text, "last sync {} UTC", minute(last));
    }
    if let Some(audit) = &status.audit {
        let _ = writeln!(text, "{}", audit_text(audit));
    }
    text
}

/// What the user can do now; None when there is nothing to do.
fn todo(status: &Status) -> Option<&'static str> {
    Some(match status.sync {
        SyncState::Local | SyncState::InStep | SyncState::Syncing => return None,
        SyncState::Waiting => "`airi sync` does it now; the window does it by itself.",
        SyncState::Offline => "`airi sync` tries now; the window tries by itself.",
        SyncState::SignedOut => "`airi login` signs in again.",
        SyncState::Paused => "`airi sync --resume` goes on.",
        SyncState::Maintenance => "There is nothing to do but wait; `airi sync` tries now.",
        SyncState::Suspended => "Reading, searching and `airi export` work as before; what you write waits.",
        SyncState::ServerUnsuitable => "`airi login --check` says what the server lacks.",
        SyncState::NeedsAttention if status.wedged > 0 => "`airi outbox` shows what was refused, why, and what to do.",
        SyncState::NeedsAttention => "`airi sync` tries again; `airi verify` checks what is here.",
    })
}

/// A comparison with the server on one line.
fn audit_text(audit: &AuditReport) -> String {
    let mut text = format!("compared with the server {} UTC: {} rows", minute(&audit.at), audit.rows);
    if audit.ranges_differing == 0 {
        return text + ", all the same";
    }
    let _ = write!(text, ", {} ranges differed", audit.ranges_differing);
    if audit.fetched > 0 {
        let _ = write!(text, ", {} rows fetched again", audit.fetched);
    }
    if audit.sent_again > 0 {
        let _ = write!(text, ", {} sent again", audit.sent_again);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use airi_contract::{AccountInfo, SyncProgress};

    fn status(sync: SyncState) -> Status {
        let account = AccountInfo {
            url: "https://server.example".into(),
            email: "a@b.example".into(),
            user_id: "u".into(),
            signed_in: true,
            session_in: "file".into(),
        };
        Status {
            profile: "account-1".into(),
            account: Some(account),
            sync,
            message: "How it is.".into(),
            conversations: 1,
            messages: 2,
            attachments: 3,
            outbox: 0,
            wedged: 0,
            parked: 0,
            cursor: None,
            indexed: true,
            last_sync: None,
            progress: None,
            paused: false,
            audit: None,
        }
    }

    #[test]
    fn each_state_that_wants_something_says_what_to_do() {
        for state in [
            SyncState::Waiting,
            SyncState::Offline,
            SyncState::SignedOut,
            SyncState::Paused,
            SyncState::Maintenance,
            SyncState::Suspended,
            SyncState::ServerUnsuitable,
            SyncState::NeedsAttention,
        ] {
            let text = status_text(&status(state));
            assert!(text.lines().nth(1).is_some_and(|line| line.contains("`airi ")), "{state:?}: {text}");
        }
        let calm = status_text(&status(SyncState::InStep));
        assert_eq!(
            calm,
            "How it is.\nprofile account-1: a@b.example at https://server.example\n\
             1 conversations, 2 messages, 3 attachments\n"
        );
    }

    #[test]
    fn counts_progress_and_the_last_comparison_are_told() {
        let text = status_text(&Status {
            outbox: 5,
            wedged: 2,
            parked: 1,
            progress: Some(SyncProgress { done: 250, total: 1000 }),
            audit: Some(AuditReport {
                at: "2026-01-31T08:30:00.000000Z".into(),
                rows: 900,
                ranges_differing: 1,
                fetched: 4,
                sent_again: 0,
                findings: Vec::new(),
            }),
            ..status(SyncState::NeedsAttention)
        });
        for part in [
            "250 of 1000 rows taken (25 %)",
            "3 changes wait to be sent",
            "2 changes refused",
            "1 rows of the server could not be stored",
            "compared with the server 2026-01-31 08:30 UTC: 900 rows, 1 ranges differed, 4 rows fetched again",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
