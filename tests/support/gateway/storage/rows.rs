//! The rows of `storage.objects` and `storage.buckets`. Promise: objects are read and written as the caller; what the
//! bucket itself says (limits, public or not) is looked up as Storage's own role.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::super::Gateway;
use super::super::caller::Caller;
use super::bytes::{self, Incoming};
use super::error::StorageError;
use crate::token;

/// Supabase's limit for a project that has set none.
const DEFAULT_LIMIT: u64 = 50 * 1024 * 1024;

/// What a bucket allows.
pub(super) struct Bucket {
    pub(super) id: String,
    pub(super) public: bool,
    pub(super) size_limit: u64,
    mimes: Option<Vec<String>>,
}

impl Bucket {
    pub(super) async fn find(gateway: &Gateway, id: &str) -> Result<Self, StorageError> {
        let lease = gateway.storage.lease().await?;
        let row = lease
            .query_opt(
                "select id, coalesce(public, false), file_size_limit, allowed_mime_types
                 from storage.buckets where id = $1",
                &[&id],
            )
            .await?
            .ok_or_else(StorageError::bucket_not_found)?;
        let limit = row.get::<_, Option<i64>>(2).and_then(|limit| u64::try_from(limit).ok());
        Ok(Self { id: row.get(0), public: row.get(1), size_limit: limit.unwrap_or(DEFAULT_LIMIT), mimes: row.get(3) })
    }

    pub(super) fn check_mime(&self, mime: &str) -> Result<(), StorageError> {
        let base = mime.split(';').next().unwrap_or(mime).trim();
        let fits = |allowed: &String| {
            allowed == "*/*"
                || allowed == base
                || allowed.strip_suffix("/*").is_some_and(|kind| base.split('/').next() == Some(kind))
        };
        match &self.mimes {
            Some(mimes) if !mimes.is_empty() && !mimes.iter().any(fits) => Err(StorageError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "invalid_mime_type",
                format!("mime type {base} is not supported"),
            )),
            _ => Ok(()),
        }
    }
}

/// An object as it is to be written.
pub(super) struct NewObject {
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) cache_control: String,
    pub(super) upsert: bool,
    pub(super) user_metadata: Option<Value>,
}

impl NewObject {
    pub(super) fn check_name(&self) -> Result<(), StorageError> {
        if is_valid_name(&self.name) {
            return Ok(());
        }
        Err(StorageError::new(StatusCode::BAD_REQUEST, "InvalidKey", format!("Invalid key: {}", self.name)))
    }

    /// Asks the policies before any byte is taken: writes the row and takes it back.
    pub(super) async fn rehearse(&self, gateway: &Gateway, caller: &Caller) -> Result<(), StorageError> {
        let mut lease = gateway.storage.lease().await?;
        let transaction = lease.begin_as(caller.role, &caller.claims).await?;
        self.write(&transaction, caller, Uuid::new_v4(), 0, "").await?;
        transaction.rollback().await?;
        Ok(())
    }

    /// Stores bytes and row, or neither. Returns the object's id.
    pub(super) async fn store(
        &self,
        gateway: &Gateway,
        caller: &Caller,
        incoming: Incoming,
    ) -> Result<Uuid, StorageError> {
        let version = Uuid::new_v4();
        let mut lease = gateway.storage.lease().await?;
        let statement = "select version from storage.objects where bucket_id = $1 and name = $2";
        let before: Option<String> =
            lease.query_opt(statement, &[&self.bucket, &self.name]).await?.and_then(|row| row.get(0));
        let transaction = lease.begin_as(caller.role, &caller.claims).await?;
        self.write(&transaction, caller, version, incoming.size, &incoming.etag).await?;
        incoming.keep(&gateway.files, version)?;
        if let Err(error) = transaction.commit().await {
            bytes::forget(&gateway.files, &version.to_string());
            return Err(error.into());
        }
        if let Some(before) = before {
            bytes::forget(&gateway.files, &before);
        }
        let statement = "select id from storage.objects where bucket_id = $1 and name = $2";
        Ok(lease.query_one(statement, &[&self.bucket, &self.name]).await?.get(0))
    }

    async fn write(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        version: Uuid,
        size: u64,
        etag: &str,
    ) -> Result<(), StorageError> {
        // No RETURNING: a plain upload needs no right to read.
        let mut statement = String::from(
            "insert into storage.objects (bucket_id, name, owner, owner_id, version, metadata, user_metadata)
             values ($1, $2, $3, $3::uuid::text, $4, $5, $6)",
        );
        if self.upsert {
            statement.push_str(
                " on conflict (bucket_id, name) do update set owner = excluded.owner, owner_id = excluded.owner_id,
                   version = excluded.version, metadata = excluded.metadata, user_metadata = excluded.user_metadata",
            );
        }
        let metadata = json!({
            "eTag": etag, "size": size, "contentLength": size, "mimetype": self.mime,
            "cacheControl": self.cache_control, "httpStatusCode": 200, "lastModified": token::now()
        });
        let version = version.to_string();
        transaction
            .execute(&statement, &[&self.bucket, &self.name, &caller.user(), &version, &metadata, &self.user_metadata])
            .await?;
        Ok(())
    }
}

/// An object that the caller may see.
pub(super) struct Stored {
    pub(super) version: String,
    pub(super) metadata: Value,
    /// The row in the API's words.
    pub(super) info: Value,
}

impl Stored {
    /// Reads the row as the caller; as Storage itself for `None` (public buckets, signed addresses).
    pub(super) async fn find(
        gateway: &Gateway,
        caller: Option<&Caller>,
        bucket: &str,
        name: &str,
    ) -> Result<Self, StorageError> {
        let mut lease = gateway.storage.lease().await?;
        let transaction = match caller {
            Some(caller) => lease.begin_as(caller.role, &caller.claims).await?,
            None => lease.transaction().await?,
        };
        let row = transaction
            .query_opt(
                "select coalesce(version, ''), coalesce(metadata, '{}'), jsonb_build_object(
                   'id', id, 'name', name, 'bucket_id', bucket_id, 'version', version,
                   'size', metadata -> 'size', 'content_type', metadata -> 'mimetype',
                   'cache_control', metadata -> 'cacheControl', 'etag', metadata -> 'eTag',
                   'metadata', coalesce(user_metadata, '{}'), 'last_modified', updated_at, 'created_at', created_at)
                 from storage.objects where bucket_id = $1 and name = $2",
                &[&bucket, &name],
            )
            .await?
            .ok_or_else(StorageError::object_not_found)?;
        Ok(Self { version: row.get(0), metadata: row.get(1), info: row.get(2) })
    }
}

/// Supabase's rule for object names, and no empty or upward parts.
pub(super) fn is_valid_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_/!-.*'() &$@=;:+,?".contains(c);
    !name.is_empty()
        && name.len() <= 1024
        && name.chars().all(allowed)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::is_valid_name;

    #[test]
    fn names_stay_inside_their_bucket() {
        assert!(is_valid_name("4f0c/ab12"));
        for name in ["", "/a", "a/", "a//b", "a/../b", "..", "a\\b", "a\0b", "é"] {
            assert!(!is_valid_name(name), "{name:?}");
        }
    }
}
