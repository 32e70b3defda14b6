//! Keeps the index behind the mirror: reads what changed since the index's own position, and commits.
//!
//! The index is derived. A missing, damaged or foreign one is made anew and catches up; nobody waits for it to search,
//! because what it has not reached yet is searched in memory ([`Indexer::overlay`]).

use crate::{AppError, log};
use airi_domain::{Message, Role};
use airi_search::{Doc, Hits, Index, IndexError, Load, Options, Overlay, Query, Scope, Writer};
use airi_store::{IndexRow, Reader, Store};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

const BATCH: usize = 2_000;
/// Rows between two commits of a long catch-up: what a crash makes it read again.
const COMMIT_EVERY: usize = 50_000;
/// More rows than this behind, and it is a bulk load.
const BULK: i64 = 5_000;
/// More rows than this are not searched in memory: the index is brought forward first.
const OVERLAY_MOST: usize = 5_000;

#[derive(Clone)]
pub(crate) struct Indexer(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    mirror: String,
    store: Store,
    index: RwLock<Index>,
    /// One catch-up at a time in this process.
    working: Mutex<()>,
    /// One makes it anew at a time.
    mending: Mutex<()>,
    nudged: Mutex<bool>,
    wake: Condvar,
    running: AtomicBool,
    stop: AtomicBool,
    /// A search met what looks like damage.
    doubted: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Indexer {
    pub(crate) fn open(dir: &Path, store: Store) -> Result<Indexer, AppError> {
        let mirror = mirror_id(&store)?;
        let mut tries = 0;
        let index = loop {
            match Index::open(dir, &mirror) {
                Ok(opened) => break opened.into_index(),
                // Another process is making it anew just now.
                Err(IndexError::Busy) if tries < 200 => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(25));
                }
                Err(error) => return Err(error.into()),
            }
        };
        Ok(Indexer(Arc::new(Inner {
            dir: dir.to_owned(),
            mirror,
            store,
            index: RwLock::new(index),
            working: Mutex::new(()),
            mending: Mutex::new(()),
            nudged: Mutex::new(true),
            wake: Condvar::new(),
            running: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            doubted: AtomicBool::new(false),
        })))
    }

    pub(crate) fn index(&self) -> Index {
        self.0.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many changes of the mirror the index has not reached.
    pub(crate) fn behind(&self) -> Result<i64, AppError> {
        let index = self.index();
        if let Err(error) = index.reload() {
            self.rebuild_after(&index, error)?;
        }
        Ok((self.0.store.read()?.head()? - self.index().position()).max(0))
    }

    /// Brings the index to the mirror's present state. When another process is at it, that one does.
    pub(crate) fn catch_up(&self) -> Result<(), AppError> {
        let _one = locked(&self.0.working);
        let index = self.index();
        match self.advance() {
            Err(AppError::Index(error)) if error.is_damage() => {
                self.rebuild_after(&index, error)?;
                self.advance()
            }
            result => result,
        }
    }

    fn advance(&self) -> Result<(), AppError> {
        let behind = self.behind()?;
        if behind == 0 {
            return Ok(());
        }
        let start = Instant::now();
        let index = self.index();
        let load = if behind > BULK { Load::Bulk } else { Load::Steady };
        let mut writer = match index.writer(load) {
            Ok(writer) => writer,
            Err(IndexError::Busy) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut position = index.position();
        let (mut uncommitted, mut all) = (0, 0);
        loop {
            let rows = self.0.store.read()?.changed_since(position, BATCH)?;
            let Some(last) = rows.last() else { break };
            position = last.seq();
            uncommitted += rows.len();
            all += rows.len() as u64;
            for row in &rows {
                put(&mut writer, row)?;
            }
            if uncommitted >= COMMIT_EVERY {
                writer.commit(position)?;
                uncommitted = 0;
            }
            if self.0.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        if uncommitted > 0 {
            writer.commit(position)?;
        }
        writer.finish()?;
        index.reload()?;
        log::indexed(all, start.elapsed());
        Ok(())
    }

    /// Makes the index anew when this one is damaged, once for everybody who saw it.
    fn rebuild_after(&self, damaged: &Index, error: IndexError) -> Result<(), AppError> {
        if !error.is_damage() {
            return Err(error.into());
        }
        let _one = locked(&self.0.mending);
        if !self.index().is(damaged) {
            return Ok(());
        }
        log::index_rebuilt();
        damaged.close_files();
        let fresh = Index::rebuild(&self.0.dir, &self.0.mirror)?;
        *self.0.index.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Searches the index and what is saved but not in it yet; and says how many changes of the mirror it did not look at. When
    /// the index's files turn out to be damaged it is made anew, for which nobody who types waits: until that is done what is there
    /// is found.
    pub(crate) fn search(&self, query: &Query, scope: &Scope, options: &Options) -> Result<(Hits, u64), AppError> {
        let index = self.index();
        if let Err(error) = index.open_files() {
            self.rebuild_after(&index, error)?;
            self.nudge();
        }
        let (overlay, unsearched) = self.overlay()?;
        let index = self.index();
        let found = index.search(query, scope, options, overlay.as_ref());
        if found.as_ref().is_err_and(IndexError::is_damage) {
            // It may be a flipped bit, or a fault of the engine's that would be there again: the checksums know.
            self.0.doubted.store(true, Ordering::SeqCst);
            self.nudge();
        }
        Ok((found?, unsearched))
    }

    /// Reads all of an index that a search found damaged, and makes it anew if it is.
    fn look_into_doubt(&self) -> Result<(), AppError> {
        if !self.0.doubted.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let index = self.index();
        match index.verify() {
            Ok(()) => Ok(()),
            Err(error) => self.rebuild_after(&index, error),
        }
    }

    /// What is saved but not in the index yet, to be searched in memory, and how many changes are left that are too many for
    /// that. Brings the index forward first when that is much.
    fn overlay(&self) -> Result<(Option<Overlay>, u64), AppError> {
        if self.behind()? == 0 {
            return Ok((None, 0));
        }
        let mut rows = self.tail()?;
        if rows.len() > OVERLAY_MOST {
            // Nobody who types waits for a bulk load: while one is under way, or will be in a moment, what the index has is
            // searched.
            let rebuilt = self.index().position() == 0 && !self.has_ended();
            if !rebuilt && self.0.working.try_lock().is_ok() {
                self.catch_up()?;
                rows = self.tail()?;
            }
        }
        let mut unsearched = 0;
        if rows.len() > OVERLAY_MOST {
            rows.truncate(OVERLAY_MOST);
            let reached = rows.last().map_or(0, IndexRow::seq);
            unsearched = self.0.store.read()?.head()?.saturating_sub(reached).unsigned_abs();
        }
        let mut overlay = Overlay::default();
        for row in &rows {
            match row {
                IndexRow::Erased { conversation, message: 0, .. } => overlay.remove_conversation(*conversation),
                IndexRow::Erased { message, .. } => overlay.remove_message(*message),
                IndexRow::Message { record, .. } if record.message.deleted_at.is_some() => {
                    overlay.remove_message(record.key);
                }
                _ => with_doc(row, |doc| {
                    overlay.put(doc);
                    Ok(())
                })?,
            }
        }
        Ok(((!overlay.is_empty()).then_some(overlay), unsearched))
    }

    fn tail(&self) -> Result<Vec<IndexRow>, AppError> {
        Ok(self.0.store.read()?.changed_since(self.index().position(), OVERLAY_MOST + 1)?)
    }

    /// Compares the index with the mirror; one sentence for each thing that differs.
    pub(crate) fn compare(&self, reader: &Reader) -> Result<Vec<String>, AppError> {
        let mut problems = Vec::new();
        let index = self.index();
        if let Err(error) = index.verify() {
            let mut told = format!("{error}");
            let made_anew =
                error.is_damage() && self.rebuild_after(&index, error).and_then(|()| self.catch_up()).is_ok();
            if made_anew {
                told.push_str(". It was made anew.");
            }
            problems.push(told);
            if !made_anew {
                return Ok(problems);
            }
        }
        let index = self.index();
        if self.behind()? > 0 {
            // Another process is writing it: that is no fault.
            return Ok(problems);
        }
        let expected = reader.indexed_rows()?;
        match index.len() {
            Ok(found) if found == expected => {}
            Ok(found) => problems.push(format!("it holds {found} rows, the mirror {expected}.")),
            // The checksums have told it.
            Err(error) if problems.is_empty() => problems.push(format!("{error}")),
            Err(_) => {}
        }
        Ok(problems)
    }

    /// Something was committed: look soon.
    pub(crate) fn nudge(&self) {
        *locked(&self.0.nudged) = true;
        self.0.wake.notify_one();
    }

    /// Follows the mirror on a thread of its own until [`Indexer::stop`].
    pub(crate) fn run_in_background(&self) {
        if self.0.running.swap(true, Ordering::SeqCst) {
            return;
        }
        let indexer = self.clone();
        std::thread::spawn(move || {
            while !indexer.0.stop.load(Ordering::Relaxed) {
                let nudged = locked(&indexer.0.nudged);
                let wait = indexer.0.wake.wait_timeout_while(nudged, Duration::from_secs(5), |nudged| !*nudged);
                let (mut nudged, _) = wait.unwrap_or_else(PoisonError::into_inner);
                *nudged = false;
                drop(nudged);
                // A burst of saves is one commit; the overlay serves searches until then.
                std::thread::sleep(Duration::from_millis(200));
                if !indexer.0.stop.load(Ordering::Relaxed) {
                    let _ = indexer.look_into_doubt();
                    let _ = indexer.catch_up();
                }
            }
            indexer.0.running.store(false, Ordering::SeqCst);
        });
    }

    pub(crate) fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.nudge();
    }

    /// Whether its thread, if it has one, writes no more.
    pub(crate) fn has_ended(&self) -> bool {
        !self.0.running.load(Ordering::SeqCst)
    }
}

/// The mirror's own name, which the index carries: an index of another mirror must not be believed.
fn mirror_id(store: &Store) -> Result<String, AppError> {
    if let Some(id) = store.read()?.meta("mirror.id")? {
        return Ok(id);
    }
    let id = Uuid::new_v4().to_string();
    Ok(store.write(|w| {
        if let Some(known) = w.meta("mirror.id")? {
            return Ok::<_, airi_store::StoreError>(known);
        }
        w.set_meta("mirror.id", Some(&id))?;
        Ok(id)
    })?)
}

fn put(writer: &mut Writer, row: &IndexRow) -> Result<(), IndexError> {
    match row {
        IndexRow::Erased { conversation, message: 0, .. } => writer.remove_conversation(*conversation),
        IndexRow::Erased { message, .. } => writer.remove_message(*message),
        IndexRow::Message { record, .. } if record.message.deleted_at.is_some() => writer.remove_message(record.key),
        _ => with_doc(row, |doc| writer.put(doc)),
    }
}

fn with_doc<T>(row: &IndexRow, act: impl FnOnce(&Doc<'_>) -> Result<T, IndexError>) -> Result<T, IndexError> {
    match row {
        IndexRow::Message { record, file_names, has_attachment, .. } => {
            let m = &record.message;
            let (thinking, tool, names) = (m.thinking_text(), m.tool_text(), file_names.join("\n"));
            act(&Doc {
                conversation: record.conversation_key,
                message: record.key,
                text: visible_text(m),
                thinking: &thinking,
                tool: &tool,
                file_names: &names,
                role: Some(m.role),
                model: m.model_id.as_deref(),
                provider: m.provider_id.as_deref(),
                created_at: m.created_at,
                has_attachment: *has_attachment,
            })
        }
        IndexRow::Title { conversation, title, created_at, .. } => {
            act(&Doc::title(*conversation, title.as_deref().unwrap_or(""), *created_at))
        }
        IndexRow::Erased { .. } => unreachable!("the callers take these themselves"),
    }
}

/// What a tool says is tool text, not visible text.
pub(crate) fn visible_text(m: &Message) -> &str {
    if matches!(m.role, Role::Tool | Role::Function) { "" } else { &m.content }
}

#[cfg(test)]
mod tests {
    use crate::{App, AppOptions};
    use airi_contract::NewConversation;
    use std::fs;
    use std::sync::atomic::Ordering;

    #[test]
    fn an_index_that_a_search_found_damaged_is_made_anew_only_if_its_checksums_say_so() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions { data_dir: Some(dir.path().into()), ..AppOptions::default() }).unwrap();
        let title = Some("The shelf in the kitchen".to_owned());
        app.create_conversation(NewConversation { title, ..NewConversation::default() }).unwrap();
        let indexer = app.profile().indexer.clone();
        indexer.catch_up().unwrap();
        let before = indexer.index();
        let doubted = || indexer.0.doubted.store(true, Ordering::SeqCst);

        doubted();
        indexer.look_into_doubt().unwrap();
        assert!(indexer.index().is(&before), "a sound index was made anew");

        for file in fs::read_dir(indexer.0.dir.join("index")).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            if path.extension().is_some_and(|kind| kind == "idx") {
                bytes[0] ^= 1;
                fs::write(&path, bytes).unwrap();
            }
        }
        indexer.look_into_doubt().unwrap();
        assert!(indexer.index().is(&before), "nobody doubted it");
        doubted();
        indexer.look_into_doubt().unwrap();
        assert!(!indexer.index().is(&before));
        indexer.catch_up().unwrap();
        assert_eq!(indexer.behind().unwrap(), 0);
        indexer.index().verify().unwrap();
        let request = serde_json::from_value(serde_json::json!({ "query": "kitchen", "limit": 5 })).unwrap();
        let found = app.search(request).unwrap();
        assert_eq!((found.hits.len(), found.unsearched), (1, 0));
    }
}
