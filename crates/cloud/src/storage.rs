//! Objects in Storage's buckets: what is there, and taking things away. Sending is in `upload`, fetching in `download`.

use crate::http::{Caller, Meter, Patience, read_json};
use crate::wire::Dialect;
use crate::{CloudError, Session};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const MAX_ANSWER: usize = 4_000_000;
const PATIENCE: Patience = Patience::Total { limit: Duration::from_secs(30), batch: false };
/// A transfer goes on for as long as something moves within this time.
const STALL: Duration = Duration::from_secs(60);

/// Storage of one session. Clones share it.
#[derive(Debug, Clone)]
pub struct Storage {
    pub(crate) caller: Caller,
    pub(crate) stall: Duration,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Bytes; None when the server does not say.
    pub size: Option<u64>,
    /// MIME type.
    pub content_type: Option<String>,
}

impl Storage {
    /// Acts as `session`'s user.
    pub fn new(session: &Session) -> Storage {
        Storage { caller: Caller::new(session), stall: STALL }
    }

    /// The same with another limit on the time in which nothing moves.
    pub fn with_stall_limit(mut self, limit: Duration) -> Storage {
        self.stall = limit;
        self
    }

    /// Size and type of an object; None when it is not there (or not the caller's: Storage does not tell these apart).
    pub async fn info(&self, bucket: &str, path: &str) -> Result<Option<ObjectInfo>, CloudError> {
        #[derive(Deserialize)]
        #[serde(default)]
        #[derive(Default)]
        struct Info {
            size: Option<u64>,
            content_type: Option<String>,
            metadata: Value,
        }
        let url = self.url(&["object", "info"], bucket, path)?;
        let response =
            self.caller.call(Dialect::Storage, &PATIENCE, |http| http.request(Method::GET, url.clone())).await;
        match response {
            Ok(response) => {
                let info: Info = read_json(response, MAX_ANSWER, &PATIENCE).await?;
                let of = |name: &str| info.metadata.get(name);
                Ok(Some(ObjectInfo {
                    size: info.size.or_else(|| of("size").and_then(Value::as_u64)),
                    content_type: info
                        .content_type
                        .or_else(|| of("mimetype").and_then(Value::as_str).map(str::to_owned)),
                }))
            }
            Err(CloudError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether an object is there for the caller. Asks for its info and not by HEAD, whose answer has no body: Storage
    /// says 400 both for what is not there and for a token that has run out.
    pub async fn exists(&self, bucket: &str, path: &str) -> Result<bool, CloudError> {
        Ok(self.info(bucket, path).await?.is_some())
    }

    /// Removes objects for good; those that are not there count as removed. The number says how many were.
    pub async fn remove(&self, bucket: &str, paths: &[&str]) -> Result<usize, CloudError> {
        for path in paths {
            segments(path)?;
        }
        let url = self.caller.http.address().join(["storage", "v1", "object"].into_iter().chain(segments(bucket)?));
        let body = json!({ "prefixes": paths });
        let response = self
            .caller
            .call(Dialect::Storage, &PATIENCE, |http| http.request(Method::DELETE, url.clone()).json(&body))
            .await?;
        let removed: Vec<Value> = read_json(response, MAX_ANSWER, &PATIENCE).await?;
        Ok(removed.len())
    }

    pub(crate) fn url(&self, kind: &[&str], bucket: &str, path: &str) -> Result<Url, CloudError> {
        let place = segments(bucket)?.into_iter().chain(segments(path)?);
        let base = ["storage", "v1"].into_iter().chain(kind.iter().copied());
        Ok(self.caller.http.address().join(base.chain(place)))
    }

    pub(crate) fn patience(&self) -> (Patience, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        (Patience::Stall { limit: self.stall, meter: meter.clone() }, meter)
    }
}

/// The parts of a path, none of which leads elsewhere.
fn segments(path: &str) -> Result<Vec<&str>, CloudError> {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |part: &&str| !part.is_empty() && *part != "." && *part != ".." && !part.contains(['\\', '\0']);
    match parts.iter().all(plain) {
        true => Ok(parts),
        false => Err(CloudError::unusable("a file of that name cannot be on the server")),
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
