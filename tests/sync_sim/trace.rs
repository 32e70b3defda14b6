//! What happened, in order: the same seed must give the same lines. Operation ids are made from the machine's clock and
//! randomness, so they never appear here; everything else does.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct Trace(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    start: Instant,
    lines: Vec<String>,
}

thread_local! {
    /// The run's lines outlive it, also when it ends by a panic.
    static LAST: RefCell<Option<Trace>> = const { RefCell::new(None) };
}

impl Trace {
    pub(crate) fn begin() -> Trace {
        let trace = Trace(Arc::new(Mutex::new(Lines { start: Instant::now(), lines: Vec::new() })));
        LAST.set(Some(trace.clone()));
        trace
    }

    /// Of this thread's last run.
    pub(crate) fn last() -> Option<Trace> {
        LAST.with_borrow(Clone::clone)
    }

    pub(crate) fn note(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = lines.start.elapsed().as_millis();
        lines.lines.push(format!("{at:>6} {line}"));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.lines().hash(&mut hasher);
        hasher.finish()
    }
}
