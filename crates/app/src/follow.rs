//! Sync for as long as the app is open: when something is to be sent, when the server rings, when the computer wakes or
//! the window is looked at again, and once a minute whatever happens.

use crate::profile::Profile;
use crate::sync::{PAUSED, signed_in};
use crate::{App, AppError, log};
use airi_cloud::{Doorbell, Realtime, Ring};
use airi_contract::{CommandError, SyncReport};
use airi_sync::{Backoff, FailureClass, SyncError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// Without any word from the server it is still asked this often.
const FLOOR: Duration = Duration::from_secs(60);
/// How often it is looked whether the computer slept.
const LOOK: Duration = Duration::from_secs(5);
/// A clock that ran on this much further than the app did means that the computer slept.
const SLEPT: Duration = Duration::from_secs(5);
/// How soon `airi sync --watch` sees what other processes write.
const WATCH: Duration = Duration::from_millis(25);

impl App {
    /// Ends only when its task is dropped.
    pub async fn sync_forever(&self, heard: impl Fn(Result<SyncReport, CommandError>) + Send) {
        self.0.following.store(true, Ordering::Relaxed);
        if !self.0.window {
            self.watch(WATCH);
        }
        let mut backoff = Backoff::default();
        loop {
            let profile = self.profile();
            let Ok(account) = signed_in(&profile) else {
                self.0.doorbell.notified().await;
                continue;
            };
            let mut bell = match self.session(&profile).await {
                Ok(open) => Some(Realtime::new(&open.session).listen(account.owner)),
                Err(_) => None,
            };
            // Until another profile is in use, nobody is signed in, or the account has another address.
            while self.profile().name == profile.name && signed_in(&profile).is_ok_and(|now| now == account) {
                if is_paused(&profile) {
                    self.0.doorbell.notified().await;
                    continue;
                }
                let result = self.round(|_| ()).await;
                let wait = match &result {
                    Ok(_) => {
                        backoff.reset();
                        FLOOR
                    }
                    Err(AppError::Sync(SyncError::Stopped)) => continue,
                    Err(AppError::Sync(SyncError::Remote(failure))) => backoff.after_failure(failure.class, random()),
                    Err(_) => backoff.after_failure(FailureClass::Passing { retry_after: None }, random()),
                };
                let failed = result.is_err();
                if failed {
                    log::waits(wait);
                } else {
                    self.move_files_beside(&profile);
                }
                self.look_at_server(&profile, may_be_explained(&result)).await;
                heard(result.map_err(CommandError::from));
                self.wait(bell.as_mut(), wait, failed).await;
            }
        }
    }

    /// Files move beside the rounds: a large one holds up nothing. One task of them at a time.
    fn move_files_beside(&self, profile: &Arc<Profile>) {
        self.0.files.notify_one();
        if self.0.moving_files.swap(true, Ordering::SeqCst) {
            return;
        }
        let (app, profile) = (self.clone(), profile.clone());
        tokio::spawn(async move {
            let moved = app.move_files(&profile).await;
            app.0.moving_files.store(false, Ordering::SeqCst);
            // The rows that name what was uploaded may go now.
            if moved.is_ok_and(|report| report.placed > 0) {
                app.0.doorbell.notify_one();
            }
        });
    }

    /// Something made it likely that there is news: the window is looked at again.
    pub fn look_for_news(&self) {
        self.0.news.notify_one();
    }

    /// A fresh sign for a round to end early.
    pub(crate) fn begin_round(&self) -> Arc<AtomicBool> {
        let stop = Arc::<AtomicBool>::default();
        *self.0.stop_round.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
        stop
    }

    /// Ends the round under way after its present request.
    pub(crate) fn stop_round(&self) {
        self.0.stop_round.lock().unwrap_or_else(PoisonError::into_inner).store(true, Ordering::Relaxed);
    }

    /// Until something is to be sent, the server rings, the computer wakes, or the time is over. After a failure what is to
    /// be sent waits: the server, or the way to it, would only be asked the same again.
    async fn wait(&self, mut bell: Option<&mut Doorbell>, wait: Duration, failed: bool) {
        let sleep = tokio::time::sleep(wait);
        tokio::pin!(sleep);
        let mut look = tokio::time::interval(LOOK);
        let begun = Instant::now();
        let mut seen = (Instant::now(), SystemTime::now());
        loop {
            let ring = async {
                match bell.as_mut() {
                    Some(bell) => bell.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut sleep => return,
                () = self.0.doorbell.notified(), if !failed => return,
                // Somebody who switches between windows all the time makes no news.
                () = self.0.news.notified() => if begun.elapsed() > LOOK { return },
                ring = ring => match ring {
                    // What was rung while the line was down, nobody heard.
                    Some(Ring::Changed { .. } | Ring::Up) => return,
                    Some(_) => {}
                    None => bell = None,
                },
                _ = look.tick() => {
                    let here = seen.0.elapsed();
                    let there = seen.1.elapsed().unwrap_or_default();
                    if there > here + SLEPT {
                        // The connection did not survive the sleep, and does not know it yet.
                        if let Some(bell) = bell.as_mut() {
                            bell.mend_now();
                        }
                        return;
                    }
                    seen = (Instant::now(), SystemTime::now());
                }
            }
        }
    }
}

/// Whether the server may have said more about why a round did not end well.
fn may_be_explained(result: &Result<SyncReport, AppError>) -> bool {
    let Err(AppError::Sync(SyncError::Remote(failure))) = result else { return false };
    matches!(failure.class, FailureClass::Maintenance | FailureClass::Suspended)
}

fn is_paused(profile: &Profile) -> bool {
    profile.store.read().and_then(|reader| reader.meta(PAUSED)).is_ok_and(|paused| paused.is_some())
}

/// From 0 to 1, to spread devices that failed together.
pub(crate) fn random() -> f64 {
    f64::from(Uuid::new_v4().as_u128() as u32) / f64::from(u32::MAX)
}
