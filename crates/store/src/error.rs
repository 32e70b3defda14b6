//! What can go wrong in the mirror, in words for the user.

use airi_domain::PatchError;
use std::path::PathBuf;

/// An error of the mirror. Nothing of the failed transaction is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("The disk is full. Nothing was half done; what was saved before is safe. Free some space and try again.")]
    DiskFull,
    #[error("The library is in use by another process that has held it for too long. Try again in a moment.")]
    Busy,
    #[error(
        "The library at {path} was made by a newer version of AIRI (its format is {found}, this version knows {known}). It was left untouched; install the newer version."
    )]
    NewerVersion { path: PathBuf, found: i64, known: i64 },
    #[error(
        "The library at {path} is damaged ({why}). It was left untouched; restore a backup or move the folder aside."
    )]
    Damaged { path: PathBuf, why: String },
    #[error("The library at {path} cannot be opened: {source}. Check the folder's permissions.")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("{what} {id} is not in this library.")]
    NotFound { what: &'static str, id: String },
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Patch(#[from] PatchError),
    #[error("A file of the library cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    #[error("The library refused the operation: {0}")]
    Sqlite(rusqlite::Error),
}

impl StoreError {
    /// Whether it is a single row's fault and not the disk's: the values do not fit. Of anything else SQLite may have given
    /// the transaction up, and nothing more must be written in it.
    pub fn is_about_the_row(&self) -> bool {
        use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
        match self {
            StoreError::Invalid(_) | StoreError::Patch(_) => true,
            StoreError::Sqlite(error) => match error.sqlite_error_code() {
                Some(code) => matches!(code, ConstraintViolation | TooBig | TypeMismatch),
                None => true,
            },
            _ => false,
        }
    }

    /// Whether the same call may succeed later without a change of it.
    pub fn is_passing(&self) -> bool {
        matches!(self, StoreError::DiskFull | StoreError::Busy)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Damaged { path: PathBuf::from("mirror.sqlite"), why: error.to_string() }
            }
            _ => StoreError::Sqlite(error),
        }
    }
}
