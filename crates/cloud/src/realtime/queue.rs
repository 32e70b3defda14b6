//! Rings on their way to the caller. They are merged while they wait, so the queue never grows.

use super::Ring;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    rings: VecDeque<Ring>,
    closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A newer state of the line replaces what waits (coming up means pulling anyway); a change joins a waiting one.
    pub(super) fn push(&self, ring: Ring) {
        {
            let rings = &mut self.state().rings;
            match (&ring, rings.back_mut()) {
                (Ring::Changed { head }, Some(Ring::Changed { head: waiting })) => *waiting = (*waiting).max(*head),
                (Ring::Changed { .. }, _) => rings.push_back(ring),
                (Ring::Down { .. }, _) => {
                    // A change that was announced before the line broke must still be heard.
                    rings.retain(|waiting| matches!(waiting, Ring::Changed { .. }));
                    rings.push_back(ring);
                }
                (Ring::Up, _) => {
                    rings.clear();
                    rings.push_back(ring);
                }
            }
        }
        self.came.notify_one();
    }

    pub(super) async fn next(&self) -> Option<Ring> {
        loop {
            {
                let mut state = self.state();
                if let Some(ring) = state.rings.pop_front() {
                    return Some(ring);
                }
                if state.closed {
                    return None;
                }
            }
            self.came.notified().await;
        }
    }
}

/// Closes the queue when the task that fills it ends.
pub(super) struct Closer(pub(super) std::sync::Arc<Queue>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.came.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    #[tokio::test]
    async fn what_waits_is_merged_and_nothing_that_matters_is_dropped() {
        let queue = Queue::default();
        let down = Ring::Down { class: Class::Passing { retry_after: None }, code: "network", why: String::new() };
        for head in [Some(3), Some(9), None, Some(5)] {
            queue.push(Ring::Changed { head });
        }
        queue.push(down.clone());
        queue.push(down.clone());
        assert_eq!(queue.next().await, Some(Ring::Changed { head: Some(9) }));
        assert_eq!(queue.next().await, Some(down.clone()));
        queue.push(down);
        queue.push(Ring::Up);
        queue.push(Ring::Changed { head: None });
        assert_eq!(queue.next().await, Some(Ring::Up));
        assert_eq!(queue.next().await, Some(Ring::Changed { head: None }));
    }
}
