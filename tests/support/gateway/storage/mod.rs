//! `/storage/v1` in the shape of Supabase Storage. Promise: bytes lie in the data folder under random names, their rows in
//! `storage.objects`; every row is read and written as the caller, so its policies decide; a row never names bytes that
//! are not there.

mod buckets;
mod bytes;
mod error;
mod objects;
mod resumable;
mod rows;
mod signed;

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, head, post};

use super::Gateway;
use super::caller::Caller;
use crate::token::TokenError;
use error::StorageError;

type Shared = Arc<Gateway>;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/status", get(async || "OK"))
        .route("/bucket", get(buckets::list).post(buckets::create))
        .route("/bucket/{id}", get(buckets::read).delete(buckets::delete))
        .route("/bucket/{id}/empty", post(buckets::empty))
        .route("/object/list/{bucket}", post(objects::list))
        .route("/object/sign/{bucket}", post(signed::sign_many))
        .route("/object/sign/{bucket}/{*name}", post(signed::sign).get(signed::download))
        .route("/object/public/{bucket}/{*name}", get(objects::download_public))
        .route("/object/authenticated/{bucket}/{*name}", get(objects::download))
        .route("/object/info/{bucket}/{*name}", get(objects::info))
        .route("/object/info/authenticated/{bucket}/{*name}", get(objects::info))
        .route("/object/move", post(objects::rename))
        .route("/object/{bucket}", axum::routing::delete(objects::remove_many))
        .route(
            "/object/{bucket}/{*name}",
            get(objects::download).post(objects::upload).put(objects::replace).delete(objects::remove),
        )
        .route("/upload/resumable", post(resumable::create).options(resumable::options))
        .route(
            "/upload/resumable/{id}",
            head(resumable::offset).patch(resumable::append).delete(resumable::cancel).options(resumable::options),
        )
}

/// Makes the folders and clears what a killed run left behind.
pub(super) async fn prepare(gateway: &Gateway) -> Result<()> {
    bytes::prepare(&gateway.files)?;
    resumable::forget_old(gateway)
}

/// Who calls; storage answers its own refusals.
fn caller(gateway: &Gateway, headers: &HeaderMap) -> Result<Caller, StorageError> {
    match gateway.caller(headers) {
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => Err(StorageError::unauthorized("headers must have required property 'authorization'")),
        Err(TokenError::Expired) => Err(StorageError::unauthorized("\"exp\" claim timestamp check failed")),
        Err(TokenError::Forged) => Err(StorageError::unauthorized("signature verification failed")),
        Err(TokenError::Malformed) => Err(StorageError::unauthorized("Invalid Compact JWS")),
    }
}
