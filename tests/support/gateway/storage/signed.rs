//! Signed addresses. Promise: only who may read an object can sign it; the address works for that one object until it
//! expires, and its token is good for nothing else.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::StorageError;
use super::objects::send;
use super::rows::Stored;
use super::{Shared, caller};
use crate::token::{self, TokenError};

const LONGEST_SECONDS: i64 = 7 * 24 * 3600;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sign {
    expires_in: i64,
    #[serde(default)]
    paths: Vec<String>,
}

/// `POST /object/sign/{bucket}/{name}`
pub(super) async fn sign(
    State(gateway): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
    Json(request): Json<Sign>,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    Stored::find(&gateway, Some(&caller), &bucket, &name).await?;
    Ok(Json(json!({"signedURL": address(&gateway, &bucket, &name, request.expires_in)?})))
}

/// `POST /object/sign/{bucket}` with several paths; one that cannot be read is answered with an error in its place.
pub(super) async fn sign_many(
    State(gateway): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    Json(request): Json<Sign>,
) -> Result<Json<Value>, StorageError> {
    let caller = caller(&gateway, &headers)?;
    let mut answers = Vec::new();
    for name in &request.paths {
        answers.push(match Stored::find(&gateway, Some(&caller), &bucket, name).await {
            Ok(_) => {
                json!({"error": null, "path": name,
                    "signedURL": address(&gateway, &bucket, name, request.expires_in)?})
            }
            Err(_) => json!({"error": "Either the object does not exist or you do not have access to it",
                "path": name, "signedURL": null}),
        });
    }
    Ok(Json(Value::Array(answers)))
}

fn address(gateway: &Shared, bucket: &str, name: &str, seconds: i64) -> Result<String, StorageError> {
    if seconds < 1 {
        return Err(StorageError::invalid("expiresIn must be at least 1"));
    }
    let expiry = token::now() + seconds.min(LONGEST_SECONDS);
    let object = format!("{bucket}/{name}");
    let token = token::sign(&gateway.jwt_secret, &json!({"url": object, "iat": token::now(), "exp": expiry}));
    Ok(format!("/object/sign/{}?token={token}", encoded(&object)))
}

/// The characters that a path of an address cannot hold, escaped.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/!*'()$@=;:+,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

#[derive(Deserialize)]
pub(super) struct Signed {
    #[serde(default)]
    token: String,
    download: Option<String>,
}

/// `GET /object/sign/{bucket}/{name}?token=…`
pub(super) async fn download(
    State(gateway): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    Query(request): Query<Signed>,
    headers: HeaderMap,
) -> Result<Response, StorageError> {
    let claims = token::verify(&gateway.jwt_secret, &request.token).map_err(|error| match error {
        TokenError::Expired => StorageError::invalid("\"exp\" claim timestamp check failed"),
        TokenError::Forged | TokenError::Malformed => StorageError::invalid("signature verification failed"),
    })?;
    if claims["url"].as_str() != Some(&format!("{bucket}/{name}")) {
        return Err(StorageError::invalid("The url does not match the signature"));
    }
    let stored = Stored::find(&gateway, None, &bucket, &name).await?;
    send(&gateway, &stored, request.download, &headers)
}
