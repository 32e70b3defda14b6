//! `/realtime/v1` in the shape of Supabase Realtime: Phoenix channels over a WebSocket. Promise: a private channel is
//! joined, and written to, only if the policies of `realtime.messages` allow it to the caller; what the database sends
//! with `realtime.send` reaches the channels of that topic after commit. Deviation: no changes of tables, and presence is
//! always empty.

mod access;
mod bus;
mod frames;
mod socket;

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Json, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;

use super::caller::{bearer_text, query_value};
use super::{Gateway, refusal};
pub(crate) use bus::Bus;
use bus::Message;
pub(super) use bus::listen;
use frames::Version;

type Shared = Arc<Gateway>;

/// What a frame or a message may hold, as on Supabase's smaller plans.
const LARGEST_FRAME: usize = 1024 * 1024;

pub(super) fn router() -> Router<Shared> {
    Router::new().route("/websocket", get(connect)).route("/api/broadcast", post(broadcast))
}

/// The socket. A bad key is refused before the upgrade.
async fn connect(
    State(gateway): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    let role = match gateway.require_key(&headers, query.as_deref()) {
        Ok(role) => role,
        Err(response) => return *response,
    };
    let version = match query.as_deref().and_then(|query| query_value(query, "vsn")) {
        None | Some("1.0.0") => Version::One,
        Some("2.0.0") => Version::Two,
        Some(_) => return refusal(StatusCode::BAD_REQUEST, "this version of the protocol is not known"),
    };
    upgrade
        .max_message_size(LARGEST_FRAME)
        .on_upgrade(move |socket| socket::Socket::new(gateway, role, version).run(socket))
}

#[derive(Deserialize)]
struct Broadcast {
    messages: Vec<Outgoing>,
}

#[derive(Deserialize)]
struct Outgoing {
    topic: String,
    event: String,
    payload: Value,
    #[serde(default)]
    private: bool,
}

/// `POST /api/broadcast`: sends without a socket. A message that the policies forbid is dropped, as on Supabase.
async fn broadcast(State(gateway): State<Shared>, headers: HeaderMap, Json(request): Json<Broadcast>) -> Response {
    if let Err(response) = gateway.require_key(&headers, None) {
        return *response;
    }
    let caller = match bearer_text(&headers).map(|bearer| gateway.bearer(bearer)) {
        Some(Ok(caller)) => caller,
        Some(Err(_)) => return refusal(StatusCode::UNAUTHORIZED, "Unauthorized"),
        None => match gateway.caller(&headers) {
            Ok(Some(caller)) => caller,
            _ => return refusal(StatusCode::UNAUTHORIZED, "Unauthorized"),
        },
    };
    for message in request.messages {
        if message.private {
            match access::of(&gateway, &caller, &message.topic).await {
                Ok(access) if access.write => {}
                Ok(_) => continue,
                Err(error) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            }
        }
        gateway.bus.publish(Message {
            topic: message.topic,
            private: message.private,
            event: message.event,
            payload: message.payload,
            id: None,
            sender: None,
        });
    }
    StatusCode::ACCEPTED.into_response()
}
