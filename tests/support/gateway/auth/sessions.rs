//! Sessions and their tokens. Promise: a session has one living refresh token at a time; access tokens name their session
//! and end after the set lifetime; a session that is gone makes its access tokens worthless for `/auth/v1`.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::super::Gateway;
use super::super::caller::bearer_text;
use super::{AuthError, Shared, user};
use crate::token::{self, random_text};

/// A signed-in user, as the access token says and the session's row confirms.
pub(super) struct SignedIn {
    pub(super) user: Uuid,
    pub(super) session: Uuid,
}

/// Opens a session and answers with its first tokens. `method` is how the user proved who they are.
pub(super) async fn open(
    gateway: &Gateway,
    transaction: &Transaction<'_>,
    user: Uuid,
    method: &str,
    headers: &HeaderMap,
) -> Result<Value, AuthError> {
    let agent = headers.get("user-agent").and_then(|value| value.to_str().ok());
    // Deviation: GoTrue keeps the method in a table of its own; here it is the session's tag.
    let row = transaction
        .query_one(
            "insert into auth.sessions (user_id, user_agent, tag) values ($1, $2, $3) returning id",
            &[&user, &agent, &method],
        )
        .await?;
    transaction.execute("update auth.users set last_sign_in_at = now() where id = $1", &[&user]).await?;
    let session: Uuid = row.get(0);
    let refresh = new_refresh_token(transaction, user, session, None).await?;
    answer(gateway, transaction, user, session, &refresh).await
}

/// Adds a refresh token to a session, as the child of the one that it replaces.
pub(super) async fn new_refresh_token(
    transaction: &Transaction<'_>,
    user: Uuid,
    session: Uuid,
    parent: Option<&str>,
) -> Result<String, AuthError> {
    let token = random_text(18)?;
    transaction
        .execute(
            "insert into auth.refresh_tokens (token, user_id, session_id, parent) values ($1, $2, $3, $4)",
            &[&token, &user.to_string(), &session, &parent],
        )
        .await?;
    Ok(token)
}

/// The body that every sign-in and refresh answers with.
pub(super) async fn answer(
    gateway: &Gateway,
    transaction: &Transaction<'_>,
    user: Uuid,
    session: Uuid,
    refresh_token: &str,
) -> Result<Value, AuthError> {
    let about = user::json(transaction, user).await?;
    let row = transaction
        .query_one(
            "select coalesce(tag, 'password'), extract(epoch from created_at)::bigint from auth.sessions where id = $1",
            &[&session],
        )
        .await?;
    let (method, since): (String, i64) = (row.get(0), row.get(1));
    let lifetime = gateway.access_token_lifetime.as_secs().cast_signed();
    let now = token::now();
    let claims = json!({
        "iss": format!("{}/auth/v1", gateway.url),
        "sub": user,
        "aud": "authenticated",
        "exp": now + lifetime,
        "iat": now,
        "email": about["email"],
        "phone": "",
        "app_metadata": about["app_metadata"],
        "user_metadata": about["user_metadata"],
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": method, "timestamp": since}],
        "session_id": session,
        "is_anonymous": false,
        // Two tokens made in one second still differ.
        "jti": Uuid::new_v4()
    });
    let claimed = gateway.auth_options.claimed_lifetime.map_or(lifetime, |claimed| claimed.as_secs().cast_signed());
    Ok(json!({
        "access_token": token::sign(&gateway.jwt_secret, &claims),
        "token_type": "bearer",
        "expires_in": claimed,
        "expires_at": now + claimed,
        "refresh_token": refresh_token,
        "user": about
    }))
}

/// The user of the request's access token, whose session must still exist.
pub(super) async fn require(gateway: &Gateway, headers: &HeaderMap) -> Result<SignedIn, AuthError> {
    let Some(bearer) = bearer_text(headers) else {
        return Err(AuthError::new(
            StatusCode::UNAUTHORIZED,
            "no_authorization",
            "This endpoint requires a valid Bearer token",
        ));
    };
    let bad = |message: &str| AuthError::new(StatusCode::FORBIDDEN, "bad_jwt", message);
    let claims = token::verify(&gateway.jwt_secret, bearer).map_err(|error| match error {
        token::TokenError::Expired => bad("invalid JWT: unable to parse or verify signature, token is expired"),
        _ => bad("invalid JWT: unable to parse or verify signature"),
    })?;
    let uuid = |name: &str| claims[name].as_str().and_then(|text| text.parse::<Uuid>().ok());
    let user = uuid("sub").ok_or_else(|| bad("invalid claim: missing sub claim"))?;
    let gone = || {
        AuthError::new(
            StatusCode::FORBIDDEN,
            "session_not_found",
            "Session from session_id claim in JWT does not exist",
        )
    };
    let session = uuid("session_id").ok_or_else(gone)?;
    let lease = gateway.auth.lease().await?;
    lease
        .query_opt("select from auth.sessions where id = $1 and user_id = $2", &[&session, &user])
        .await?
        .ok_or_else(gone)?;
    Ok(SignedIn { user, session })
}

#[derive(Deserialize)]
pub(super) struct LogOut {
    scope: Option<String>,
}

/// `POST /logout?scope=global|local|others`
pub(super) async fn log_out(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    Query(request): Query<LogOut>,
) -> Result<StatusCode, AuthError> {
    let who = require(&gateway, &headers).await?;
    let lease = gateway.auth.lease().await?;
    match request.scope.as_deref().unwrap_or("global") {
        "global" => lease.execute("delete from auth.sessions where user_id = $1", &[&who.user]).await?,
        "local" => lease.execute("delete from auth.sessions where id = $1", &[&who.session]).await?,
        "others" => {
            let statement = "delete from auth.sessions where user_id = $1 and id <> $2";
            lease.execute(statement, &[&who.user, &who.session]).await?
        }
        other => {
            return Err(AuthError::bad("validation_failed", format!("Unsupported logout scope {other:?}")));
        }
    };
    Ok(StatusCode::NO_CONTENT)
}
