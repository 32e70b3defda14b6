//! The model behind the port of sync, with the failures that `airi-cloud` would make of the server's refusals.

use super::ModelCloud;
use airi_domain::has_nul;
use airi_sync::{
    AuditPage, Failure, FailureClass, Hello, Op, Preview, PullCursor, PullPage, PushAnswer, Remote, SnapshotPage,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const MOST_OPS: usize = 500;

/// A connection of one user.
#[derive(Debug, Clone)]
pub struct ModelRemote {
    cloud: ModelCloud,
    user: Uuid,
}

fn failure(class: FailureClass, message: impl Into<String>) -> Failure {
    Failure { class, message: message.into() }
}

impl ModelRemote {
    pub(crate) fn new(cloud: ModelCloud, user: Uuid) -> ModelRemote {
        ModelRemote { cloud, user }
    }

    /// Who is signed in.
    pub fn user(&self) -> Uuid {
        self.user
    }

    fn enter(&self) -> Result<(), Failure> {
        let inner = self.cloud.lock();
        if inner.shut_out.contains(&self.user) {
            return Err(failure(FailureClass::SignInAgain, "the session was ended"));
        }
        match &inner.maintenance {
            Some(words) => Err(failure(FailureClass::Maintenance, words.clone())),
            None => Ok(()),
        }
    }

    fn no_table(table: &str) -> Failure {
        failure(FailureClass::Permanent, format!("no such table: {table}"))
    }

    fn own(&self, path: &str) -> bool {
        path.split('/').next() == Some(self.user.to_string().as_str())
    }
}

impl Remote for ModelRemote {
    async fn hello(&self) -> Result<Hello, Failure> {
        self.enter()?;
        let inner = self.cloud.lock();
        let (epoch, head) = (inner.state.epoch(), inner.state.head(self.user));
        Ok(Hello { epoch, head, schema: 1, revision: 2, user_id: self.user })
    }

    async fn preview(&self) -> Result<Preview, Failure> {
        self.enter()?;
        Ok(self.cloud.lock().state.preview(self.user))
    }

    async fn snapshot(&self, table: &str, after: Option<Uuid>, limit: u32) -> Result<SnapshotPage, Failure> {
        self.enter()?;
        self.cloud.lock().state.snapshot(self.user, table, after, limit).ok_or_else(|| Self::no_table(table))
    }

    async fn pull(&self, epoch: &str, cursor: PullCursor, limit: u32) -> Result<PullPage, Failure> {
        self.enter()?;
        Ok(self.cloud.lock().state.pull(self.user, epoch, cursor, limit))
    }

    async fn push(&self, _device: Uuid, epoch: &str, ops: &[Op]) -> Result<PushAnswer, Failure> {
        self.enter()?;
        if ops.len() > MOST_OPS {
            return Err(failure(FailureClass::Smaller { passing: false }, "too much for one push"));
        }
        let ops: Vec<Value> = ops.iter().map(|op| serde_json::to_value(op).unwrap_or_default()).collect();
        // The database cannot even read such a text as JSON.
        if ops.iter().any(has_nul) {
            return Err(failure(FailureClass::Permanent, "unsupported Unicode escape sequence"));
        }
        let now = self.cloud.lock().state.epoch();
        if epoch != now {
            return Ok(PushAnswer { epoch: now, rejoin: true, results: Vec::new() });
        }
        Ok(self.cloud.push(self.user, &ops))
    }

    async fn audit(&self, table: &str, after: Option<Uuid>, ranges: u32) -> Result<AuditPage, Failure> {
        self.enter()?;
        self.cloud.lock().state.audit(self.user, table, after, ranges).ok_or_else(|| Self::no_table(table))
    }

    async fn upload(&self, path: &str, file: &Path, _mime_type: Option<&str>, _note: &Path) -> Result<(), Failure> {
        self.enter()?;
        if !self.own(path) {
            return Err(failure(FailureClass::Permanent, "new row violates row-level security policy"));
        }
        let passing = FailureClass::Passing { retry_after: None::<Duration> };
        let bytes = std::fs::read(file).map_err(|error| failure(passing, error.to_string()))?;
        self.cloud.lock().state.objects.entry(path.to_owned()).or_insert_with(|| Arc::new(bytes));
        Ok(())
    }

    async fn download(&self, path: &str, to: &Path, sha256: Option<&str>, size: Option<u64>) -> Result<(), Failure> {
        self.enter()?;
        let object = self.cloud.lock().state.objects.get(path).cloned().filter(|_| self.own(path));
        let Some(bytes) = object else { return Err(failure(FailureClass::Permanent, "the file is not there")) };
        let length = bytes.len() as u64;
        let fits = match sha256 {
            Some(hash) => {
                size.is_none_or(|size| size == length) && format!("{:x}", Sha256::digest(bytes.as_slice())) == hash
            }
            None => size.is_none_or(|most| length <= most),
        };
        if !fits {
            return Err(failure(FailureClass::WrongContent, "it is not the content that was expected"));
        }
        let passing = FailureClass::Passing { retry_after: None::<Duration> };
        std::fs::write(to, bytes.as_slice()).map_err(|error| failure(passing, error.to_string()))
    }

    async fn stored(&self, path: &str) -> Result<Option<u64>, Failure> {
        self.enter()?;
        let inner = self.cloud.lock();
        Ok(inner.state.objects.get(path).filter(|_| self.own(path)).map(|bytes| bytes.len() as u64))
    }
}
