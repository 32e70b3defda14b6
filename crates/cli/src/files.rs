//! Commands about files: attaching one, getting one, and how much lies here.

use crate::account::wait;
use crate::args::{Attach, Fetch, Files, Gallery, GalleryOnly, Keep, KeepOffline};
use crate::invalid;
use crate::print::Out;
use airi_app::{App, FileSource, NewFile};
use airi_contract::{
    AttachmentRef, AttachmentRow, CommandError, FileSettings, FileState, GalleryPlace, GalleryRequest, KeepFilesRequest,
};
use serde_json::json;
use std::process::ExitCode;

type Done = Result<ExitCode, CommandError>;

pub(crate) fn attach(app: &App, out: &Out, given: Attach) -> Done {
    let (row, _) = app.attach_file(NewFile {
        conversation_id: given.conversation,
        message_id: given.message,
        source: FileSource::Path(given.file),
    })?;
    out.answer(&row, |row| row.id.clone());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn fetch(app: &App, out: &Out, given: Fetch) -> Done {
    let row = match &given.output {
        None => wait(app.fetch_attachment(AttachmentRef { id: given.attachment.clone() }))??,
        Some(to) if to.is_dir() => {
            return Err(invalid(format!("{} is a folder; name the file to write.", to.display())));
        }
        Some(to) => wait(app.save_attachment(&given.attachment, to.clone()))??,
    };
    let (_, here) = app.attachment(&given.attachment)?;
    let path = given.output.or(here).map(|path| path.to_string_lossy().into_owned());
    let mut answer = serde_json::to_value(&row).unwrap_or_default();
    answer["path"] = json!(path);
    out.answer(&answer, |_| path.clone().unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn files(app: &App, out: &Out, given: Files) -> Done {
    let change = (given.keep.is_some() || given.bound_mb.is_some())
        .then(|| -> Result<FileSettings, CommandError> {
            let known = app.get_settings()?.files;
            let keep_offline = given.keep.map_or(known.keep_offline, |keep| match keep {
                KeepOffline::All => airi_contract::KeepOffline::All,
                KeepOffline::Recent => airi_contract::KeepOffline::Recent,
                KeepOffline::OnDemand => airi_contract::KeepOffline::OnDemand,
            });
            Ok(FileSettings { keep_offline, disk_bound_mb: given.bound_mb.unwrap_or(known.disk_bound_mb) })
        })
        .transpose()?;
    out.answer(&app.files(change)?, |report| {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        format!(
            "{} files here ({:.1} MB, at most {} MiB), {} of them to be sent; {} more on the server only ({:.1} MB).\n\
             Kept offline: {}.",
            report.here,
            mb(report.here_bytes),
            report.disk_bound_mb,
            report.waiting,
            report.remote,
            mb(report.remote_bytes),
            match report.keep_offline {
                airi_contract::KeepOffline::All => "all that fit, the newest first",
                airi_contract::KeepOffline::Recent => "those of the last 30 days",
                airi_contract::KeepOffline::OnDemand => "only what is opened",
            }
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// So many at a time are read.
const PAGE: usize = 500;

pub(crate) fn gallery(app: &App, out: &Out, given: Gallery) -> Done {
    let only = match given.only {
        None => airi_contract::GalleryOnly::All,
        Some(GalleryOnly::Pictures) => airi_contract::GalleryOnly::Pictures,
        Some(GalleryOnly::Files) => airi_contract::GalleryOnly::Files,
    };
    let wanted = given.limit.unwrap_or(usize::MAX);
    let ask = |after, limit: usize| {
        let conversation_id = given.conversation.clone();
        app.gallery(GalleryRequest { conversation_id, only, after, limit: limit.clamp(1, PAGE) as u32 })
    };
    let mut whole = ask(None, wanted)?;
    let mut came = whole.files.len();
    while came > 0 && whole.files.len() < wanted {
        let Some(last) = whole.files.last() else { break };
        let after = GalleryPlace { created_at: last.row.created_at.clone(), id: last.row.id.clone() };
        let page = ask(Some(after), wanted - whole.files.len())?;
        came = page.files.len();
        whole.files.extend(page.files);
    }
    whole.files.truncate(wanted);
    out.answer(&whole, |whole| {
        let mut lines: Vec<String> = whole.files.iter().map(|file| line(&file.row)).collect();
        let kept = if whole.keep { "; all of them stay on this computer" } else { "" };
        lines.push(format!("{} files, {} of them pictures{kept}.", whole.total, whole.pictures));
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn keep(app: &App, out: &Out, given: Keep) -> Done {
    let keep = !given.let_go;
    app.keep_files(KeepFilesRequest { id: given.id.clone(), keep })?;
    out.answer(&json!({ "id": given.id, "keep": keep }), |_| {
        if keep { "Kept here; the next sync gets what is missing." } else { "Let go; the next sync sees to it." }
            .to_owned()
    });
    Ok(ExitCode::SUCCESS)
}

/// A file of a message, on one line.
pub(crate) fn line(file: &AttachmentRow) -> String {
    let state = match file.state {
        FileState::Here => "",
        FileState::Waiting => "  to be sent",
        FileState::Remote => "  on the server",
        FileState::Downloading => "  on its way",
        FileState::Missing => "  nobody has the bytes",
    };
    format!("[{}]  {}{state}", file.file_name, file.id)
}
