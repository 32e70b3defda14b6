//! One round of sync, and what is done with how it ended. Rounds for as long as the app is open are in `follow`.

use crate::account::blocking;
use crate::devices::tell_device;
use crate::profile::{Account, Profile, free_disk, now};
use crate::remote::{CloudRemote, OpenSession, lock_sync, open_session};
use crate::{App, AppError, log};
use airi_contract::{AuditReport, CommandError, OutboxAction, OutboxRequest, PauseRequest, Status, SyncReport};
use airi_domain::Time;
use airi_store::StoreError;
use airi_sync::{Audit, Engine, FailureClass, Progress, SyncError};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

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

    /// Rows, then files, unless these move beside the rounds; then the index.
    pub(crate) async fn round(
        &self,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<SyncReport, AppError> {
        let start = Instant::now();
        let profile = self.profile();
        let mut report = self.round_of_rows(&profile, progress).await?;
        if !self.0.following.load(Ordering::Relaxed) {
            self.move_files_now(&profile, &mut report).await?;
        }
        if !self.0.window {
            let of = profile.clone();
            blocking(move || of.indexer.catch_up()).await?;
        }
        report.waiting = profile.store.read()?.totals()?.outbox;
        report.took_ms = start.elapsed().as_secs_f64() * 1e3;
        Ok(report)
    }

    /// Nobody stays to do it beside the rounds: bytes move, then the rows that name what was uploaded.
    async fn move_files_now(&self, profile: &Arc<Profile>, report: &mut SyncReport) -> Result<(), AppError> {
        let files = self.move_files(profile).await?;
        report.files_uploaded += files.uploaded;
        report.files_downloaded += files.downloaded;
        report.refused += files.refused;
        report.requests += files.requests;
        if files.placed > 0 {
            let rows = self.round_of_rows(profile, |_| ()).await?;
            report.pulled += rows.pulled;
            report.pushed += rows.pushed;
            report.refused += rows.refused;
            report.parked += rows.parked;
            report.requests += rows.requests;
        }
        Ok(())
    }

    /// One round of rows, and what is due after it.
    async fn round_of_rows(
        &self,
        profile: &Arc<Profile>,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<SyncReport, AppError> {
        let start = Instant::now();
        let engine = self.engine(profile, self.told(progress)).await?;
        let of = profile.clone();
        let lock = blocking(move || lock_sync(&of)).await?;
        // Only now: until then another round may have been the one that a pause must end.
        let mut engine = engine.stopped_by(self.begin_round());
        let syncing = Syncing::begin(self);
        self.emit_status();
        let result = engine.round().await;
        let audited = match &result {
            Ok(_) if audit_is_due(profile)? => {
                profile.store.write(|w| w.set_meta(AUDIT_TRIED, Some(&now().to_string())))?;
                Some(compare(&mut engine).await)
            }
            _ => None,
        };
        drop(syncing);
        drop(lock);
        log::round(&result, start.elapsed());
        self.note(profile, &result)?;
        self.emit_status();
        result?;
        // What came while it was compared came in this round.
        let report = engine.report();
        if let Some(Err(error)) = &audited {
            // The rows are in step; what could not be compared now is compared after the next round.
            log::audit_failed(error);
        }
        let told = tell_device(profile, &self.session(profile).await?.session).await?;
        Ok(SyncReport {
            pulled: report.pulled,
            pushed: report.pushed,
            refused: report.refused,
            parked: report.parked,
            requests: report.requests + u64::from(told),
            ..SyncReport::default()
        })
    }

    /// Progress for whoever asked, and twice a second for the status.
    fn told(&self, progress: impl Fn(Progress) + Send + Sync + 'static) -> impl Fn(Progress) + Send + Sync + 'static {
        let app = Arc::downgrade(&self.0);
        let last = Mutex::new(Instant::now());
        move |so_far| {
            if so_far.total > 0
                && let Some(inner) = app.upgrade()
                && let Ok(mut last) = last.try_lock()
                && last.elapsed() > Duration::from_millis(500)
            {
                *last = Instant::now();
                App(inner).emit_status();
            }
            progress(so_far);
        }
    }

    /// Pauses or goes on. A round under way ends after its present request; what it has done stays.
    pub async fn pause_sync(&self, request: PauseRequest) -> Result<Status, CommandError> {
        let profile = self.profile();
        profile.store.write(|w| w.set_meta(PAUSED, request.paused.then_some("1"))).map_err(AppError::from)?;
        if request.paused {
            self.stop_round();
        }
        self.0.doorbell.notify_one();
        self.emit_status();
        self.status()
    }

    /// Compares everything with the server, repairs what differs, and tells what it was.
    pub async fn verify_remote(&self) -> Result<AuditReport, CommandError> {
        Ok(self.compare_now().await?)
    }

    async fn compare_now(&self) -> Result<AuditReport, AppError> {
        let profile = self.profile();
        // In step first: what is only on its way is no difference.
        self.round_of_rows(&profile, |_| ()).await?;
        let engine = self.engine(&profile, |_| ()).await?;
        let of = profile.clone();
        let lock = blocking(move || lock_sync(&of)).await?;
        let audit = engine.stopped_by(self.begin_round()).audit().await;
        drop(lock);
        if !self.0.window {
            let of = profile.clone();
            blocking(move || of.indexer.catch_up()).await?;
        }
        self.emit_status();
        Ok(audit_report(audit?))
    }

    async fn engine(
        &self,
        profile: &Arc<Profile>,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Engine<CloudRemote>, AppError> {
        let remote = CloudRemote::new(&self.session(profile).await?.session);
        let dir = profile.dir.clone();
        let engine =
            Engine::new(profile.store.clone(), profile.files.clone(), remote, profile.device()?, now, progress);
        Ok(engine.with_free_space(move || free_disk(&dir)))
    }

    /// The session of the profile's account.
    pub(crate) async fn session(&self, profile: &Arc<Profile>) -> Result<OpenSession, AppError> {
        let account = signed_in(profile)?;
        let (of, window) = (profile.clone(), self.0.window);
        blocking(move || open_session(&of, &account, window)).await
    }

    /// Notes how the round ended, for the status of this and of other processes.
    fn note(&self, profile: &Profile, result: &Result<airi_sync::RoundReport, SyncError>) -> Result<(), AppError> {
        let (state, message) = match result {
            Ok(_) => ("", String::new()),
            Err(SyncError::Remote(failure)) => {
                let state = match failure.class {
                    FailureClass::Passing { .. } | FailureClass::Smaller { .. } => "offline",
                    FailureClass::SignInAgain => "signed_out",
                    FailureClass::Parked => "unsuitable",
                    FailureClass::Maintenance => "maintenance",
                    FailureClass::Suspended => "suspended",
                    FailureClass::Permanent | FailureClass::WrongContent => "refused",
                };
                (state, failure.message.clone())
            }
            // Whoever paused it knows; how things stood before that is still true.
            Err(SyncError::Stopped) => return Ok(()),
            Err(error @ (SyncError::Store(_) | SyncError::DiskTooSmall { .. })) => ("local", error.to_string()),
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

/// Under this name the mirror notes that the user paused syncing.
pub(crate) const PAUSED: &str = "sync.paused";

/// How often mirror and server are compared, in microseconds.
const AUDIT_EVERY: i64 = 24 * 3600 * 1_000_000;

/// One that failed is not begun anew with every round.
const AUDIT_AGAIN: i64 = 3600 * 1_000_000;
const AUDIT_TRIED: &str = "sync.audit_tried";

fn audit_is_due(profile: &Profile) -> Result<bool, AppError> {
    let last = Engine::<CloudRemote>::last_audit(&profile.store)?.and_then(|audit| audit.at);
    let tried = profile.store.read()?.meta(AUDIT_TRIED)?.and_then(|text| text.parse::<Time>().ok());
    // A clock that was set back makes it due as well.
    let over = |at: Option<Time>, time: i64| at.is_none_or(|at| (now().micros() - at.micros()).abs() > time);
    Ok(over(last, AUDIT_EVERY) && over(tried, AUDIT_AGAIN))
}

/// Whether a round is under way, also when it ends before its end.
struct Syncing<'a>(&'a App);

impl Syncing<'_> {
    fn begin(app: &App) -> Syncing<'_> {
        app.0.syncing.store(true, Ordering::Relaxed);
        Syncing(app)
    }
}

impl Drop for Syncing<'_> {
    fn drop(&mut self) {
        self.0.0.syncing.store(false, Ordering::Relaxed);
    }
}

/// The daily comparison; a server that cannot compare yet is asked again after a day.
async fn compare(engine: &mut Engine<CloudRemote>) -> Result<(), SyncError> {
    match engine.audit().await {
        Ok(audit) => {
            log::audited(&audit);
            Ok(())
        }
        Err(SyncError::Remote(failure)) if failure.class == FailureClass::Parked => engine.put_audit_off(),
        Err(error) => Err(error),
    }
}

/// As the status tells it.
pub(crate) fn audit_report(audit: Audit) -> AuditReport {
    AuditReport {
        at: audit.at.map(|at| at.to_string()).unwrap_or_default(),
        rows: audit.rows,
        ranges_differing: audit.ranges_differing,
        fetched: audit.fetched,
        sent_again: audit.sent_again,
        findings: audit.findings,
    }
}

pub(crate) fn signed_in(profile: &Profile) -> Result<Account, AppError> {
    let account = profile.account()?.ok_or(AppError::SignedOut)?;
    if account.signed_in {
        return Ok(account);
    }
    let reader = profile.store.read()?;
    // Ended without the user: that stays the answer until somebody signs in or out.
    match reader.meta("sync.state")?.as_deref() {
        Some("signed_out") => Err(AppError::SessionEnded(reader.meta("sync.message")?.unwrap_or_default())),
        _ => Err(AppError::SignedOut),
    }
}
