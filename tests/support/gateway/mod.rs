//! The gateway: one address in the shape of a Supabase project's API. Promise: `/rest/v1` is PostgREST itself;
//! `/auth/v1`, `/storage/v1` and `/realtime/v1` answer the official client as Supabase's servers do, over the same tables;
//! who may read or write what is decided by the database's row level security alone.

mod auth;
mod caller;
mod mails;
mod realtime;
mod rest;
mod storage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::database::Pool;
use crate::token;

pub use auth::AuthOptions;
pub(crate) use auth::admin::ensure_account;
pub(crate) use realtime::Bus;

/// What all requests share.
pub(crate) struct Gateway {
    /// The public address, without a slash at its end.
    pub(crate) url: String,
    pub(crate) jwt_secret: String,
    pub(crate) publishable_key: String,
    pub(crate) service_key: String,
    pub(crate) access_token_lifetime: Duration,
    pub(crate) refresh_reuse_interval: Duration,
    pub(crate) confirm_email: bool,
    pub(crate) auth_options: AuthOptions,
    pub(crate) auth: Pool,
    pub(crate) storage: Pool,
    pub(crate) realtime: Pool,
    /// The folder of the objects' bytes.
    pub(crate) files: PathBuf,
    pub(crate) postgrest_port: u16,
    pub(crate) http: Client<HttpConnector, axum::body::Body>,
    pub(crate) bus: Bus,
}

impl Gateway {
    /// A token that lets PostgREST act as `anon` or `service_role` for a bare API key.
    fn role_token(&self, role: &str) -> String {
        token::sign(
            &self.jwt_secret,
            &json!({"iss": "airi-devcloud", "role": role, "iat": token::now(), "exp": token::now() + 3600}),
        )
    }
}

/// Serves until the runtime ends.
pub(crate) async fn serve(gateway: Arc<Gateway>, listener: std::net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    storage::prepare(&gateway).await?;
    tokio::spawn(realtime::listen(Arc::clone(&gateway)));
    let router = Router::new()
        .route("/", get(async || "airi-devcloud"))
        .route("/devcloud/mails", get(mails::list))
        .route("/rest/v1", any(rest::proxy))
        .route("/rest/v1/", any(rest::proxy))
        .route("/rest/v1/{*path}", any(rest::proxy))
        .nest("/auth/v1", auth::router(&gateway))
        .nest("/storage/v1", storage::router())
        .nest("/realtime/v1", realtime::router())
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(cross_origin))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "no Route matched with those values"))
        .with_state(gateway);
    axum::serve(listener, router).await?;
    Ok(())
}

/// Lets web pages call, as Supabase does. TUS asks for its OPTIONS itself.
async fn cross_origin(request: Request, next: Next) -> Response {
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut response = if preflight { StatusCode::OK.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if preflight {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        );
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(HeaderValue::from_static("*")));
    } else {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    }
    response
}

/// The shape in which the gateway itself, before any server, refuses.
fn refusal(status: StatusCode, message: &str) -> Response {
    json_response(status, &json!({"message": message}))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string()).into_response()
}
