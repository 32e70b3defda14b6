//! The account's devices: which ones there are, when each was last in step, and signing one out from here.
//!
//! The list is the server's. A device says its name (the computer's), platform and version when it syncs, and is known by
//! the random id of its mirror, so the same one is the same after signing out and in.

use crate::account::blocking;
use crate::profile::{Profile, now};
use crate::remote::open_session;
use crate::sync::signed_in;
use crate::{App, AppError, log};
use airi_cloud::{CloudError, Rest, Session};
use airi_contract::{CommandError, DeviceRef, DeviceRow};
use airi_domain::Time;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// How often a device says that it syncs.
const EVERY_MICROS: i64 = 15 * 60 * 1_000_000;
/// When it last said so, and as which version: `time version`. Signing in and out forgets it.
pub(crate) const TOLD: &str = "sync.device_told";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the server keeps of a name.
const NAME_CHARS: usize = 100;

#[derive(Deserialize)]
struct Answer {
    devices: Vec<Known>,
}

/// A device as the server knows it.
#[derive(Deserialize)]
struct Known {
    id: Uuid,
    name: Option<String>,
    platform: Option<String>,
    app_version: Option<String>,
    first_seen_at: Time,
    last_sync_at: Time,
    signed_out_at: Option<Time>,
}

impl App {
    /// The account's devices, the last seen first.
    pub async fn list_devices(&self) -> Result<Vec<DeviceRow>, CommandError> {
        let nothing = json!({ "p_device": null, "p_name": null, "p_platform": null, "p_version": null });
        Ok(self.ask("sync_device", &nothing).await?)
    }

    /// Ends another device's session. What it has not sent yet stays on it, and signing in there undoes it.
    pub async fn sign_out_device(&self, request: DeviceRef) -> Result<Vec<DeviceRow>, CommandError> {
        Ok(self.end(request).await?)
    }

    async fn end(&self, request: DeviceRef) -> Result<Vec<DeviceRow>, AppError> {
        let unknown = || {
            AppError::Invalid(format!(
                "'{}' is not a device of this account; `airi devices` shows them. Nothing was changed.",
                request.id
            ))
        };
        let id = Uuid::parse_str(request.id.trim()).map_err(|_| unknown())?;
        if id == self.profile().device()? {
            return Err(AppError::Invalid(
                "That is this device. Sign out here instead (`airi logout`); everything stays on this computer.".into(),
            ));
        }
        match self.ask("sync_sign_out_device", &json!({ "p_device": id })).await {
            Err(AppError::Cloud(CloudError::Refused { code, .. })) if ["P0002", "02000"].contains(&code.as_str()) => {
                Err(unknown())
            }
            answer => answer,
        }
    }

    async fn ask(&self, function: &str, args: &Value) -> Result<Vec<DeviceRow>, AppError> {
        let profile = self.profile();
        let account = signed_in(&profile)?;
        let window = self.0.window;
        let of = profile.clone();
        let open = blocking(move || open_session(&of, &account, window)).await?;
        let answer: Answer = Rest::new(&open.session).rpc(function, args).await?;
        let this = profile.device()?;
        Ok(answer.devices.into_iter().map(|known| shown(known, this)).collect())
    }
}

fn shown(known: Known, this: Uuid) -> DeviceRow {
    DeviceRow {
        current: known.id == this,
        id: known.id.to_string(),
        name: known.name.unwrap_or_default(),
        platform: known.platform.unwrap_or_default(),
        app_version: known.app_version.unwrap_or_default(),
        first_seen_at: known.first_seen_at.to_string(),
        last_sync_at: known.last_sync_at.to_string(),
        signed_out_at: known.signed_out_at.map(|at| at.to_string()),
    }
}

/// Says to the server that this device syncs, at most every 15 minutes. Whether the server was asked. That it does not
/// answer, or keeps no list of devices, is no failure: the list is a help and no part of the sync.
pub(crate) async fn tell_device(profile: &Profile, session: &Session) -> Result<bool, AppError> {
    let told = profile.store.read()?.meta(TOLD)?;
    if told.is_some_and(|told| is_fresh(&told, now())) {
        return Ok(false);
    }
    let device = profile.device()?;
    let args = json!({
        "p_device": device,
        "p_name": name(),
        "p_platform": std::env::consts::OS,
        "p_version": VERSION,
    });
    match Rest::new(session).rpc::<Answer>("sync_device", &args).await {
        // An account that nothing was sent to yet has no list either: it is said again with the next round.
        Ok(answer) if answer.devices.iter().all(|known| known.id != device) => return Ok(true),
        // Without that function the server is not asked again before it is time.
        Ok(_) | Err(CloudError::SchemaMismatch { .. }) => {}
        Err(error) => {
            log::failed(&AppError::Cloud(error));
            return Ok(true);
        }
    }
    let said = format!("{} {VERSION}", now());
    profile.store.write(|w| w.set_meta(TOLD, Some(&said)))?;
    Ok(true)
}

/// Whether what was said then still holds. A clock that was set back does not silence a device.
fn is_fresh(told: &str, now: Time) -> bool {
    let Some((at, VERSION)) = told.split_once(' ') else { return false };
    at.parse::<Time>().is_ok_and(|at| (0..EVERY_MICROS).contains(&(now.micros() - at.micros())))
}

/// What the user calls this computer, else what kind it is.
fn name() -> String {
    let host = gethostname::gethostname();
    let host: String =
        host.to_string_lossy().chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect::<String>().trim().into();
    if !host.is_empty() {
        return host;
    }
    match std::env::consts::OS {
        "macos" => "Mac".into(),
        "windows" => "Windows computer".into(),
        _ => "Linux computer".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_speaks_again_after_its_time_with_a_new_version_and_when_the_clock_was_wrong() {
        let told: Time = "2026-01-01T12:00:00Z".parse().unwrap();
        let note = format!("{told} {VERSION}");
        let later = |minutes: i64| told.plus_micros(minutes * 60_000_000);
        assert!(is_fresh(&note, told) && is_fresh(&note, later(14)));
        assert!(!is_fresh(&note, later(15)) && !is_fresh(&note, later(-1)));
        assert!(!is_fresh(&format!("{told} 0.0.1-other"), told));
        assert!(!is_fresh("", told) && !is_fresh("yesterday", told));
    }

    #[test]
    fn a_device_always_has_a_name_that_the_server_takes() {
        let name = name();
        assert!(!name.is_empty() && name.chars().count() <= NAME_CHARS && !name.contains('\n'), "{name}");
    }
}
