//! The passphrase of the encrypted file, and where a machine without a screen gives it: a file.

use crate::SecretsError;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The environment variable that names the file with the passphrase.
pub const PASSPHRASE_VARIABLE: &str = "AIRI_PASSPHRASE_FILE";

/// Longer files are no passphrases, but a mistake.
const MAX_BYTES: u64 = 4096;

/// What opens the encrypted file; never empty, wiped on drop, never shown.
#[derive(Debug, Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes a text; trailing line ends are dropped, an empty one is refused.
    pub fn new(text: String) -> Result<Passphrase, SecretsError> {
        Passphrase::from_text(Zeroizing::new(text), "The input")
    }

    fn from_text(text: Zeroizing<String>, from: &str) -> Result<Passphrase, SecretsError> {
        match text.trim_end_matches(['\n', '\r']) {
            "" => Err(SecretsError::EmptyPassphrase { from: from.to_owned() }),
            passphrase => Ok(Passphrase(SecretString::from(passphrase))),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// The passphrase in the file that [`PASSPHRASE_VARIABLE`] names; None when the variable is unset or empty.
///
/// A file that every user of the machine can read or write is refused (group access stays allowed: service managers
/// hand credentials over with mode 0440).
pub fn passphrase_from_env() -> Result<Option<Passphrase>, SecretsError> {
    match std::env::var_os(PASSPHRASE_VARIABLE) {
        Some(path) if !path.is_empty() => passphrase_from_file(&PathBuf::from(path)).map(Some),
        _ => Ok(None),
    }
}

/// The passphrase in a file, under the same rules as [`passphrase_from_env`].
pub fn passphrase_from_file(path: &Path) -> Result<Passphrase, SecretsError> {
    let refuse = |why: String, remedy: String| SecretsError::PassphraseFile { path: path.to_owned(), why, remedy };
    let open_remedy = || format!("Let {PASSPHRASE_VARIABLE} name a file that you can read, with one line in it.");
    let file = File::open(path).map_err(|e| refuse(e.to_string(), open_remedy()))?;
    let metadata = file.metadata().map_err(|e| refuse(e.to_string(), open_remedy()))?;
    if metadata.is_dir() {
        return Err(refuse("it is a folder".into(), open_remedy()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o006 != 0 {
            let remedy = format!("Take that right away: chmod 600 '{}'", path.display());
            return Err(refuse("every user of this machine can read or write it".into(), remedy));
        }
    }
    // One allocation that never grows, so that no copy stays behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 32));
    (&file).take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| refuse(e.to_string(), open_remedy()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refuse(format!("it is longer than {MAX_BYTES} bytes"), "Put the passphrase alone into it.".into()));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| refuse("it is not text in UTF-8".into(), "Save it as UTF-8 text.".into()))?;
    Passphrase::from_text(Zeroizing::new(text.to_owned()), &path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with(bytes: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pass");
        std::fs::write(&path, bytes).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        #[cfg(not(unix))]
        let _ = mode;
        (dir, path)
    }

    #[test]
    fn the_line_end_is_not_part_of_it_but_spaces_are() {
        for text in ["a b \n", "a b \r\n", "a b "] {
            let (_dir, path) = file_with(text.as_bytes(), 0o600);
            assert_eq!(passphrase_from_file(&path).unwrap().bytes(), b"a b ");
        }
    }

    #[test]
    fn empty_missing_binary_and_huge_files_are_refused() {
        let (_dir, path) = file_with(b"\n", 0o600);
        assert!(matches!(passphrase_from_file(&path), Err(SecretsError::EmptyPassphrase { .. })));
        assert!(matches!(passphrase_from_file(&path.join("no")), Err(SecretsError::PassphraseFile { .. })));
        assert!(matches!(passphrase_from_file(path.parent().unwrap()), Err(SecretsError::PassphraseFile { .. })));
        for bytes in [&b"\xff\xfe"[..], &[b'a'; 5000]] {
            let (_dir, path) = file_with(bytes, 0o600);
            assert!(matches!(passphrase_from_file(&path), Err(SecretsError::PassphraseFile { .. })));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everyone_can_read_or_write_is_refused_with_the_command_that_mends_it() {
        for mode in [0o604, 0o644, 0o602] {
            let (_dir, path) = file_with(b"canary-passphrase", mode);
            let error = passphrase_from_file(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
            assert!(!format!("{error:?} {error}").contains("canary"));
        }
        let (_dir, path) = file_with(b"canary-passphrase", 0o440);
        assert!(passphrase_from_file(&path).is_ok());
    }
}
