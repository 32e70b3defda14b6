//! RPCs and rows of PostgREST, as the signed-in user.

use crate::http::{Caller, Patience, read_json};
use crate::wire::Dialect;
use crate::{CloudError, Session};
use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The server's own limit on a statement is 8 s; the rest is for the network.
const LIMIT: Duration = Duration::from_secs(30);
const MAX_ANSWER: usize = 64_000_000;

/// The RPCs of one session. Clones share it.
#[derive(Debug, Clone)]
pub struct Rest {
    caller: Caller,
    limit: Duration,
    max_answer: usize,
}

impl Rest {
    /// Calls as `session`'s user: 30 s and 64 MB a call.
    pub fn new(session: &Session) -> Rest {
        Rest { caller: Caller::new(session), limit: LIMIT, max_answer: MAX_ANSWER }
    }

    /// The same with another limit for each call, from the first byte sent to the last received.
    pub fn with_limit(mut self, limit: Duration) -> Rest {
        self.limit = limit;
        self
    }

    /// The same with another bound on an answer's bytes; a longer one is [`CloudError::TooLarge`].
    pub fn with_max_answer(mut self, bytes: usize) -> Rest {
        self.max_answer = bytes;
        self
    }

    /// Calls the function `name` with named arguments. A call may have taken effect although an error comes back: only
    /// what the server makes repeatable may be repeated.
    pub async fn rpc<T: DeserializeOwned>(
        &self,
        name: &str,
        args: &(impl Serialize + ?Sized),
    ) -> Result<T, CloudError> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(CloudError::unusable("a function of that name cannot be"));
        }
        let body = serde_json::to_vec(args).map_err(|e| CloudError::unusable(e.to_string()))?;
        let patience = Patience::Total { limit: self.limit, batch: true };
        let response = self
            .caller
            .call(Dialect::Rest, &patience, |http| {
                http.request(Method::POST, http.address().join(["rest", "v1", "rpc", name]))
                    .header(CONTENT_TYPE, "application/json")
                    .header(ACCEPT, "application/json")
                    // A page of a history packs to less than half. Servers that do not pack answer as they are.
                    .header(ACCEPT_ENCODING, "gzip")
                    .body(body.clone())
            })
            .await?;
        read_json(response, self.max_answer, &patience).await
    }
}

impl Rest {
    /// Rows of a table that the caller may read, with PostgREST's own filters (`select`, `order`, `column` = `eq.value`).
    pub async fn rows<T: DeserializeOwned>(&self, table: &str, filters: &[(&str, &str)]) -> Result<Vec<T>, CloudError> {
        self.table(table, Method::GET, filters, None).await
    }

    async fn table<T: DeserializeOwned>(
        &self,
        table: &str,
        method: Method,
        filters: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Vec<T>, CloudError> {
        if table.is_empty() || !table.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return Err(CloudError::unusable("a table of that name cannot be"));
        }
        let patience = Patience::Total { limit: self.limit, batch: false };
        let response = self
            .caller
            .call(Dialect::Rest, &patience, |http| {
                let request = http
                    .request(method.clone(), http.address().join(["rest", "v1", table]))
                    .header(ACCEPT, "application/json")
                    .query(filters);
                match &body {
                    None => request,
                    Some(body) => request
                        .header(CONTENT_TYPE, "application/json")
                        .header("Prefer", "return=representation")
                        .body(body.clone()),
                }
            })
            .await?;
        read_json(response, self.max_answer, &patience).await
    }
}

impl Rest {
    /// Changes columns of the rows that the filters name and the caller may change, and gives those rows back, as `select`
    /// says. Doing it again changes nothing more.
    pub async fn update<T: DeserializeOwned>(
        &self,
        table: &str,
        filters: &[(&str, &str)],
        columns: &(impl Serialize + ?Sized),
    ) -> Result<Vec<T>, CloudError> {
        let body = serde_json::to_vec(columns).map_err(|e| CloudError::unusable(e.to_string()))?;
        self.table(table, Method::PATCH, filters, Some(body)).await
    }
}

#[cfg(test)]
#[path = "rest_tests.rs"]
mod tests;
