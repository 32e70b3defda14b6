//! What can go wrong with secrets, in words for the user: what happened, what it means for their data, what to do.

use std::path::PathBuf;

/// Why a secret cannot be read or saved. No variant ever carries a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// There is no keyring, it is locked, or it does not answer.
    #[error(
        "The system's keyring cannot be used: {why}. Your conversations are safe; only sign-in and provider keys need \
         it. {remedy}"
    )]
    KeyringUnavailable {
        /// What is the matter with it.
        why: String,
        /// What the user can do.
        remedy: &'static str,
        /// What the system said.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },

    /// The keyring works but refuses this very secret.
    #[error(
        "The system's keyring did not take or give the entry '{name}': {why}. Nothing else was changed. Remove the \
         entry with the system's password tool, or sign in again."
    )]
    KeyringEntry {
        /// The entry.
        name: String,
        /// What is the matter with it.
        why: String,
    },

    /// The passphrase does not open the file.
    #[error(
        "The passphrase does not open {}. Nothing was changed. Check which passphrase the file was made with \
         (AIRI_PASSPHRASE_FILE); if it is lost, move the file away and sign in again: conversations are not in it.", path.display()
    )]
    WrongPassphrase {
        /// The encrypted file.
        path: PathBuf,
    },

    /// The file's bytes are not what was written.
    #[error(
        "{} is damaged ({why}). It was left as it is. Put a copy from a backup in its place, or move it away and sign in \
         again: conversations are not in it.", path.display()
    )]
    Damaged {
        /// The encrypted file.
        path: PathBuf,
        /// What does not fit.
        why: &'static str,
    },

    /// The file was written by a newer version of the program.
    #[error(
        "{} was written by a newer version of AIRI (format {found}, this one knows {known}). It was left as it is. \
         Update AIRI on this computer.", path.display()
    )]
    NewerVersion {
        /// The encrypted file.
        path: PathBuf,
        /// The format in the file.
        found: u16,
        /// The newest format that this program reads.
        known: u16,
    },

    /// The operating system refused reading or writing.
    #[error(
        "{} cannot be {action}: {source}. What was saved before is still there. Check the folder's permissions and the \
         free space, then try again.", path.display()
    )]
    Io {
        /// `read`, `written`, `locked`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },

    /// A passphrase of no characters.
    #[error("{} holds no passphrase. Write one into it (one line) and try again.", from)]
    EmptyPassphrase {
        /// Where it was taken from.
        from: String,
    },

    /// A file with a passphrase that can not be used.
    #[error("The passphrase file {} cannot be used: {why}. {remedy}", path.display())]
    PassphraseFile {
        /// The file that AIRI_PASSPHRASE_FILE names.
        path: PathBuf,
        /// What is the matter with it.
        why: String,
        /// What to do.
        remedy: String,
    },

    /// A name that is not `<profile>/<what>`; a mistake of the program.
    #[error(
        "'{name}' is no name for a secret (expected <profile id>/<what>). This is a fault in AIRI; please report it."
    )]
    InvalidName {
        /// Its beginning.
        name: String,
    },

    /// The system gives no randomness or no memory for the encryption.
    #[error("The secret could not be encrypted: {why}. Nothing was changed. Restart the computer and try again.")]
    Crypto {
        /// What failed.
        why: String,
    },
}

impl SecretsError {
    /// Whether the same call may succeed later without the user's doing.
    pub fn is_passing(&self) -> bool {
        matches!(self, SecretsError::KeyringUnavailable { .. } | SecretsError::Io { .. } | SecretsError::Crypto { .. })
    }
}
