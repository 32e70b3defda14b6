//! Fetching a file: into a `.part` beside its place, from where the last attempt ended, and into its place only when size
//! and hash are the expected ones.

use crate::CloudError;
use crate::http::chunk;
use crate::storage::Storage;
use crate::wire::Dialect;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io::{ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

const PIECE: usize = 128 * 1024;

impl Storage {
    /// Fetches an object of exactly `size` bytes whose SHA-256 is `sha256` (lower-case hex) to `to`. A size that is not
    /// known is asked of the server first. Never more than that many bytes are written, and `to` only ever appears
    /// whole. An interrupted download goes on when it is called again; one call at a time per `to`.
    /// [`CloudError::NotFound`], [`CloudError::WrongContent`]; [`CloudError::BadAnswer`] when what came has another length
    /// than the server says of the object.
    pub async fn download(
        &self,
        bucket: &str,
        path: &str,
        to: &Path,
        sha256: &str,
        size: Option<u64>,
    ) -> Result<(), CloudError> {
        let size = match size {
            Some(size) => size,
            None => self.info(bucket, path).await?.ok_or(CloudError::NotFound)?.size.ok_or_else(no_size)?,
        };
        let url = self.url(&["object"], bucket, path)?;
        let part = part_path(to);
        let object = (bucket, path);
        let mut fetch =
            Fetch { storage: self, object, url, part: &part, to, sha256: Some(sha256), size, resumed: false };
        match fetch.run().await {
            // What an earlier attempt left may be the wrong half; a fresh one decides.
            Err(CloudError::WrongContent { .. } | CloudError::BadAnswer { .. }) if fetch.resumed => fetch.run().await,
            result => result,
        }
    }

    /// Fetches an object whose hash nobody knows to `to`, at most `at_most` bytes. Always from its start: what an
    /// interrupted download left could belong to an object that has been replaced since. `to` only ever appears whole.
    /// [`CloudError::NotFound`]; [`CloudError::WrongContent`] when it is larger.
    pub async fn download_unchecked(
        &self,
        bucket: &str,
        path: &str,
        to: &Path,
        at_most: u64,
    ) -> Result<(), CloudError> {
        let size = self.info(bucket, path).await?.ok_or(CloudError::NotFound)?.size.ok_or_else(no_size)?;
        if size > at_most {
            return Err(CloudError::WrongContent { why: format!("it has {size} bytes, more than {at_most}") });
        }
        let url = self.url(&["object"], bucket, path)?;
        let part = part_path(to);
        match fs::remove_file(&part).await {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(CloudError::disk("written", &part, e)),
            _ => {}
        }
        let object = (bucket, path);
        Fetch { storage: self, object, url, part: &part, to, sha256: None, size, resumed: false }.run().await
    }
}

struct Fetch<'a> {
    storage: &'a Storage,
    /// Bucket and path.
    object: (&'a str, &'a str),
    url: reqwest::Url,
    part: &'a Path,
    to: &'a Path,
    /// None: any content of that size.
    sha256: Option<&'a str>,
    size: u64,
    /// Whether bytes of an earlier attempt were used.
    resumed: bool,
}

impl Fetch<'_> {
    async fn run(&mut self) -> Result<(), CloudError> {
        let failed = |e| CloudError::disk("written", self.part, e);
        if let Some(folder) = self.part.parent() {
            fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(self.part).await.map_err(failed)?;
        let (mut have, mut hash) = self.resume_point(&mut file).await?;
        self.resumed = have > 0;
        if have < self.size || self.size == 0 {
            self.receive(&mut file, &mut have, &mut hash).await?;
        }
        let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if self.sha256.is_some_and(|expected| expected != found) {
            return self.give_up(file, "its hash differs".into()).await;
        }
        file.sync_all().await.map_err(failed)?;
        drop(file);
        fs::rename(self.part, self.to).await.map_err(|e| CloudError::disk("written", self.to, e))?;
        #[cfg(unix)]
        if let Some(folder) = self.to.parent().filter(|f| !f.as_os_str().is_empty()) {
            let folder = File::open(folder).await.map_err(|e| CloudError::disk("written", self.to, e))?;
            folder.sync_all().await.map_err(|e| CloudError::disk("written", self.to, e))?;
        }
        Ok(())
    }

    /// How many bytes of an earlier attempt there are, and the hash so far. The file stands at its end.
    async fn resume_point(&self, file: &mut File) -> Result<(u64, Sha256), CloudError> {
        let failed = |e| CloudError::disk("read", self.part, e);
        let mut hash = Sha256::new();
        let length = file.metadata().await.map_err(failed)?.len();
        if length > self.size {
            file.set_len(0).await.map_err(failed)?;
            return Ok((0, hash));
        }
        let mut have = 0;
        let mut piece = vec![0; PIECE];
        loop {
            let read = file.read(&mut piece).await.map_err(failed)?;
            if read == 0 {
                return Ok((have, hash));
            }
            hash.update(&piece[..read]);
            have += read as u64;
        }
    }

    async fn receive(&self, file: &mut File, have: &mut u64, hash: &mut Sha256) -> Result<(), CloudError> {
        let failed = |e| CloudError::disk("written", self.part, e);
        let (patience, _) = self.storage.patience();
        let from = *have;
        let answer = self
            .storage
            .caller
            .call(Dialect::Storage, &patience, |http| {
                let request = http.request(Method::GET, self.url.clone());
                if from > 0 { request.header(RANGE, format!("bytes={from}-")) } else { request }
            })
            .await;
        let mut response = match answer {
            Err(CloudError::Refused { status: 416, .. }) => {
                file.set_len(0).await.map_err(failed)?;
                return Err(CloudError::WrongContent { why: "it is shorter".into() });
            }
            answer => answer?,
        };
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        if partial && !continues_at(response.headers().get(CONTENT_RANGE), from, self.size) {
            return self.wrong_length(file, "it has another length").await;
        }
        if !partial {
            // The server sent all of it, so what was there is written again.
            file.set_len(0).await.map_err(failed)?;
            file.seek(SeekFrom::Start(0)).await.map_err(failed)?;
            (*have, *hash) = (0, Sha256::new());
        }
        while let Some(piece) = chunk(&mut response, &patience).await? {
            *have += piece.len() as u64;
            if *have > self.size {
                return self.wrong_length(file, "it is longer").await;
            }
            hash.update(&*piece);
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        if *have < self.size {
            // Whole by its own account, and still too short; a broken connection is an error of `chunk`.
            return self.wrong_length(file, "it is shorter").await;
        }
        Ok(())
    }

    /// Nothing of it is kept. Whether the object is wrong, or only what came, the server knows: a page or an empty answer
    /// of something on the way says nothing of the object.
    async fn wrong_length(&self, file: &mut File, why: &str) -> Result<(), CloudError> {
        file.set_len(0).await.map_err(|e| CloudError::disk("written", self.part, e))?;
        let (bucket, path) = self.object;
        match self.storage.info(bucket, path).await? {
            Some(info) if info.size == Some(self.size) => {
                Err(CloudError::BadAnswer { status: 200, why: format!("of a file on the server: {why}") })
            }
            Some(_) => Err(CloudError::WrongContent { why: why.to_owned() }),
            None => Err(CloudError::NotFound),
        }
    }

    async fn give_up(&self, file: File, why: String) -> Result<(), CloudError> {
        drop(file);
        match fs::remove_file(self.part).await {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(CloudError::disk("written", self.part, e)),
            _ => Err(CloudError::WrongContent { why }),
        }
    }
}

fn no_size() -> CloudError {
    CloudError::BadAnswer { status: 200, why: "it does not say how long the file is".into() }
}

fn part_path(to: &Path) -> PathBuf {
    let mut name = to.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".part");
    to.with_file_name(name)
}

/// `bytes 100-199/200`, from where we asked and of the length that is expected.
fn continues_at(value: Option<&reqwest::header::HeaderValue>, from: u64, size: u64) -> bool {
    let parsed = value.and_then(|v| v.to_str().ok()?.strip_prefix("bytes ")?.split_once('/'));
    let Some((range, total)) = parsed else { return false };
    let start = range.split_once('-').and_then(|(start, _)| start.parse::<u64>().ok());
    start == Some(from) && (total == "*" || total.parse() == Ok(size))
}
