//! The profiles of this computer: one for nobody's account, one for each account that has signed in.

use crate::account::account_info;
use crate::profile::Profile;
use crate::{App, AppError};
use airi_contract::{CommandError, ProfileRef, ProfileRow, Status};

impl App {
    /// Every profile with what waits in it. One that cannot be opened is listed with the reason.
    pub fn list_profiles(&self) -> Result<Vec<ProfileRow>, CommandError> {
        let in_use = self.profile().name.clone();
        let names = self.0.data.profile_names().map_err(CommandError::from)?;
        Ok(names.into_iter().filter_map(|name| self.row(name, &in_use)).collect())
    }

    /// None for a folder that holds no profile.
    fn row(&self, name: String, in_use: &str) -> Option<ProfileRow> {
        let mut row =
            ProfileRow { in_use: name == in_use, name, account: None, conversations: 0, unsent: 0, problem: None };
        if !self.holds_profile(&row.name) {
            return None;
        }
        if let Err(error) = self.profile_named(&row.name).and_then(|profile| fill(&mut row, &profile)) {
            row.problem = Some(error.to_string());
        }
        Some(row)
    }

    fn holds_profile(&self, name: &str) -> bool {
        self.0.data.profile_dir(name).is_ok_and(|dir| dir.join("mirror.sqlite").is_file())
    }

    /// Puts another profile in use, now and at the next start. What waits in the one before stays there and waits.
    pub fn use_profile(&self, request: ProfileRef) -> Result<Status, CommandError> {
        Ok(self.change_to(&request.name)?)
    }

    pub(crate) fn change_to(&self, name: &str) -> Result<Status, AppError> {
        if !self.holds_profile(name) {
            return Err(AppError::NotFound { what: "Profile", id: name.to_owned() });
        }
        let profile = self.profile_named(name)?;
        let before = self.profile();
        self.switch_to(profile.clone())?;
        if before.name != profile.name {
            before.indexer.stop();
        }
        // Whoever syncs goes on with the profile that is now in use.
        self.0.doorbell.notify_one();
        self.emit_status();
        self.status_of(&profile)
    }
}

fn fill(row: &mut ProfileRow, profile: &Profile) -> Result<(), AppError> {
    row.account = profile.account()?.map(|account| account_info(profile, account));
    let totals = profile.store.read()?.totals()?;
    row.conversations = totals.conversations;
    row.unsent = totals.outbox + totals.wedged;
    Ok(())
}
