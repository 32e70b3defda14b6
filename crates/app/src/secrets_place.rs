//! Where a profile's secrets lie: the passphrase file when one is named, else the keyring, else (in the window) memory.

use crate::AppError;
use airi_secrets::{Secrets, SecretsError, Where, passphrase_from_env};
use std::path::Path;

const SERVICE: &str = "chat.airi.desktop";

/// Opens the place. Without a keyring a window keeps the session in memory and says so; `airi`, which ends at once, has
/// an error instead that says what to do.
pub(crate) fn open(profile_dir: &Path, window: bool) -> Result<Secrets, AppError> {
    open_file(&profile_dir.join("session.enc"), window)
}

/// The same for what belongs to no profile; `file` is where it lies when a passphrase file is named.
pub(crate) fn open_file(file: &Path, window: bool) -> Result<Secrets, AppError> {
    if let Some(passphrase) = passphrase_from_env()? {
        return Ok(Secrets::file(file, passphrase));
    }
    match Secrets::open_keyring(SERVICE) {
        Ok(secrets) => Ok(secrets),
        Err(SecretsError::KeyringUnavailable { .. }) if window => Ok(Secrets::memory()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn name(secrets: &Secrets) -> &'static str {
    match secrets.kind() {
        Where::Keyring => "keyring",
        Where::Memory => "memory",
        Where::File { .. } => "file",
    }
}
