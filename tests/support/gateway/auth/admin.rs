//! `/admin/users`: users made and erased by an operator. Promise: every call needs the service key; erasing a user erases
//! what refers to them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::super::Gateway;
use super::user::{self, NewUser};
use super::{Answer, AuthError, Shared};
use crate::database::Role;

/// Makes the account if its address is free, and sets its password in any case.
pub(crate) async fn ensure_account(gateway: &Gateway, email: &str, password: &str) -> anyhow::Result<Uuid> {
    let failed = |error: AuthError| anyhow::anyhow!("the account {email} could not be made: {error:?}");
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let id = match user::find(&transaction, email).await.map_err(failed)? {
        Some(id) => {
            user::set_password(&transaction, id, password).await.map_err(failed)?;
            id
        }
        None => {
            let new =
                NewUser { email, password: Some(password), confirmed: true, provider: "email", ..NewUser::default() };
            user::create(&transaction, new).await.map_err(failed)?
        }
    };
    transaction.commit().await?;
    Ok(id)
}

#[derive(Deserialize)]
pub(super) struct Account {
    id: Option<Uuid>,
    email: Option<String>,
    password: Option<String>,
    #[serde(default)]
    email_confirm: bool,
    #[serde(default)]
    user_metadata: Value,
    #[serde(default)]
    app_metadata: Value,
    ban_duration: Option<String>,
}

/// `POST /admin/users`
pub(super) async fn create(State(gateway): State<Shared>, headers: HeaderMap, Json(account): Json<Account>) -> Answer {
    require_service(&gateway, &headers)?;
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let email = account.email.as_deref().unwrap_or_default();
    let new = NewUser {
        id: account.id,
        email,
        password: account.password.as_deref(),
        confirmed: account.email_confirm || !gateway.confirm_email,
        provider: "email",
        user_metadata: account.user_metadata.clone(),
    };
    let id = user::create(&transaction, new).await.map_err(AuthError::email_taken)?;
    apply(&transaction, id, &Account { email: None, password: None, user_metadata: Value::Null, ..account }).await?;
    let answer = user::json(&transaction, id).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

/// `GET /admin/users`: all of them, on one page.
pub(super) async fn list(State(gateway): State<Shared>, headers: HeaderMap) -> Answer {
    require_service(&gateway, &headers)?;
    let lease = gateway.auth.lease().await?;
    let statement = "select id from auth.users where deleted_at is null order by created_at desc limit 1000";
    let mut users = Vec::new();
    for row in lease.query(statement, &[]).await? {
        users.push(user::json(&*lease, row.get(0)).await?);
    }
    Ok(Json(json!({"users": users, "aud": "authenticated"})))
}

/// `GET /admin/users/{id}`
pub(super) async fn read(State(gateway): State<Shared>, headers: HeaderMap, Path(id): Path<Uuid>) -> Answer {
    require_service(&gateway, &headers)?;
    let lease = gateway.auth.lease().await?;
    Ok(Json(user::json(&*lease, id).await?))
}

/// `PUT /admin/users/{id}`
pub(super) async fn update(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(account): Json<Account>,
) -> Answer {
    require_service(&gateway, &headers)?;
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    user::json(&transaction, id).await?;
    apply(&transaction, id, &account).await?;
    let answer = user::json(&transaction, id).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

#[derive(Deserialize, Default)]
pub(super) struct Erase {
    #[serde(default)]
    should_soft_delete: bool,
}

/// `DELETE /admin/users/{id}`
pub(super) async fn delete(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    request: Option<Json<Erase>>,
) -> Answer {
    require_service(&gateway, &headers)?;
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    let soft = request.is_some_and(|Json(request)| request.should_soft_delete);
    let gone = if soft {
        transaction.execute("delete from auth.sessions where user_id = $1", &[&id]).await?;
        transaction
            .execute(
                "update auth.users set deleted_at = now(), encrypted_password = null, email = id || '@deleted.invalid'
                 where id = $1",
                &[&id],
            )
            .await?
    } else {
        transaction.execute("delete from auth.users where id = $1", &[&id]).await?
    };
    if gone == 0 {
        return Err(user::not_found());
    }
    transaction.commit().await?;
    Ok(Json(json!({})))
}

/// Sets what the request names.
async fn apply(transaction: &Transaction<'_>, id: Uuid, account: &Account) -> Result<(), AuthError> {
    if let Some(email) = &account.email {
        user::set_email(transaction, id, email).await?;
    }
    if let Some(password) = &account.password {
        user::set_password(transaction, id, password).await?;
    }
    if account.email_confirm {
        let statement = "update auth.users set email_confirmed_at = coalesce(email_confirmed_at, now()) where id = $1";
        transaction.execute(statement, &[&id]).await?;
    }
    if account.user_metadata.is_object() {
        user::merge_metadata(transaction, id, "raw_user_meta_data", &account.user_metadata).await?;
    }
    if account.app_metadata.is_object() {
        user::merge_metadata(transaction, id, "raw_app_meta_data", &account.app_metadata).await?;
    }
    match account.ban_duration.as_deref() {
        None => {}
        Some("none") => {
            transaction.execute("update auth.users set banned_until = null where id = $1", &[&id]).await?;
        }
        Some(duration) => {
            let seconds = seconds(duration)
                .ok_or_else(|| AuthError::bad("validation_failed", "invalid format for ban duration"))?;
            let statement = "update auth.users set banned_until = now() + make_interval(secs => $2) where id = $1";
            transaction.execute(statement, &[&id, &seconds]).await?;
        }
    }
    Ok(())
}

/// A duration such as `24h`, `90m` or `1h30m`, in seconds.
fn seconds(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut number = String::new();
    for character in text.chars() {
        let unit = match character {
            'h' => 3600.0,
            'm' => 60.0,
            's' => 1.0,
            _ => {
                number.push(character);
                continue;
            }
        };
        total += std::mem::take(&mut number).parse::<f64>().ok()? * unit;
    }
    (number.is_empty() && total > 0.0 && total < 1e10).then_some(total)
}

fn require_service(gateway: &Gateway, headers: &HeaderMap) -> Result<(), AuthError> {
    match gateway.caller(headers) {
        Ok(Some(caller)) if caller.role == Role::Service => Ok(()),
        Ok(Some(_)) => Err(AuthError::new(StatusCode::FORBIDDEN, "not_admin", "User not allowed")),
        Ok(None) => Err(AuthError::new(
            StatusCode::UNAUTHORIZED,
            "no_authorization",
            "This endpoint requires a valid Bearer token",
        )),
        Err(_) => {
            Err(AuthError::new(StatusCode::FORBIDDEN, "bad_jwt", "invalid JWT: unable to parse or verify signature"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn ban_durations_are_read() {
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("90"), None);
        assert_eq!(seconds("soon"), None);
    }
}
