//! Long work beside the window: progress, cancel, report.

use crate::{App, Event};
use airi_contract::{CommandError, TaskEvent, TaskRef, TaskStarted, TaskState};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A wish to stop, looked at now and then by whoever works.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Called with: the step for people, what is done, and of how much (when that is known).
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64, Option<u64>);

#[derive(Default)]
pub(crate) struct Tasks(Mutex<HashMap<String, Cancel>>);

impl App {
    /// Runs work on a thread of its own and tells of it by `task` events.
    pub(crate) fn start_task(
        &self,
        work: impl FnOnce(&App, &Cancel, Progress<'_>) -> Result<TaskState, CommandError> + Send + 'static,
    ) -> TaskStarted {
        let task = Uuid::now_v7().to_string();
        let cancel = Cancel::default();
        self.0.tasks.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task.clone(), cancel.clone());
        let (app, id) = (self.clone(), task.clone());
        std::thread::spawn(move || {
            let tell = |state: TaskState| app.emit(Event::Task(TaskEvent { task: id.clone(), state }));
            let mut last: Option<(Instant, String)> = None;
            let mut progress = |step: &str, done: u64, total: Option<u64>| {
                // A screen needs no more than some updates a second.
                let due =
                    last.as_ref().is_none_or(|(at, name)| at.elapsed() > Duration::from_millis(80) || name != step);
                if due {
                    last = Some((Instant::now(), step.to_owned()));
                    tell(TaskState::Running { step: step.to_owned(), done, total });
                }
            };
            let result = work(&app, &cancel, &mut progress);
            app.0.tasks.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            tell(result.unwrap_or_else(|error| TaskState::Failed { error }));
        });
        TaskStarted { task }
    }

    /// Asks a task to stop; it ends with the error `cancelled` and leaves nothing half done.
    pub fn cancel_task(&self, request: TaskRef) -> Result<(), CommandError> {
        if let Some(cancel) = self.0.tasks.0.lock().unwrap_or_else(PoisonError::into_inner).get(&request.task) {
            cancel.stop();
        }
        Ok(())
    }
}
