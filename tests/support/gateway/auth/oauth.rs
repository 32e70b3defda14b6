//! Sign-in through a provider with PKCE: `/authorize` → a fake provider that consents at once → `/callback` → the app's
//! own address with a code. Promise: the code goes only to a listed address (of loopback), works once, and only with the
//! verifier whose challenge began the flow; an address that is not listed gives way to the site's own. As in Auth up to
//! 2025, the state says to the provider, signed, where the browser will end, and what was asked for travels beside it. The fake provider signs in whoever `login_hint` names, so this is for development
//! alone; `login_hint=deny` refuses.

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::user::{self, NewUser};
use super::{AuthError, Shared};
use crate::token::{self, random_text};

const FLOW_SECONDS: i64 = 600;

#[derive(Deserialize)]
pub(super) struct Authorize {
    provider: String,
    redirect_to: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    login_hint: Option<String>,
}

/// `GET /authorize`
pub(super) async fn authorize(
    State(gateway): State<Shared>,
    Query(request): Query<Authorize>,
) -> Result<Response, AuthError> {
    if !gateway.auth_options.offers(&request.provider) {
        return Err(AuthError::bad("validation_failed", "Unsupported provider: provider is not enabled"));
    }
    let s256 = request.code_challenge_method.as_deref().is_some_and(|method| method.eq_ignore_ascii_case("s256"));
    let Some(challenge) = request.code_challenge.filter(|challenge| challenge.len() >= 43 && s256) else {
        return Err(AuthError::bad("validation_failed", "This server offers PKCE with S256 only"));
    };
    let listed = |address: &&String| gateway.auth_options.loopback_redirects && is_loopback(address);
    let back = request.redirect_to.as_ref().filter(listed).unwrap_or(&gateway.url).clone();
    let lease = gateway.auth.lease().await?;
    let row = lease
        .query_one(
            "insert into auth.flow_state (code_challenge, provider_type, authentication_method, referrer)
             values ($1, $2, 'oauth', $3) returning id",
            &[&challenge, &request.provider, &back],
        )
        .await?;
    let flow: Uuid = row.get(0);
    let hint = request.login_hint.unwrap_or_else(|| format!("{}-user@airi.test", request.provider));
    let claims = json!({"flow": flow, "email": hint, "referrer": back, "exp": token::now() + FLOW_SECONDS});
    let state = token::sign(&gateway.jwt_secret, &claims);
    let asked = request.redirect_to.map(|asked| format!("&redirect_to={}", encoded(&asked))).unwrap_or_default();
    Ok(redirect(&format!("{}/auth/v1/fake-provider?state={state}{asked}", gateway.url)))
}

#[derive(Deserialize)]
pub(super) struct Callback {
    state: String,
    #[serde(default)]
    error: String,
}

/// The provider's own page: consents, or refuses, at once.
pub(super) async fn fake_provider(
    State(gateway): State<Shared>,
    Query(request): Query<Callback>,
) -> Result<Response, AuthError> {
    let claims = token::verify(&gateway.jwt_secret, &request.state).map_err(|_| bad_state())?;
    let error = if claims["email"] == "deny" { "&error=access_denied" } else { "" };
    Ok(redirect(&format!("{}/auth/v1/callback?state={}{error}", gateway.url, request.state)))
}

/// `GET /callback`
pub(super) async fn callback(
    State(gateway): State<Shared>,
    Query(request): Query<Callback>,
) -> Result<Response, AuthError> {
    let claims = token::verify(&gateway.jwt_secret, &request.state).map_err(|_| bad_state())?;
    let flow: Uuid = claims["flow"].as_str().and_then(|id| id.parse().ok()).ok_or_else(bad_state)?;
    let email = claims["email"].as_str().unwrap_or_default();
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let row = transaction
        .query_opt(
            "select provider_type, referrer from auth.flow_state where id = $1 and auth_code is null for update",
            &[&flow],
        )
        .await?
        .ok_or_else(bad_state)?;
    let (provider, back): (String, String) = (row.get(0), row.get(1));
    if !request.error.is_empty() {
        let reason = "error=access_denied&error_code=access_denied&error_description=The+user+denied+access";
        return Ok(redirect(&with_query(&back, reason)));
    }
    let user = match user::find(&transaction, email).await? {
        Some(user) => {
            user::add_identity(&transaction, user, &email.to_lowercase(), &provider).await?;
            user
        }
        None => {
            let new = NewUser { email, confirmed: true, provider: &provider, ..NewUser::default() };
            user::create(&transaction, new).await?
        }
    };
    let code = random_text(24)?;
    transaction
        .execute(
            "update auth.flow_state set auth_code = $2, auth_code_issued_at = now(), user_id = $3, updated_at = now()
             where id = $1",
            &[&flow, &code, &user],
        )
        .await?;
    transaction.commit().await?;
    Ok(redirect(&with_query(&back, &format!("code={code}"))))
}

fn bad_state() -> AuthError {
    AuthError::bad("bad_oauth_state", "OAuth state is invalid or has expired")
}

fn redirect(address: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, address)]).into_response()
}

/// A text as the value of a query's parameter.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn with_query(address: &str, query: &str) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{query}")
}

/// An address on this machine, the only kind that a desktop app can listen on.
fn is_loopback(address: &str) -> bool {
    address.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("http")
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.host().is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_keeps_its_value() {
        assert_eq!(encoded("http://127.0.0.1:1/x?y=1&z"), "http%3A%2F%2F127.0.0.1%3A1%2Fx%3Fy%3D1%26z");
    }

    #[test]
    fn codes_go_to_loopback_only() {
        assert!(is_loopback("http://127.0.0.1:49152/callback"));
        assert!(is_loopback("http://localhost:1/x?y=1"));
        for address in ["https://example.com", "http://127.0.0.1.example.com/", "http://127.0.0.1@example.com/", "x:y"]
        {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
