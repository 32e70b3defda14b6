//! Where secrets live: the refresh token of the session and the keys of model providers.
//!
//! Promised to the use cases: a secret is in the keyring of the operating system, in memory, or in a file that is
//! encrypted with a passphrase; never in plain text on disk, and never in a `Debug`, an error or a log. Values are wiped
//! from memory when they are dropped. All calls block (the file costs one Argon2id per process, the keyring a round
//! trip): async code goes through `spawn_blocking`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod container;
mod error;
mod file;
mod keyring;
mod name;
mod passphrase;

pub use error::SecretsError;
pub use passphrase::{PASSPHRASE_VARIABLE, Passphrase, passphrase_from_env, passphrase_from_file};
pub use secrecy::{ExposeSecret, SecretString};

use file::SecretFile;
use keyring::Keyring;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a [`Secrets`] keeps what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// The keyring of the operating system: Keychain, Credential Manager, Secret Service.
    Keyring,
    /// This process; gone when it ends.
    Memory,
    /// A file that is encrypted with a passphrase.
    File {
        /// The file, which exists once something was saved.
        path: PathBuf,
    },
}

/// A place for secrets. Clones share it.
///
/// Names are `<random profile id>/<what>`, such as `5f0c…/session`; each part has letters, digits, `-`, `_` and `.` only.
#[derive(Clone)]
pub struct Secrets(Arc<Place>);

enum Place {
    Keyring(Keyring),
    Memory(Mutex<HashMap<String, SecretString>>),
    File(SecretFile),
}

impl Secrets {
    /// The keyring of the operating system, under the name of `service`.
    ///
    /// It is probed on a thread of its own and answers within 2 seconds: a keyring that is absent, locked or silent is
    /// [`SecretsError::KeyringUnavailable`]. The probe never makes the system ask the user for a password. It can be
    /// repeated at any time.
    pub fn open_keyring(service: &str) -> Result<Secrets, SecretsError> {
        Ok(Secrets(Arc::new(Place::Keyring(Keyring::open(service)?))))
    }

    /// This process's memory: what is saved here is gone when it ends.
    pub fn memory() -> Secrets {
        Secrets(Arc::new(Place::Memory(Mutex::new(HashMap::new()))))
    }

    /// A file encrypted with `passphrase`. Nothing is read or written before the first call that needs it, so a wrong
    /// passphrase shows there.
    pub fn file(path: &Path, passphrase: Passphrase) -> Secrets {
        Secrets(Arc::new(Place::File(SecretFile::new(path, passphrase))))
    }

    /// The secret of that name, None when there is none.
    pub fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        name::check(name)?;
        match &*self.0 {
            Place::Keyring(keyring) => keyring.get(name),
            Place::Memory(map) => Ok(map.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()),
            Place::File(file) => file.get(name),
        }
    }

    /// Saves a secret in place of the one of that name. When this returns, it is on disk (file) or with the operating
    /// system (keyring); when it fails, what was there before is still there.
    pub fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretsError> {
        name::check(name)?;
        match &*self.0 {
            Place::Keyring(keyring) => keyring.set(name, secret),
            Place::Memory(map) => {
                map.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), secret.clone());
                Ok(())
            }
            Place::File(file) => file.set(name, secret),
        }
    }

    /// Removes a secret; one that is not there counts as removed.
    pub fn delete(&self, name: &str) -> Result<(), SecretsError> {
        name::check(name)?;
        match &*self.0 {
            Place::Keyring(keyring) => keyring.delete(name),
            Place::Memory(map) => {
                map.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
                Ok(())
            }
            Place::File(file) => file.delete(name),
        }
    }

    /// Where the secrets are kept.
    pub fn kind(&self) -> Where {
        match &*self.0 {
            Place::Keyring(_) => Where::Keyring,
            Place::Memory(_) => Where::Memory,
            Place::File(file) => Where::File { path: file.path().to_owned() },
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.kind()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_replaces_and_deletes() {
        let secrets = Secrets::memory();
        assert!(secrets.get("p1/session").unwrap().is_none());
        secrets.set("p1/session", &SecretString::from("one")).unwrap();
        secrets.clone().set("p1/session", &SecretString::from("two")).unwrap();
        assert_eq!(secrets.get("p1/session").unwrap().unwrap().expose_secret(), "two");
        assert!(secrets.get("p2/session").unwrap().is_none());
        secrets.delete("p1/session").unwrap();
        secrets.delete("p1/session").unwrap();
        assert!(secrets.get("p1/session").unwrap().is_none());
        assert_eq!(secrets.kind(), Where::Memory);
    }

    #[test]
    fn debug_of_everything_that_holds_a_secret_shows_none() {
        let canary = "canary-3f9b";
        let secrets = Secrets::memory();
        secrets.set("p/s", &SecretString::from(canary)).unwrap();
        let passphrase = Passphrase::new(canary.to_owned()).unwrap();
        let file = Secrets::file(Path::new("/nowhere/x"), passphrase.clone());
        let shown = format!("{secrets:?} {file:?} {passphrase:?} {:?}", secrets.get("p/s"));
        assert!(!shown.contains(canary), "{shown}");
    }

    #[test]
    fn a_name_that_could_leave_its_profile_is_refused_everywhere() {
        for name in ["", "session", "/session", "p/", "p/a/b", "p/ä", "p /s", "../x", "p/..", &"p/".repeat(100)] {
            let error = Secrets::memory().get(name).unwrap_err();
            assert!(matches!(error, SecretsError::InvalidName { .. }), "{name}: {error}");
        }
    }
}
