//! The one map from what goes wrong inside to what the window and scripts are told.

use airi_cloud::{AddressError, Class, CloudError};
use airi_contract::{CommandError, ErrorCode};
use airi_formats::import::ImportError;
use airi_llm::LlmError;
use airi_search::{IndexError, QueryError};
use airi_secrets::SecretsError;
use airi_store::StoreError;
use airi_sync::{FailureClass, SyncError};

/// Everything that a use case can fail with.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Sync(#[from] SyncError),
    #[error("{what} cannot be read or written: {source}. {todo}")]
    Io { what: String, source: std::io::Error, todo: &'static str },
    /// The request is wrong.
    #[error("{0}")]
    Invalid(String),
    #[error("{what} {id} is not in this library. `airi list` shows what is.")]
    NotFound { what: &'static str, id: String },
    /// Something would be lost for good that the user has not agreed to.
    #[error("{0}")]
    Confirm(String),
    #[error("{0}")]
    Busy(String),
    /// A file's bytes cannot be had.
    #[error("{0}")]
    NoBytes(String),
    #[error("The file needs {} MB of free disk and {} MB are free. Make room, then try again; nothing was changed.",
        needed.div_ceil(1_000_000), free / 1_000_000)]
    NoRoom { needed: u64, free: u64 },
    #[error(transparent)]
    Llm(#[from] LlmError),
    #[error(transparent)]
    ProviderAddress(#[from] airi_llm::AddressError),
    #[error("{0}")]
    NoModel(String),
    #[error("{0}")]
    KeyNeeded(String),
    #[error("No account is signed in here. Sign in first; everything on this computer stays as it is.")]
    SignedOut,
    /// In the words in which it was noted.
    #[error("{0}")]
    SessionEnded(String),
    /// A login in the browser would not come back to this computer.
    #[error(
        "After the sign-in this server would send the browser to {to} and not back to this computer. Nothing was changed. Ask the server's operator to add http://127.0.0.1:*/** to the redirect URLs of its Auth settings, or sign in another way."
    )]
    Redirects { to: String },
    #[error("It was stopped. Nothing was half done.")]
    Cancelled,
    #[error("{0}")]
    Internal(String),
}

impl AppError {
    pub(crate) fn io(what: impl Into<String>, todo: &'static str) -> impl FnOnce(std::io::Error) -> AppError {
        let what = what.into();
        move |source| AppError::Io { what, source, todo }
    }

    /// The closed set that consumers switch on.
    pub fn code(&self) -> ErrorCode {
        match self {
            AppError::Store(error) => store_code(error),
            AppError::Index(IndexError::Busy) | AppError::Busy(_) => ErrorCode::Busy,
            AppError::Index(_) => ErrorCode::Internal,
            AppError::Query(_) | AppError::Invalid(_) | AppError::Address(_) => ErrorCode::InvalidInput,
            AppError::Import(ImportError::Unusual { .. }) => ErrorCode::ConfirmNeeded,
            AppError::Import(ImportError::Open { .. } | ImportError::Read { .. }) => ErrorCode::Io,
            AppError::Import(ImportError::NoSpace { .. }) => ErrorCode::DiskFull,
            AppError::Import(_) => ErrorCode::BadArchive,
            AppError::Confirm(_) => ErrorCode::ConfirmNeeded,
            AppError::Cancelled => ErrorCode::Cancelled,
            AppError::Cloud(error) => cloud_code(error),
            AppError::Secrets(SecretsError::KeyringUnavailable { .. }) => ErrorCode::NoKeyring,
            AppError::Secrets(_) => ErrorCode::Io,
            AppError::Sync(SyncError::Store(error)) => store_code(error),
            AppError::Sync(SyncError::Remote(failure)) => match failure.class {
                FailureClass::Passing { .. } | FailureClass::Smaller { .. } => ErrorCode::Offline,
                FailureClass::SignInAgain => ErrorCode::SessionEnded,
                FailureClass::Parked => ErrorCode::ServerUnsuitable,
                FailureClass::Maintenance => ErrorCode::Maintenance,
                FailureClass::Suspended => ErrorCode::Suspended,
                FailureClass::Permanent | FailureClass::WrongContent => ErrorCode::ServerRefused,
            },
            AppError::Sync(_) => ErrorCode::ServerUnsuitable,
            AppError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => ErrorCode::DiskFull,
            AppError::Io { .. } => ErrorCode::Io,
            AppError::NotFound { .. } | AppError::NoBytes(_) => ErrorCode::NotFound,
            AppError::NoRoom { .. } => ErrorCode::DiskFull,
            AppError::Llm(error) if error.is_about_key() => ErrorCode::KeyNeeded,
            AppError::Llm(_) => ErrorCode::Provider,
            AppError::ProviderAddress(airi_llm::AddressError::NeedsConfirmation(_)) => ErrorCode::ConfirmNeeded,
            AppError::ProviderAddress(_) => ErrorCode::InvalidInput,
            AppError::NoModel(_) => ErrorCode::NoModel,
            AppError::KeyNeeded(_) => ErrorCode::KeyNeeded,
            AppError::SignedOut => ErrorCode::SignedOut,
            AppError::SessionEnded(_) => ErrorCode::SessionEnded,
            AppError::Redirects { .. } => ErrorCode::ServerUnsuitable,
            AppError::Internal(_) => ErrorCode::Internal,
        }
    }
}

fn store_code(error: &StoreError) -> ErrorCode {
    match error {
        StoreError::DiskFull => ErrorCode::DiskFull,
        StoreError::Busy => ErrorCode::Busy,
        StoreError::NewerVersion { .. } => ErrorCode::NewerVersion,
        StoreError::Damaged { .. } => ErrorCode::Damaged,
        StoreError::NotFound { .. } => ErrorCode::NotFound,
        StoreError::Invalid(_) | StoreError::Patch(_) => ErrorCode::InvalidInput,
        StoreError::Open { .. } | StoreError::Io(_) => ErrorCode::Io,
        StoreError::Sqlite(_) => ErrorCode::Internal,
    }
}

fn cloud_code(error: &CloudError) -> ErrorCode {
    match error {
        CloudError::WrongPassword => ErrorCode::WrongPassword,
        CloudError::WrongCode => ErrorCode::WrongCode,
        CloudError::LoginTimedOut { .. } => ErrorCode::TimedOut,
        CloudError::SignedOut => ErrorCode::SignedOut,
        CloudError::Suspended { .. } => ErrorCode::Suspended,
        _ => match error.class() {
            Class::Passing { .. } | Class::RetrySmaller { .. } => ErrorCode::Offline,
            Class::SignInAgain => ErrorCode::SessionEnded,
            Class::Parked => ErrorCode::ServerUnsuitable,
            Class::Permanent => ErrorCode::ServerRefused,
        },
    }
}

impl From<AppError> for CommandError {
    fn from(error: AppError) -> CommandError {
        crate::log::failed(&error);
        let code = error.code();
        let retryable = matches!(code, ErrorCode::Busy | ErrorCode::DiskFull | ErrorCode::Offline)
            || matches!(&error, AppError::Llm(error) if error.is_passing());
        CommandError { code, message: error.to_string(), retryable }
    }
}
