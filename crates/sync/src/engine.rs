//! One round of sync: pull, push, and what it all came to.

use crate::pull::{CURSOR, WALK, walk_progress};
use crate::remote::{Failure, Hello, Remote};
use airi_domain::Time;
use airi_store::{Files, Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// The protocol that this version speaks (docs/sync-protocol.md).
const SCHEMA: i64 = 1;

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
    #[error(
        "The account's history needs about {} of free disk, and {} are free. Make room, then sync again; what is here \
         stays as it is.", mebibytes(*needed), mebibytes(*free)
    )]
    DiskTooSmall { needed: u64, free: u64 },
    /// Asked for from outside, between two pages.
    #[error("Syncing was paused. It goes on where it stopped.")]
    Stopped,
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoundReport {
    pub pulled: u64,
    pub pushed: u64,
    pub refused: u64,
    pub parked: u64,
    pub requests: u64,
}

/// What a round has done so far.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub report: RoundReport,
    /// Of a first sync, or of one after a restore of the server: rows that came, in this round and in those before it.
    pub done: u64,
    /// Rows that the account had when it began; 0: no such sync is under way.
    pub total: u64,
}

/// Sync of one profile with one server.
pub struct Engine<R> {
    pub(crate) store: Store,
    pub(crate) files: Files,
    pub(crate) remote: Arc<R>,
    pub(crate) device: Uuid,
    pub(crate) now: Box<dyn Fn() -> Time + Send + Sync>,
    pub(crate) report: RoundReport,
    /// `report` in it is kept apart, in the field of that name.
    pub(crate) progress: Progress,
    /// How often the server was exchanged during this pull.
    pub(crate) exchanges: u32,
    pub(crate) free_space: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    stop: Arc<AtomicBool>,
    listener: Box<dyn Fn(Progress) + Send + Sync>,
}

impl<R: Remote + 'static> Engine<R> {
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
            remote: Arc::new(remote),
            device,
            now: Box::new(now),
            report: RoundReport::default(),
            progress: Progress::default(),
            exchanges: 0,
            free_space: Box::new(|| None),
            stop: Arc::default(),
            listener: Box::new(listener),
        }
    }

    /// A first sync is refused, before it begins, when it would not fit into the bytes that `free` tells; None: not known.
    pub fn with_free_space(mut self, free: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Engine<R> {
        self.free_space = Box::new(free);
        self
    }

    /// Ends a round between two requests once `stop` is set.
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Engine<R> {
        self.stop = stop;
        self
    }

    /// One round: takes what is new, sends what waits, takes what that brought. Files go their own way, see [`crate::Transfers`].
    ///
    /// # Errors
    /// The first failure that stops everything; a single row, change or file never does.
    pub async fn round(&mut self) -> Result<RoundReport, SyncError> {
        self.report = RoundReport::default();
        self.progress = Progress::default();
        self.pull_all().await?;
        self.progress = Progress::default();
        // An id that turns out to be somebody else's is given anew and sent in a second pass.
        let mut passes = 0;
        while passes < 4 && self.push_all().await? {
            passes += 1;
            self.pull_all().await?;
        }
        self.fetch_hidden().await?;
        Ok(self.report.clone())
    }

    /// What the last round did, and a comparison after it.
    pub fn report(&self) -> &RoundReport {
        &self.report
    }

    /// Gives a refused change up and takes the server's row in its place; a new row that the server refused leaves this
    /// device too, with what hangs on it.
    pub async fn discard(&mut self, op_id: Uuid) -> Result<(), SyncError> {
        let Some(entry) = self.store.read()?.outbox_entry(op_id)? else {
            return Err(StoreError::NotFound { what: "The change", id: op_id.to_string() }.into());
        };
        self.pull_all().await?;
        // What the server had to say may have given it another id, or taken it along: its row was erased.
        let left = self.store.read()?.same_change(&entry)?;
        match left {
            Some(left) => self.give_up(left.op_id).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn call_hello(&mut self) -> Result<Hello, SyncError> {
        let hello = self.remote.hello().await;
        let hello = self.counted(hello)?;
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
        (self.listener)(Progress { report: self.report.clone(), ..self.progress.clone() });
    }

    pub(crate) fn check_stop(&self) -> Result<(), SyncError> {
        if self.stop.load(Ordering::Relaxed) { Err(SyncError::Stopped) } else { Ok(()) }
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

    /// How far a first sync (or one after a restore of the server) has come that is under way or was cut short: rows done,
    /// rows in all.
    pub fn unfinished(store: &Store) -> Result<Option<(u64, u64)>, StoreError> {
        Ok(store.read()?.meta(WALK)?.as_deref().and_then(walk_progress))
    }

    /// The cursor as the status shows it: `epoch/seq`.
    pub fn cursor_text(store: &Store) -> Result<Option<String>, StoreError> {
        let text = store.read()?.meta(CURSOR)?;
        let value: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(value.and_then(|value| Some(format!("{}/{}", value.get("epoch")?.as_str()?, value.get("seq")?))))
    }
}
