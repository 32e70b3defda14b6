//! A message. Once made, who said what when never changes; an edit is a sibling under the same parent.
//!
//! Beside the visible text in `content`, `metadata` carries what the thread view and the search understand:
//! - `blocks`: `[{"type":"thinking","text"}, {"type":"tool_use","name","input"}, {"type":"tool_result","name","text","is_error"}]`
//! - `hidden`: true for what a thread does not show unless asked to (tool plumbing, system context)
//! - `source`, `external_id`: where an imported message came from; `raw`: what of it is not understood
//! - `fitted`: the original of what did not fit the server's columns

use crate::{ConversationId, MessageId, Time, empty_object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// A name that is not in a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' is not a {what} (one of: {allowed})")]
pub struct UnknownName {
    pub what: &'static str,
    pub given: String,
    pub allowed: &'static str,
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:literal, { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// The name as the server's column has it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($text => Ok($name::$variant),)+
                    _ => Err(UnknownName { what: $what, given: text.to_owned(), allowed: $allowed }),
                }
            }
        }
    };
}

names!(
    /// Who speaks.
    Role, "role", "user, assistant, system, function, tool",
    { User = "user", Assistant = "assistant", System = "system", Function = "function", Tool = "tool" }
);

names!(
    /// What the content is.
    ContentType, "content type", "text, image, audio, video, file, code",
    { Text = "text", Image = "image", Audio = "audio", Video = "video", File = "file", Code = "code" }
);

/// One message. Field names are those of the server's table `chat_messages`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// None: after the message before it in time. [`MessageId::ROOT`]: an explicit beginning (a thread may have several).
    #[serde(default)]
    pub parent_id: Option<MessageId>,
    pub role: Role,
    #[serde(default)]
    pub content: String,
    #[serde(default = "text")]
    pub content_type: ContentType,
    /// A JSON array that other clients may write; our own files are rows of `message_attachments`.
    #[serde(default = "empty_array")]
    pub attachments: Value,
    #[serde(default)]
    pub prompt_tokens: i64,
    #[serde(default)]
    pub completion_tokens: i64,
    #[serde(default)]
    pub total_tokens: i64,
    #[serde(default)]
    pub model_id: Option<String>,
    #[serde(default)]
    pub provider_id: Option<String>,
    #[serde(default)]
    pub response_time_ms: Option<i64>,
    #[serde(default)]
    pub finish_reason: Option<String>,
    #[serde(default)]
    pub function_call: Option<Value>,
    /// A JSON array, or None.
    #[serde(default)]
    pub tool_calls: Option<Value>,
    /// 1 to 5.
    #[serde(default)]
    pub rating: Option<i64>,
    #[serde(default)]
    pub feedback: Option<String>,
    #[serde(default = "empty_object")]
    pub metadata: Value,
    pub created_at: Time,
    #[serde(default)]
    pub edited_at: Option<Time>,
    #[serde(default)]
    pub deleted_at: Option<Time>,
}

fn text() -> ContentType {
    ContentType::Text
}

fn empty_array() -> Value {
    Value::Array(Vec::new())
}

impl Message {
    /// A plain text message with every default.
    pub fn new(
        id: MessageId,
        conversation_id: ConversationId,
        role: Role,
        content: String,
        created_at: Time,
    ) -> Message {
        Message {
            id,
            conversation_id,
            parent_id: None,
            role,
            content,
            content_type: ContentType::Text,
            attachments: empty_array(),
            prompt_tokens: 0,
            completion_tokens: 0,
            total_tokens: 0,
            model_id: None,
            provider_id: None,
            response_time_ms: None,
            finish_reason: None,
            function_call: None,
            tool_calls: None,
            rating: None,
            feedback: None,
            metadata: empty_object(),
            created_at,
            edited_at: None,
            deleted_at: None,
        }
    }

    /// Whether a thread leaves it out unless asked to show everything.
    pub fn is_hidden(&self) -> bool {
        self.metadata.get("hidden").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The structured blocks of `metadata.blocks` (see the module's head).
    pub fn blocks(&self) -> &[Value] {
        self.metadata.get("blocks").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The text of its thinking blocks, one a line.
    pub fn thinking_text(&self) -> String {
        self.joined_blocks(|kind| kind == "thinking")
    }

    /// The text of its tool calls and results, and its whole content where a tool speaks.
    pub fn tool_text(&self) -> String {
        let blocks = self.joined_blocks(|kind| kind != "thinking");
        match self.role {
            Role::Tool | Role::Function if blocks.is_empty() => self.content.clone(),
            Role::Tool | Role::Function => format!("{}\n{blocks}", self.content),
            _ => blocks,
        }
    }

    fn joined_blocks(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut out = String::new();
        for block in self.blocks() {
            if !wanted(block.get("type").and_then(Value::as_str).unwrap_or("")) {
                continue;
            }
            for key in ["name", "title", "text", "input"] {
                let Some(value) = block.get(key) else { continue };
                if !out.is_empty() {
                    out.push('\n');
                }
                match value {
                    Value::String(text) => out.push_str(text),
                    other => out.push_str(&other.to_string()),
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    fn message(role: Role, content: &str) -> Message {
        let time = Time::from_micros(0).unwrap();
        Message::new(MessageId(Uuid::from_u128(1)), ConversationId(Uuid::from_u128(2)), role, content.into(), time)
    }

    #[test]
    fn thinking_and_tool_text_are_told_apart() {
        let mut m = message(Role::Assistant, "Paris.");
        m.metadata = json!({"blocks": [
            {"type": "thinking", "text": "capital of France"},
            {"type": "tool_use", "name": "lookup", "input": {"q": "France"}},
            {"type": "tool_result", "name": "lookup", "text": "Paris is"}
        ]});
        assert_eq!(m.thinking_text(), "capital of France");
        assert_eq!(m.tool_text(), "lookup\n{\"q\":\"France\"}\nlookup\nParis is");
    }

    #[test]
    fn what_a_tool_says_is_tool_text() {
        assert_eq!(message(Role::Tool, "42").tool_text(), "42");
        assert_eq!(message(Role::User, "42").tool_text(), "");
    }

    #[test]
    fn an_unknown_role_says_which_ones_there_are() {
        let error = "robot".parse::<Role>().unwrap_err().to_string();
        assert!(error.contains("'robot'") && error.contains("assistant"));
    }
}
