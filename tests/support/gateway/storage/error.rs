//! Errors of `/storage/v1`. Promise: the body is `{statusCode, error, message}`; as on Supabase the HTTP status is 400
//! whatever `statusCode` says (500 stays 500), except in resumable uploads, which use the true one.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio_postgres::error::SqlState;

use super::super::json_response;

#[derive(Debug)]
pub(super) struct StorageError {
    status: StatusCode,
    error: &'static str,
    message: String,
}

impl StorageError {
    pub(super) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into() }
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Unauthorized", message)
    }

    pub(super) fn object_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Object not found")
    }

    pub(super) fn bucket_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Bucket not found", "Bucket not found")
    }

    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large", "The object exceeded the maximum allowed size")
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
    }

    /// The answer with the true HTTP status, for resumable uploads.
    pub(super) fn into_plain(self) -> Response {
        let status = self.status;
        self.render(status)
    }

    fn render(self, status: StatusCode) -> Response {
        let body = json!({
            "statusCode": self.status.as_u16().to_string(), "error": self.error, "message": self.message
        });
        json_response(status, &body)
    }
}

impl IntoResponse for StorageError {
    fn into_response(self) -> Response {
        let status = if self.status.is_server_error() { self.status } else { StatusCode::BAD_REQUEST };
        self.render(status)
    }
}

impl From<tokio_postgres::Error> for StorageError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                Self::unauthorized(error.as_db_error().map_or("access denied", |error| error.message()))
            }
            Some(&SqlState::UNIQUE_VIOLATION) => {
                Self::new(StatusCode::CONFLICT, "Duplicate", "The resource already exists")
            }
            Some(&SqlState::FOREIGN_KEY_VIOLATION) => Self::bucket_not_found(),
            Some(&SqlState::QUERY_CANCELED) => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "DatabaseTimeout", "The connection to the database timed out")
            }
            _ => anyhow::Error::from(error).into(),
        }
    }
}

impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<anyhow::Error> for StorageError {
    fn from(error: anyhow::Error) -> Self {
        eprintln!("airi-devcloud: storage: {error:#}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", "Internal Server Error")
    }
}
