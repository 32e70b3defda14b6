//! Sending a file: in one request up to 6 MB, resumable above.

use crate::http::{Meter, Patience, read};
use crate::storage::Storage;
use crate::wire::{self, Dialect};
use crate::{CloudError, tus};
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method, Response};
use serde_json::Value;
use std::fmt;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// The bound that Supabase sets between the two ways, and the size of a resumable upload's parts.
pub(crate) const PART: u64 = 6 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
const MAX_ANSWER: usize = 64 * 1024;

type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// One file to send.
#[derive(Clone)]
pub struct Upload {
    pub(crate) bucket: String,
    pub(crate) path: String,
    pub(crate) file: PathBuf,
    pub(crate) content_type: String,
    pub(crate) note: Option<PathBuf>,
    pub(crate) progress: Option<Progress>,
}

/// How an upload ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// The bytes were sent.
    Sent,
    /// An object of that path was there; with paths by hash it is the same one.
    AlreadyThere,
}

impl Upload {
    /// `file` becomes `path` in `bucket`.
    pub fn new(bucket: &str, path: &str, file: &Path, content_type: &str) -> Upload {
        Upload {
            bucket: bucket.to_owned(),
            path: path.to_owned(),
            file: file.to_owned(),
            content_type: content_type.to_owned(),
            note: None,
            progress: None,
        }
    }

    /// Where a resumable upload notes its place on the server, so that it goes on after a restart of the program. The
    /// file is removed once the upload is done. It holds no secret.
    pub fn with_note(mut self, note: &Path) -> Upload {
        self.note = Some(note.to_owned());
        self
    }

    /// Called with the number of bytes that the server has, after each part.
    pub fn with_progress(mut self, progress: impl Fn(u64) + Send + Sync + 'static) -> Upload {
        self.progress = Some(Arc::new(progress));
        self
    }

    pub(crate) fn report(&self, bytes: u64) {
        if let Some(progress) = &self.progress {
            progress(bytes);
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("bucket", &self.bucket).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Storage {
    /// Sends a file; see [`Storage::upload_with`].
    pub async fn upload(
        &self,
        bucket: &str,
        path: &str,
        file: &Path,
        content_type: &str,
    ) -> Result<Uploaded, CloudError> {
        self.upload_with(&Upload::new(bucket, path, file, content_type)).await
    }

    /// Sends a file, which must not change meanwhile. An object that is there already counts as done and is not
    /// replaced. May be repeated at will; above 6 MB it goes on where it was.
    pub async fn upload_with(&self, upload: &Upload) -> Result<Uploaded, CloudError> {
        let metadata =
            tokio::fs::metadata(&upload.file).await.map_err(|e| CloudError::disk("read", &upload.file, e))?;
        match metadata.len() {
            size if size > PART => tus::send(self, upload, size).await,
            size => self.send_whole(upload, size).await,
        }
    }

    async fn send_whole(&self, upload: &Upload, size: u64) -> Result<Uploaded, CloudError> {
        let url = self.url(&["object"], &upload.bucket, &upload.path)?;
        let (patience, meter) = self.patience();
        let sent = self
            .caller
            .call(Dialect::Storage, &patience, |http| {
                http.request(Method::POST, url.clone())
                    .header(CONTENT_TYPE, &upload.content_type)
                    .header("x-upsert", "false")
                    .header(CONTENT_LENGTH, size)
                    .body(part_of(&upload.file, 0, size, &meter))
            })
            .await;
        match sent {
            Ok(response) => {
                confirmed(response, &patience).await?;
                upload.report(size);
                Ok(Uploaded::Sent)
            }
            Err(error) if is_duplicate(&error) => Ok(Uploaded::AlreadyThere),
            // A server that refuses without reading the body breaks the line, and its reason is lost with it. A
            // resumable upload asks first, without a body, and so learns it; or it simply gets through.
            Err(CloudError::Network { .. }) if size > 0 => tus::send(self, upload, size).await,
            Err(error) => Err(error),
        }
    }
}

/// Storage names what it has taken. Anything else with a status of success is a page of somebody in between, and the bytes
/// are nowhere.
async fn confirmed(response: Response, patience: &Patience) -> Result<(), CloudError> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = read(response, MAX_ANSWER, patience).await?;
    let answer: Option<Value> = serde_json::from_slice(&body).ok();
    let taken = answer.as_ref().is_some_and(|answer| answer.get("Key").is_some_and(Value::is_string));
    if taken { Ok(()) } else { Err(wire::not_ours(status, &headers, &body)) }
}

/// The status has said it all; the body is only read so that the connection can be used again.
pub(crate) async fn drain(response: Response, patience: &Patience) {
    let _ = read(response, MAX_ANSWER, patience).await;
}

/// "The resource already exists".
pub(crate) fn is_duplicate(error: &CloudError) -> bool {
    matches!(error, CloudError::Refused { status: 409, code, message }
        if code.contains("Duplicate") || code.contains("AlreadyExists") || message.contains("already exists"))
}

/// `length` bytes of a file from `from` on, read as they are sent.
pub(crate) fn part_of(path: &Path, from: u64, length: u64, meter: &Arc<Meter>) -> Body {
    struct Reading {
        path: PathBuf,
        from: u64,
        left: u64,
        file: Option<File>,
        meter: Arc<Meter>,
    }
    let start = Reading { path: path.to_owned(), from, left: length, file: None, meter: meter.clone() };
    Body::wrap_stream(stream::try_unfold(start, async |mut at| {
        if at.left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let mut file = match at.file.take() {
            Some(file) => file,
            None => {
                let mut file = File::open(&at.path).await?;
                file.seek(SeekFrom::Start(at.from)).await?;
                file
            }
        };
        let mut piece = vec![0; PIECE.min(usize::try_from(at.left).unwrap_or(PIECE))];
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        piece.truncate(read);
        at.left -= read as u64;
        at.meter.add(read);
        at.file = Some(file);
        Ok(Some((piece, at)))
    }))
}
