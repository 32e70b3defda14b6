//! What the backend tells the window, always after the commit it speaks of.

use crate::{CommandError, ExportReport, ImportReport, Status};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Rows changed. Event name: `changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Changed {
    /// The conversations whose rows or messages changed; null: many, read anew.
    pub conversations: Option<Vec<String>>,
}

/// Event name: `status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct StatusChanged {
    pub status: Status,
}

/// Event name: `task`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TaskEvent {
    pub task: String,
    pub state: TaskState,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskState {
    Running {
        /// What it is doing, for people.
        step: String,
        #[ts(type = "number")]
        done: u64,
        /// Null: not known yet.
        #[ts(type = "number | null")]
        total: Option<u64>,
    },
    Imported {
        reports: Vec<ImportReport>,
    },
    Exported {
        report: ExportReport,
    },
    Failed {
        error: CommandError,
    },
}
