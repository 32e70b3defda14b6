//! Commands about the account and the server.

use crate::args::{Login, Outbox, OutboxAction, Sync};
use crate::invalid;
use crate::print::{Out, minute, short};
use airi_app::App;
use airi_contract::{CommandError, OutboxRequest, SignInRequest, Status, SyncReport, Take};
use std::fmt::Write as _;
use std::future::Future;
use std::io::BufRead;
use std::process::ExitCode;

type Done = Result<ExitCode, CommandError>;

fn wait<T>(future: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| invalid(format!("The program cannot start its network part: {error}")))?;
    Ok(runtime.block_on(future))
}

pub(crate) fn login(app: &App, out: &Out, given: Login) -> Done {
    let mut password = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut password)
        .map_err(|error| invalid(format!("The password cannot be read from stdin: {error}")))?;
    let password = password.trim_end_matches(['\n', '\r']).to_owned();
    if password.is_empty() {
        return Err(invalid("There is no password on stdin. Nothing was changed."));
    }
    let take = match given.take.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["all"] => Take::All,
        ["none"] => Take::None,
        _ => Take::Chosen(given.take.clone()),
    };
    let before = app.status()?;
    let brings = take != Take::None && before.account.is_none() && before.conversations > 0;
    let request = SignInRequest { url: given.url, key: given.key, email: given.email, password, take };
    let status = wait(app.sign_in(request))??;
    if brings {
        out.remark(
            "Local conversations come along: with the next sync they go to the server, whose operator can read them.",
        );
    }
    out.answer(&status, status_text);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn logout(app: &App, out: &Out) -> Done {
    let status = wait(app.sign_out())??;
    out.answer(&status, status_text);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn sync(app: &App, out: &Out, given: &Sync) -> Done {
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

pub(crate) fn status(app: &App, out: &Out) -> Done {
    out.answer(&app.status()?, status_text);
    Ok(ExitCode::SUCCESS)
}

fn status_text(status: &Status) -> String {
    let mut text = format!("{}\n", status.message);
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
    let _ = writeln!(text, "waiting {}, refused {}, put aside {}", status.outbox, status.wedged, status.parked);
    if let Some(last) = &status.last_sync {
        let _ = writeln!(text, "last sync {} UTC", minute(last));
    }
    text
}

pub(crate) fn outbox(app: &App, out: &Out, given: Outbox) -> Done {
    let request = match given.action {
        None => {
            out.answer(&app.outbox()?, |rows| {
                if rows.is_empty() {
                    return "Nothing waits.".into();
                }
                let line = |row: &airi_contract::OutboxRow| {
                    let error = row.error.as_deref().map_or(String::new(), |error| format!("  {}", short(error, 80)));
                    format!("{}  {:7} {:6} {}{error}\n", row.id, row.state, row.kind, row.table)
                };
                rows.iter().map(line).collect()
            });
            return Ok(ExitCode::SUCCESS);
        }
        Some(OutboxAction::Retry { id }) => OutboxRequest { id, action: airi_contract::OutboxAction::Retry },
        Some(OutboxAction::Discard { id }) => OutboxRequest { id, action: airi_contract::OutboxAction::Discard },
    };
    let id = request.id.clone();
    wait(app.resolve_outbox(request))??;
    out.answer(&serde_json::json!({ "resolved": id }), |_| "Done. `airi sync` goes on from there.".into());
    Ok(ExitCode::SUCCESS)
}
