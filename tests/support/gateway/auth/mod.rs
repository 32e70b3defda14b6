//! `/auth/v1` in the shape of GoTrue. Promise: passwords are stored as bcrypt hashes only; refresh tokens rotate, and the
//! reuse of an old one ends the session; errors have GoTrue's codes and body.

pub(super) mod admin;
mod error;
mod grants;
mod oauth;
mod options;
mod otp;
mod sessions;
mod signup;
mod user;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::Gateway;
pub(super) use error::AuthError;
pub use options::AuthOptions;

type Shared = Arc<Gateway>;
type Answer = Result<axum::Json<Value>, AuthError>;

pub(super) fn router(gateway: &Shared) -> Router<Shared> {
    Router::new()
        .route("/health", get(health))
        .route("/settings", get(settings))
        .route("/.well-known/jwks.json", get(async || axum::Json(json!({"keys": []}))))
        .route("/signup", post(signup::sign_up))
        .route("/token", post(grants::token))
        .route("/otp", post(otp::send))
        .route("/recover", post(otp::recover))
        .route("/resend", post(otp::send))
        .route("/verify", post(otp::verify))
        .route("/logout", post(sessions::log_out))
        .route("/user", get(user::read).put(user::update))
        .route("/authorize", get(oauth::authorize))
        .route("/fake-provider", get(oauth::fake_provider))
        .route("/callback", get(oauth::callback))
        .route("/admin/users", get(admin::list).post(admin::create))
        .route("/admin/users/{id}", get(admin::read).put(admin::update).delete(admin::delete))
        .layer(middleware::from_fn_with_state(Arc::clone(gateway), require_key))
}

/// The paths that a browser opens, which has no API key.
const KEYLESS: [&str; 5] = ["/authorize", "/fake-provider", "/callback", "/health", "/.well-known/jwks.json"];

/// Refuses requests without a valid API key.
async fn require_key(State(gateway): State<Shared>, request: Request, next: Next) -> Response {
    if !KEYLESS.contains(&request.uri().path())
        && let Err(response) = gateway.require_key(request.headers(), request.uri().query())
    {
        return *response;
    }
    next.run(request).await
}

async fn health() -> axum::Json<Value> {
    axum::Json(json!({"name": "GoTrue", "version": "airi-devcloud", "description": "a stand-in for tests"}))
}

async fn settings(State(gateway): State<Shared>) -> axum::Json<Value> {
    let options = &gateway.auth_options;
    axum::Json(json!({
        "external": {
            "email": options.email, "phone": false, "anonymous_users": false, "google": options.google,
            "discord": options.discord
        },
        "disable_signup": !options.sign_up,
        "mailer_autoconfirm": !gateway.confirm_email,
        "phone_autoconfirm": false,
        "saml_enabled": false
    }))
}
