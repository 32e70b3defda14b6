//! The one writer. Nothing is seen, and nothing survives a crash, before [`Writer::commit`]; what was put after the last
//! commit is put again, because the position still points before it.

use crate::error::guarded;
use crate::lock::WriterLock;
use crate::schema::key;
use crate::view::View;
use crate::{Doc, Index, IndexError};
use std::collections::HashSet;
use std::sync::Arc;
use std::thread::available_parallelism;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{IndexWriter, Term};

/// How much of the machine writing may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// One thread and 32 MB: rows as they come.
    Steady,
    /// Up to four threads with 96 MB each: a rebuild, an import, a first sync.
    Bulk,
}

pub struct Writer {
    index: Index,
    engine: IndexWriter,
    /// What is committed: tells whether a row replaces one.
    committed: Arc<View>,
    /// Keys put since.
    fresh: HashSet<u64>,
    /// Last: let go after the engine.
    _lock: WriterLock,
}

impl Writer {
    pub(crate) fn new(index: Index, lock: WriterLock, load: Load) -> Result<Writer, IndexError> {
        let (threads, memory) = match load {
            Load::Steady => (1, 32_000_000),
            Load::Bulk => (available_parallelism().map_or(1, |n| n.get().clamp(1, 4)), 96_000_000),
        };
        let options = IndexWriterOptions::builder()
            .num_worker_threads(threads)
            .memory_budget_per_thread(memory)
            .num_merge_threads(1)
            .build();
        let engine: IndexWriter = guarded(|| Ok(index.0.engine.writer_with_options(options)?))?;
        let mut policy = LogMergePolicy::default();
        policy.set_del_docs_ratio_before_merge(0.3);
        engine.set_merge_policy(Box::new(policy));
        index.reload()?;
        let committed = index.view()?;
        Ok(Writer { index, engine, committed, fresh: HashSet::new(), _lock: lock })
    }

    /// Adds a row, or replaces the one with the same conversation and message.
    pub fn put(&mut self, doc: &Doc) -> Result<(), IndexError> {
        self.remove_key(doc.key())?;
        self.fresh.insert(doc.key());
        self.engine.add_document(self.index.0.fields.document(doc))?;
        Ok(())
    }

    pub fn remove_message(&mut self, message: i64) -> Result<(), IndexError> {
        self.remove_key(key(0, message))
    }

    /// Removes the title and every message of it that the index knows.
    pub fn remove_conversation(&mut self, conversation: i64) -> Result<(), IndexError> {
        self.engine.delete_term(Term::from_field_u64(self.index.0.fields.conversation, conversation as u64));
        Ok(())
    }

    /// Removes every row; seen after the commit.
    pub fn clear(&mut self) -> Result<(), IndexError> {
        self.engine.delete_all_documents()?;
        self.fresh.clear();
        Ok(())
    }

    /// Makes what was put durable and seen, together with the position of the mirror that it reaches. After an error
    /// the index is as it was at the last commit; drop this writer and open another.
    pub fn commit(&mut self, position: i64) -> Result<(), IndexError> {
        let payload = self.index.payload(position);
        guarded(|| {
            let mut commit = self.engine.prepare_commit()?;
            commit.set_payload(&payload);
            commit.commit()?;
            Ok(())
        })?;
        self.index.reload()?;
        self.committed = self.index.view()?;
        self.fresh.clear();
        Ok(())
    }

    /// Merges everything into one segment and drops what was removed: slow, for idle times after a rebuild. Only what is
    /// committed takes part.
    pub fn merge(&mut self) -> Result<(), IndexError> {
        let engine = &mut self.engine;
        guarded(|| {
            let segments = self.index.0.engine.searchable_segment_ids()?;
            if segments.len() > 1 {
                engine.merge(&segments).wait()?;
            }
            engine.garbage_collect_files().wait()?;
            Ok(())
        })?;
        self.index.reload()?;
        self.committed = self.index.view()?;
        Ok(())
    }

    /// Waits for merges in the background and lets the lock go. Dropping the writer stops them instead, which is safe.
    pub fn finish(self) -> Result<(), IndexError> {
        let Writer { index, engine, _lock, .. } = self;
        guarded(|| Ok(engine.wait_merging_threads()?))?;
        index.reload()
    }

    /// A removal costs a look-up in every segment at the commit: only where there is something to remove.
    fn remove_key(&mut self, key: u64) -> Result<(), IndexError> {
        let term = Term::from_field_u64(self.index.0.fields.key, key);
        if self.fresh.remove(&key) || self.committed.searcher.doc_freq(&term)? > 0 {
            self.engine.delete_term(term);
        }
        Ok(())
    }
}
