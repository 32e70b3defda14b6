//! Commands that take a history in and out.

use crate::args::{Export, ExportFormat, Generate, Import, ImportFormat};
use crate::print::Out;
use airi_app::{App, Cancel, ImportOptions};
use airi_contract::{CommandError, ExportRequest, ImportReport};
use std::fmt::Write as _;
use std::process::ExitCode;

type Done = Result<ExitCode, CommandError>;

pub(crate) fn import(app: &App, out: &Out, given: Import) -> Done {
    let format = match given.format {
        ImportFormat::Auto => "auto",
        ImportFormat::Chatgpt => "chatgpt",
        ImportFormat::Claude => "claude",
        ImportFormat::Airi => "airi",
    };
    let mut whole: Option<ImportReport> = None;
    for file in given.files {
        let options = ImportOptions { path: file, format: format.into(), confirmed: given.yes };
        let result = app.import(&options, &Cancel::default(), &mut |step, done, total| out.progress(step, done, total));
        out.progress_done();
        let report = result?;
        whole = Some(match whole {
            None => report,
            Some(before) => add(before, report),
        });
    }
    let report = whole.unwrap_or_default();
    out.answer(&report, text);
    Ok(ExitCode::SUCCESS)
}

fn add(a: ImportReport, b: ImportReport) -> ImportReport {
    ImportReport {
        format: if a.format == b.format { a.format } else { "mixed".into() },
        conversations_read: a.conversations_read + b.conversations_read,
        conversations_imported: a.conversations_imported + b.conversations_imported,
        conversations_already_there: a.conversations_already_there + b.conversations_already_there,
        conversations_updated: a.conversations_updated + b.conversations_updated,
        messages_read: a.messages_read + b.messages_read,
        messages_imported: a.messages_imported + b.messages_imported,
        messages_already_there: a.messages_already_there + b.messages_already_there,
        attachments_imported: a.attachments_imported + b.attachments_imported,
        attachments_missing: a.attachments_missing + b.attachments_missing,
        skipped: a.skipped.into_iter().chain(b.skipped).collect(),
        notes: a.notes.into_iter().chain(b.notes).collect(),
        took_ms: a.took_ms + b.took_ms,
    }
}

fn text(report: &ImportReport) -> String {
    let mut text = format!(
        "{}: {} conversations read: {} imported, {} with new messages, {} already there, {} skipped.\n\
         {} messages imported, {} already there. {} attachments imported, {} not in the export.\n",
        report.format,
        report.conversations_read,
        report.conversations_imported,
        report.conversations_updated,
        report.conversations_already_there,
        report.skipped.len(),
        report.messages_imported,
        report.messages_already_there,
        report.attachments_imported,
        report.attachments_missing,
    );
    for skipped in &report.skipped {
        let title = skipped.title.as_deref().unwrap_or("untitled");
        let _ = writeln!(text, "skipped no. {} ({title}): {}", skipped.position, skipped.reason);
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

pub(crate) fn export(app: &App, out: &Out, given: Export) -> Done {
    let format = match given.format {
        ExportFormat::Json => "json",
        ExportFormat::Markdown => "markdown",
        ExportFormat::Html => "html",
    };
    let request = ExportRequest {
        ids: given.conversations,
        format: format.into(),
        include_deleted: given.include_deleted,
        since: given.since,
        until: given.until,
        path: given.output.to_string_lossy().into_owned(),
    };
    let result = app.export(&request, &Cancel::default(), &mut |step, done, total| out.progress(step, done, total));
    out.progress_done();
    let report = result?;
    out.answer(&report, |report| {
        format!(
            "{} conversations with {} messages written to {} ({} bytes).",
            report.conversations, report.messages, report.path, report.bytes
        )
    });
    if report.attachments > 0 && format == "json" && !report.path.ends_with(".zip") {
        out.remark("The attachments' bytes are not inside; a path that ends in .zip takes them along.");
    } else if report.attachments_missing > 0 && format == "json" {
        out.remark(&format!(
            "The bytes of {} attachments are not inside: they are not on this computer. `airi show` tells which are on \
             the server, `airi fetch` gets them.",
            report.attachments_missing
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn generate(app: &App, out: &Out, given: Generate) -> Done {
    let result = app.generate(given.messages, given.seed, &mut |step, done, total| out.progress(step, done, total));
    out.progress_done();
    out.answer(&result?, |report| {
        format!("{} conversations with {} messages made.", report.conversations, report.messages)
    });
    Ok(ExitCode::SUCCESS)
}
