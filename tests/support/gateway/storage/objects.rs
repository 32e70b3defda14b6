//! Objects: upload, download, describe, list, move, remove. Promise: each is done as the caller; bytes are removed only
//! after the row is.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::bytes::{self, Described, Incoming};
use super::error::StorageError;
use super::rows::{Bucket, NewObject, Stored};
use super::{Shared, caller};
use crate::gateway::caller::Caller;

type ObjectPath = Path<(String, String)>;

/// `POST /object/{bucket}/{name}`
pub(super) async fn upload(
    State(gateway): State<Shared>,
    Path((bucket, name)): ObjectPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, StorageError> {
    let upsert = headers.get("x-upsert").is_some_and(|value| value == "true");
    put(&gateway, bucket, name, upsert, &headers, body).await
}

/// `PUT /object/{bucket}/{name}`
pub(super) async fn replace(
    State(gateway): State<Shared>,
    Path((bucket, name)): ObjectPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, StorageError> {
    put(&gateway, bucket, name, true, &headers, body).await
}

async fn put(
    gateway: &Shared,
    bucket: String,
    name: String,
    upsert: bool,
    headers: &HeaderMap,
    body: Body,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(gateway, headers)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mime = text("content-type").unwrap_or("application/octet-stream").to_owned();
    if mime.starts_with("multipart/form-data") {
        return Err(StorageError::invalid("airi-devcloud takes the bytes as they are, not as a form"));
    }
    let user_metadata = text("x-metadata")
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let cache_control = text("cache-control").unwrap_or("no-cache").to_owned();
    let object = NewObject { bucket, name, mime, cache_control, upsert, user_metadata };
    let bucket = Bucket::find(gateway, &object.bucket).await?;
    object.check_name()?;
    bucket.check_mime(&object.mime)?;
    let announced = text("content-length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > bucket.size_limit) {
        return Err(StorageError::too_large());
    }
    object.rehearse(gateway, &caller).await?;
    let incoming = Incoming::receive(&gateway.files, body, bucket.size_limit).await?;
    let id = object.store(gateway, &caller, incoming).await?;
    Ok(Json(json!({"Key": format!("{}/{}", object.bucket, object.name), "Id": id})))
}

#[derive(Deserialize)]
pub(super) struct Download {
    pub(super) download: Option<String>,
}

/// `GET` and `HEAD /object/{bucket}/{name}` and `/object/authenticated/{bucket}/{name}`
pub(super) async fn download(
    State(gateway): State<Shared>,
    Path((bucket, name)): ObjectPath,
    Query(request): Query<Download>,
    headers: HeaderMap,
) -> Result<Response, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let stored = Stored::find(&gateway, Some(&caller), &bucket, &name).await?;
    send(&gateway, &stored, request.download, &headers)
}

/// `GET /object/public/{bucket}/{name}`
pub(super) async fn download_public(
    State(gateway): State<Shared>,
    Path((bucket, name)): ObjectPath,
    Query(request): Query<Download>,
    headers: HeaderMap,
) -> Result<Response, StorageError> {
    let bucket = Bucket::find(&gateway, &bucket).await?;
    if !bucket.public {
        return Err(StorageError::bucket_not_found());
    }
    let stored = Stored::find(&gateway, None, &bucket.id, &name).await?;
    send(&gateway, &stored, request.download, &headers)
}

/// Answers with an object's bytes.
pub(super) fn send(
    gateway: &Shared,
    stored: &Stored,
    attachment: Option<String>,
    headers: &HeaderMap,
) -> Result<Response, StorageError> {
    let text = |name: &str, fallback: &'static str| stored.metadata[name].as_str().unwrap_or(fallback).to_owned();
    let about = Described {
        version: &stored.version,
        mime: &text("mimetype", "application/octet-stream"),
        cache_control: &text("cacheControl", "no-cache"),
        etag: &text("eTag", ""),
        attachment,
    };
    bytes::serve(&gateway.files, &about, headers)
}

/// `GET /object/info/{bucket}/{name}`
pub(super) async fn info(
    State(gateway): State<Shared>,
    Path((bucket, name)): ObjectPath,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    Ok(Json(Stored::find(&gateway, Some(&caller), &bucket, &name).await?.info))
}

#[derive(Deserialize)]
pub(super) struct Listing {
    #[serde(default)]
    prefix: String,
    #[serde(default = "hundred")]
    limit: i64,
    #[serde(default)]
    offset: i64,
    #[serde(default)]
    search: String,
}

fn hundred() -> i64 {
    100
}

/// `POST /object/list/{bucket}`: the files and folders directly under the prefix, by name. Deviation: no other order.
pub(super) async fn list(
    State(gateway): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    Json(request): Json<Listing>,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let mut prefix = request.prefix.trim_matches('/').to_owned();
    if !prefix.is_empty() {
        prefix.push('/');
    }
    let mut lease = gateway.storage.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    let row = transaction
        .query_one(
            "with below as (
               select o.*, substr(o.name, char_length($2) + 1) as rest
               from storage.objects o where o.bucket_id = $1 and starts_with(o.name, $2)
             ), entries as (
               select distinct split_part(rest, '/', 1) as name, null::jsonb as entry
               from below where position('/' in rest) > 0
               union all
               select rest, jsonb_build_object('id', id, 'updated_at', updated_at, 'created_at', created_at,
                 'last_accessed_at', last_accessed_at, 'metadata', metadata)
               from below where position('/' in rest) = 0
             ), page as (
               select name, jsonb_build_object('name', name) || coalesce(entry, jsonb_build_object('id', null,
                 'updated_at', null, 'created_at', null, 'last_accessed_at', null, 'metadata', null)) as entry
               from entries where starts_with(lower(name), lower($3)) order by name limit $4 offset $5
             )
             select coalesce(jsonb_agg(entry order by name), '[]') from page",
            &[&bucket, &prefix, &request.search, &request.limit.clamp(0, 1000), &request.offset.max(0)],
        )
        .await?;
    Ok(Json(row.get(0)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rename {
    bucket_id: String,
    source_key: String,
    destination_key: String,
}

/// `POST /object/move`, within one bucket.
pub(super) async fn rename(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    Json(request): Json<Rename>,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    if !super::rows::is_valid_name(&request.destination_key) {
        return Err(StorageError::invalid(format!("Invalid key: {}", request.destination_key)));
    }
    let mut lease = gateway.storage.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    let moved = transaction
        .execute(
            "update storage.objects set name = $3 where bucket_id = $1 and name = $2",
            &[&request.bucket_id, &request.source_key, &request.destination_key],
        )
        .await?;
    if moved == 0 {
        return Err(StorageError::object_not_found());
    }
    transaction.commit().await?;
    Ok(Json(json!({"message": "Successfully moved"})))
}

#[derive(Deserialize)]
pub(super) struct Names {
    prefixes: Vec<String>,
}

/// `DELETE /object/{bucket}`: answers with those that the caller could remove.
pub(super) async fn remove_many(
    State(gateway): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    Json(request): Json<Names>,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    Ok(Json(Value::Array(erase(&gateway, &caller, &bucket, &request.prefixes).await?)))
}

/// `DELETE /object/{bucket}/{name}`
pub(super) async fn remove(
    State(gateway): State<Shared>,
    Path((bucket, name)): ObjectPath,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    if erase(&gateway, &caller, &bucket, &[name]).await?.is_empty() {
        return Err(StorageError::object_not_found());
    }
    Ok(Json(json!({"message": "Successfully deleted"})))
}

/// Removes rows as the caller, then their bytes. Returns the rows.
pub(super) async fn erase(
    gateway: &Shared,
    caller: &Caller,
    bucket: &str,
    names: &[String],
) -> Result<Vec<Value>, StorageError> {
    let mut lease = gateway.storage.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    transaction.execute("select set_config('storage.allow_delete_query', 'true', true)", &[]).await?;
    let rows = transaction
        .query(
            "delete from storage.objects where bucket_id = $1 and name = any ($2)
             returning version, to_jsonb(objects) - 'path_tokens'",
            &[&bucket, &names],
        )
        .await?;
    transaction.commit().await?;
    let mut removed = Vec::new();
    for row in rows {
        if let Some(version) = row.get::<_, Option<String>>(0) {
            bytes::forget(&gateway.files, &version);
        }
        removed.push(row.get(1));
    }
    Ok(removed)
}

/// The header's text, if it is there and readable.
pub(super) fn header_text<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    headers.get(header::HeaderName::from_static(name)).and_then(|value| value.to_str().ok())
}
