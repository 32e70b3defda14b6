//! A user's record: how it is shown, made and changed. Promise: an address is stored in lower case and belongs to one user;
//! a new password ends the user's other sessions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::{Answer, AuthError, Shared, sessions};

/// What a new user starts with.
#[derive(Default)]
pub(super) struct NewUser<'a> {
    pub(super) id: Option<Uuid>,
    pub(super) email: &'a str,
    pub(super) password: Option<&'a str>,
    pub(super) confirmed: bool,
    pub(super) provider: &'a str,
    pub(super) user_metadata: Value,
}

/// Makes a user with one identity. The address must not be taken.
pub(super) async fn create(client: &impl GenericClient, new: NewUser<'_>) -> Result<Uuid, AuthError> {
    let email = checked_email(new.email)?;
    if let Some(password) = new.password {
        check_password(password)?;
    }
    let id = new.id.unwrap_or_else(Uuid::new_v4);
    let user_metadata = if new.user_metadata.is_object() { new.user_metadata } else { json!({}) };
    let app_metadata = json!({"provider": new.provider, "providers": [new.provider]});
    client
        .execute(
            "insert into auth.users (instance_id, id, email, encrypted_password, email_confirmed_at,
               raw_app_meta_data, raw_user_meta_data)
             values ('00000000-0000-0000-0000-000000000000', $1, $2,
               extensions.crypt($3, extensions.gen_salt('bf', 10)),
               case when $4 then now() end, $5, $6)",
            &[&id, &email, &new.password, &new.confirmed, &app_metadata, &user_metadata],
        )
        .await
        .map_err(taken)?;
    add_identity(client, id, &email, new.provider).await?;
    Ok(id)
}

/// Notes that the user can sign in through `provider`.
pub(super) async fn add_identity(
    client: &impl GenericClient,
    user: Uuid,
    email: &str,
    provider: &str,
) -> Result<(), AuthError> {
    let provider_id = if provider == "email" { user.to_string() } else { format!("{provider}:{email}") };
    let data = json!({"sub": provider_id, "email": email, "email_verified": true});
    client
        .execute(
            "insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at)
             values ($1, $2, $3, $4, now()) on conflict (provider_id, provider) do update set last_sign_in_at = now()",
            &[&provider_id, &user, &data, &provider],
        )
        .await?;
    Ok(())
}

/// The user with this address, who is not deleted; refuses one who is banned.
pub(super) async fn find(client: &impl GenericClient, email: &str) -> Result<Option<Uuid>, AuthError> {
    let row = client
        .query_opt(
            "select id, coalesce(banned_until > now(), false) from auth.users
             where email = lower($1) and deleted_at is null",
            &[&email.trim()],
        )
        .await?;
    match row {
        Some(row) if row.get::<_, bool>(1) => Err(AuthError::banned()),
        Some(row) => Ok(Some(row.get(0))),
        None => Ok(None),
    }
}

/// The record as the API shows it.
pub(super) async fn json(client: &impl GenericClient, user: Uuid) -> Result<Value, AuthError> {
    let row = client
        .query_opt(
            "select jsonb_strip_nulls(jsonb_build_object(
                 'id', id, 'aud', aud, 'role', role, 'email', email, 'email_confirmed_at', email_confirmed_at,
                 'phone', coalesce(phone, ''), 'confirmed_at', confirmed_at, 'last_sign_in_at', last_sign_in_at,
                 'new_email', nullif(email_change, ''), 'banned_until', banned_until, 'created_at', created_at,
                 'updated_at', updated_at, 'is_anonymous', is_anonymous))
               || jsonb_build_object('app_metadata', raw_app_meta_data, 'user_metadata', raw_user_meta_data,
                 'identities', (select coalesce(jsonb_agg(jsonb_build_object(
                     'identity_id', i.id, 'id', i.provider_id, 'user_id', i.user_id, 'identity_data', i.identity_data,
                     'provider', i.provider, 'last_sign_in_at', i.last_sign_in_at, 'created_at', i.created_at,
                     'updated_at', i.updated_at, 'email', i.email) order by i.created_at), '[]')
                   from auth.identities i where i.user_id = u.id))
             from auth.users u where id = $1 and deleted_at is null",
            &[&user],
        )
        .await?;
    row.map(|row| row.get(0)).ok_or_else(not_found)
}

pub(super) fn not_found() -> AuthError {
    AuthError::new(StatusCode::NOT_FOUND, "user_not_found", "User not found")
}

/// `GET /user`
pub(super) async fn read(State(gateway): State<Shared>, headers: HeaderMap) -> Answer {
    let who = sessions::require(&gateway, &headers).await?;
    let lease = gateway.auth.lease().await?;
    Ok(Json(json(&*lease, who.user).await?))
}

#[derive(Deserialize)]
pub(super) struct Change {
    email: Option<String>,
    password: Option<String>,
    data: Option<Value>,
}

/// `PUT /user`. Deviation: a new address is taken at once, without a mail to confirm it.
pub(super) async fn update(State(gateway): State<Shared>, headers: HeaderMap, Json(change): Json<Change>) -> Answer {
    let who = sessions::require(&gateway, &headers).await?;
    let mut lease = gateway.auth.lease().await?;
    let transaction = lease.transaction().await?;
    if let Some(email) = &change.email {
        set_email(&transaction, who.user, email).await?;
    }
    if let Some(password) = &change.password {
        let row = transaction
            .query_one(
                "select coalesce(encrypted_password = extensions.crypt($2, encrypted_password), false)
                 from auth.users where id = $1",
                &[&who.user, password],
            )
            .await?;
        if row.get(0) {
            return Err(AuthError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "same_password",
                "New password should be different from the old password.",
            ));
        }
        set_password(&transaction, who.user, password).await?;
        let statement = "delete from auth.sessions where user_id = $1 and id <> $2";
        transaction.execute(statement, &[&who.user, &who.session]).await?;
    }
    if let Some(data) = change.data.filter(Value::is_object) {
        merge_metadata(&transaction, who.user, "raw_user_meta_data", &data).await?;
    }
    let answer = json(&transaction, who.user).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

pub(super) async fn set_email(client: &impl GenericClient, user: Uuid, email: &str) -> Result<(), AuthError> {
    let email = checked_email(email)?;
    client
        .execute("update auth.users set email = $2, updated_at = now() where id = $1", &[&user, &email])
        .await
        .map_err(taken)?;
    Ok(())
}

pub(super) async fn set_password(client: &impl GenericClient, user: Uuid, password: &str) -> Result<(), AuthError> {
    check_password(password)?;
    client
        .execute(
            "update auth.users set encrypted_password = extensions.crypt($2, extensions.gen_salt('bf', 10)),
               updated_at = now() where id = $1",
            &[&user, &password],
        )
        .await?;
    Ok(())
}

/// Sets the given keys of `raw_user_meta_data` or `raw_app_meta_data`; null removes one.
pub(super) async fn merge_metadata(
    client: &impl GenericClient,
    user: Uuid,
    column: &'static str,
    data: &Value,
) -> Result<(), AuthError> {
    let statement = format!(
        "update auth.users set {column} = jsonb_strip_nulls(coalesce({column}, '{{}}') || $2), updated_at = now()
         where id = $1"
    );
    client.execute(&statement, &[&user, data]).await?;
    Ok(())
}

fn checked_email(email: &str) -> Result<String, AuthError> {
    let email = email.trim().to_lowercase();
    let fits = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !fits || email.len() > 255 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(AuthError::bad("validation_failed", "Unable to validate email address: invalid format"));
    }
    Ok(email)
}

fn check_password(password: &str) -> Result<(), AuthError> {
    if password.chars().count() < 6 {
        return Err(AuthError::weak_password());
    }
    // bcrypt looks at 72 bytes only; a NUL has no place in a text of PostgreSQL.
    if password.len() > 72 || password.contains('\0') {
        return Err(AuthError::bad("validation_failed", "Password cannot be longer than 72 characters"));
    }
    Ok(())
}

fn taken(error: tokio_postgres::Error) -> AuthError {
    if error.code() == Some(&SqlState::UNIQUE_VIOLATION) { AuthError::user_exists() } else { error.into() }
}
