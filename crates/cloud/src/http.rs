//! One HTTP client for all of the server: no redirects, bounded answers (compressed ones too), bounded patience.

use crate::wire::{self, Dialect};
use crate::{CloudError, ServerAddress, Session};
use flate2::write::GzDecoder;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A refusal's text is never longer.
const MAX_ERROR_BYTES: usize = 64 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long a call may take.
#[derive(Debug, Clone)]
pub(crate) enum Patience {
    /// From the first byte sent to the last received. `batch`: a smaller call would be faster.
    Total { limit: Duration, batch: bool },
    /// As long as it moves: no more than `limit` without progress.
    Stall { limit: Duration, meter: Arc<Meter> },
}

/// Counts the bytes that moved.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Resolves once nothing has moved for `limit`.
    async fn stalled(&self, limit: Duration) {
        let mut last = self.0.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(limit).await;
            match self.0.load(Ordering::Relaxed) {
                now if now == last => return,
                now => last = now,
            }
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    address: ServerAddress,
}

impl Http {
    pub(crate) fn new(address: &ServerAddress) -> Result<Http, CloudError> {
        let mut key = HeaderValue::from_str(address.key()).map_err(|_| CloudError::unusable("the key is no header"))?;
        key.set_sensitive(true);
        let mut builder = Client::builder()
            .user_agent(concat!("airi-desktop/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([("apikey".parse().map_err(header)?, key)]))
            .redirect(redirect::Policy::none())
            .referer(false)
            // Who asks for compression decodes by itself, within a bound: see `read`.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(CONNECT_LIMIT);
        if address.is_plain() {
            builder = builder.no_proxy();
        }
        Ok(Http { client: builder.build().map_err(CloudError::network)?, address: address.clone() })
    }

    pub(crate) fn address(&self) -> &ServerAddress {
        &self.address
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends; anything but success becomes an error. `secrets` are what the request carries.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        dialect: Dialect,
        patience: &Patience,
        secrets: &[&str],
    ) -> Result<Response, CloudError> {
        let sent = match patience {
            Patience::Total { limit, .. } => request.timeout(*limit).send().await,
            Patience::Stall { limit, meter } => tokio::select! {
                sent = request.send() => sent,
                () = meter.stalled(*limit) => return Err(CloudError::Timeout { limit: *limit, batch: false }),
            },
        };
        let response = sent.map_err(|e| impatient(e, patience))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() || status.is_informational() {
            return Err(CloudError::Redirected { status: status.as_u16() });
        }
        let headers = response.headers().clone();
        // A refusal whose text breaks off still has its status.
        let body = read(response, MAX_ERROR_BYTES, patience).await.unwrap_or_default();
        let mut hidden = vec![self.address.key()];
        hidden.extend_from_slice(secrets);
        Err(wire::refusal(dialect, status.as_u16(), &headers, &body, &hidden))
    }
}

fn header<E: std::fmt::Display>(error: E) -> CloudError {
    CloudError::unusable(error.to_string())
}

fn impatient(error: reqwest::Error, patience: &Patience) -> CloudError {
    match patience {
        Patience::Total { limit, batch } if error.is_timeout() && !error.is_connect() => {
            CloudError::Timeout { limit: *limit, batch: *batch }
        }
        _ => CloudError::network(error),
    }
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        if more.len() > self.max - self.bytes.len() {
            self.full = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A body as it comes in.
enum Body {
    Plain(Bounded),
    Gzip(Box<GzDecoder<Bounded>>),
}

impl Body {
    fn add(&mut self, piece: &[u8]) -> std::io::Result<()> {
        match self {
            Body::Plain(bounded) => bounded.write_all(piece),
            Body::Gzip(decoder) => decoder.write_all(piece),
        }
    }

    fn is_full(&self) -> bool {
        match self {
            Body::Plain(bounded) => bounded.full,
            Body::Gzip(decoder) => decoder.get_ref().full,
        }
    }

    fn end(&mut self) -> std::io::Result<Vec<u8>> {
        let bounded = match self {
            Body::Plain(bounded) => bounded,
            Body::Gzip(decoder) => {
                decoder.try_finish()?;
                decoder.get_mut()
            }
        };
        Ok(std::mem::take(&mut bounded.bytes))
    }
}

/// The body, unpacked where it was compressed, at most `max` bytes: a compressed answer can be a thousand times its size.
pub(crate) async fn read(mut response: Response, max: usize, patience: &Patience) -> Result<Vec<u8>, CloudError> {
    let too_large = || CloudError::TooLarge { why: format!("an answer of more than {} MB", max / 1_000_000) };
    let announced = response.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|n| n > max as u64) {
        return Err(too_large());
    }
    let packed =
        response.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let status = response.status().as_u16();
    let size = announced.unwrap_or(0).min(1 << 20) as usize;
    let bounded = |size| Bounded { bytes: Vec::with_capacity(size), max, full: false };
    let mut body =
        if packed { Body::Gzip(Box::new(GzDecoder::new(bounded(size * 3)))) } else { Body::Plain(bounded(size)) };
    let failed = |body: &Body, why: &str| match body.is_full() {
        true => too_large(),
        false => CloudError::BadAnswer { status, why: why.into() },
    };
    while let Some(piece) = chunk(&mut response, patience).await? {
        if body.add(&piece).is_err() {
            return Err(failed(&body, "it cannot be unpacked"));
        }
    }
    body.end().map_err(|_| failed(&body, "it breaks off"))
}

/// The next piece of a body, waited for as `patience` allows.
pub(crate) async fn chunk(
    response: &mut Response,
    patience: &Patience,
) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, CloudError> {
    let next = match patience {
        Patience::Total { .. } => response.chunk().await,
        Patience::Stall { limit, .. } => tokio::time::timeout(*limit, response.chunk())
            .await
            .map_err(|_| CloudError::Timeout { limit: *limit, batch: false })?,
    };
    next.map_err(|e| impatient(e, patience))
}

/// JSON out of a whole answer; what is no JSON came from somewhere else or was cut.
pub(crate) async fn read_json<T: DeserializeOwned>(
    response: Response,
    max: usize,
    patience: &Patience,
) -> Result<T, CloudError> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = read(response, max, patience).await?;
    serde_json::from_slice(&body).map_err(|error| match error.classify() {
        _ if body.is_empty() || wire::looks_like_html(&headers, &body) => wire::not_ours(status, &headers, &body),
        serde_json::error::Category::Data => {
            // The error's text may quote the answer; its place says enough.
            let what = format!("its answer has another shape, line {} column {}", error.line(), error.column());
            CloudError::SchemaMismatch { what }
        }
        serde_json::error::Category::Eof => CloudError::BadAnswer { status, why: "it breaks off".into() },
        _ => wire::not_ours(status, &headers, &body),
    })
}

/// Calls as the signed-in user.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) http: Http,
    session: Session,
}

impl Caller {
    pub(crate) fn new(session: &Session) -> Caller {
        Caller { http: session.http().clone(), session: session.clone() }
    }

    /// Sends what `make` builds with the session's token. On 401 the session is refreshed, once for everyone, and the
    /// call repeated once.
    pub(crate) async fn call(
        &self,
        dialect: Dialect,
        patience: &Patience,
        make: impl Fn(&Http) -> RequestBuilder,
    ) -> Result<Response, CloudError> {
        let token = self.session.access_token().await?;
        match self.attempt(&token, dialect, patience, &make).await {
            Err(CloudError::NotAccepted) => {
                let token = self.session.renewed(&token).await?;
                self.attempt(&token, dialect, patience, &make).await
            }
            result => result,
        }
    }

    async fn attempt(
        &self,
        token: &SecretString,
        dialect: Dialect,
        patience: &Patience,
        make: &impl Fn(&Http) -> RequestBuilder,
    ) -> Result<Response, CloudError> {
        let token = token.expose_secret();
        self.http.send(make(&self.http).bearer_auth(token), dialect, patience, &[token]).await
    }
}
