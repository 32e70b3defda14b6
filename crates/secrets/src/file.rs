//! Secrets in one encrypted file. Each change reads the file, changes the content, and puts a whole new file in the
//! place of the old one, under a lock that holds across processes: a kill at any moment leaves the old or the new file.

use crate::container::{self, Cost, DerivedKey, Fault, NONCE_LEN, Recipe, SALT_LEN};
use crate::{Passphrase, SecretsError};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use zeroize::{Zeroize, Zeroizing};

/// Larger files are not ours.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

pub(crate) struct SecretFile {
    path: PathBuf,
    passphrase: Passphrase,
    /// Argon2id is slow on purpose; one run serves the process while the file keeps its salt.
    known: Mutex<Option<(Recipe, DerivedKey)>>,
}

type Content = BTreeMap<String, SecretString>;

impl SecretFile {
    pub(crate) fn new(path: &Path, passphrase: Passphrase) -> SecretFile {
        SecretFile { path: path.to_owned(), passphrase, known: Mutex::new(None) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        Ok(self.read()?.and_then(|(mut content, _)| content.remove(name)))
    }

    pub(crate) fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretsError> {
        self.change(|content| {
            content.insert(name.to_owned(), secret.clone());
            true
        })
    }

    pub(crate) fn delete(&self, name: &str) -> Result<(), SecretsError> {
        if !self.path.try_exists().map_err(|e| self.io("read", e))? {
            return Ok(());
        }
        self.change(|content| content.remove(name).is_some())
    }

    /// Reads, changes and replaces, unless `change` says that nothing is different.
    fn change(&self, change: impl FnOnce(&mut Content) -> bool) -> Result<(), SecretsError> {
        if let Some(folder) = self.path.parent().filter(|f| !f.as_os_str().is_empty()) {
            private_folder(folder).map_err(|e| self.io("written", e))?;
        }
        let lock = private_file(OpenOptions::new().create(true).truncate(false), &self.beside(".lock"))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|e| self.io("locked", e))?;
        let (mut content, recipe) = match self.read()? {
            Some((content, recipe)) => (content, recipe),
            None => (Content::new(), Recipe { cost: Cost::CURRENT, salt: random::<SALT_LEN>()? }),
        };
        if change(&mut content) {
            let key = self.key(&recipe)?;
            let plain = encode(&content)?;
            let bytes = container::seal(&key, &recipe, &random::<NONCE_LEN>()?, &plain).map_err(|f| self.fault(f))?;
            self.replace(&bytes).map_err(|e| self.io("written", e))?;
        }
        drop(lock);
        Ok(())
    }

    fn read(&self) -> Result<Option<(Content, Recipe)>, SecretsError> {
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Ok(file) => file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| self.io("read", e))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.io("read", e)),
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(self.fault(Fault::Damaged("it is too long")));
        }
        let sealed = container::parse(&bytes).map_err(|f| self.fault(f))?;
        let key = self.key(&sealed.recipe)?;
        let plain = container::open(&sealed, &key).map_err(|f| self.fault(f))?;
        let content = decode(&plain).ok_or_else(|| self.fault(Fault::Damaged("its content is not readable")))?;
        Ok(Some((content, sealed.recipe)))
    }

    fn key(&self, recipe: &Recipe) -> Result<DerivedKey, SecretsError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = known.as_ref().filter(|(of, _)| of == recipe) {
            return Ok(key.clone());
        }
        let key = container::derive(self.passphrase.bytes(), recipe).map_err(|f| self.fault(f))?;
        *known = Some((*recipe, key.clone()));
        Ok(key)
    }

    /// The whole new file is on disk before it takes the old one's name. Only called under the lock, so the temporary
    /// name is ours, and what a killed process left there is overwritten.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.beside(".new");
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let written = private_file(OpenOptions::new().create_new(true), &temporary)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, &self.path));
        if let Err(e) = written {
            // The first error is the one that counts.
            let _ = fs::remove_file(&temporary);
            return Err(e);
        }
        sync_folder(&self.path)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.file_name().map_or_else(|| OsString::from("secrets"), OsString::from);
        name.push(suffix);
        self.path.with_file_name(name)
    }

    fn io(&self, action: &'static str, source: io::Error) -> SecretsError {
        SecretsError::Io { action, path: self.path.clone(), source }
    }

    fn fault(&self, fault: Fault) -> SecretsError {
        let path = self.path.clone();
        match fault {
            Fault::Damaged(why) => SecretsError::Damaged { path, why },
            Fault::Newer(found) => SecretsError::NewerVersion { path, found, known: container::VERSION },
            Fault::WrongPassphrase => SecretsError::WrongPassphrase { path },
            Fault::Crypto(why) => SecretsError::Crypto { why },
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], SecretsError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| SecretsError::Crypto { why: format!("no random numbers: {e}") })?;
    Ok(bytes)
}

fn encode(content: &Content) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let plain: BTreeMap<&str, &str> = content.iter().map(|(name, s)| (name.as_str(), s.expose_secret())).collect();
    // Room for the worst escaping, so that the buffer never moves and leaves a copy behind.
    let room = plain.iter().map(|(name, secret)| 6 * (name.len() + secret.len()) + 8).sum::<usize>() + 8;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *bytes, &plain).map_err(|e| SecretsError::Crypto { why: e.to_string() })?;
    Ok(bytes)
}

fn decode(plain: &[u8]) -> Option<Content> {
    let texts: BTreeMap<String, String> = serde_json::from_slice(plain).ok()?;
    Some(
        texts
            .into_iter()
            .map(|(name, mut text)| {
                let secret = SecretString::from(text.as_str());
                text.zeroize();
                (name, secret)
            })
            .collect(),
    )
}

fn private_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(path)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// A rename is on disk once its folder is; Windows has no such call and needs none.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(())
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
