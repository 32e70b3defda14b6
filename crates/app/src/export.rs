//! Taking a history out. Whatever is written appears under its name only when it is whole.

use crate::conversations::{conversation_id, invalid};
use crate::profile::Profile;
use crate::tasks::{Cancel, Progress};
use crate::{App, AppError, log};
use airi_contract::{CommandError, ExportReport, ExportRequest, TaskStarted, TaskState};
use airi_domain::{Message, MessageId, Time};
use airi_formats::export::{
    Assets, ExportConversation, ExportError, JsonWriter, export_zip, html, markdown, safe_file_name,
};
use airi_store::{Files, Reader};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) const CHECK: &str =
    "Check the folder's permissions and the free space. Nothing was changed in your library.";

impl App {
    /// Exports beside the window.
    pub fn start_export(&self, request: ExportRequest) -> Result<TaskStarted, CommandError> {
        Ok(self.start_task(move |app, cancel, progress| {
            Ok(TaskState::Exported { report: app.export(&request, cancel, progress)? })
        }))
    }

    /// Exports conversations.
    ///
    /// # Errors
    /// A file that was there under the name stays as it was.
    pub fn export(
        &self,
        request: &ExportRequest,
        cancel: &Cancel,
        progress: Progress<'_>,
    ) -> Result<ExportReport, CommandError> {
        let start = Instant::now();
        let report = self.take_out(request, cancel, progress)?;
        log::exported(&report, start.elapsed());
        Ok(report)
    }

    fn take_out(
        &self,
        request: &ExportRequest,
        cancel: &Cancel,
        progress: Progress<'_>,
    ) -> Result<ExportReport, AppError> {
        let profile = self.profile();
        let reader = profile.store.read()?;
        // One unchanging state of the library, however long it takes.
        reader.snapshot(|reader| {
            let keys = chosen(reader, request)?;
            let mut source = Source {
                profile: &profile,
                reader,
                request,
                cancel,
                progress,
                keys: &keys,
                at: 0,
                counts: Counts::default(),
            };
            let path = PathBuf::from(&request.path);
            match request.format.as_str() {
                "json" => source.write_json(&path)?,
                "markdown" => source.write_pages(&path, "md", markdown)?,
                "html" => source.write_pages(&path, "html", html)?,
                other => {
                    return Err(AppError::Invalid(format!(
                        "'{other}' is not a format to export (json, markdown, html)."
                    )));
                }
            }
            let counts = source.counts;
            Ok(ExportReport {
                format: request.format.clone(),
                path: counts.path.unwrap_or(path).to_string_lossy().into_owned(),
                conversations: counts.conversations,
                messages: counts.messages,
                attachments: counts.attachments,
                attachments_missing: counts.missing,
                bytes: counts.bytes,
            })
        })
    }
}

fn chosen(reader: &Reader, request: &ExportRequest) -> Result<Vec<i64>, AppError> {
    let time = |text: &Option<String>| text.as_deref().map(str::parse::<Time>).transpose().map_err(invalid);
    let (since, until) = (time(&request.since)?, time(&request.until)?);
    let mut keys = reader.keys_where(None, None, since, until)?;
    if !request.ids.is_empty() {
        let mut wanted = Vec::new();
        for id in &request.ids {
            let record = reader.conversation(conversation_id(id)?)?;
            wanted.push(record.ok_or_else(|| AppError::NotFound { what: "The conversation", id: id.clone() })?.key);
        }
        keys.retain(|key| wanted.contains(key));
    }
    Ok(keys)
}

#[derive(Default)]
struct Counts {
    conversations: u64,
    messages: u64,
    attachments: u64,
    missing: u64,
    bytes: u64,
    /// Where it went, when that is not what was asked for to the letter.
    path: Option<PathBuf>,
}

/// The conversations one after the other: memory never holds more than one.
struct Source<'a, 'b> {
    profile: &'a Profile,
    reader: &'a Reader,
    request: &'a ExportRequest,
    cancel: &'a Cancel,
    progress: Progress<'b>,
    keys: &'a [i64],
    at: usize,
    counts: Counts,
}

impl Source<'_, '_> {
    fn next(&mut self) -> Result<Option<ExportConversation>, AppError> {
        while let Some(key) = self.keys.get(self.at) {
            if self.cancel.is_stopped() {
                return Err(AppError::Cancelled);
            }
            (self.progress)("Exporting", self.at as u64, Some(self.keys.len() as u64));
            self.at += 1;
            let Some(record) = self.reader.conversation_by_key(*key)? else { continue };
            let with_deleted = self.request.include_deleted;
            if record.conversation.deleted_at.is_some() && !with_deleted {
                continue;
            }
            let mut messages: Vec<_> =
                self.reader.messages_of(*key)?.into_iter().map(|record| record.message).collect();
            let mut attachments = self.reader.attachments_in(*key)?;
            for attachment in &mut attachments {
                // Of another client that tells none: the one found here.
                attachment.sha256 = self.reader.hash_of(attachment)?;
            }
            if !with_deleted {
                keep_branches(&mut messages);
                messages.retain(|m| m.deleted_at.is_none());
                let kept: std::collections::HashSet<_> = messages.iter().map(|m| m.id).collect();
                attachments.retain(|a| kept.contains(&a.message_id));
            }
            self.counts.conversations += 1;
            self.counts.messages += messages.len() as u64;
            self.counts.attachments += attachments.len() as u64;
            let here = |hash: &String| self.profile.files.find(hash).is_some();
            self.counts.missing += attachments.iter().filter(|a| !a.sha256.as_ref().is_some_and(here)).count() as u64;
            return Ok(Some(ExportConversation { conversation: record.conversation, messages, attachments }));
        }
        Ok(None)
    }

    fn write_json(&mut self, path: &Path) -> Result<(), AppError> {
        let path = if path.is_dir() { path.join("airi-export.json") } else { path.to_owned() };
        let zipped = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        let fresh = Fresh::beside(&path)?;
        let what = || format!("The export {}", path.display());
        if zipped {
            let assets = FileAssets(self.profile.files.clone());
            let mut failure = None;
            let rows = std::iter::from_fn(|| match self.next() {
                Ok(next) => next.map(Ok),
                Err(error) => {
                    failure = Some(error);
                    Some(Err("it was stopped".into()))
                }
            });
            let written = export_zip(fresh.writer()?, rows, &assets);
            if let Some(failure) = failure {
                return Err(failure);
            }
            written.map_err(export_error)?;
        } else {
            let mut writer = JsonWriter::new(fresh.writer()?).map_err(AppError::io(what(), CHECK))?;
            while let Some(conversation) = self.next()? {
                writer.write(&conversation).map_err(AppError::io(what(), CHECK))?;
            }
            writer.finish().map_err(AppError::io(what(), CHECK))?.flush().map_err(AppError::io(what(), CHECK))?;
        }
        self.counts.bytes = fresh.place(&path)?;
        self.counts.path = Some(path);
        Ok(())
    }

    /// Markdown or HTML: one conversation into a file, several into a folder.
    fn write_pages(
        &mut self,
        path: &Path,
        extension: &str,
        page: fn(&ExportConversation) -> String,
    ) -> Result<(), AppError> {
        let single = self.keys.len() == 1 && !self.request.ids.is_empty() && !path.is_dir();
        if !single {
            fs::create_dir_all(path).map_err(AppError::io(format!("The folder {}", path.display()), CHECK))?;
        }
        while let Some(conversation) = self.next()? {
            let c = &conversation.conversation;
            let to = match single {
                true => path.to_owned(),
                false => {
                    let name = safe_file_name(c.title.as_deref().unwrap_or("Untitled"), c.id);
                    path.join(format!("{name}.{extension}"))
                }
            };
            let fresh = Fresh::beside(&to)?;
            let mut out = fresh.writer()?;
            let what = || format!("The export {}", to.display());
            out.write_all(page(&conversation).as_bytes()).map_err(AppError::io(what(), CHECK))?;
            out.flush().map_err(AppError::io(what(), CHECK))?;
            drop(out);
            self.counts.bytes += fresh.place(&to)?;
        }
        Ok(())
    }
}

/// Answers to a deleted message become answers to what it answered, so that leaving it out moves nobody to another branch.
fn keep_branches(messages: &mut [Message]) {
    let deleted: HashMap<MessageId, Option<MessageId>> =
        messages.iter().filter(|m| m.deleted_at.is_some()).map(|m| (m.id, m.parent_id)).collect();
    for m in messages.iter_mut() {
        let mut steps = 0;
        while let Some(above) = m.parent_id.and_then(|parent| deleted.get(&parent)) {
            m.parent_id = *above;
            steps += 1;
            // Trees come from outside and may go in circles.
            if steps > deleted.len() {
                m.parent_id = None;
            }
        }
    }
}

/// A file under another name until it is whole.
pub(crate) struct Fresh(PathBuf);

impl Fresh {
    pub(crate) fn beside(path: &Path) -> Result<Fresh, AppError> {
        let name = path
            .file_name()
            .ok_or_else(|| AppError::Invalid(format!("'{}' names no file to export to.", path.display())))?;
        let mut fresh = name.to_os_string();
        fresh.push(format!(".{}.part", std::process::id()));
        Ok(Fresh(path.with_file_name(fresh)))
    }

    pub(crate) fn writer(&self) -> Result<BufWriter<File>, AppError> {
        let file = File::create(&self.0).map_err(AppError::io(format!("The export {}", self.0.display()), CHECK))?;
        Ok(BufWriter::with_capacity(256 * 1024, file))
    }

    /// Gives it its name; its size in bytes.
    pub(crate) fn place(&self, to: &Path) -> Result<u64, AppError> {
        let move_it = || -> io::Result<u64> {
            let file = File::open(&self.0)?;
            file.sync_all()?;
            let size = file.metadata()?.len();
            fs::rename(&self.0, to)?;
            Ok(size)
        };
        move_it().map_err(AppError::io(format!("The export {}", to.display()), CHECK))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // Gone already when it got its name.
        let _ = fs::remove_file(&self.0);
    }
}

pub(crate) struct FileAssets(pub Files);

impl Assets for FileAssets {
    fn open(&self, sha256: &str) -> io::Result<Option<Box<dyn Read>>> {
        match self.0.find(sha256) {
            None => Ok(None),
            Some(path) => Ok(Some(Box::new(File::open(path)?))),
        }
    }
}

pub(crate) fn export_error(error: ExportError) -> AppError {
    match error {
        ExportError::Write(source) => AppError::Io { what: "The export".into(), source, todo: CHECK },
        other => AppError::Internal(other.to_string()),
    }
}
