//! What the servers' refusals mean. Pure: status, headers and body in, [`CloudError`] out.

use crate::CloudError;
use crate::error::redact;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Longer wishes of a server are cut.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Whose dialect an answer is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Auth,
    Rest,
    Storage,
}

/// The union of what Auth, PostgREST, Storage and the gateways before them say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    code: Value,
    error_code: Value,
    error: Value,
    error_description: Value,
    msg: Value,
    message: Value,
    details: Value,
    #[serde(rename = "statusCode")]
    status_code: Value,
}

fn text(values: &[&Value]) -> String {
    values.iter().find_map(|v| v.as_str()).filter(|t| !t.is_empty()).unwrap_or_default().to_owned()
}

/// The error that an answer with a status of 400 and above means. `secrets` are what this client sent: a server that
/// echoes them does not get them into a message.
pub(crate) fn refusal(dialect: Dialect, status: u16, headers: &HeaderMap, body: &[u8], secrets: &[&str]) -> CloudError {
    let parsed: Option<Body> = match serde_json::from_slice::<Value>(body) {
        Ok(value @ Value::Object(_)) => serde_json::from_value(value).ok(),
        _ => None,
    };
    let is_json = parsed.is_some();
    let parsed = parsed.unwrap_or_default();
    let status = effective_status(dialect, status, &parsed);
    let code = redact(&text(&[&parsed.error_code, &parsed.code, &parsed.error]), secrets);
    let mut message = redact(&text(&[&parsed.msg, &parsed.message, &parsed.error_description, &parsed.error]), secrets);

    if !is_json && dialect == Dialect::Storage && !looks_like_html(headers, body) {
        // Resumable uploads answer in plain text.
        message = redact(&String::from_utf8_lossy(&body[..body.len().min(1000)]), secrets);
    }

    if message.contains("Invalid API key") || message.contains("No API key found") {
        return CloudError::KeyRefused;
    }
    if dialect == Dialect::Rest && status == 503 && message == "maintenance" {
        let words = redact(&text(&[&parsed.details]), secrets);
        return CloudError::Maintenance { why: if words.is_empty() { "it is being worked on".into() } else { words } };
    }
    // Only this account is closed, and only for writing; the server's words say until when.
    if dialect == Dialect::Rest && status == 403 && code == "PT403" && message == "suspended" {
        return CloudError::Suspended { why: redact(&text(&[&parsed.details]), secrets) };
    }
    if let Some(error) = by_code(&code, &message) {
        return error;
    }
    match status {
        // A batch that takes too long is halved; a single call is only repeated.
        408 if dialect == Dialect::Rest => CloudError::Contention { code: "HTTP 408".into() },
        408 => CloudError::Busy { status, retry_after: retry_after(headers), message },
        413 => CloudError::TooLarge { why: "HTTP 413".into() },
        // So PostgREST says that the database ended below a statement: an error without a code and without words.
        400 if dialect == Dialect::Rest && is_json && code.is_empty() && message.is_empty() => {
            CloudError::Busy { status, retry_after: None, message }
        }
        540 => CloudError::Maintenance { why: "the project is paused".into() },
        402 => CloudError::Maintenance { why: "its quota is used up".into() },
        425 | 429 | 500..=599 => CloudError::Busy { status, retry_after: retry_after(headers), message },
        _ if looks_like_html(headers, body) => not_ours(status, headers, body),
        // What PostgREST says to somebody without a session about a right that only others have.
        401 if dialect == Dialect::Rest && code == "42501" => CloudError::Refused { status, code, message },
        // HEAD has no body.
        401 if is_json || body.is_empty() || dialect == Dialect::Storage => unauthorized(&message),
        404 if dialect == Dialect::Storage => CloudError::NotFound,
        _ if !is_json && dialect != Dialect::Storage => not_ours(status, headers, body),
        403 if dialect == Dialect::Storage && speaks_of_token(&message) => CloudError::NotAccepted,
        404 if dialect == Dialect::Rest => {
            CloudError::SchemaMismatch { what: if message.is_empty() { "not found".into() } else { message } }
        }
        _ => CloudError::Refused { status, code, message },
    }
}

/// Storage answers 400 and puts the real status into the body.
fn effective_status(dialect: Dialect, status: u16, body: &Body) -> u16 {
    if dialect != Dialect::Storage || status != 400 {
        return status;
    }
    let inner = body.status_code.as_str().and_then(|s| s.parse().ok()).or_else(|| body.status_code.as_u64());
    inner.and_then(|s| u16::try_from(s).ok()).filter(|s| (400..600).contains(s)).unwrap_or(status)
}

fn by_code(code: &str, message: &str) -> Option<CloudError> {
    let what = || if message.is_empty() { code.to_owned() } else { message.to_owned() };
    Some(match code {
        "57014" | "40P01" | "40001" | "55P03" => CloudError::Contention { code: code.to_owned() },
        "PGRST202" | "PGRST203" | "PGRST204" | "PGRST205" | "42883" | "42P01" | "42703" => {
            CloudError::SchemaMismatch { what: what() }
        }
        "25006" => CloudError::Maintenance { why: "its database only answers reads".into() },
        "PGRST301" | "PGRST302" | "PGRST303" => unauthorized(message),
        _ if code.len() == 5 && ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            CloudError::Busy { status: 503, retry_after: None, message: what() }
        }
        _ => return None,
    })
}

fn unauthorized(message: &str) -> CloudError {
    // The server's clock is behind its own Auth's by a moment; a new token would be as young.
    if message.contains("issued at future") {
        return CloudError::Busy {
            status: 401,
            retry_after: Some(Duration::from_secs(2)),
            message: message.to_owned(),
        };
    }
    CloudError::NotAccepted
}

fn speaks_of_token(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["jwt", "jws", "\"exp\" claim", "signature", "token"].iter().any(|word| message.contains(word))
}

pub(crate) fn looks_like_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let typed = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|t| t.contains("text/html"));
    typed || body.trim_ascii_start().starts_with(b"<")
}

/// An answer that no server of ours gives.
pub(crate) fn not_ours(status: u16, headers: &HeaderMap, body: &[u8]) -> CloudError {
    let why = match looks_like_html(headers, body) {
        true => format!("a web page, HTTP {status}"),
        false if body.is_empty() => format!("nothing, HTTP {status}"),
        false => format!("no JSON, HTTP {status}"),
    };
    CloudError::BadAnswer { status, why }
}

/// `Retry-After` as seconds or as a date, at most an hour.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            Duration::try_from(at.duration_since(jiff::Timestamp::now())).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    fn rest(status: u16, body: &str) -> CloudError {
        refusal(Dialect::Rest, status, &HeaderMap::new(), body.as_bytes(), &["canary-token"])
    }

    #[test]
    fn refusals_of_the_database_have_their_class() {
        let passing = Class::Passing { retry_after: None };
        let smaller = Class::RetrySmaller { passing: true };
        for (status, body, class) in [
            (504, r#"{"code":"57014","message":"canceling statement due to statement timeout"}"#, smaller),
            (500, r#"{"code":"40P01","message":"deadlock detected"}"#, smaller),
            (500, r#"{"code":"40001","message":"could not serialize"}"#, smaller),
            (500, r#"{"code":"55P03","message":"lock timeout"}"#, smaller),
            (404, r#"{"code":"PGRST202","message":"Could not find the function"}"#, Class::Parked),
            (404, r#"{"code":"42883","message":"function does not exist"}"#, Class::Parked),
            (404, r#"{"message":"no such route"}"#, Class::Parked),
            (405, r#"{"code":"25006","message":"cannot execute in a read-only transaction"}"#, Class::Parked),
            (540, "", Class::Parked),
            (401, r#"{"message":"Invalid API key"}"#, Class::Parked),
            (401, r#"{"code":"PGRST301","message":"JWT expired"}"#, Class::SignInAgain),
            (
                401,
                r#"{"code":"PGRST303","message":"JWT issued at future"}"#,
                Class::Passing { retry_after: Some(Duration::from_secs(2)) },
            ),
            (503, r#"{"code":"PGRST001","message":"no connection"}"#, passing),
            (400, r#"{"code":"","details":null,"hint":null,"message":""}"#, passing),
            (503, r#"{"code":"PT503","message":"maintenance","details":"Back at six."}"#, Class::Parked),
            (403, r#"{"code":"PT403","message":"suspended","details":"Until six."}"#, Class::Parked),
            (503, r#"{"message":"Service unavailable"}"#, passing),
            (401, r#"{"code":"PT401","message":"this session was ended from another device"}"#, Class::SignInAgain),
            (500, r#"{"code":"57P01","message":"terminating connection"}"#, passing),
            (502, "<html>bad gateway</html>", passing),
            (408, "", smaller),
            (425, "", passing),
            (403, "<html>captive portal</html>", passing),
            (404, "<!doctype html>", passing),
            (413, "<html>too large</html>", Class::RetrySmaller { passing: false }),
            (403, r#"{"code":"42501","message":"permission denied"}"#, Class::Permanent),
            (400, r#"{"code":"22P02","message":"invalid input"}"#, Class::Permanent),
            (409, r#"{"code":"23505","message":"duplicate key"}"#, Class::Permanent),
        ] {
            assert_eq!(rest(status, body).class(), class, "{status} {body}");
        }
    }

    #[test]
    fn storage_hides_its_status_in_the_body() {
        let storage = |status, body: &str| refusal(Dialect::Storage, status, &HeaderMap::new(), body.as_bytes(), &[]);
        let body = r#"{"statusCode":"404","error":"not_found","message":"Object not found"}"#;
        assert!(matches!(storage(400, body), CloudError::NotFound));
        let body = r#"{"statusCode":"403","error":"Unauthorized","message":"\"exp\" claim timestamp check failed"}"#;
        assert!(matches!(storage(400, body), CloudError::NotAccepted));
        let body =
            r#"{"statusCode":"403","error":"Unauthorized","message":"new row violates row-level security policy"}"#;
        assert!(matches!(storage(400, body), CloudError::Refused { status: 403, .. }));
        let body =
            r#"{"statusCode":"413","error":"Payload too large","message":"The object exceeded the maximum size"}"#;
        assert!(matches!(storage(400, body), CloudError::TooLarge { .. }));
    }

    #[test]
    fn the_servers_wish_is_read_in_both_forms_and_bounded() {
        let after = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(after("Tue, 31 Dec 2199 23:59:59 GMT"), Some(MAX_RETRY_AFTER));
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn maintenance_is_told_in_the_operators_words() {
        let words = |details: &str| {
            let error = rest(503, &format!(r#"{{"code":"PT503","message":"maintenance","details":{details}}}"#));
            assert_eq!(error.code(), "maintenance");
            error.to_string()
        };
        assert!(words("\"Back at six.\"").contains("(Back at six.)"));
        for none in ["null", "\"\""] {
            assert!(words(none).contains("(it is being worked on)"), "{}", words(none));
        }
        let suspended = rest(403, r#"{"code":"PT403","message":"suspended","details":"This account is suspended."}"#);
        assert!(suspended.to_string().starts_with("This account is suspended. Everything is saved"), "{suspended}");
        let long = words(&format!("\"canary-token {}\"", "z".repeat(5000)));
        assert!(!long.contains("canary-token") && long.len() < 600, "{long}");
    }

    #[test]
    fn what_the_server_echoes_is_bounded_and_without_our_secrets() {
        let body = format!(r#"{{"code":"x","message":"bad token canary-token \u0007{}"}}"#, "z".repeat(5000));
        let error = rest(400, &body);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary-token") && shown.contains("[hidden]") && shown.len() < 1500, "{shown}");
    }
}
