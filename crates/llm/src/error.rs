//! What goes wrong with a provider, in words that say what to do. No key and no request is ever in one.

use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;

/// Texts of providers are shown to this length.
const SHOWN: usize = 400;

/// Why there is no reply, or no more of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    #[error("{provider} cannot be reached: {why}. Check the connection, and for a local server that it runs.")]
    Unreachable { provider: String, why: String },
    #[error("{provider} needs a key. Add one in its settings (at the prompt: airi provider add).")]
    KeyMissing { provider: String },
    #[error("{provider} does not accept the key{}. Check it in the provider's settings.", said(message))]
    KeyRefused { provider: String, message: String },
    #[error("{provider} refuses this for the account's balance or plan{}.", said(message))]
    NoCredit { provider: String, message: String },
    #[error("{provider} does not know the model '{model}'{}. Choose another one.", said(message))]
    NoSuchModel { provider: String, model: String, message: String },
    #[error("{provider} wants fewer requests for now{}{}.", wait(retry_after), said(message))]
    TooManyRequests { provider: String, retry_after: Option<Duration>, message: String },
    #[error(
        "The conversation is longer than the model can read{}. Begin a new one, or choose a model with a longer context.",
        said(message)
    )]
    TooLong { message: String },
    #[error("{provider} has a fault of its own ({status}){}. Try again a little later.", said(message))]
    Faulty { provider: String, status: u16, message: String },
    #[error("{provider} refused the request ({status}){}.", said(message))]
    Refused { provider: String, status: u16, message: String },
    #[error(
        "{provider} sends this app to another address ({status}). That is not followed: your key belongs to the address that you chose. Check the address."
    )]
    Redirected { provider: String, status: u16 },
    #[error(
        "What answers at {provider}'s address is not a model's server: {why}. Check the address; it usually ends with /v1."
    )]
    NotAProvider { provider: String, why: String },
    #[error("The connection broke before the reply was whole. What had come is kept.")]
    Cut,
    #[error("{provider} was silent for {} minutes, so the reply was given up. What had come is kept.", after.as_secs() / 60)]
    Silent { provider: String, after: Duration },
    #[error("{provider} stopped with an error{}.", said(message))]
    Stopped { provider: String, message: String },
    #[error("The reply grew beyond {} MB and was ended there.", limit / 1_000_000)]
    Endless { limit: usize },
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": “{message}”") }
}

fn wait(after: &Option<Duration>) -> String {
    after.map_or_else(String::new, |after| format!(" (again in {} s)", after.as_secs().max(1)))
}

impl LlmError {
    /// Whether the same request may succeed later without a change.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            LlmError::Unreachable { .. }
                | LlmError::TooManyRequests { .. }
                | LlmError::Faulty { .. }
                | LlmError::Cut
                | LlmError::Silent { .. }
                | LlmError::Stopped { .. }
        )
    }

    /// Whether a key is missing or wrong.
    pub fn is_about_key(&self) -> bool {
        matches!(self, LlmError::KeyMissing { .. } | LlmError::KeyRefused { .. })
    }

    /// From a status that is no success. `key` is what must never be shown, should the server repeat it.
    pub(crate) fn of_status(
        provider: &str,
        model: &str,
        status: StatusCode,
        retry_after: Option<Duration>,
        body: &str,
        key: Option<&str>,
    ) -> LlmError {
        let (message, kind) = words(body, key);
        let provider = provider.to_owned();
        let lower = format!("{message} {kind}").to_lowercase();
        let long = [
            "context_length",
            "context length",
            "too many tokens",
            "maximum context",
            "prompt is too long",
            "exceed_context",
        ];
        match status.as_u16() {
            300..=399 => LlmError::Redirected { provider, status: status.as_u16() },
            _ if long.iter().any(|sign| lower.contains(sign)) => LlmError::TooLong { message },
            401 => LlmError::KeyRefused { provider, message },
            400 | 403 if lower.contains("api key") || lower.contains("api_key") => {
                LlmError::KeyRefused { provider, message }
            }
            402 => LlmError::NoCredit { provider, message },
            403 => LlmError::Refused { provider, status: 403, message },
            429 if lower.contains("insufficient_quota") || lower.contains("billing") => {
                LlmError::NoCredit { provider, message }
            }
            429 => LlmError::TooManyRequests { provider, retry_after, message },
            404 if lower.contains("model") => LlmError::NoSuchModel { provider, model: model.to_owned(), message },
            404 | 405 => LlmError::NotAProvider { provider, why: format!("it answers {}", status.as_u16()) },
            408 | 500..=599 => LlmError::Faulty { provider, status: status.as_u16(), message },
            other => LlmError::Refused { provider, status: other, message },
        }
    }
}

/// The words of a provider's refusal and its code: JSON in the shapes that they have, or nothing of an HTML page.
pub(crate) fn words(body: &str, key: Option<&str>) -> (String, String) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // Google wraps it into a list.
    let json: Option<Value> = serde_json::from_str(body).ok();
    let json = json.map(|value| match value {
        Value::Array(mut list) if !list.is_empty() => list.swap_remove(0),
        other => other,
    });
    let (message, kind) = match &json {
        Some(value) => {
            let error = value.get("error").unwrap_or(value);
            let message = text(error)
                .or_else(|| error.get("message").and_then(text))
                .or_else(|| value.get("message").and_then(text))
                .or_else(|| value.get("detail").and_then(text))
                .unwrap_or_default();
            let kinds = ["code", "type", "status"].iter().filter_map(|name| error.get(*name).and_then(text));
            (message, kinds.collect::<Vec<_>>().join(" "))
        }
        None if body.trim_start().starts_with('<') => (String::new(), String::new()),
        None => (body.trim().to_owned(), String::new()),
    };
    (plain(&message, key), kind)
}

/// One line of bounded length without control characters, and without the key.
pub(crate) fn plain(text: &str, key: Option<&str>) -> String {
    let text = match key.filter(|key| key.len() >= 4) {
        Some(key) => text.replace(key, "…"),
        None => text.to_owned(),
    };
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    if line.chars().count() <= SHOWN {
        return line.trim_end_matches('.').to_owned();
    }
    line.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> LlmError {
        LlmError::of_status("OpenAI", "gpt-x", StatusCode::from_u16(status).unwrap(), None, body, Some("sk-canary-1"))
    }

    #[test]
    fn a_refusal_is_told_in_words_that_say_what_to_do() {
        let key = of(
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-canary-1.","type":"invalid_request_error"}}"#,
        );
        assert!(key.is_about_key());
        assert!(key.to_string().contains("does not accept the key") && !key.to_string().contains("canary"), "{key}");
        assert!(matches!(
            of(404, r#"{"error":{"message":"The model `gpt-x` does not exist"}}"#),
            LlmError::NoSuchModel { .. }
        ));
        assert!(matches!(of(404, "<html>nginx</html>"), LlmError::NotAProvider { .. }));
        assert!(matches!(
            of(400, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#),
            LlmError::TooLong { .. }
        ));
        assert!(matches!(
            of(429, r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#),
            LlmError::NoCredit { .. }
        ));
        assert!(matches!(of(429, r#"{"error":"slow down"}"#), LlmError::TooManyRequests { .. }));
        assert!(matches!(
            of(400, r#"[{"error":{"message":"API key not valid","status":"INVALID_ARGUMENT"}}]"#),
            LlmError::KeyRefused { .. }
        ));
        let fault = of(503, "<html><body>down</body></html>");
        assert!(fault.is_passing() && !fault.to_string().contains("html"), "{fault}");
        assert!(matches!(of(307, ""), LlmError::Redirected { .. }));
    }

    #[test]
    fn a_text_of_a_megabyte_is_shown_as_a_line() {
        let error = of(418, &format!("\u{7}{}", "x\n".repeat(500_000)));
        assert!(error.to_string().len() < 1_000 && !error.to_string().contains('\n'));
    }
}
