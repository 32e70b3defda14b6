//! Buckets, as the caller sees them under row level security (so in practice: for the service key).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::StorageError;
use super::{Shared, caller, objects};

/// `GET /bucket`
pub(super) async fn list(State(gateway): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let mut lease = gateway.storage.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    let statement = "select coalesce(jsonb_agg(to_jsonb(b) order by b.id), '[]') from storage.buckets b";
    Ok(Json(transaction.query_one(statement, &[]).await?.get(0)))
}

/// `GET /bucket/{id}`
pub(super) async fn read(
    State(gateway): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let mut lease = gateway.storage.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    let row = transaction.query_opt("select to_jsonb(b) from storage.buckets b where id = $1", &[&id]).await?;
    Ok(Json(row.ok_or_else(StorageError::bucket_not_found)?.get(0)))
}

#[derive(Deserialize)]
pub(super) struct NewBucket {
    id: Option<String>,
    name: String,
    #[serde(default)]
    public: bool,
    file_size_limit: Option<i64>,
    allowed_mime_types: Option<Vec<String>>,
}

/// `POST /bucket`
pub(super) async fn create(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    Json(bucket): Json<NewBucket>,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let id = bucket.id.as_ref().unwrap_or(&bucket.name);
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if id.is_empty() || id.len() > 100 || !id.chars().all(fits) {
        return Err(StorageError::new(StatusCode::BAD_REQUEST, "InvalidBucketName", "Bucket name invalid"));
    }
    let mut lease = gateway.storage.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    transaction
        .execute(
            "insert into storage.buckets (id, name, owner, public, file_size_limit, allowed_mime_types)
             values ($1, $2, $3, $4, $5, $6)",
            &[id, &bucket.name, &caller.user(), &bucket.public, &bucket.file_size_limit, &bucket.allowed_mime_types],
        )
        .await?;
    transaction.commit().await?;
    Ok(Json(json!({"name": bucket.name})))
}

/// `POST /bucket/{id}/empty`
pub(super) async fn empty(
    State(gateway): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let names: Vec<String> = {
        let mut lease = gateway.storage.lease().await?;
        let transaction = lease.begin_as(caller.role, &caller.claims).await?;
        let rows = transaction.query("select name from storage.objects where bucket_id = $1", &[&id]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    };
    objects::erase(&gateway, &caller, &id, &names).await?;
    Ok(Json(json!({"message": "Successfully emptied"})))
}

/// `DELETE /bucket/{id}`; a bucket with objects stays.
pub(super) async fn delete(
    State(gateway): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let mut lease = gateway.storage.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    transaction.execute("select set_config('storage.allow_delete_query', 'true', true)", &[]).await?;
    let gone = transaction.execute("delete from storage.buckets where id = $1", &[&id]).await.map_err(|error| {
        if error.code() == Some(&tokio_postgres::error::SqlState::FOREIGN_KEY_VIOLATION) {
            return StorageError::new(
                StatusCode::CONFLICT,
                "InvalidRequest",
                "The bucket you tried to delete is not empty",
            );
        }
        error.into()
    })?;
    if gone == 0 {
        return Err(StorageError::bucket_not_found());
    }
    transaction.commit().await?;
    Ok(Json(json!({"message": "Successfully deleted"})))
}
