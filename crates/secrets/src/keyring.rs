//! The operating system's keyring, behind a thread of its own.
//!
//! The system's calls block, may wait for a dialogue that nobody answers, and (D-Bus) must not run inside an async
//! runtime. So one thread owns the connection, and every call waits for it only as long as its limit: 2 s for the probe,
//! 60 s afterwards (the system may then be asking the user). A thread that hangs is left behind and ends by itself when
//! the system answers.

use crate::SecretsError;
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error as StoreError};
use secrecy::{ExposeSecret, SecretString};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use zeroize::Zeroize;

const PROBE_LIMIT: Duration = Duration::from_secs(2);
const CALL_LIMIT: Duration = Duration::from_secs(60);
const PROBE_NAME: &str = "airi/probe";

type Store = Arc<dyn CredentialStoreApi + Send + Sync>;
type Job = Box<dyn FnOnce(&dyn Fn(&str) -> Result<Entry, StoreError>) + Send>;

pub(crate) struct Keyring {
    jobs: Mutex<Sender<Job>>,
}

impl Keyring {
    pub(crate) fn open(service: &str) -> Result<Keyring, SecretsError> {
        let service = service.to_owned();
        let (jobs, inbox) = channel::<Job>();
        let (answer, opened) = channel();
        thread::Builder::new()
            .name("airi-keyring".into())
            .spawn(move || {
                let store = match probe(&service) {
                    Ok(store) => store,
                    Err(error) => {
                        // Nobody waits any more when the probe took too long.
                        let _ = answer.send(Err(error));
                        return;
                    }
                };
                if answer.send(Ok(())).is_ok() {
                    work(&*store, &service, &inbox);
                }
            })
            .map_err(|e| unavailable("no thread could be started for it", Some(Box::new(e))))?;
        match opened.recv_timeout(PROBE_LIMIT) {
            Ok(Ok(())) => Ok(Keyring { jobs: Mutex::new(jobs) }),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => Err(silent(PROBE_LIMIT)),
            Err(RecvTimeoutError::Disconnected) => Err(unavailable("its connection broke", None)),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        let mut bytes = match self.call(name, |entry| entry.get_secret())? {
            Ok(bytes) => bytes,
            Err(StoreError::NoEntry) => return Ok(None),
            Err(error) => return Err(refused(name, error)),
        };
        let secret = std::str::from_utf8(&bytes).map(SecretString::from);
        bytes.zeroize();
        match secret {
            Ok(secret) => Ok(Some(secret)),
            Err(_) => Err(SecretsError::KeyringEntry { name: name.to_owned(), why: "it is not text".into() }),
        }
    }

    pub(crate) fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretsError> {
        let secret = secret.clone();
        self.call(name, move |entry| entry.set_secret(secret.expose_secret().as_bytes()))?
            .map_err(|error| refused(name, error))
    }

    pub(crate) fn delete(&self, name: &str) -> Result<(), SecretsError> {
        match self.call(name, |entry| entry.delete_credential())? {
            Ok(()) | Err(StoreError::NoEntry) => Ok(()),
            Err(error) => Err(refused(name, error)),
        }
    }

    fn call<T: Send + 'static>(
        &self,
        name: &str,
        act: impl FnOnce(Entry) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, StoreError>, SecretsError> {
        let name = name.to_owned();
        let (answer, answered) = channel();
        let job: Job = Box::new(move |entry_of| {
            let result = entry_of(&name).and_then(act);
            // The caller may have stopped waiting.
            let _ = answer.send(result);
        });
        let sent = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job);
        if sent.is_err() {
            return Err(unavailable("its connection broke", None));
        }
        answered.recv_timeout(CALL_LIMIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => silent(CALL_LIMIT),
            RecvTimeoutError::Disconnected => unavailable("its connection broke", None),
        })
    }
}

fn work(store: &dyn CredentialStoreApi, service: &str, inbox: &Receiver<Job>) {
    let entry_of = |name: &str| store.build(service, name, None);
    while let Ok(job) = inbox.recv() {
        job(&entry_of);
    }
}

/// Connects, makes sure that nothing is locked, and reads a name that does not exist.
fn probe(service: &str) -> Result<Store, SecretsError> {
    ensure_unlocked()?;
    let store = native_store().map_err(absent)?;
    match store.build(service, PROBE_NAME, None).and_then(|entry| entry.get_secret()) {
        Ok(mut bytes) => {
            bytes.zeroize();
            Ok(store)
        }
        Err(StoreError::NoEntry) => Ok(store),
        Err(error) => Err(absent(error)),
    }
}

#[cfg(target_os = "macos")]
fn native_store() -> Result<Store, StoreError> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn native_store() -> Result<Store, StoreError> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn native_store() -> Result<Store, StoreError> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

/// The store unlocks by itself, which opens a dialogue; asking first keeps the probe silent.
#[cfg(all(unix, not(target_os = "macos")))]
fn ensure_unlocked() -> Result<(), SecretsError> {
    use secret_service::{EncryptionType, Error, blocking::SecretService};
    let failed = |error: Error| match error {
        Error::NoResult => unavailable("it has no default collection", None),
        error => {
            unavailable(&format!("there is no Secret Service on the session bus ({error})"), Some(Box::new(error)))
        }
    };
    let service = SecretService::connect(EncryptionType::Plain).map_err(failed)?;
    let collection = service.get_default_collection().map_err(failed)?;
    match collection.is_locked().map_err(failed)? {
        true => Err(unavailable("it is locked", None)),
        false => Ok(()),
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn ensure_unlocked() -> Result<(), SecretsError> {
    Ok(())
}

fn remedy() -> &'static str {
    if cfg!(target_os = "macos") {
        "Unlock the login keychain (Keychain Access), then try again; until then secrets are kept in memory only."
    } else if cfg!(windows) {
        "Start the service 'Credential Manager', then try again; until then secrets are kept in memory only."
    } else {
        "Unlock it (GNOME Keyring, KWallet or KeePassXC), then try again; until then secrets are kept in memory only. On \
         a machine without a desktop, let AIRI_PASSPHRASE_FILE name a file with a passphrase."
    }
}

fn unavailable(why: &str, source: Option<Box<dyn std::error::Error + Send + Sync>>) -> SecretsError {
    SecretsError::KeyringUnavailable { why: why.to_owned(), remedy: remedy(), source }
}

fn silent(limit: Duration) -> SecretsError {
    unavailable(&format!("it did not answer within {} s", limit.as_secs()), None)
}

fn absent(error: StoreError) -> SecretsError {
    match harmless(error) {
        Ok(error) => unavailable(&error.to_string(), Some(Box::new(error))),
        Err(why) => unavailable(&why, None),
    }
}

fn refused(name: &str, error: StoreError) -> SecretsError {
    match harmless(error) {
        Ok(error @ (StoreError::PlatformFailure(_) | StoreError::NoStorageAccess(_))) => absent(error),
        Ok(error) => SecretsError::KeyringEntry { name: name.to_owned(), why: error.to_string() },
        Err(why) => SecretsError::KeyringEntry { name: name.to_owned(), why },
    }
}

/// Some of the store's errors carry the secret's bytes; those become words.
fn harmless(error: StoreError) -> Result<StoreError, String> {
    match error {
        StoreError::BadEncoding(mut bytes) => {
            bytes.zeroize();
            Err("it is not text".into())
        }
        StoreError::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            Err("it is malformed".into())
        }
        StoreError::Ambiguous(entries) => Err(format!("there are {} of that name", entries.len())),
        error => Ok(error),
    }
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
