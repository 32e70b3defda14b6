//! Rounds of sync: one on request, and in the window for as long as it is open.

use crate::account::blocking;
use crate::profile::{Account, Profile, now};
use crate::remote::{CloudRemote, lock_sync, open_session};
use crate::{App, AppError};
use airi_cloud::{Realtime, Ring};
use airi_contract::{CommandError, OutboxAction, OutboxRequest, Status, SyncReport};
use airi_store::StoreError;
use airi_sync::{Backoff, Engine, FailureClass, Progress, SyncError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Without any word from the server the window still looks this often.
const FLOOR: Duration = Duration::from_secs(60);

impl App {
    /// One round now.
    pub async fn sync_now(&self) -> Result<Status, CommandError> {
        self.sync_once(|_| ()).await?;
        self.status()
    }

    /// One round now, with progress and a report.
    ///
    /// # Errors
    /// Signed out, offline, a server that does not fit. What was done until then stays.
    pub async fn sync_once(
        &self,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<SyncReport, CommandError> {
        Ok(self.round(progress).await?)
    }

    async fn round(&self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Result<SyncReport, AppError> {
        let start = Instant::now();
        let profile = self.profile();
        let mut engine = self.engine(&profile, progress).await?;
        let of = profile.clone();
        let lock = blocking(move || lock_sync(&of)).await?;
        self.0.syncing.store(true, Ordering::Relaxed);
        self.emit_status();
        let result = engine.round().await;
        self.0.syncing.store(false, Ordering::Relaxed);
        drop(lock);
        self.note(&profile, &result)?;
        self.emit_status();
        let report = result?;
        if !self.0.window {
            let of = profile.clone();
            blocking(move || of.indexer.catch_up()).await?;
        }
        let waiting = profile.store.read()?.totals()?.outbox;
        Ok(SyncReport {
            pulled: report.pulled,
            pushed: report.pushed,
            refused: report.refused,
            parked: report.parked,
            files_uploaded: report.files_uploaded,
            files_downloaded: report.files_downloaded,
            requests: report.requests,
            waiting,
            took_ms: start.elapsed().as_secs_f64() * 1e3,
        })
    }

    async fn engine(
        &self,
        profile: &Arc<Profile>,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Engine<CloudRemote>, AppError> {
        let account = signed_in(profile)?;
        let window = self.0.window;
        let of = profile.clone();
        let open = blocking(move || open_session(&of, &account, window)).await?;
        let remote = CloudRemote::new(&open.session);
        Ok(Engine::new(profile.store.clone(), profile.files.clone(), remote, profile.device()?, now, progress))
    }

    /// Notes how the round ended, for the status of this and of other processes.
    fn note(&self, profile: &Profile, result: &Result<airi_sync::RoundReport, SyncError>) -> Result<(), AppError> {
        let (state, message) = match result {
            Ok(_) => ("", String::new()),
            Err(SyncError::Remote(failure)) => {
                let state = match failure.class {
                    FailureClass::Passing { .. } | FailureClass::Smaller => "offline",
                    FailureClass::SignInAgain => "signed_out",
                    FailureClass::Parked => "unsuitable",
                    FailureClass::Permanent => "refused",
                };
                (state, failure.message.clone())
            }
            Err(SyncError::Store(error)) => ("local", error.to_string()),
            Err(error) => ("unsuitable", error.to_string()),
        };
        // An idle round writes nothing but the moment, and that only now and then: the disk may sleep.
        let known = profile.store.read()?.meta("sync.state")?.unwrap_or_default();
        let last = profile.store.read()?.meta("sync.last")?.and_then(|text| text.parse::<airi_domain::Time>().ok());
        let due = last.is_none_or(|last| now().micros() - last.micros() > 30_000_000);
        if known == state && result.is_ok() && !due && result.as_ref().is_ok_and(|r| r.pulled + r.pushed == 0) {
            return Ok(());
        }
        profile.store.write(|w| -> Result<(), StoreError> {
            w.set_meta("sync.state", Some(state))?;
            w.set_meta("sync.message", Some(&message))?;
            if result.is_ok() {
                w.set_meta("sync.last", Some(&now().to_string()))?;
            }
            Ok(())
        })?;
        if state == "signed_out" {
            let account = signed_in(profile)?;
            profile.set_account(&Account { signed_in: false, ..account })?;
        }
        Ok(())
    }

    /// Syncs for as long as the app is open: when something is to be sent, when the server rings, and once a minute.
    /// Ends only when its task is dropped.
    pub async fn sync_forever(&self, heard: impl Fn(Result<SyncReport, CommandError>) + Send) {
        let mut backoff = Backoff::default();
        loop {
            let profile = self.profile();
            let Ok(account) = signed_in(&profile) else {
                self.0.doorbell.notified().await;
                continue;
            };
            let window = self.0.window;
            let (of, with) = (profile.clone(), account.clone());
            let mut bell = match blocking(move || open_session(&of, &with, window)).await {
                Ok(open) => Some(Realtime::new(&open.session).listen(account.owner)),
                Err(_) => None,
            };
            // Until another profile is in use, or nobody is signed in.
            while self.profile().name == profile.name && signed_in(&profile).is_ok() {
                let result = self.round(|_| ()).await;
                let wait = match &result {
                    Ok(_) => {
                        backoff.reset();
                        FLOOR
                    }
                    Err(AppError::Sync(SyncError::Remote(failure))) => backoff.after_failure(failure.class, random()),
                    Err(_) => backoff.after_failure(FailureClass::Passing { retry_after: None }, random()),
                };
                let failed = result.is_err();
                heard(result.map_err(CommandError::from));
                self.wait(bell.as_mut(), wait, failed).await;
            }
        }
    }

    /// Until something is to be sent, the server rings, or the time is over.
    async fn wait(&self, bell: Option<&mut airi_cloud::Doorbell>, wait: Duration, failed: bool) {
        let sleep = tokio::time::sleep(wait);
        tokio::pin!(sleep);
        match bell {
            None => tokio::select! { () = &mut sleep => {}, () = self.0.doorbell.notified() => {} },
            Some(bell) => loop {
                tokio::select! {
                    () = &mut sleep => return,
                    () = self.0.doorbell.notified() => return,
                    ring = bell.next() => match ring {
                        Some(Ring::Changed { .. }) => return,
                        Some(Ring::Up) if failed => return,
                        Some(_) => {}
                        None => { (&mut sleep).await; return }
                    },
                }
            },
        }
    }

    /// Sends a refused change again, or gives it up and takes the server's row.
    pub async fn resolve_outbox(&self, request: OutboxRequest) -> Result<(), CommandError> {
        Ok(self.resolve(request).await?)
    }

    async fn resolve(&self, request: OutboxRequest) -> Result<(), AppError> {
        let id = Uuid::parse_str(&request.id).map_err(|_| {
            AppError::Invalid(format!("'{}' is not the id of a change; `airi outbox` shows them.", request.id))
        })?;
        let profile = self.profile();
        match request.action {
            OutboxAction::Retry => profile.store.write(|w| w.retry(id))?,
            OutboxAction::Discard => {
                let mut engine = self.engine(&profile, |_| ()).await?;
                let of = profile.clone();
                let lock = blocking(move || lock_sync(&of)).await?;
                engine.discard(id).await?;
                drop(lock);
            }
        }
        self.emit_status();
        Ok(())
    }
}

fn signed_in(profile: &Profile) -> Result<Account, AppError> {
    profile.account()?.filter(|account| account.signed_in).ok_or(AppError::SignedOut)
}

/// From 0 to 1, to spread devices that failed together.
fn random() -> f64 {
    f64::from(Uuid::new_v4().as_u128() as u32) / f64::from(u32::MAX)
}
