//! Files that were dropped on the window. The operating system names their paths to this process; the page gets a ticket for
//! each that can be attached, and no path that it names itself is ever attached.

use crate::data_dir::DataDir;
use crate::{App, AppError};
use airi_contract::{CommandError, DropRefusal, DroppedItem};
use airi_domain::MAX_FILE_BYTES;
use airi_formats::import::{Archive, Format, Limits};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use uuid::Uuid;

/// So many of the newest are known; whoever drops more at once is told so.
const MOST: usize = 500;
/// Where they are kept over restarts: what is being written keeps its files then.
const FILE: &str = "dropped.json";

#[derive(Serialize, Deserialize)]
struct Ticket {
    id: String,
    path: PathBuf,
    /// Where it was dropped.
    profile: String,
}

#[derive(Default)]
pub(crate) struct Tickets(VecDeque<Ticket>);

impl Tickets {
    /// Those of before. What cannot be read is none: the page says of each of its files that it is gone.
    pub(crate) fn read(data: &DataDir) -> Tickets {
        let text = fs::read(data.path().join(FILE)).unwrap_or_default();
        Tickets(serde_json::from_slice(&text).unwrap_or_default())
    }

    fn keep(&self, data: &DataDir) {
        // Without it a restart forgets files of drafts, and nothing else; so it does for a name that is not Unicode.
        let told: Vec<&Ticket> = self.0.iter().filter(|ticket| ticket.path.to_str().is_some()).collect();
        if let Ok(text) = serde_json::to_vec(&told) {
            let _ = data.replace(FILE, &text);
        }
    }

    /// Where a profile's files lie is nobody's business once it is removed.
    pub(crate) fn forget(&mut self, data: &DataDir, profile: &str) {
        self.0.retain(|ticket| ticket.profile != profile);
        self.keep(data);
    }

    fn issue(&mut self, path: &Path, profile: &str) -> String {
        let id = Uuid::new_v4().to_string();
        self.0.push_back(Ticket { id: id.clone(), path: path.to_owned(), profile: profile.to_owned() });
        if self.0.len() > MOST {
            self.0.pop_front();
        }
        id
    }

    fn path(&self, id: &str) -> Option<PathBuf> {
        self.0.iter().find(|ticket| ticket.id == id).map(|ticket| ticket.path.clone())
    }
}

impl App {
    /// Looks at what the operating system handed over, and gives tickets for what can be attached. Blocking.
    pub fn note_dropped(&self, paths: &[PathBuf]) -> Vec<DroppedItem> {
        // Looked at without the lock: a folder of the network that does not answer holds up nothing but itself.
        let tickets = || self.0.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = self.profile().name.clone();
        let items: Vec<DroppedItem> = paths.iter().map(|path| item(path, || tickets().issue(path, &profile))).collect();
        if items.iter().any(|item| item.ticket.is_some()) {
            tickets().keep(&self.0.data);
        }
        items
    }

    /// Where the file of a ticket lies.
    ///
    /// # Errors
    /// `not_found`: nobody dropped it, or too much was dropped since.
    pub fn dropped_file(&self, ticket: &str) -> Result<PathBuf, CommandError> {
        Ok(self.ticketed(ticket)?)
    }

    pub(crate) fn ticketed(&self, ticket: &str) -> Result<PathBuf, AppError> {
        let tickets = self.0.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.path(ticket).ok_or_else(|| AppError::NotFound { what: "The dropped file", id: ticket.to_owned() })
    }
}

/// Whether all of these are exports of histories, which one imports rather than attaches. Blocking; only their beginnings
/// and tables of contents are read.
pub fn are_archives(paths: &[PathBuf]) -> bool {
    let limits = Limits { allow_unusual: true, ..Limits::default() };
    !paths.is_empty() && paths.iter().all(|path| Archive::open(path, Format::Auto, &limits).is_ok())
}

fn item(path: &Path, issue: impl FnOnce() -> String) -> DroppedItem {
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    let found = fs::metadata(path);
    let size = found.as_ref().map_or(0, fs::Metadata::len);
    let refusal = match &found {
        Ok(data) if data.is_dir() => Some(DropRefusal::Folder),
        Ok(data) if !data.is_file() => Some(DropRefusal::Unreadable),
        Ok(_) if size == 0 => Some(DropRefusal::Empty),
        Ok(_) if size > MAX_FILE_BYTES => Some(DropRefusal::TooLarge),
        Ok(_) => None,
        Err(_) => Some(DropRefusal::Unreadable),
    };
    let head = if refusal.is_none() { head(path) } else { None };
    let refusal = refusal.or_else(|| head.is_none().then_some(DropRefusal::Unreadable));
    DroppedItem {
        name: name.into_owned(),
        path: path.to_string_lossy().into_owned(),
        size,
        picture: head.is_some_and(|head| is_picture(&head)),
        ticket: refusal.is_none().then(issue),
        refusal,
    }
}

/// None: it cannot be read.
fn head(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(64).read_to_end(&mut head)).ok()?;
    Some(head)
}

/// By its bytes, as what is shown later is told by them.
fn is_picture(head: &[u8]) -> bool {
    let known = infer::get(head).map(|kind| kind.mime_type());
    matches!(known, Some("image/png" | "image/jpeg" | "image/webp" | "image/gif"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AppOptions, FileSource, NewFile};
    use airi_contract::{ErrorCode, NewConversation};

    fn app(dir: &Path) -> App {
        App::open(AppOptions { data_dir: Some(dir.join("data")), ..AppOptions::default() }).unwrap()
    }

    #[test]
    fn what_can_be_attached_gets_a_ticket_and_the_rest_is_told_why_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a.png"), b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR").unwrap();
        fs::write(path("photo.png"), b"<svg onload='x'/>").unwrap();
        fs::write(path("empty"), b"").unwrap();
        fs::create_dir(path("folder")).unwrap();
        File::create(path("film")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        let app = app(dir.path());
        let dropped = ["a.png", "photo.png", "empty", "folder", "film", "gone"].map(path);
        let items = app.note_dropped(&dropped);
        let told: Vec<_> = items.iter().map(|item| (item.name.as_str(), item.refusal, item.picture)).collect();
        assert_eq!(
            told,
            [
                ("a.png", None, true),
                ("photo.png", None, false),
                ("empty", Some(DropRefusal::Empty), false),
                ("folder", Some(DropRefusal::Folder), false),
                ("film", Some(DropRefusal::TooLarge), false),
                ("gone", Some(DropRefusal::Unreadable), false),
            ]
        );
        assert!(items.iter().all(|item| item.ticket.is_some() == item.refusal.is_none()));
        let ticket = items[0].ticket.as_deref().unwrap();
        assert_eq!(app.dropped_file(ticket).unwrap(), path("a.png"));
        for unknown in ["", &Uuid::new_v4().to_string(), path("photo.png").to_str().unwrap()] {
            assert!(app.dropped_file(unknown).is_err(), "a path is no ticket: {unknown}");
        }
    }

    #[test]
    fn a_ticket_attaches_its_file_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.md");
        fs::write(&path, b"# Notes").unwrap();
        let app = app(dir.path());
        let conversation_id = app.create_conversation(NewConversation::default()).unwrap().id;
        let attach = |app: &App, ticket: &str| {
            let source = FileSource::Dropped(ticket.to_owned());
            app.attach_file(NewFile { conversation_id: conversation_id.clone(), message_id: None, source })
        };
        let ticket = app.note_dropped(std::slice::from_ref(&path))[0].ticket.clone().unwrap();
        assert_eq!(attach(&app, path.to_str().unwrap()).unwrap_err().code, ErrorCode::NotFound);
        let (row, message) = attach(&app, &ticket).unwrap();
        assert_eq!((row.file_name.as_str(), row.file_size, message.row.files.len()), ("notes.md", Some(7), 1));
        drop(app);
        let app = self::app(dir.path());
        assert_eq!(app.dropped_file(&ticket).unwrap(), path, "it holds over a restart");
        fs::remove_file(&path).unwrap();
        assert_eq!(attach(&app, &ticket).unwrap_err().code, ErrorCode::Io);
        assert_eq!(app.show(&conversation_id, None, None).unwrap().1.len(), 1, "what failed left no message");
    }

    #[test]
    fn the_oldest_tickets_end_when_too_much_was_dropped() {
        let mut tickets = Tickets::default();
        let first = tickets.issue(Path::new("a"), "p");
        let rest: Vec<String> = (1..MOST).map(|_| tickets.issue(Path::new("b"), "p")).collect();
        assert!(tickets.path(&first).is_some());
        tickets.issue(Path::new("c"), "q");
        assert_eq!((tickets.path(&first), tickets.path(&rest[0])), (None, Some("b".into())));
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        tickets.forget(&data, "p");
        assert_eq!((tickets.0.len(), Tickets::read(&data).0.len()), (1, 1), "those of another profile stay");
    }

    #[test]
    fn exports_of_histories_are_told_from_what_one_attaches() {
        let dir = tempfile::tempdir().unwrap();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples");
        let (export, package) = (samples.join("claude"), dir.path().join("package.json"));
        fs::write(&package, b"{\"name\": \"x\"}").unwrap();
        assert!(are_archives(&[export.clone(), samples.join("chatgpt/conversations.json")]));
        assert!(!are_archives(&[export, package.clone()]), "not all of them");
        assert!(!are_archives(&[package]) && !are_archives(&[dir.path().to_owned()]) && !are_archives(&[]));
    }
}
