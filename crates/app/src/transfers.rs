//! Files on their way: beside the rounds of rows in the window, after a round of `airi sync`.

use crate::profile::{Profile, free_disk, now};
use crate::remote::CloudRemote;
use crate::sync::PAUSED;
use crate::{App, AppError, log};
use airi_contract::{CommandError, FileSettings, FilesReport, KeepOffline};
use airi_sync::{DiskPolicy, Keep, TransferReport, Transfers};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

impl App {
    pub(crate) async fn transfers(&self, profile: &Arc<Profile>) -> Result<Transfers<CloudRemote>, AppError> {
        let remote = CloudRemote::new(&self.session(profile).await?.session);
        let (app, mine, dir) = (Arc::downgrade(&self.0), profile.name.clone(), profile.dir.clone());
        let store = profile.store.clone();
        // Another profile is in use, or the user paused syncing.
        let left = move || {
            let elsewhere = app.upgrade().is_none_or(|inner| App(inner).profile().name != mine);
            elsewhere || store.read().and_then(|reader| reader.meta(PAUSED)).is_ok_and(|paused| paused.is_some())
        };
        let free = move || free_disk(&dir);
        Ok(Transfers::new(profile.store.clone(), profile.files.clone(), remote, now, free).stopped_by(left))
    }

    pub(crate) fn disk_policy(&self) -> Result<DiskPolicy, AppError> {
        let FileSettings { keep_offline, disk_bound_mb } = self.0.data.config()?.settings.files;
        let keep = match keep_offline {
            KeepOffline::All => Keep::All,
            KeepOffline::Recent => Keep::Recent,
            KeepOffline::OnDemand => Keep::OnDemand,
        };
        Ok(DiskPolicy { keep, bound: u64::from(disk_bound_mb) << 20 })
    }

    /// The user wants more, or less, on this disk.
    pub(crate) fn files_changed(&self) -> Result<(), AppError> {
        self.profile().store.write(|w| w.set_files_due())?;
        self.0.doorbell.notify_one();
        Ok(())
    }

    /// How the files of the profile stand, and changes that when asked to.
    pub fn files(&self, change: Option<FileSettings>) -> Result<FilesReport, CommandError> {
        Ok(self.look_at_files(change)?)
    }

    fn look_at_files(&self, change: Option<FileSettings>) -> Result<FilesReport, AppError> {
        if let Some(files) = change {
            let mut config = self.0.data.config()?;
            config.settings.files = files;
            self.0.data.set_config(&config)?;
            self.files_changed()?;
        }
        let FileSettings { keep_offline, disk_bound_mb } = self.0.data.config()?.settings.files;
        let profile = self.profile();
        let here = profile.files.list()?;
        let contents = profile.store.read()?.contents()?;
        let lies_here = |hash: &Option<String>| hash.as_deref().is_some_and(|hash| profile.files.find(hash).is_some());
        let mut report = FilesReport {
            keep_offline,
            disk_bound_mb,
            here: here.len() as u64,
            here_bytes: here.iter().map(|file| file.size).sum(),
            waiting: 0,
            remote: 0,
            remote_bytes: 0,
            library_bytes: profile.library_bytes(),
        };
        let account = profile.account()?.is_some();
        for content in contents {
            match (lies_here(&content.sha256), content.storage_path.is_empty()) {
                (true, true) if account => report.waiting += 1,
                (false, false) => {
                    report.remote += 1;
                    report.remote_bytes += content.size.unwrap_or(0);
                }
                _ => {}
            }
        }
        Ok(report)
    }

    /// Fetches what is to be kept here, if anything may be missing.
    pub(crate) async fn download_due(
        &self,
        profile: &Arc<Profile>,
        transfers: &Transfers<CloudRemote>,
    ) -> Result<TransferReport, AppError> {
        let Some(reason) = profile.store.read()?.files_due()? else { return Ok(TransferReport::default()) };
        let report = transfers.download_all(self.disk_policy()?).await?;
        if report.waiting == 0 {
            profile.store.write(|w| w.files_done(&reason))?;
        }
        Ok(report)
    }

    /// Sends what waits for its bytes and fetches what is to be kept here, both at once. While a download goes on, what is
    /// newly attached goes up.
    ///
    /// # Errors
    /// What stops everything; a single file never does.
    pub(crate) async fn move_files(&self, profile: &Arc<Profile>) -> Result<TransferReport, AppError> {
        let transfers = self.transfers(profile).await?;
        let mut down = pin!(self.download_due(profile, &transfers));
        let start = Instant::now();
        let mut came = None;
        let mut report = TransferReport::default();
        while came.is_none() {
            let mut up = pin!(transfers.upload_all());
            let sent = loop {
                tokio::select! {
                    sent = &mut up => break sent,
                    done = &mut down, if came.is_none() => came = Some(done),
                }
            };
            report.add(&sent?);
            if came.is_none() {
                tokio::select! { done = &mut down => came = Some(done), () = self.0.files.notified() => {} }
            }
        }
        if let Some(done) = came {
            report.add(&done?);
        }
        log::files(&report, start.elapsed());
        Ok(report)
    }
}
