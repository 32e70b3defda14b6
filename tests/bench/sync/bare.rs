//! The bare fetch: the very requests of a first sync, their answers read to the last byte and thrown away. What remains of
//! a first sync beyond this is the client's own work.

use airi_tests::{Cloud, User};
use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::Instant;

/// The tables of the walk (docs/sync-protocol.md).
const WALK: [&str; 8] = [
    "user_profiles",
    "conversations",
    "chat_messages",
    "message_attachments",
    "usage_logs",
    "usage_daily_aggregates",
    "subscription_history",
    "payment_history",
];

type Request = axum::http::Request<Full<axum::body::Bytes>>;

/// The requests of a first sync, learnt once.
pub(crate) struct Pages {
    http: Client<HttpConnector, Full<axum::body::Bytes>>,
    url: String,
    key: String,
    token: String,
    requests: Vec<(&'static str, Value)>,
    /// Rows of conversations, messages and attachments on the pages of the walk.
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl Pages {
    /// Walks once and notes what is asked; nothing of this is timed.
    pub(crate) async fn learn(cloud: &Cloud, user: &User) -> Result<Pages> {
        let mut pages = Pages {
            http: Client::builder(TokioExecutor::new()).build_http(),
            url: cloud.url.clone(),
            key: cloud.publishable_key.clone(),
            token: String::new(),
            requests: Vec::new(),
            rows: 0,
            bytes: 0,
        };
        let login = json!({ "email": user.email, "password": user.password });
        let answer = pages.json("auth/v1/token?grant_type=password", &login).await?;
        pages.token = answer["access_token"].as_str().context("no token")?.to_owned();
        let hello = pages.learnt("rest/v1/rpc/sync_hello", json!({})).await?;
        pages.learnt("rest/v1/rpc/sync_preview", json!({})).await?;
        for table in WALK {
            let mut after = Value::Null;
            loop {
                let args = json!({ "p_table": table, "p_after": after, "p_limit": 1000 });
                let page = pages.learnt("rest/v1/rpc/sync_snapshot", args).await?;
                if crate::history::TABLES.contains(&table) {
                    pages.rows += page["rows"].as_array().map_or(0, Vec::len) as u64;
                }
                after = page["next"].clone();
                if page["has_more"] != true {
                    break;
                }
            }
        }
        let last = "ffffffff-ffff-ffff-ffff-ffffffffffff";
        let args =
            json!({ "p_epoch": hello["epoch"], "p_seq": hello["head"], "p_rank": 9, "p_id": last, "p_limit": 1000 });
        pages.learnt("rest/v1/rpc/sync_pull", args).await?;
        Ok(pages)
    }

    async fn learnt(&mut self, path: &'static str, args: Value) -> Result<Value> {
        let answer = self.json(path, &args).await?;
        self.requests.push((path, args));
        Ok(answer)
    }

    async fn json(&mut self, path: &str, args: &Value) -> Result<Value> {
        let response = self.http.request(self.request(path, args)?).await?;
        let good = response.status().is_success();
        let bytes = response.into_body().collect().await?.to_bytes();
        ensure!(good, "{path}: {}", String::from_utf8_lossy(&bytes));
        self.bytes += bytes.len() as u64;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn request(&self, path: &str, args: &Value) -> Result<Request> {
        let mut request = axum::http::Request::post(format!("{}/{path}", self.url))
            .header("apikey", &self.key)
            .header("content-type", "application/json");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        Ok(request.body(Full::from(args.to_string()))?)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Asks for all of them, one after the other on one connection; milliseconds.
    pub(crate) async fn fetch(&self) -> Result<f64> {
        let start = Instant::now();
        for (path, args) in &self.requests {
            let response = self.http.request(self.request(path, args)?).await?;
            ensure!(response.status().is_success(), "{path}: {}", response.status());
            let mut body = response.into_body();
            while let Some(frame) = body.frame().await {
                frame?;
            }
        }
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}
