//! The bytes of objects, as files. Promise: a file's name is random and never comes from a request; a file appears in
//! `objects` whole, by rename; what comes in is cut at the limit while it comes.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::StorageError;

const OBJECTS: &str = "objects";
const INCOMING: &str = "incoming";
pub(super) const RESUMABLE: &str = "resumable";
const BLOCK: usize = 64 * 1024;

/// Makes the folders; what was coming in when the last run ended is gone.
pub(super) fn prepare(files: &Path) -> io::Result<()> {
    let incoming = files.join(INCOMING);
    if incoming.exists() {
        fs::remove_dir_all(&incoming)?;
    }
    for folder in [OBJECTS, INCOMING, RESUMABLE] {
        fs::create_dir_all(files.join(folder))?;
    }
    Ok(())
}

/// A file that no row names yet; it is removed when dropped, unless it was kept.
pub(super) struct Incoming {
    path: PathBuf,
    pub(super) size: u64,
    pub(super) etag: String,
}

impl Incoming {
    /// Takes a body in, at most `limit` bytes.
    pub(super) async fn receive(files: &Path, body: Body, limit: u64) -> Result<Self, StorageError> {
        let path = files.join(INCOMING).join(Uuid::new_v4().to_string());
        let mut file = File::create(&path)?;
        let mut incoming = Self { path, size: 0, etag: String::new() };
        let mut hash = Sha256::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| StorageError::invalid("the body was cut off"))?;
            incoming.size += chunk.len() as u64;
            if incoming.size > limit {
                return Err(StorageError::too_large());
            }
            hash.update(&chunk);
            file.write_all(&chunk)?;
        }
        incoming.etag = etag(hash);
        Ok(incoming)
    }

    /// Takes over a file that a resumable upload has completed.
    pub(super) fn adopt(path: PathBuf) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let mut file = File::open(&path)?;
        let mut block = vec![0; BLOCK];
        let mut size = 0;
        loop {
            let count = file.read(&mut block)?;
            if count == 0 {
                return Ok(Self { path, size, etag: etag(hash) });
            }
            hash.update(&block[..count]);
            size += count as u64;
        }
    }

    /// Puts the file where `version` is looked for.
    pub(super) fn keep(self, files: &Path, version: Uuid) -> io::Result<()> {
        fs::rename(&self.path, object(files, version))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Gone already when it was kept.
        let _ = fs::remove_file(&self.path);
    }
}

fn etag(hash: Sha256) -> String {
    // Deviation: Supabase's is an MD5; both are opaque to clients.
    hash.finalize()[..16].iter().fold(String::from("\""), |text, byte| format!("{text}{byte:02x}")) + "\""
}

fn object(files: &Path, version: Uuid) -> PathBuf {
    files.join(OBJECTS).join(version.to_string())
}

/// Removes an object's bytes; those that are gone already do not matter.
pub(super) fn forget(files: &Path, version: &str) {
    if let Ok(version) = version.parse::<Uuid>() {
        let _ = fs::remove_file(object(files, version));
    }
}

/// What a download says about itself.
pub(super) struct Described<'a> {
    pub(super) version: &'a str,
    pub(super) mime: &'a str,
    pub(super) cache_control: &'a str,
    pub(super) etag: &'a str,
    /// The file name to save as, if the caller asked for one.
    pub(super) attachment: Option<String>,
}

/// Answers with the bytes, or with the part that `Range` asks for.
pub(super) fn serve(files: &Path, about: &Described<'_>, request: &HeaderMap) -> Result<Response, StorageError> {
    let version: Uuid = about.version.parse().map_err(|_| StorageError::object_not_found())?;
    let mut file = File::open(object(files, version)).map_err(|_| StorageError::object_not_found())?;
    let size = file.metadata()?.len();
    let asked = |name: header::HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    if asked(header::IF_NONE_MATCH) == Some(about.etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, about.etag.to_owned())]).into_response());
    }
    // A range counts only for the version that the client has seen.
    let range_is_valid = asked(header::IF_RANGE).is_none_or(|etag| etag == about.etag);
    let range = asked(header::RANGE).filter(|_| range_is_valid).and_then(|text| parse_range(text, size));
    let (status, part) = match range {
        None => (StatusCode::OK, 0..=size.saturating_sub(1)),
        Some(Some(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(None) => {
            let headers = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    let length = if size == 0 { 0 } else { part.end() - part.start() + 1 };
    file.seek(SeekFrom::Start(*part.start()))?;
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, about.mime)
        .header(header::CONTENT_LENGTH, length)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, about.cache_control)
        .header(header::ETAG, about.etag);
    if status == StatusCode::PARTIAL_CONTENT {
        response = response.header(header::CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start(), part.end()));
    }
    if let Some(name) = &about.attachment {
        response = response.header(header::CONTENT_DISPOSITION, disposition(name));
    }
    response.body(Body::from_stream(blocks(file, length))).map_err(|error| anyhow::Error::from(error).into())
}

fn blocks(file: File, length: u64) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, length), async |(mut file, left)| {
        if left == 0 {
            return Ok(None);
        }
        let mut block = vec![0; usize::try_from(left).unwrap_or(BLOCK).min(BLOCK)];
        file.read_exact(&mut block)?;
        let left = left - block.len() as u64;
        Ok(Some((Bytes::from(block), (file, left))))
    })
}

/// `None`: not a range that we serve, so all is sent. `Some(None)`: beyond the end.
fn parse_range(text: &str, size: u64) -> Option<Option<RangeInclusive<u64>>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        return Some((count > 0 && size > 0).then(|| size.saturating_sub(count)..=size - 1));
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some((first < size).then(|| first..=last.min(size - 1)))
}

fn disposition(name: &str) -> String {
    if name.is_empty() {
        return "attachment".into();
    }
    let encoded = name.bytes().fold(String::new(), |text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            text + &char::from(byte).to_string()
        } else {
            format!("{text}%{byte:02X}")
        }
    });
    format!("attachment; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        assert_eq!(parse_range("bytes=0-4", 10), Some(Some(0..=4)));
        assert_eq!(parse_range("bytes=5-", 10), Some(Some(5..=9)));
        assert_eq!(parse_range("bytes=-3", 10), Some(Some(7..=9)));
        assert_eq!(parse_range("bytes=5-99", 10), Some(Some(5..=9)));
        assert_eq!(parse_range("bytes=10-", 10), Some(None));
        assert_eq!(parse_range("lines=1-2", 10), None);
        assert_eq!(parse_range("bytes=5-4", 10), None);
    }

    #[test]
    fn names_cannot_break_a_header() {
        assert_eq!(disposition("a\r\n\"b"), "attachment; filename*=UTF-8''a%0D%0A%22b");
    }
}
