//! Codes by mail: `POST /otp`, `/recover`, `/resend` and `/verify`. Promise: a code is stored as a hash, works once and
//! for one hour; nobody learns from an answer whether an address has an account. The mail itself goes to
//! `devcloud.mails`, where tests read it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::user::{self, NewUser};
use super::{Answer, AuthError, Shared, sessions};
use crate::token::{random_code, sha256_base64url};

#[derive(Deserialize)]
pub(super) struct Request {
    email: String,
    #[serde(default = "yes")]
    create_user: bool,
    #[serde(default)]
    data: Value,
}

fn yes() -> bool {
    true
}

/// `POST /otp` and `POST /resend`
pub(super) async fn send(State(gateway): State<Shared>, Json(request): Json<Request>) -> Answer {
    if !gateway.auth_options.email {
        return Err(AuthError::email_disabled());
    }
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let user = match user::find(&transaction, &request.email).await? {
        Some(user) => user,
        None if request.create_user && !gateway.auth_options.sign_up => return Err(AuthError::sign_up_disabled()),
        None if request.create_user => {
            let new =
                NewUser { email: &request.email, provider: "email", user_metadata: request.data, ..NewUser::default() };
            user::create(&transaction, new).await?
        }
        None => {
            return Err(AuthError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "otp_disabled",
                "Signups not allowed for otp",
            ));
        }
    };
    mail_code(&transaction, user, &request.email, "magiclink").await?;
    transaction.commit().await?;
    Ok(Json(json!({})))
}

/// `POST /recover`
pub(super) async fn recover(State(gateway): State<Shared>, Json(request): Json<Request>) -> Answer {
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    if let Some(user) = user::find(&transaction, &request.email).await? {
        mail_code(&transaction, user, &request.email, "recovery").await?;
    }
    transaction.commit().await?;
    Ok(Json(json!({})))
}

/// Makes a code for the user, in place of any before, and puts the mail with it into the outbox.
pub(super) async fn mail_code(
    client: &impl GenericClient,
    user: Uuid,
    email: &str,
    kind: &'static str,
) -> Result<(), AuthError> {
    let email = email.trim().to_lowercase();
    let code = random_code()?;
    client
        .execute(
            "insert into auth.one_time_tokens (user_id, token_type, token_hash, relates_to)
             values ($1, 'confirmation_token', $2, $3)
             on conflict (user_id, token_type) do update set token_hash = excluded.token_hash, created_at = now(),
               relates_to = excluded.relates_to",
            &[&user, &hash(&email, &code), &email],
        )
        .await?;
    client
        .execute("insert into devcloud.mails (recipient, kind, code) values ($1, $2, $3)", &[&email, &kind, &code])
        .await?;
    Ok(())
}

fn hash(email: &str, code: &str) -> String {
    sha256_base64url(&format!("{email}\n{code}"))
}

#[derive(Deserialize)]
pub(super) struct Verify {
    #[serde(default)]
    email: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    token_hash: String,
}

/// `POST /verify`. Every type of code is taken alike: there is one living code a user.
pub(super) async fn verify(State(gateway): State<Shared>, headers: HeaderMap, Json(request): Json<Verify>) -> Answer {
    let hash = if request.token_hash.is_empty() {
        hash(&request.email.trim().to_lowercase(), &request.token)
    } else {
        request.token_hash
    };
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let user: Uuid = transaction
        .query_opt(
            "delete from auth.one_time_tokens
             where token_hash = $1 and created_at > now() - interval '1 hour' returning user_id",
            &[&hash],
        )
        .await?
        .ok_or_else(|| AuthError::new(StatusCode::FORBIDDEN, "otp_expired", "Token has expired or is invalid"))?
        .get(0);
    transaction
        .execute(
            "update auth.users set email_confirmed_at = coalesce(email_confirmed_at, now()) where id = $1",
            &[&user],
        )
        .await?;
    let answer = sessions::open(&gateway, &transaction, user, "otp", &headers).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}
