//! One client's socket and its channels. Promise: a channel ends when the token that joined it does, unless a newer one
//! came in time; a newer token is asked about anew.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::extract::ws::{Message as WsMessage, WebSocket};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Sleep};
use uuid::Uuid;

use super::access::{self, Access};
use super::bus::Message;
use super::frames::{Frame, Version};
use crate::database::Role;
use crate::gateway::Gateway;
use crate::gateway::caller::Caller;
use crate::token::{self, TokenError};

/// A client says something (at least a heartbeat) within this time, or is gone.
const SILENCE: Duration = Duration::from_secs(60);
const PREFIX: &str = "realtime:";

/// A topic that this client has joined.
struct Channel {
    join_ref: Option<String>,
    private: bool,
    hears_itself: bool,
    acknowledges: bool,
    access: Access,
    /// When the token that joined ends, in seconds since 1970.
    expiry: Option<i64>,
}

pub(super) struct Socket {
    gateway: Arc<Gateway>,
    /// The role of the API key, for channels that bring no token.
    key_role: Role,
    version: Version,
    id: Uuid,
    /// By topic as the client writes it, with the prefix.
    channels: HashMap<String, Channel>,
    out: Vec<Frame>,
}

impl Socket {
    pub(super) fn new(gateway: Arc<Gateway>, key_role: Role, version: Version) -> Self {
        Self { gateway, key_role, version, id: Uuid::new_v4(), channels: HashMap::new(), out: Vec::new() }
    }

    /// Serves the socket until either side ends it.
    pub(super) async fn run(mut self, socket: WebSocket) {
        let (mut sink, mut stream) = socket.split();
        let mut published = self.gateway.bus.subscribe();
        let mut silence: Pin<Box<Sleep>> = Box::pin(tokio::time::sleep(SILENCE));
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                received = stream.next() => {
                    silence.as_mut().reset(Instant::now() + SILENCE);
                    let frame = match received {
                        Some(Ok(WsMessage::Text(text))) => Frame::parse(self.version, &text),
                        Some(Ok(WsMessage::Binary(bytes))) => Frame::parse_binary(&bytes),
                        Some(Ok(WsMessage::Ping(_) | WsMessage::Pong(_))) => continue,
                        Some(Ok(WsMessage::Close(_)) | Err(_)) | None => return,
                    };
                    if let Some(frame) = frame {
                        self.take(frame).await;
                    }
                }
                message = published.recv() => match message {
                    Ok(message) => self.deliver(&message),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = second.tick() => self.end_expired(),
                () = &mut silence => return,
            }
            for frame in std::mem::take(&mut self.out) {
                if sink.send(WsMessage::Text(frame.render(self.version).into())).await.is_err() {
                    return;
                }
            }
        }
    }

    async fn take(&mut self, frame: Frame) {
        match frame.event.as_str() {
            "heartbeat" if frame.topic == "phoenix" => self.out.push(frame.reply("ok", &json!({}))),
            "phx_join" => self.join(frame).await,
            "phx_leave" => {
                self.channels.remove(&frame.topic);
                self.out.push(frame.reply("ok", &json!({})));
                self.push(&frame.topic, frame.join_ref.clone(), "phx_close", json!({}));
            }
            "access_token" => self.renew(&frame).await,
            "broadcast" => self.broadcast(&frame),
            "presence" if self.channels.contains_key(&frame.topic) => {
                self.out.push(frame.reply("ok", &json!({})));
            }
            _ => self.out.push(frame.reply("error", &json!({"reason": "unmatched topic"}))),
        }
    }

    async fn join(&mut self, frame: Frame) {
        let config = &frame.payload["config"];
        let refuse = |reason: String| frame.reply("error", &json!({"reason": reason}));
        let Some(topic) = frame.topic.strip_prefix(PREFIX).filter(|topic| !topic.is_empty()) else {
            return self.out.push(refuse("TopicNameRequired: You must provide a topic name".into()));
        };
        if config["postgres_changes"].as_array().is_some_and(|changes| !changes.is_empty()) {
            return self.out.push(refuse("airi-devcloud does not follow changes of tables".into()));
        }
        let caller = match self.caller(&frame.payload["access_token"]) {
            Ok(caller) => caller,
            Err(error) => return self.out.push(refuse(token_reason(error).into())),
        };
        let private = config["private"].as_bool().unwrap_or(false);
        let access = match self.access(&caller, topic, private).await {
            Ok(access) => access,
            Err(error) => {
                eprintln!("airi-devcloud: realtime: {error:#}");
                return self.out.push(refuse("UnableToCheckPermissions: the database did not answer".into()));
            }
        };
        if !access.read {
            let reason = format!("Unauthorized: You do not have permissions to read from this Channel topic: {topic}");
            return self.out.push(refuse(reason));
        }
        let channel = Channel {
            join_ref: frame.join_ref.clone(),
            private,
            hears_itself: config["broadcast"]["self"].as_bool().unwrap_or(false),
            acknowledges: config["broadcast"]["ack"].as_bool().unwrap_or(false),
            access,
            expiry: caller.expiry(),
        };
        self.out.push(frame.reply("ok", &json!({"postgres_changes": []})));
        self.push(&frame.topic, frame.join_ref.clone(), "presence_state", json!({}));
        self.channels.insert(frame.topic, channel);
    }

    /// A newer token for a joined channel.
    async fn renew(&mut self, frame: &Frame) {
        let Some(topic) = frame.topic.strip_prefix(PREFIX) else { return };
        let Some(private) = self.channels.get(&frame.topic).map(|channel| channel.private) else { return };
        let caller = match self.caller(&frame.payload["access_token"]) {
            Ok(caller) => caller,
            Err(error) => return self.end(&frame.topic, token_reason(error)),
        };
        match self.access(&caller, topic, private).await {
            Ok(access) if access.read => {
                if let Some(channel) = self.channels.get_mut(&frame.topic) {
                    channel.access = access;
                    channel.expiry = caller.expiry();
                }
            }
            Ok(_) => self.end(&frame.topic, "You do not have permissions to read from this Channel topic"),
            Err(error) => {
                eprintln!("airi-devcloud: realtime: {error:#}");
                self.end(&frame.topic, "the database did not answer");
            }
        }
    }

    /// A message from this client to the others of the topic.
    fn broadcast(&mut self, frame: &Frame) {
        let Some(channel) = self.channels.get(&frame.topic) else { return };
        let acknowledges = channel.acknowledges;
        if channel.access.write {
            self.gateway.bus.publish(Message {
                topic: frame.topic.trim_start_matches(PREFIX).to_owned(),
                private: channel.private,
                event: frame.payload["event"].as_str().unwrap_or_default().to_owned(),
                payload: frame.payload["payload"].clone(),
                id: None,
                sender: Some(self.id),
            });
        }
        if acknowledges {
            self.out.push(frame.reply("ok", &json!({})));
        }
    }

    fn deliver(&mut self, message: &Message) {
        let topic = format!("{PREFIX}{}", message.topic);
        let Some(channel) = self.channels.get(&topic) else { return };
        if channel.private != message.private || (message.sender == Some(self.id) && !channel.hears_itself) {
            return;
        }
        let mut payload = json!({"type": "broadcast", "event": message.event, "payload": message.payload});
        if let Some(id) = message.id {
            payload["meta"] = json!({"id": id});
        }
        self.push(&topic, None, "broadcast", payload);
    }

    fn end_expired(&mut self) {
        let now = token::now();
        let expired = |channel: &Channel| channel.expiry.is_some_and(|expiry| expiry <= now);
        let topics: Vec<String> =
            self.channels.iter().filter(|(_, channel)| expired(channel)).map(|(topic, _)| topic.clone()).collect();
        for topic in topics {
            self.end(&topic, token_reason(TokenError::Expired));
        }
    }

    /// Puts the client out of a channel and says why.
    fn end(&mut self, topic: &str, reason: &str) {
        let Some(channel) = self.channels.remove(topic) else { return };
        let about = json!({
            "extension": "system", "status": "error", "message": reason, "channel": topic.trim_start_matches(PREFIX)
        });
        self.push(topic, channel.join_ref.clone(), "system", about);
        self.push(topic, channel.join_ref, "phx_close", json!({}));
    }

    fn push(&mut self, topic: &str, join_ref: Option<String>, event: &str, payload: Value) {
        // Phoenix closes a channel with the reference of its join.
        let reference = if event == "phx_close" { join_ref.clone() } else { None };
        self.out.push(Frame { join_ref, reference, topic: topic.into(), event: event.into(), payload });
    }

    /// Who the token of a channel is; without one, the API key.
    fn caller(&self, token: &Value) -> Result<Caller, TokenError> {
        match token.as_str() {
            Some(token) => self.gateway.bearer(token),
            None => Ok(Caller { role: self.key_role, claims: json!({"role": self.key_role.name()}) }),
        }
    }

    async fn access(&self, caller: &Caller, topic: &str, private: bool) -> Result<Access> {
        if private { access::of(&self.gateway, caller, topic).await } else { Ok(Access { read: true, write: true }) }
    }
}

fn token_reason(error: TokenError) -> &'static str {
    match error {
        TokenError::Expired => "InvalidJWTToken: Token has expired",
        TokenError::Forged | TokenError::Malformed => "MalformedJWT: The token provided is not a valid JWT",
    }
}
