//! How things stand, from this device's own data alone.

use crate::account::account_info;
use crate::profile::Profile;
use crate::remote::CloudRemote;
use crate::sync::{PAUSED, audit_report};
use crate::{App, AppError, Event};
use airi_contract::{CommandError, Status, StatusChanged, SyncProgress, SyncState};
use airi_sync::Engine;
use std::sync::atomic::Ordering;

impl App {
    pub fn status(&self) -> Result<Status, CommandError> {
        Ok(self.status_of(&self.profile())?)
    }

    pub(crate) fn emit_status(&self) {
        if let Ok(status) = self.status_of(&self.profile()) {
            self.emit(Event::Status(Box::new(StatusChanged { status })));
        }
    }

    pub(crate) fn status_of(&self, profile: &Profile) -> Result<Status, AppError> {
        let account = profile.account()?;
        let reader = profile.store.read()?;
        let totals = reader.totals()?;
        let noted = reader.meta("sync.state")?.unwrap_or_default();
        let told = reader.meta("sync.message")?.filter(|text| !text.is_empty());
        let last_sync = reader.meta("sync.last")?;
        let paused = reader.meta(PAUSED)?.is_some();
        let signed_in = account.as_ref().is_some_and(|account| account.signed_in);
        let state = match (&account, noted.as_str()) {
            (None, _) => SyncState::Local,
            _ if !signed_in => SyncState::SignedOut,
            _ if self.0.syncing.load(Ordering::Relaxed) => SyncState::Syncing,
            _ if paused => SyncState::Paused,
            (_, "unsuitable") => SyncState::ServerUnsuitable,
            (_, "maintenance") => SyncState::Maintenance,
            (_, "suspended") => SyncState::Suspended,
            (_, "offline") => SyncState::Offline,
            (_, "refused" | "local") => SyncState::NeedsAttention,
            _ if totals.wedged > 0 => SyncState::NeedsAttention,
            _ if totals.outbox > 0 || last_sync.is_none() => SyncState::Waiting,
            _ => SyncState::InStep,
        };
        Ok(Status {
            profile: profile.name.clone(),
            account: account.map(|account| account_info(profile, account)),
            sync: state,
            message: sentence(state, &totals, told.filter(|_| signed_in || noted == "signed_out")),
            conversations: totals.conversations,
            messages: totals.messages,
            attachments: totals.attachments,
            outbox: totals.outbox,
            wedged: totals.wedged,
            parked: totals.parked,
            cursor: Engine::<CloudRemote>::cursor_text(&profile.store)?,
            indexed: profile.indexer.behind()? == 0,
            last_sync,
            progress: Engine::<CloudRemote>::unfinished(&profile.store)?
                .map(|(done, total)| SyncProgress { done, total }),
            paused,
            audit: Engine::<CloudRemote>::last_audit(&profile.store)?.map(audit_report),
        })
    }
}

fn sentence(state: SyncState, totals: &airi_store::Totals, told: Option<String>) -> String {
    match state {
        SyncState::Local => {
            "Everything is on this computer only. Sign in to keep it in step with other devices.".into()
        }
        SyncState::InStep => "In step with the server.".into(),
        SyncState::Waiting if totals.outbox > 0 => format!("{} changes wait to be sent.", totals.outbox),
        SyncState::Waiting => "Signed in; the first sync has not run yet.".into(),
        SyncState::Syncing => "Syncing.".into(),
        SyncState::Paused => format!(
            "Syncing is paused{}. Everything here can be used; resume when you like.",
            if totals.outbox > 0 { format!(", {} changes wait to be sent", totals.outbox) } else { String::new() }
        ),
        // The session ended without the user: why is noted.
        SyncState::SignedOut if told.is_some() => match totals.outbox {
            0 => told.unwrap_or_default(),
            waiting => format!("{} {waiting} changes wait to be sent.", told.unwrap_or_default()),
        },
        SyncState::SignedOut => format!(
            "Signed out. Everything is still here{}; sign in to sync again.",
            if totals.outbox > 0 { format!(", {} changes wait to be sent", totals.outbox) } else { String::new() }
        ),
        SyncState::NeedsAttention if totals.wedged > 0 => {
            format!("The server refused {} changes. Look at them: send them again or give them up.", totals.wedged)
        }
        SyncState::Offline
        | SyncState::Maintenance
        | SyncState::Suspended
        | SyncState::ServerUnsuitable
        | SyncState::NeedsAttention => {
            told.unwrap_or_else(|| "The last sync did not end well; it is tried again.".into())
        }
    }
}
