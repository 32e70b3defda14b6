//! `GET /devcloud/mails?recipient=…`: the mails that were not sent, newest first, for tests. Promise: needs the service
//! key.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{Gateway, json_response, refusal};
use crate::database::Role;

#[derive(Deserialize)]
pub(super) struct Mailbox {
    recipient: String,
}

pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    Query(mailbox): Query<Mailbox>,
) -> Response {
    match gateway.require_key(&headers, None) {
        Ok(Role::Service) => {}
        Ok(_) => return refusal(StatusCode::FORBIDDEN, "this needs the service key"),
        Err(response) => return *response,
    }
    match read(&gateway, &mailbox.recipient).await {
        Ok(mails) => json_response(StatusCode::OK, &mails),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn read(gateway: &Gateway, recipient: &str) -> anyhow::Result<Value> {
    let lease = gateway.auth.lease().await?;
    let row = lease
        .query_one(
            "select coalesce(jsonb_agg(to_jsonb(m) order by m.id desc), '[]')
             from devcloud.mails m where lower(m.recipient) = lower($1)",
            &[&recipient],
        )
        .await?;
    Ok(row.get(0))
}
