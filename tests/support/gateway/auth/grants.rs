//! `POST /token`: the ways to a session. Promise: a wrong address and a wrong password cannot be told apart; a refresh
//! token works once, except that the parent of the living token is answered with that token (its answer may have been
//! lost), and an older one within the reuse interval; any other reuse revokes the whole session.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::super::Gateway;
use super::{Answer, AuthError, Shared, sessions, user};
use crate::token::{same, sha256_base64url};

#[derive(Deserialize)]
pub(super) struct Grant {
    grant_type: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Proof {
    email: String,
    password: String,
    refresh_token: String,
    auth_code: String,
    code_verifier: String,
}

pub(super) async fn token(
    State(gateway): State<Shared>,
    Query(grant): Query<Grant>,
    headers: HeaderMap,
    Json(proof): Json<Proof>,
) -> Answer {
    match grant.grant_type.as_str() {
        "password" => by_password(&gateway, &proof, &headers).await,
        "refresh_token" => by_refresh_token(&gateway, &proof.refresh_token).await,
        "pkce" => by_code(&gateway, &proof, &headers).await,
        _ => Err(AuthError::bad("unsupported_grant_type", "unsupported_grant_type")),
    }
    .map(Json)
}

async fn by_password(gateway: &Gateway, proof: &Proof, headers: &HeaderMap) -> Result<Value, AuthError> {
    if !gateway.auth_options.email {
        return Err(AuthError::email_disabled());
    }
    let refused = || AuthError::bad("invalid_credentials", "Invalid login credentials");
    if proof.password.contains('\0') || proof.email.contains('\0') {
        return Err(refused());
    }
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let row = transaction
        .query_one(
            // Without a user a bare salt stands in: it takes as long and equals no hash.
            "select u.id, h.hash = extensions.crypt($2, h.hash),
               u.email_confirmed_at is not null, coalesce(u.banned_until > now(), false)
             from (values (1)) as one
             left join auth.users u on u.email = lower($1) and u.deleted_at is null
             cross join lateral (
               select coalesce(u.encrypted_password, extensions.gen_salt('bf', 10)) as hash
             ) as h",
            &[&proof.email.trim(), &proof.password],
        )
        .await?;
    let (Some(id), true) = (row.get::<_, Option<Uuid>>(0), row.get::<_, bool>(1)) else {
        return Err(refused());
    };
    if row.get(3) {
        return Err(AuthError::banned());
    }
    if !row.get::<_, bool>(2) {
        return Err(AuthError::bad("email_not_confirmed", "Email not confirmed"));
    }
    let answer = sessions::open(gateway, &transaction, id, "password", headers).await?;
    transaction.commit().await?;
    Ok(answer)
}

async fn by_refresh_token(gateway: &Gateway, token: &str) -> Result<Value, AuthError> {
    let unknown = || AuthError::bad("refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found");
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let session: Uuid = transaction
        .query_opt("select session_id from auth.refresh_tokens where token = $1", &[&token])
        .await?
        .and_then(|row| row.get::<_, Option<Uuid>>(0))
        .ok_or_else(unknown)?;
    // One refresh of a session at a time: the second sees what the first has done.
    let user: Uuid = transaction
        .query_opt("select user_id from auth.sessions where id = $1 for update", &[&session])
        .await?
        .ok_or_else(unknown)?
        .get(0);
    let about = transaction
        .query_one(
            "select coalesce(banned_until > now(), false), deleted_at is not null from auth.users where id = $1",
            &[&user],
        )
        .await?;
    if about.get(0) {
        return Err(AuthError::banned());
    }
    if about.get(1) {
        return Err(unknown());
    }
    let reuse = gateway.refresh_reuse_interval.as_secs_f64();
    let row = transaction
        .query_opt(
            "select t.revoked, t.updated_at + make_interval(secs => $3) > clock_timestamp(), living.token,
               living.parent is not distinct from t.token
             from auth.refresh_tokens t
             left join lateral (
               select token, parent from auth.refresh_tokens
               where session_id = $2 and not revoked order by id desc limit 1
             ) as living on true
             where t.token = $1",
            &[&token, &session, &reuse],
        )
        .await?
        .ok_or_else(unknown)?;
    let (revoked, in_time): (bool, bool) = (row.get(0), row.get(1));
    let (living, is_parent): (Option<String>, bool) = (row.get(2), row.get(3));
    let next = match living {
        Some(living) if revoked && is_parent => living,
        // Deviation: GoTrue would also let a token of a session that was just revoked pass within the interval.
        Some(_) if !revoked || in_time => {
            transaction
                .execute(
                    "update auth.refresh_tokens set revoked = true, updated_at = clock_timestamp()
                     where session_id = $1 and not revoked",
                    &[&session],
                )
                .await?;
            sessions::new_refresh_token(&transaction, user, session, Some(token)).await?
        }
        _ => {
            transaction
                .execute(
                    "update auth.refresh_tokens set revoked = true, updated_at = clock_timestamp()
                     where session_id = $1 and not revoked",
                    &[&session],
                )
                .await?;
            transaction.commit().await?;
            return Err(AuthError::bad("refresh_token_already_used", "Invalid Refresh Token: Already Used"));
        }
    };
    transaction
        .execute(
            "update auth.sessions set refreshed_at = now() at time zone 'utc', updated_at = now() where id = $1",
            &[&session],
        )
        .await?;
    let answer = sessions::answer(gateway, &transaction, user, session, &next).await?;
    transaction.commit().await?;
    Ok(answer)
}

async fn by_code(gateway: &Gateway, proof: &Proof, headers: &HeaderMap) -> Result<Value, AuthError> {
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let row = transaction
        .query_opt(
            "select id, user_id, code_challenge from auth.flow_state
             where auth_code = $1 and auth_code_issued_at > now() - interval '5 minutes' for update",
            &[&proof.auth_code],
        )
        .await?
        .ok_or_else(|| {
            AuthError::new(
                StatusCode::NOT_FOUND,
                "flow_state_not_found",
                "invalid flow state, no valid flow state found",
            )
        })?;
    let (flow, user, challenge): (Uuid, Option<Uuid>, String) = (row.get(0), row.get(1), row.get(2));
    if !same(&gateway.jwt_secret, &sha256_base64url(&proof.code_verifier), &challenge) {
        return Err(AuthError::bad(
            "bad_code_verifier",
            "code challenge does not match previously saved code verifier",
        ));
    }
    transaction.execute("delete from auth.flow_state where id = $1", &[&flow]).await?;
    let user = user.ok_or_else(user::not_found)?;
    let answer = sessions::open(gateway, &transaction, user, "oauth", headers).await?;
    transaction.commit().await?;
    Ok(answer)
}
