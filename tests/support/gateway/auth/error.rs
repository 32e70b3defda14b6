//! Errors of `/auth/v1`. Promise: the body is `{code, error_code, msg}`, where `code` repeats the HTTP status and
//! `error_code` is one of GoTrue's; what went wrong inside is logged, not answered.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::json_response;

#[derive(Debug)]
pub(crate) struct AuthError {
    status: StatusCode,
    code: &'static str,
    message: String,
    extra: Option<(&'static str, Value)>,
}

impl AuthError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), extra: None }
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn weak_password() -> Self {
        Self {
            extra: Some(("weak_password", json!({"reasons": ["length"]}))),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "weak_password", "Password should be at least 6 characters.")
        }
    }

    pub(super) fn user_exists() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "user_already_exists", "User already registered")
    }

    /// What an operator, unlike a stranger, is told when the address has a user.
    pub(super) fn email_taken(self) -> Self {
        if self.code != "user_already_exists" {
            return self;
        }
        let message = "A user with this email address has already been registered";
        Self { code: "email_exists", message: message.into(), ..self }
    }

    pub(super) fn sign_up_disabled() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "signup_disabled", "Signups not allowed for this instance")
    }

    pub(super) fn email_disabled() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "email_provider_disabled", "Email logins are disabled")
    }

    pub(super) fn banned() -> Self {
        Self::bad("user_banned", "User is banned")
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let mut body = json!({"code": self.status.as_u16(), "error_code": self.code, "msg": self.message});
        if let Some((name, value)) = self.extra {
            body[name] = value;
        }
        json_response(self.status, &body)
    }
}

impl<E: Into<anyhow::Error>> From<E> for AuthError {
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        eprintln!("airi-devcloud: auth: {error:#}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected_failure", "Unexpected failure")
    }
}
