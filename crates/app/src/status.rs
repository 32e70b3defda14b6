//! How things stand, from this device's own data alone.

use crate::profile::Profile;
use crate::remote::CloudRemote;
use crate::{App, AppError, Event, secrets_place};
use airi_contract::{AccountInfo, CommandError, Status, StatusChanged, SyncState};
use airi_sync::Engine;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl App {
    pub fn status(&self) -> Result<Status, CommandError> {
        Ok(self.status_of(&self.profile())?)
    }

    pub(crate) fn emit_status(&self) {
        if let Ok(status) = self.status_of(&self.profile()) {
            self.emit(Event::Status(StatusChanged { status }));
        }
    }

    pub(crate) fn status_of(&self, profile: &Profile) -> Result<Status, AppError> {
        let account = profile.account()?;
        let reader = profile.store.read()?;
        let totals = reader.totals()?;
        let noted = reader.meta("sync.state")?.unwrap_or_default();
        let told = reader.meta("sync.message")?.filter(|text| !text.is_empty());
        let last_sync = reader.meta("sync.last")?;
        let signed_in = account.as_ref().is_some_and(|account| account.signed_in);
        let state = match (&account, noted.as_str()) {
            (None, _) => SyncState::Local,
            _ if !signed_in => SyncState::SignedOut,
            _ if self.0.syncing.load(Ordering::Relaxed) => SyncState::Syncing,
            (_, "unsuitable") => SyncState::ServerUnsuitable,
            (_, "offline") => SyncState::Offline,
            (_, "refused" | "local") => SyncState::NeedsAttention,
            _ if totals.wedged > 0 => SyncState::NeedsAttention,
            _ if totals.outbox > 0 || last_sync.is_none() => SyncState::Waiting,
            _ => SyncState::InStep,
        };
        let session_in = match profile.session.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(open) => secrets_place::name(&open.secrets).to_owned(),
            None if profile.file("session.enc").exists() => "file".to_owned(),
            None => "keyring".to_owned(),
        };
        Ok(Status {
            profile: profile.name.clone(),
            account: account.map(|account| AccountInfo {
                url: account.url,
                email: account.email,
                user_id: account.owner.to_string(),
                signed_in: account.signed_in,
                session_in,
            }),
            sync: state,
            message: sentence(state, &totals, told),
            conversations: totals.conversations,
            messages: totals.messages,
            attachments: totals.attachments,
            outbox: totals.outbox,
            wedged: totals.wedged,
            parked: totals.parked,
            cursor: Engine::<CloudRemote>::cursor_text(&profile.store)?,
            indexed: profile.indexer.behind()? == 0,
            last_sync,
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
        SyncState::SignedOut => format!(
            "Signed out. Everything is still here{}; sign in to sync again.",
            if totals.outbox > 0 { format!(", {} changes wait to be sent", totals.outbox) } else { String::new() }
        ),
        SyncState::NeedsAttention if totals.wedged > 0 => {
            format!("The server refused {} changes. Look at them: send them again or give them up.", totals.wedged)
        }
        SyncState::Offline | SyncState::Maintenance | SyncState::ServerUnsuitable | SyncState::NeedsAttention => {
            told.unwrap_or_else(|| "The last sync did not end well; it is tried again.".into())
        }
    }
}
