//! `/rest/v1`: PostgREST behind the API key. Promise: bodies stream both ways untouched; a request that has only an API
//! key acts as that key's role, one with a user's token acts as the user, and PostgREST itself checks that token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::caller::bearer_text;
use super::{Gateway, json_response, refusal};
use crate::token::TokenError;

const PREFIX: &str = "/rest/v1";

pub(super) async fn proxy(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Response {
    let key_role = match gateway.require_key(request.headers(), request.uri().query()) {
        Ok(role) => role,
        Err(response) => return *response,
    };
    let acting = match bearer_text(request.headers()) {
        // Deviation: PostgREST would take an expired token for 30 seconds more, which tests with short ones cannot wait.
        Some(bearer) if gateway.bearer(bearer).err() == Some(TokenError::Expired) => return expired(),
        Some(bearer) => gateway.key_role(bearer),
        None => Some(key_role),
    };
    if let Some(role) = acting {
        let bearer = format!("Bearer {}", gateway.role_token(role.name()));
        let Ok(value) = HeaderValue::from_str(&bearer) else {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "no token for the key");
        };
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let Some(target) = target(request.uri(), gateway.postgrest_port) else {
        return refusal(StatusCode::BAD_REQUEST, "the address cannot be understood");
    };
    *request.uri_mut() = target;
    for name in [header::HOST.as_str(), "apikey", "connection"] {
        request.headers_mut().remove(name);
    }
    match gateway.http.request(request).await {
        Ok(mut response) => {
            response.headers_mut().remove(header::CONNECTION);
            response.headers_mut().remove(header::TRANSFER_ENCODING);
            response.map(Body::new).into_response()
        }
        Err(error) => {
            eprintln!("airi-devcloud: PostgREST did not answer: {error}");
            refusal(StatusCode::BAD_GATEWAY, "An invalid response was received from the upstream server")
        }
    }
}

/// PostgREST's own answer to an expired token.
fn expired() -> Response {
    let body = json!({"code": "PGRST301", "details": null, "hint": null, "message": "JWT expired"});
    let mut response = json_response(StatusCode::UNAUTHORIZED, &body);
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(r#"Bearer error="invalid_token", error_description="JWT expired""#),
    );
    response
}

/// The same path at PostgREST, without the prefix and without a key in the query.
fn target(uri: &Uri, port: u16) -> Option<Uri> {
    let path = uri.path().strip_prefix(PREFIX)?;
    let path = if path.is_empty() { "/" } else { path };
    let query: Vec<&str> =
        uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("apikey=")).collect();
    let question = if query.is_empty() { "" } else { "?" };
    format!("http://127.0.0.1:{port}{path}{question}{}", query.join("&")).parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_and_the_key_are_cut() {
        let uri: Uri = "/rest/v1/notes?apikey=k&select=id&id=eq.1".parse().unwrap();
        assert_eq!(target(&uri, 9).unwrap().to_string(), "http://127.0.0.1:9/notes?select=id&id=eq.1");
        assert_eq!(target(&"/rest/v1".parse().unwrap(), 9).unwrap().to_string(), "http://127.0.0.1:9/");
    }
}
