//! Resumable uploads (TUS 1.0: creation, creation with upload, termination). Promise: what has arrived stays through a cut
//! connection and a restart, and `HEAD` says how much; the policies are asked at creation and again when the object is
//! made; only who began an upload can go on with it.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::bytes::{Incoming, RESUMABLE};
use super::error::StorageError;
use super::objects::header_text;
use super::rows::{Bucket, NewObject};
use super::{Shared, caller};
use crate::gateway::Gateway;
use crate::gateway::caller::Caller;

/// How long an upload may be resumed, as on Supabase.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// What is known of an upload besides its bytes; a file beside them.
#[derive(Serialize, Deserialize)]
struct Upload {
    owner: Option<Uuid>,
    role: String,
    bucket: String,
    name: String,
    mime: String,
    cache_control: String,
    upsert: bool,
    user_metadata: Option<serde_json::Value>,
    length: u64,
    done: bool,
}

type Answer = Result<Response, StorageError>;

/// `OPTIONS`: what this server can do.
pub(super) async fn options() -> Response {
    let headers = [
        ("Tus-Resumable", "1.0.0"),
        ("Tus-Version", "1.0.0"),
        ("Tus-Extension", "creation,creation-with-upload,termination"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// `POST /upload/resumable`
pub(super) async fn create(State(gateway): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    begin(&gateway, &headers, body).await.unwrap_or_else(StorageError::into_plain)
}

/// `HEAD /upload/resumable/{id}`
pub(super) async fn offset(State(gateway): State<Shared>, Path(id): Path<Uuid>, headers: HeaderMap) -> Response {
    let answer = || -> Answer {
        let (upload, _) = open(&gateway, &headers, id)?;
        let length = upload.length.to_string();
        let answer = [("Upload-Length", length), ("Cache-Control", "no-store".into())];
        Ok((StatusCode::OK, at(offset_of(&gateway, id, &upload)?), answer).into_response())
    };
    answer().unwrap_or_else(StorageError::into_plain)
}

/// `PATCH /upload/resumable/{id}`
pub(super) async fn append(
    State(gateway): State<Shared>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    resume(&gateway, &headers, id, body).await.unwrap_or_else(StorageError::into_plain)
}

/// `DELETE /upload/resumable/{id}`
pub(super) async fn cancel(State(gateway): State<Shared>, Path(id): Path<Uuid>, headers: HeaderMap) -> Response {
    let answer = || -> Answer {
        open(&gateway, &headers, id)?;
        let _busy = Busy::take(id)?;
        let _ = fs::remove_file(bytes_path(&gateway.files, id));
        fs::remove_file(about_path(&gateway.files, id))?;
        Ok((StatusCode::NO_CONTENT, [("Tus-Resumable", "1.0.0")]).into_response())
    };
    answer().unwrap_or_else(StorageError::into_plain)
}

async fn begin(gateway: &Shared, headers: &HeaderMap, body: Body) -> Answer {
    require_version(headers)?;
    let caller = caller(gateway, headers)?;
    let length: u64 = header_text(headers, "upload-length")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| StorageError::invalid("Upload-Length is required"))?;
    let metadata = header_text(headers, "upload-metadata").unwrap_or_default();
    let field = |name: &str| metadata_field(metadata, name);
    let (Some(bucket), Some(name)) = (field("bucketName"), field("objectName")) else {
        return Err(StorageError::invalid("Upload-Metadata must name bucketName and objectName"));
    };
    let upload = Upload {
        owner: caller.user(),
        role: caller.role.name().into(),
        bucket,
        name,
        mime: field("contentType").unwrap_or_else(|| "application/octet-stream".into()),
        cache_control: field("cacheControl").map_or_else(|| "no-cache".into(), |age| format!("max-age={age}")),
        upsert: header_text(headers, "x-upsert") == Some("true"),
        user_metadata: field("metadata").and_then(|text| serde_json::from_str(&text).ok()),
        length,
        done: false,
    };
    let bucket = Bucket::find(gateway, &upload.bucket).await?;
    let object = upload.object();
    object.check_name()?;
    bucket.check_mime(&upload.mime)?;
    if length > bucket.size_limit {
        return Err(StorageError::too_large());
    }
    object.rehearse(gateway, &caller).await?;
    let id = Uuid::new_v4();
    File::create_new(bytes_path(&gateway.files, id))?;
    save(&gateway.files, id, &upload)?;
    let with_bytes = header_text(headers, "content-type") == Some(OFFSET_STREAM);
    let offset = if with_bytes || length == 0 { take(gateway, &caller, id, upload, 0, body).await? } else { 0 };
    let location = format!("{}/storage/v1/upload/resumable/{id}", gateway.url);
    Ok((StatusCode::CREATED, at(offset), [("Location", location)]).into_response())
}

async fn resume(gateway: &Shared, headers: &HeaderMap, id: Uuid, body: Body) -> Answer {
    let (upload, caller) = open(gateway, headers, id)?;
    if header_text(headers, "content-type") != Some(OFFSET_STREAM) {
        return Err(StorageError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "InvalidRequest",
            format!("Content-Type must be {OFFSET_STREAM}"),
        ));
    }
    let told: u64 = header_text(headers, "upload-offset")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| StorageError::invalid("Upload-Offset is required"))?;
    let offset = take(gateway, &caller, id, upload, told, body).await?;
    Ok((StatusCode::NO_CONTENT, at(offset)).into_response())
}

/// Adds the body at `told`; makes the object when all is there. Returns the new offset.
async fn take(
    gateway: &Shared,
    caller: &Caller,
    id: Uuid,
    mut upload: Upload,
    told: u64,
    body: Body,
) -> Result<u64, StorageError> {
    let _busy = Busy::take(id)?;
    let path = bytes_path(&gateway.files, id);
    let mut offset = offset_of(gateway, id, &upload)?;
    if told != offset {
        return Err(StorageError::new(StatusCode::CONFLICT, "InvalidUploadOffset", "Upload-Offset conflict"));
    }
    if upload.done {
        return Ok(offset);
    }
    // Written as it comes, not buffered: what has arrived before a cut counts.
    let mut file = OpenOptions::new().append(true).open(&path)?;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| StorageError::invalid("the body was cut off"))?;
        if offset + chunk.len() as u64 > upload.length {
            return Err(StorageError::too_large());
        }
        file.write_all(&chunk)?;
        offset += chunk.len() as u64;
    }
    if offset == upload.length {
        let object = upload.object();
        object.rehearse(gateway, caller).await?;
        object.store(gateway, caller, Incoming::adopt(path)?).await?;
        upload.done = true;
        save(&gateway.files, id, &upload)?;
    }
    Ok(offset)
}

/// The upload, if it exists and is the caller's.
fn open(gateway: &Gateway, headers: &HeaderMap, id: Uuid) -> Result<(Upload, Caller), StorageError> {
    require_version(headers)?;
    let caller = caller(gateway, headers)?;
    let text = fs::read(about_path(&gateway.files, id)).map_err(|_| StorageError::object_not_found())?;
    let upload: Upload = serde_json::from_slice(&text).map_err(anyhow::Error::from)?;
    if upload.owner != caller.user() || upload.role != caller.role.name() {
        return Err(StorageError::object_not_found());
    }
    Ok((upload, caller))
}

fn offset_of(gateway: &Gateway, id: Uuid, upload: &Upload) -> Result<u64, StorageError> {
    if upload.done {
        return Ok(upload.length);
    }
    Ok(fs::metadata(bytes_path(&gateway.files, id)).map_err(|_| StorageError::object_not_found())?.len())
}

impl Upload {
    fn object(&self) -> NewObject {
        NewObject {
            bucket: self.bucket.clone(),
            name: self.name.clone(),
            mime: self.mime.clone(),
            cache_control: self.cache_control.clone(),
            upsert: self.upsert,
            user_metadata: self.user_metadata.clone(),
        }
    }
}

/// Forgets the uploads that can no longer be resumed.
pub(super) fn forget_old(gateway: &Gateway) -> anyhow::Result<()> {
    for entry in fs::read_dir(gateway.files.join(RESUMABLE))? {
        let entry = entry?;
        if entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > LIFETIME) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn bytes_path(files: &FilePath, id: Uuid) -> PathBuf {
    files.join(RESUMABLE).join(format!("{id}.part"))
}

fn about_path(files: &FilePath, id: Uuid) -> PathBuf {
    files.join(RESUMABLE).join(format!("{id}.json"))
}

fn save(files: &FilePath, id: Uuid, upload: &Upload) -> Result<(), StorageError> {
    let staged = files.join(RESUMABLE).join(format!("{id}.new"));
    fs::write(&staged, serde_json::to_vec(upload).map_err(anyhow::Error::from)?)?;
    fs::rename(staged, about_path(files, id))?;
    Ok(())
}

fn at(offset: u64) -> [(&'static str, String); 2] {
    [("Tus-Resumable", "1.0.0".into()), ("Upload-Offset", offset.to_string())]
}

fn require_version(headers: &HeaderMap) -> Result<(), StorageError> {
    if header_text(headers, "tus-resumable") == Some("1.0.0") {
        return Ok(());
    }
    Err(StorageError::new(StatusCode::PRECONDITION_FAILED, "InvalidRequest", "Tus-Resumable must be 1.0.0"))
}

/// One value of `Upload-Metadata`: pairs of a key and its value in base64.
fn metadata_field(metadata: &str, name: &str) -> Option<String> {
    let value = metadata.split(',').find_map(|pair| {
        let mut parts = pair.split_whitespace();
        (parts.next()? == name).then(|| parts.next().unwrap_or_default())
    })?;
    String::from_utf8(STANDARD.decode(value).ok()?).ok()
}

/// The uploads that a request is writing to at this moment.
static WRITING: LazyLock<Mutex<HashSet<Uuid>>> = LazyLock::new(Mutex::default);

/// One writer for an upload; given back when dropped, also by a cut connection.
struct Busy(Uuid);

impl Busy {
    fn take(id: Uuid) -> Result<Self, StorageError> {
        if WRITING.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            return Ok(Self(id));
        }
        Err(StorageError::new(StatusCode::LOCKED, "ResourceLocked", "The upload is being written to"))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        WRITING.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::metadata_field;

    #[test]
    fn metadata_is_read_by_name() {
        let metadata = "bucketName YXR0YWNobWVudHM=,objectName YS9i,empty";
        assert_eq!(metadata_field(metadata, "bucketName").as_deref(), Some("attachments"));
        assert_eq!(metadata_field(metadata, "objectName").as_deref(), Some("a/b"));
        assert_eq!(metadata_field(metadata, "empty").as_deref(), Some(""));
        assert_eq!(metadata_field(metadata, "other"), None);
    }
}
