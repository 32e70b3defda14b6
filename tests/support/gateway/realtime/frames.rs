//! Phoenix frames in both versions that the official client speaks. Promise: what cannot be understood is `None`, never a
//! panic.

use serde::Deserialize;
use serde_json::{Value, json};

/// How frames are written: objects (1.0.0), or arrays and binary broadcasts (2.0.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// One frame, from either side.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Frame {
    #[serde(default)]
    pub(super) join_ref: Option<String>,
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) topic: String,
    pub(super) event: String,
    #[serde(default)]
    pub(super) payload: Value,
}

impl Frame {
    pub(super) fn parse(version: Version, text: &str) -> Option<Self> {
        match version {
            Version::One => serde_json::from_str(text).ok(),
            Version::Two => {
                let (join_ref, reference, topic, event, payload) = serde_json::from_str(text).ok()?;
                Some(Self { join_ref, reference, topic, event, payload })
            }
        }
    }

    /// A broadcast that the client sends in binary: seven bytes of head (kind 3, five lengths, encoding), the five
    /// texts, the payload. Only payloads in JSON are taken.
    pub(super) fn parse_binary(bytes: &[u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(7)?;
        if head[0] != 3 || head[6] != 1 {
            return None;
        }
        let mut text = |length: u8| {
            let (part, after) = rest.split_at_checked(usize::from(length))?;
            rest = after;
            std::str::from_utf8(part).ok().map(str::to_owned)
        };
        let (join_ref, reference) = (text(head[1])?, text(head[2])?);
        let (topic, event) = (text(head[3])?, text(head[4])?);
        text(head[5])?;
        let payload: Value = serde_json::from_slice(rest).ok()?;
        let given = |text: String| (!text.is_empty()).then_some(text);
        Some(Self {
            join_ref: given(join_ref),
            reference: given(reference),
            topic,
            event: "broadcast".into(),
            payload: json!({"type": "broadcast", "event": event, "payload": payload}),
        })
    }

    pub(super) fn render(&self, version: Version) -> String {
        match version {
            Version::One => json!({
                "join_ref": self.join_ref, "ref": self.reference, "topic": self.topic, "event": self.event,
                "payload": self.payload
            }),
            Version::Two => json!([self.join_ref, self.reference, self.topic, self.event, self.payload]),
        }
        .to_string()
    }

    /// The answer to this frame.
    pub(super) fn reply(&self, status: &str, response: &Value) -> Self {
        Self { event: "phx_reply".into(), payload: json!({"status": status, "response": response}), ..self.clone() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read_and_written() {
        for (version, text) in [
            (Version::One, r#"{"topic":"t","event":"e","payload":{"a":1},"ref":"2","join_ref":"1"}"#),
            (Version::Two, r#"["1","2","t","e",{"a":1}]"#),
        ] {
            let frame = Frame::parse(version, text).unwrap();
            assert_eq!((frame.topic.as_str(), frame.reference.as_deref()), ("t", Some("2")));
            assert_eq!(Frame::parse(version, &frame.render(version)), Some(frame));
        }
        assert_eq!(Frame::parse(Version::Two, "{}"), None);
    }

    #[test]
    fn binary_broadcasts_are_read_and_cut_ones_are_not() {
        let bytes = b"\x03\x01\x01\x01\x02\x00\x0112tev{\"a\":1}";
        let frame = Frame::parse_binary(bytes).unwrap();
        assert_eq!(frame.payload["event"], "ev");
        assert_eq!(frame.payload["payload"]["a"], 1);
        for length in 0..12 {
            assert_eq!(Frame::parse_binary(&bytes[..length]), None);
        }
    }
}
