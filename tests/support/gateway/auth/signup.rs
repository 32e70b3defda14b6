//! `POST /signup`. Promise: with confirmation off (the default, as in local Supabase) the answer is a session; with it on,
//! a user without a session, and an address that is taken is answered like a new one.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::user::{self, NewUser};
use super::{Answer, AuthError, Shared, otp, sessions};

#[derive(Deserialize)]
pub(super) struct SignUp {
    email: Option<String>,
    password: Option<String>,
    #[serde(default)]
    data: Value,
}

pub(super) async fn sign_up(State(gateway): State<Shared>, headers: HeaderMap, Json(request): Json<SignUp>) -> Answer {
    if !gateway.auth_options.sign_up {
        return Err(AuthError::sign_up_disabled());
    }
    if !gateway.auth_options.email {
        return Err(AuthError::email_disabled());
    }
    let (Some(email), Some(password)) = (&request.email, &request.password) else {
        return Err(AuthError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "anonymous_provider_disabled",
            "Anonymous sign-ins are disabled",
        ));
    };
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    if user::find(&transaction, email).await?.is_some() {
        if gateway.confirm_email {
            return Ok(Json(stranger(email)));
        }
        return Err(AuthError::user_exists());
    }
    let new = NewUser {
        email,
        password: Some(password),
        confirmed: !gateway.confirm_email,
        provider: "email",
        user_metadata: request.data,
        ..NewUser::default()
    };
    let id = user::create(&transaction, new).await?;
    let answer = if gateway.confirm_email {
        otp::mail_code(&transaction, id, email, "signup").await?;
        user::json(&transaction, id).await?
    } else {
        sessions::open(&gateway, &transaction, id, "password", &headers).await?
    };
    transaction.commit().await?;
    Ok(Json(answer))
}

/// What a new user would look like, so that nobody learns who has an account.
fn stranger(email: &str) -> Value {
    json!({
        "id": Uuid::new_v4(), "aud": "authenticated", "role": "", "email": email, "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]}, "user_metadata": {}, "identities": [],
        "is_anonymous": false
    })
}
