//! Which models a provider has.

use crate::{Client, LlmError, Protocol};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use std::time::Duration;

/// A list of models is never longer; one with prices for some hundred models has about 500 kB.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
struct List {
    /// OpenAI's and Anthropic's name.
    #[serde(default)]
    data: Vec<Model>,
    /// Google's name, and that of some others.
    #[serde(default)]
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "supportedGenerationMethods")]
    methods: Option<Vec<String>>,
}

impl Client {
    /// The names of its models, in the order of the alphabet. It is also how a provider is tried: a wrong key, address or
    /// network shows here without spending anything.
    pub async fn models(&self) -> Result<Vec<String>, LlmError> {
        let url = self
            .address
            .base()
            .join("models")
            .map_err(|error| LlmError::NotAProvider { provider: self.name.clone(), why: error.to_string() })?;
        let request = self.http.get(url).timeout(LIMIT);
        let request = match (self.protocol, self.key()) {
            (_, None) => request,
            (Protocol::OpenAi, Some(key)) => request.bearer_auth(key),
            (Protocol::Anthropic, Some(key)) => {
                request.header("x-api-key", key).header("anthropic-version", "2023-06-01").query(&[("limit", "1000")])
            }
            (Protocol::Google, Some(key)) => request.header("x-goog-api-key", key).query(&[("pageSize", "1000")]),
        };
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let (status, wait) = (response.status(), retry_after(response.headers()));
        let body = self.read(response).await?;
        if !status.is_success() {
            if status.as_u16() == 401 && self.key.is_none() {
                return Err(LlmError::KeyMissing { provider: self.name.clone() });
            }
            return Err(LlmError::of_status(&self.name, "", status, wait, &body, self.key()));
        }
        let list: List = serde_json::from_str(&body).map_err(|_| LlmError::NotAProvider {
            provider: self.name.clone(),
            why: "it answers something else than a list of models".into(),
        })?;
        let mut names: Vec<String> = list.data.into_iter().chain(list.models).filter_map(name).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<String, LlmError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + piece.len() > MAX_BYTES {
                return Err(LlmError::NotAProvider {
                    provider: self.name.clone(),
                    why: "its answer does not end".into(),
                });
            }
            body.extend_from_slice(&piece);
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// A model that chats; Google says what each is for, and writes `models/` before the name.
fn name(model: Model) -> Option<String> {
    if model.methods.is_some_and(|methods| !methods.iter().any(|method| method == "generateContent")) {
        return None;
    }
    let name = model.id.or(model.name)?;
    let name = name.strip_prefix("models/").unwrap_or(&name).trim();
    let fits = !name.is_empty() && name.len() <= 200 && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(86_400)))
}
