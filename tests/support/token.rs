//! Signed tokens (JWT, HS256) and comparisons that leak no timing. Promise: a token is accepted only if its algorithm is
//! HS256, its signature fits our secret and it has not expired.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    Malformed,
    Forged,
    Expired,
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs().cast_signed())
}

pub(crate) fn sign(secret: &str, claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "typ": "JWT"}).to_string());
    let body = URL_SAFE_NO_PAD.encode(claims.to_string());
    let signed = format!("{header}.{body}");
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, signed.as_bytes()).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// The claims of a token that is ours and has not expired.
pub(crate) fn verify(secret: &str, token: &str) -> Result<Value, TokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, body) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    if decoded(header)?["alg"] != "HS256" {
        return Err(TokenError::Malformed);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
    mac(secret, signed.as_bytes()).verify_slice(&signature).map_err(|_| TokenError::Forged)?;
    let claims = decoded(body)?;
    match claims["exp"].as_i64() {
        Some(expiry) if expiry > now() => Ok(claims),
        Some(_) => Err(TokenError::Expired),
        None => Err(TokenError::Malformed),
    }
}

/// Whether two secrets are equal, in a time that does not depend on where they differ.
pub(crate) fn same(secret: &str, left: &str, right: &str) -> bool {
    let right = mac(secret, right.as_bytes()).finalize().into_bytes();
    mac(secret, left.as_bytes()).verify_slice(&right).is_ok()
}

/// SHA-256, as unpadded base64url: the form of a PKCE challenge, and of stored one-time codes.
pub(crate) fn sha256_base64url(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// `bytes` random bytes in base64url.
pub(crate) fn random_text(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).context("read random bytes from the system")?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

/// Six random digits.
pub(crate) fn random_code() -> Result<String> {
    let number = getrandom::u64().context("read random bytes from the system")?;
    Ok(format!("{:06}", number % 1_000_000))
}

fn decoded(part: &str) -> Result<Value, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

fn mac(secret: &str, text: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length; this cannot fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC accepts keys of any length");
    mac.update(text);
    mac
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn own_tokens_pass_and_others_do_not() {
        let token = sign("secret", &json!({"sub": "a", "exp": now() + 60}));
        assert_eq!(verify("secret", &token).unwrap()["sub"], "a");
        assert_eq!(verify("other", &token), Err(TokenError::Forged));
        let stale = sign("secret", &json!({"sub": "a", "exp": now() - 1}));
        assert_eq!(verify("secret", &stale), Err(TokenError::Expired));
        assert_eq!(verify("secret", "a.b"), Err(TokenError::Malformed));
    }

    #[test]
    fn unsigned_tokens_are_refused() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let body = URL_SAFE_NO_PAD.encode(json!({"role": "service_role", "exp": now() + 60}).to_string());
        assert_eq!(verify("secret", &format!("{header}.{body}.")), Err(TokenError::Malformed));
    }
}
