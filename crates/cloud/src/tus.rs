//! Resumable uploads: TUS 1.0.0 as Supabase Storage speaks it, in parts of 6 MB.
//!
//! The server's `Location` is only taken for the upload's name: the requests, which carry the session's token, always
//! go to the address that the user has confirmed.

use crate::http::{Http, Patience};
use crate::storage::Storage;
use crate::upload::{PART, Upload, Uploaded, drain, is_duplicate, part_of};
use crate::wire::Dialect;
use crate::{Class, CloudError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::{Deserialize, Serialize};

const VERSION: (&str, &str) = ("Tus-Resumable", "1.0.0");
const OFFSET: &str = "Upload-Offset";
/// How often one call asks for the offset and goes on before it leaves the waiting to its caller.
const RESUMES: u32 = 3;

/// What outlives the program.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    upload: String,
    server: String,
    bucket: String,
    path: String,
    size: u64,
}

pub(crate) async fn send(storage: &Storage, upload: &Upload, size: u64) -> Result<Uploaded, CloudError> {
    let run = Run { storage, upload, size };
    let result = run.send().await;
    if result.is_ok()
        && let Some(note) = &upload.note
    {
        // A note left behind names an upload that is done; the next run finds the object there.
        let _ = tokio::fs::remove_file(note).await;
    }
    result.map_err(passing)
}

/// Another program, or a connection that the server has not given up yet, is writing to the upload.
fn passing(error: CloudError) -> CloudError {
    match error {
        CloudError::Refused { status: status @ (409 | 423), message, .. } => {
            CloudError::Busy { status, retry_after: None, message }
        }
        other => other,
    }
}

struct Run<'a> {
    storage: &'a Storage,
    upload: &'a Upload,
    size: u64,
}

impl Run<'_> {
    async fn send(&self) -> Result<Uploaded, CloudError> {
        let (mut place, mut offset) = match self.noted().await? {
            Some(found) => found,
            None => match self.create().await? {
                Some(place) => (place, 0),
                None => return Ok(Uploaded::AlreadyThere),
            },
        };
        let mut resumes = 0;
        while offset < self.size {
            self.upload.report(offset);
            match self.part(&place, offset).await {
                Ok(next) if next > offset && next <= self.size => {
                    offset = next;
                    resumes = 0;
                }
                Ok(_) => return Err(CloudError::BadAnswer { status: 204, why: "an impossible offset".into() }),
                Err(error) if is_duplicate(&error) => return Ok(Uploaded::AlreadyThere),
                Err(error) if resumes < RESUMES && may_resume(&error) => {
                    resumes += 1;
                    match self.offset(&place).await? {
                        Some(at) => offset = at,
                        // The server has forgotten it, or it is finished.
                        None => match self.create().await? {
                            Some(fresh) => (place, offset) = (fresh, 0),
                            None => return Ok(Uploaded::AlreadyThere),
                        },
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.upload.report(offset);
        Ok(Uploaded::Sent)
    }

    /// An upload that an earlier run began and the server still knows.
    async fn noted(&self) -> Result<Option<(Url, u64)>, CloudError> {
        let Some(file) = &self.upload.note else { return Ok(None) };
        let Ok(bytes) = tokio::fs::read(file).await else { return Ok(None) };
        let Ok(note) = serde_json::from_slice::<Note>(&bytes) else { return Ok(None) };
        let mine = note.size == self.size
            && note.bucket == self.upload.bucket
            && note.path == self.upload.path
            && note.server == self.storage.caller.http.address().url();
        match mine.then(|| self.place(&note.upload)).flatten() {
            Some(place) => Ok(self.offset(&place).await?.map(|offset| (place, offset))),
            None => Ok(None),
        }
    }

    /// Begins an upload; None when the object is there.
    async fn create(&self) -> Result<Option<Url>, CloudError> {
        let url = self.storage.caller.http.address().join(["storage", "v1", "upload", "resumable"]);
        let upload = self.upload;
        let pairs = [
            ("bucketName", upload.bucket.as_str()),
            ("objectName", &upload.path),
            ("contentType", &upload.content_type),
            ("cacheControl", "3600"),
        ];
        let metadata = pairs.map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).join(",");
        // Refuses names that lead elsewhere, as for whole uploads.
        self.storage.url(&["object"], &upload.bucket, &upload.path)?;
        let created = self
            .call(|http| {
                http.request(Method::POST, url.clone())
                    .header("Upload-Length", self.size)
                    .header("Upload-Metadata", &metadata)
                    .header("x-upsert", "false")
                    .header(CONTENT_LENGTH, 0)
            })
            .await;
        let response = match created {
            Ok((response, _)) => response,
            // Nothing else can be in conflict with an upload that is not there yet.
            Err(CloudError::Refused { status: 409, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let location = response.headers().get(LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let id = location.split_once("/upload/resumable/").map(|(_, id)| id.to_owned()).unwrap_or_default();
        let place = self.place(&id).ok_or_else(|| CloudError::BadAnswer {
            status: response.status().as_u16(),
            why: "it does not say where to send the file".into(),
        })?;
        if let Some(file) = &upload.note {
            let note = Note {
                upload: id,
                server: self.storage.caller.http.address().url().to_owned(),
                bucket: upload.bucket.clone(),
                path: upload.path.clone(),
                size: self.size,
            };
            let bytes = serde_json::to_vec(&note).map_err(|e| CloudError::unusable(e.to_string()))?;
            tokio::fs::write(file, bytes).await.map_err(|e| CloudError::disk("written", file, e))?;
        }
        Ok(Some(place))
    }

    /// The URL of an upload on the confirmed server.
    fn place(&self, id: &str) -> Option<Url> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '=' | '%' | '+');
        let parts: Vec<&str> = id.split('/').collect();
        if parts.iter().any(|part| part.is_empty() || part.starts_with('.') || !part.chars().all(plain)) {
            return None;
        }
        let base = self.storage.caller.http.address().join(["storage", "v1", "upload", "resumable"]);
        Url::parse(&format!("{base}/{id}")).ok().filter(|url| url.path().starts_with(base.path()))
    }

    /// How much the server has; None when it does not know the upload.
    async fn offset(&self, place: &Url) -> Result<Option<u64>, CloudError> {
        match self.call(|http| http.request(Method::HEAD, place.clone())).await {
            Ok((response, _)) => {
                offset_in(response.headers()).filter(|at| *at <= self.size).map(Some).ok_or_else(|| {
                    CloudError::BadAnswer { status: response.status().as_u16(), why: "it has no usable offset".into() }
                })
            }
            Err(CloudError::NotFound | CloudError::Refused { status: 400 | 403 | 410, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends one part; the answer is the offset after it.
    async fn part(&self, place: &Url, offset: u64) -> Result<u64, CloudError> {
        let length = PART.min(self.size - offset);
        let (patience, meter) = self.storage.patience();
        let response = self
            .storage
            .caller
            .call(Dialect::Storage, &patience, |http| {
                http.request(Method::PATCH, place.clone())
                    .header(VERSION.0, VERSION.1)
                    .header(CONTENT_TYPE, "application/offset+octet-stream")
                    .header(OFFSET, offset)
                    .header(CONTENT_LENGTH, length)
                    .body(part_of(&self.upload.file, offset, length, &meter))
            })
            .await?;
        let next = offset_in(response.headers());
        let status = response.status().as_u16();
        drain(response, &patience).await;
        next.ok_or_else(|| CloudError::BadAnswer { status, why: "it has no offset".into() })
    }

    async fn call(&self, make: impl Fn(&Http) -> RequestBuilder) -> Result<(Response, Patience), CloudError> {
        let (patience, _) = self.storage.patience();
        let make = |http: &Http| make(http).header(VERSION.0, VERSION.1);
        let response = self.storage.caller.call(Dialect::Storage, &patience, make).await?;
        Ok((response, patience))
    }
}

fn offset_in(headers: &HeaderMap) -> Option<u64> {
    headers.get(OFFSET)?.to_str().ok()?.parse().ok()
}

/// A broken connection, or an offset (409) or upload (404, 410) that is not what we think.
fn may_resume(error: &CloudError) -> bool {
    match error {
        CloudError::NotFound | CloudError::Refused { status: 409 | 410 | 423, .. } => true,
        CloudError::Busy { retry_after: Some(_), .. } => false,
        error => matches!(error.class(), Class::Passing { .. }),
    }
}
