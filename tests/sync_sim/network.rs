//! The way between a device and the server: requests and answers are late, lost, doubled, refused, cut. What `airi-cloud`
//! and the app make of each kind of HTTP answer is injected here as the class that sync sees.

use airi_sync::{
    AuditPage, Failure, FailureClass, Hello, Op, Preview, PullCursor, PullPage, PushAnswer, Remote, SnapshotPage,
};
use airi_testkit::Rng;
use airi_testkit::cloud::ModelRemote;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

use crate::trace::Trace;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    LostRequest,
    LostAnswer,
    /// It arrives after the client gave up.
    Late,
    /// It arrives twice: at once, or the copy after the answer.
    Doubled,
    /// 401 although the token was refreshed.
    Unauthorized,
    /// 403 and 409 in the server's own words: permanent.
    Forbidden,
    /// 408, a statement time-out, a deadlock: nothing was taken.
    TimedOut,
    /// 413
    TooLarge,
    /// 425, 429 with `Retry-After`
    Throttled,
    /// 5xx, a page of a proxy, JSON cut short before anything was done.
    Broken,
    /// JSON cut short after it was done.
    CutAnswer,
}

#[derive(Debug)]
struct Weather {
    rng: Rng,
    faults: bool,
}

/// Under which ids each device sent which value of which field, retries under the user's eyes included.
pub(crate) type Sent = Arc<Mutex<BTreeMap<(usize, Uuid, String, String), BTreeSet<Uuid>>>>;

/// A device's line to the server.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    inner: ModelRemote,
    weather: Arc<Mutex<Weather>>,
    trace: Trace,
    sent: Sent,
    device: usize,
}

impl Line {
    pub(crate) fn new(inner: ModelRemote, device: usize, salt: u64, faults: bool, trace: Trace, sent: Sent) -> Line {
        let weather = Weather { rng: Rng::new(salt), faults };
        Line { inner, weather: Arc::new(Mutex::new(weather)), trace, sent, device }
    }

    fn note_sent(&self, ops: &[Op]) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        for op in ops.iter().filter(|op| op.held.is_none()) {
            for (field, value) in op.set.iter().filter_map(|set| set.as_object()).flatten() {
                let key = (self.device, op.id, field.clone(), value.to_string());
                sent.entry(key).or_default().insert(op.op_id);
            }
        }
    }

    fn draw(&self, file: bool) -> (Fate, Duration, Duration) {
        let mut weather = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, back) = (weather.rng.below(40) as u64, weather.rng.below(40) as u64);
        let (roll, which) = (weather.rng.unit(), weather.rng.below(16));
        let fate = match which {
            _ if !weather.faults || roll > 0.30 => Fate::Fine,
            0 | 1 => Fate::LostRequest,
            2..=4 => Fate::LostAnswer,
            5 => Fate::Late,
            6 | 7 => Fate::Doubled,
            8 => Fate::Unauthorized,
            9 if !file => Fate::Forbidden,
            10 => Fate::TimedOut,
            11 => Fate::TooLarge,
            12 => Fate::Throttled,
            13 => Fate::CutAnswer,
            _ => Fate::Broken,
        };
        let slow = if which == 15 { 3_000 } else { 0 };
        (fate, Duration::from_millis(there + slow), Duration::from_millis(back))
    }

    async fn through<T, F, C>(&self, name: &str, file: bool, call: C) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
        C: Fn(ModelRemote) -> F + Send + Sync + 'static,
    {
        let (fate, there, back) = self.draw(file);
        self.trace.note(format!("d{} > {name} {fate:?}", self.device));
        let passing = FailureClass::Passing { retry_after: None };
        let refuse = |class, message: &str| Err(Failure { class, message: message.to_owned() });
        sleep(there).await;
        let answer = match fate {
            Fate::Fine => {
                let answer = call(self.inner.clone()).await;
                sleep(back).await;
                answer
            }
            Fate::LostRequest => refuse(passing, "connection refused"),
            Fate::LostAnswer | Fate::CutAnswer => {
                let _ = call(self.inner.clone()).await;
                sleep(back).await;
                refuse(passing, "connection reset")
            }
            Fate::Late => {
                let remote = self.inner.clone();
                tokio::spawn(async move {
                    sleep(back * 40).await;
                    let _ = call(remote).await;
                });
                refuse(passing, "no answer in time")
            }
            Fate::Doubled => {
                let answer = call(self.inner.clone()).await;
                let remote = self.inner.clone();
                tokio::spawn(async move {
                    sleep(back * 10).await;
                    let _ = call(remote).await;
                });
                sleep(back).await;
                answer
            }
            Fate::Unauthorized => refuse(FailureClass::SignInAgain, "401"),
            Fate::Forbidden => refuse(FailureClass::Permanent, "403"),
            // A file's request is only repeated; a batch is halved.
            Fate::TimedOut if file => refuse(passing, "408"),
            Fate::TimedOut => refuse(FailureClass::Smaller { passing: true }, "408"),
            Fate::TooLarge => refuse(FailureClass::Smaller { passing: false }, "413"),
            Fate::Throttled => refuse(FailureClass::Passing { retry_after: Some(Duration::from_secs(7)) }, "429"),
            Fate::Broken => refuse(passing, "502"),
        };
        let outcome = answer.as_ref().map(|_| ()).map_err(|failure| failure.message.clone());
        self.trace.note(format!("d{} < {name} {outcome:?}", self.device));
        answer
    }
}

impl Remote for Line {
    async fn hello(&self) -> Result<Hello, Failure> {
        self.through("hello", false, |remote| async move { remote.hello().await }).await
    }

    async fn preview(&self) -> Result<Preview, Failure> {
        self.through("preview", false, |remote| async move { remote.preview().await }).await
    }

    async fn snapshot(&self, table: &str, after: Option<Uuid>, limit: u32) -> Result<SnapshotPage, Failure> {
        let name = format!("snapshot {table} {after:?} {limit}");
        let table = table.to_owned();
        // Small pages, so that walks are cut in the middle.
        let limit = limit.min(3);
        self.through(&name, false, move |remote| {
            let table = table.clone();
            async move { remote.snapshot(&table, after, limit).await }
        })
        .await
    }

    async fn pull(&self, epoch: &str, cursor: PullCursor, limit: u32) -> Result<PullPage, Failure> {
        let name = format!("pull {}/{}/{} {limit}", cursor.seq, cursor.rank, cursor.id);
        let epoch = epoch.to_owned();
        let limit = limit.min(5);
        self.through(&name, false, move |remote| {
            let epoch = epoch.clone();
            async move { remote.pull(&epoch, cursor, limit).await }
        })
        .await
    }

    async fn push(&self, device: Uuid, epoch: &str, ops: &[Op]) -> Result<PushAnswer, Failure> {
        self.note_sent(ops);
        let told: Vec<String> = ops.iter().map(|op| format!("{} {} {}", op.kind, op.table, op.id)).collect();
        let (epoch, ops) = (epoch.to_owned(), ops.to_vec());
        let answer = self
            .through(&format!("push {told:?}"), false, move |remote| {
                let (epoch, ops) = (epoch.clone(), ops.clone());
                async move { remote.push(device, &epoch, &ops).await }
            })
            .await;
        if let Ok(answer) = &answer {
            let told: Vec<String> = answer
                .results
                .iter()
                .map(|result| format!("{:?} {:?} {:?}", result.status, result.code, result.change_seq))
                .collect();
            self.trace.note(format!("d{} < results {told:?}", self.device));
        }
        answer
    }

    async fn audit(&self, table: &str, after: Option<Uuid>, ranges: u32) -> Result<AuditPage, Failure> {
        let name = format!("audit {table}");
        let table = table.to_owned();
        self.through(&name, false, move |remote| {
            let table = table.clone();
            async move { remote.audit(&table, after, ranges).await }
        })
        .await
    }

    async fn upload(&self, path: &str, file: &Path, mime_type: Option<&str>, note: &Path) -> Result<(), Failure> {
        let name = format!("upload {path}");
        let (path, file, note) = (path.to_owned(), file.to_owned(), note.to_owned());
        let mime_type = mime_type.map(str::to_owned);
        self.through(&name, true, move |remote| {
            let (path, file, note, mime_type) = (path.clone(), file.clone(), note.clone(), mime_type.clone());
            async move { remote.upload(&path, &file, mime_type.as_deref(), &note).await }
        })
        .await
    }

    async fn download(&self, path: &str, to: &Path, sha256: Option<&str>, size: Option<u64>) -> Result<(), Failure> {
        let name = format!("download {path}");
        let (path, to, sha256) = (path.to_owned(), to.to_owned(), sha256.map(str::to_owned));
        self.through(&name, true, move |remote| {
            let (path, to, sha256) = (path.clone(), to.clone(), sha256.clone());
            async move { remote.download(&path, &to, sha256.as_deref(), size).await }
        })
        .await
    }

    async fn stored(&self, path: &str) -> Result<Option<u64>, Failure> {
        let name = format!("stored {path}");
        let path = path.to_owned();
        self.through(&name, true, move |remote| {
            let path = path.clone();
            async move { remote.stored(&path).await }
        })
        .await
    }
}
