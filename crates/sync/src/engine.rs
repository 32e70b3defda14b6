//! One round of sync: pull, push, files, and what it all came to.

use crate::pull::CURSOR;
use crate::remote::{Failure, Hello, Remote};
use airi_domain::Time;
use airi_store::{Files, Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// The protocol that this version speaks (docs/sync-protocol.md).
const SCHEMA: i64 = 1;

/// Whether files that the server has may be missing here.
const FILES_DUE: &str = "sync.files_due";

/// Why a round ended before its end. What was stored until then stays; the next round goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Remote(#[from] Failure),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("The server's answer makes no sense: {0}. Nothing was changed by it.")]
    Protocol(String),
    #[error(
        "The server speaks a newer protocol ({server}) than this version ({known}). Update the app; nothing is lost."
    )]
    NewerServer { server: i64, known: i64 },
    #[error("The server signed in another account than this profile's. Nothing was sent or taken.")]
    OtherAccount,
}

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoundReport {
    pub pulled: u64,
    pub pushed: u64,
    pub refused: u64,
    pub parked: u64,
    pub files_uploaded: u64,
    pub files_downloaded: u64,
    /// Files that could not be moved now; the next round tries again.
    pub files_waiting: u64,
    pub requests: u64,
}

/// What a round has done so far.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub report: RoundReport,
    /// Rows that the account has, as the server told at the first sync; 0: not known.
    pub total: u64,
}

/// Sync of one profile with one server.
pub struct Engine<R> {
    pub(crate) store: Store,
    pub(crate) files: Files,
    pub(crate) remote: R,
    pub(crate) device: Uuid,
    pub(crate) now: Box<dyn Fn() -> Time + Send + Sync>,
    pub(crate) report: RoundReport,
    pub(crate) totals: u64,
    listener: Box<dyn Fn(Progress) + Send + Sync>,
}

impl<R: Remote> Engine<R> {
    /// `now` is only used to note when something was put aside: nothing is decided by a clock.
    pub fn new(
        store: Store,
        files: Files,
        remote: R,
        device: Uuid,
        now: impl Fn() -> Time + Send + Sync + 'static,
        listener: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Engine<R> {
        Engine {
            store,
            files,
            remote,
            device,
            now: Box::new(now),
            report: RoundReport::default(),
            totals: 0,
            listener: Box::new(listener),
        }
    }

    /// One round: takes what is new, sends what waits, takes what that brought, moves files.
    ///
    /// # Errors
    /// The first failure that stops everything; a single row, change or file never does.
    pub async fn round(&mut self) -> Result<RoundReport, SyncError> {
        self.report = RoundReport::default();
        self.pull_all().await?;
        // An id that turns out to be somebody else's is given anew and sent in a second pass.
        let mut passes = 0;
        while passes < 4 && (self.push_all(false).await? | self.push_all(true).await?) {
            passes += 1;
            self.pull_all().await?;
        }
        // Looked for after rows came, and while some could not be fetched; an idle round looks at nothing.
        let due = self.fact::<bool>(FILES_DUE)?.unwrap_or(true);
        if due || self.report.pulled > 0 {
            if !due {
                self.store_fact(FILES_DUE, &true)?;
            }
            self.download_missing().await?;
            if self.report.files_waiting == 0 {
                self.store_fact(FILES_DUE, &false)?;
            }
        }
        Ok(self.report.clone())
    }

    /// Gives a refused change up and takes the server's row in its place.
    pub async fn discard(&mut self, op_id: Uuid) -> Result<(), SyncError> {
        let entry = self.store.write(|w| w.outbox_entry(op_id))?;
        let Some(entry) = entry else {
            return Err(StoreError::NotFound { what: "The change", id: op_id.to_string() }.into());
        };
        self.give_up(op_id, entry.table.as_str(), entry.row_id).await
    }

    pub(crate) async fn call_hello(&mut self) -> Result<Hello, SyncError> {
        let hello = self.counted(self.remote.hello().await)?;
        if hello.schema > SCHEMA {
            return Err(SyncError::NewerServer { server: hello.schema, known: SCHEMA });
        }
        if hello.user_id != self.store.owner().0 {
            return Err(SyncError::OtherAccount);
        }
        Ok(hello)
    }

    pub(crate) fn counted<T>(&mut self, answer: Result<T, Failure>) -> Result<T, SyncError> {
        self.report.requests += 1;
        Ok(answer?)
    }

    pub(crate) fn tell(&self) {
        (self.listener)(Progress { report: self.report.clone(), total: self.totals });
    }

    pub(crate) fn fact<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SyncError> {
        let text = self.store.read()?.meta(key)?;
        // A note that cannot be read is no note: the walk or the cursor starts anew, which loses nothing.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(crate) fn store_fact(&self, key: &str, value: &impl Serialize) -> Result<(), SyncError> {
        let text = serde_json::to_string(value).map_err(|error| SyncError::Protocol(error.to_string()))?;
        self.store.write(|w| w.set_meta(key, Some(&text)))?;
        Ok(())
    }

    /// The cursor as the status shows it: `epoch/seq`.
    pub fn cursor_text(store: &Store) -> Result<Option<String>, StoreError> {
        let text = store.read()?.meta(CURSOR)?;
        let value: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(value.and_then(|value| Some(format!("{}/{}", value.get("epoch")?.as_str()?, value.get("seq")?))))
    }
}
