//! Who calls: the API key and the bearer token of a request. Promise: a role other than `anon` comes only from our secret
//! key or from a token that we signed; keys are compared in constant time.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Gateway, refusal};
use crate::database::Role;
use crate::token::{self, TokenError};

/// A request's author, as the database shall see them.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    pub(crate) claims: Value,
}

impl Caller {
    fn of_key(role: Role) -> Self {
        Self { role, claims: json!({"role": role.name()}) }
    }

    /// The signed-in user, if the caller is one.
    pub(crate) fn user(&self) -> Option<Uuid> {
        self.claims["sub"].as_str()?.parse().ok()
    }

    /// When the token ends, in seconds since 1970; API keys do not end.
    pub(crate) fn expiry(&self) -> Option<i64> {
        self.claims["exp"].as_i64()
    }
}

impl Gateway {
    /// The role of an API key: one of ours, or a token for a role in the older style.
    pub(crate) fn key_role(&self, key: &str) -> Option<Role> {
        if token::same(&self.jwt_secret, key, &self.publishable_key) {
            return Some(Role::Anon);
        }
        if token::same(&self.jwt_secret, key, &self.service_key) {
            return Some(Role::Service);
        }
        let claims = token::verify(&self.jwt_secret, key).ok()?;
        Role::named(claims["role"].as_str()?).filter(|role| *role != Role::Authenticated)
    }

    /// The role of the request's API key (header, or query parameter), or the refusal to answer with.
    pub(crate) fn require_key(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Role, Box<Response>> {
        let key = headers
            .get("apikey")
            .and_then(|value| value.to_str().ok())
            .or_else(|| query.and_then(|query| query_value(query, "apikey")));
        match key.map(|key| self.key_role(key)) {
            Some(Some(role)) => Ok(role),
            Some(None) => Err(Box::new(refusal(StatusCode::UNAUTHORIZED, "Invalid API key"))),
            None => Err(Box::new(refusal(StatusCode::UNAUTHORIZED, "No API key found in request"))),
        }
    }

    /// Who a bearer is: an API key, or a token of ours.
    pub(crate) fn bearer(&self, bearer: &str) -> Result<Caller, TokenError> {
        if let Some(role) = self.key_role(bearer) {
            return Ok(Caller::of_key(role));
        }
        let claims = token::verify(&self.jwt_secret, bearer)?;
        let role = claims["role"].as_str().and_then(Role::named).ok_or(TokenError::Malformed)?;
        Ok(Caller { role, claims })
    }

    /// Who calls: the bearer if there is one, else the API key. `None` when there is neither.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, TokenError> {
        if let Some(bearer) = bearer_text(headers) {
            return self.bearer(bearer).map(Some);
        }
        let key = headers.get("apikey").and_then(|value| value.to_str().ok());
        key.map(|key| self.key_role(key).map(Caller::of_key).ok_or(TokenError::Malformed)).transpose()
    }
}

/// The text after `Bearer`.
pub(crate) fn bearer_text(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, text) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// A parameter of a query, not decoded: keys and tokens have no characters that need it.
pub(crate) fn query_value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}
