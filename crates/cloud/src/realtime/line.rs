//! One socket to Realtime: the Phoenix protocol in its JSON form, version 1.0.0.

use super::Ring;
use super::queue::Queue;
use crate::error::redact;
use crate::{CloudError, ServerAddress, Session};
use airi_domain::OwnerId;
use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// Our broadcasts are a few bytes.
const MAX_MESSAGE: usize = 256 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
const JOIN_LIMIT: Duration = Duration::from_secs(15);
/// The token is looked after, but the line is not kept waiting for it.
const TOKEN_LIMIT: Duration = Duration::from_secs(10);
const JOIN_REF: &str = "1";

pub(super) struct Line {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    topic: String,
    token: SecretString,
    next_ref: u64,
}

impl Line {
    pub(super) async fn connect(address: &ServerAddress) -> Result<Line, CloudError> {
        let url = socket_url(address)?;
        let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
        let connecting = connect_async_with_config(url.as_str(), Some(config), true);
        match tokio::time::timeout(CONNECT_LIMIT, connecting).await {
            Ok(Ok((socket, _))) => {
                Ok(Line { socket, topic: String::new(), token: SecretString::default(), next_ref: 1 })
            }
            Ok(Err(error)) => Err(broken(error)),
            Err(_) => Err(CloudError::Timeout { limit: CONNECT_LIMIT, batch: false }),
        }
    }

    /// Joins the user's private topic and waits for the server's answer.
    pub(super) async fn join(&mut self, user_id: OwnerId, token: &SecretString) -> Result<(), CloudError> {
        self.topic = format!("realtime:sync:{user_id}");
        self.token = token.clone();
        let payload = json!({
            "config": {
                "broadcast": { "ack": false, "self": false },
                "presence": { "key": "" },
                "postgres_changes": [],
                "private": true,
            },
            "access_token": token.expose_secret(),
        });
        let topic = self.topic.clone();
        let sent = self.send(&topic, "phx_join", payload, Some(JOIN_REF)).await?;
        let answer = async {
            loop {
                let frame = self.receive().await?;
                if text(&frame, "event") == "phx_reply" && text(&frame, "ref") == sent {
                    return Ok(frame);
                }
            }
        };
        let frame = tokio::time::timeout(JOIN_LIMIT, answer)
            .await
            .map_err(|_| CloudError::Timeout { limit: JOIN_LIMIT, batch: false })??;
        match frame.pointer("/payload/status").and_then(Value::as_str) {
            Some("ok") => Ok(()),
            _ => Err(self.refused(&frame["payload"]["response"])),
        }
    }

    /// Hands rings on until the line ends.
    pub(super) async fn listen(
        mut self,
        session: &Session,
        heartbeat: Duration,
        queue: &Queue,
    ) -> Result<Infallible, CloudError> {
        let mut beat = tokio::time::interval(heartbeat);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        beat.tick().await;
        let mut unanswered: Option<String> = None;
        loop {
            tokio::select! {
                frame = self.receive() => {
                    let frame = frame?;
                    match text(&frame, "event") {
                        "phx_reply" if unanswered.as_deref() == Some(text(&frame, "ref")) => unanswered = None,
                        "broadcast" if self.is_ours(&frame) && frame["payload"]["event"] == "changed" => {
                            let head = frame.pointer("/payload/payload/head").and_then(Value::as_i64);
                            queue.push(Ring::Changed { head });
                        }
                        "system" if self.is_ours(&frame) && frame["payload"]["status"] == "error" => {
                            return Err(self.refused(&frame["payload"]["message"]));
                        }
                        "phx_error" | "phx_close" if self.is_ours(&frame) => {
                            return Err(CloudError::broken("the server closed the channel"));
                        }
                        _ => {}
                    }
                }
                _ = beat.tick() => {
                    if unanswered.is_some() {
                        return Err(CloudError::Timeout { limit: heartbeat, batch: false });
                    }
                    unanswered = Some(self.send("phoenix", "heartbeat", json!({}), None).await?);
                    self.hand_on_token(session).await?;
                }
            }
        }
    }

    /// The server closes a channel whose token has run out, so a refreshed one is handed on.
    async fn hand_on_token(&mut self, session: &Session) -> Result<(), CloudError> {
        let token = match tokio::time::timeout(TOKEN_LIMIT, session.access_token()).await {
            Ok(Ok(token)) => token,
            Ok(Err(error)) if !matches!(error.class(), crate::Class::Passing { .. }) => return Err(error),
            _ => return Ok(()),
        };
        if token.expose_secret() != self.token.expose_secret() {
            self.token = token.clone();
            let topic = self.topic.clone();
            let payload = json!({ "access_token": token.expose_secret() });
            self.send(&topic, "access_token", payload, Some(JOIN_REF)).await?;
        }
        Ok(())
    }

    fn is_ours(&self, frame: &Value) -> bool {
        text(frame, "topic") == self.topic
    }

    /// What a refusal of the channel means: a token that has run out, or rights that are missing.
    fn refused(&self, response: &Value) -> CloudError {
        let words = response.get("reason").and_then(Value::as_str).map_or_else(|| response.to_string(), str::to_owned);
        let message = redact(&words, &[self.token.expose_secret()]);
        let lower = message.to_ascii_lowercase();
        if lower.contains("expired") || lower.contains("jwt") || lower.contains("token") {
            return CloudError::NotAccepted;
        }
        if lower.contains("unauthorized") || lower.contains("permission") {
            return CloudError::Refused { status: 403, code: "realtime".into(), message };
        }
        CloudError::Busy { status: 503, retry_after: None, message }
    }

    async fn send(
        &mut self,
        topic: &str,
        event: &str,
        payload: Value,
        join_ref: Option<&str>,
    ) -> Result<String, CloudError> {
        let reference = self.next_ref.to_string();
        self.next_ref += 1;
        let frame =
            json!({ "topic": topic, "event": event, "payload": payload, "ref": reference, "join_ref": join_ref });
        let sending = self.socket.send(Message::text(frame.to_string()));
        match tokio::time::timeout(CONNECT_LIMIT, sending).await {
            Ok(sent) => sent.map_err(broken)?,
            Err(_) => return Err(CloudError::Timeout { limit: CONNECT_LIMIT, batch: false }),
        }
        Ok(reference)
    }

    /// The next frame that is JSON; cancel-safe. Other frames are not ours to judge.
    async fn receive(&mut self) -> Result<Value, CloudError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Ok(frame) = serde_json::from_str::<Value>(&text) {
                        return Ok(frame);
                    }
                }
                Some(Ok(Message::Close(_))) | None => return Err(CloudError::broken("the server closed the line")),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
            }
        }
    }
}

fn text<'a>(frame: &'a Value, name: &str) -> &'a str {
    frame.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn socket_url(address: &ServerAddress) -> Result<Url, CloudError> {
    let mut url = address.join(["realtime", "v1", "websocket"]);
    let scheme = if address.is_plain() { "ws" } else { "wss" };
    url.set_scheme(scheme).map_err(|()| CloudError::unusable("the address has no socket"))?;
    url.query_pairs_mut().append_pair("apikey", address.key()).append_pair("vsn", "1.0.0");
    Ok(url)
}

/// The URL carries the key, so only the kind of the error is kept, never its text when that may quote the request.
fn broken(error: Error) -> CloudError {
    match error {
        Error::Http(response) => match response.status().as_u16() {
            401 | 403 => CloudError::KeyRefused,
            status @ 300..=399 => CloudError::Redirected { status },
            404 => CloudError::broken("it has no doorbell (HTTP 404)"),
            status => CloudError::Busy { status, retry_after: None, message: String::new() },
        },
        Error::Io(error) => CloudError::Network { why: error.to_string(), source: Some(Box::new(error)) },
        Error::Tls(error) => CloudError::broken(&format!("no secure connection: {error}")),
        Error::ConnectionClosed | Error::AlreadyClosed => CloudError::broken("the server closed the line"),
        Error::Capacity(_) => CloudError::broken("a message was too long"),
        _ => CloudError::broken("the line broke"),
    }
}
