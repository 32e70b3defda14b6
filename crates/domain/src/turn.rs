//! A chat turn: what happens to the reply of a model from the question to its end.
//!
//! Pure: pieces go in with the time at which they came, and what is to be done comes out as data. The reply is saved as it
//! grows, at most once a second, so that a crash costs a second of it; it becomes a message like any other when it ends,
//! however it ends. Whoever asked for nothing but got a fault keeps no empty message.

use crate::{Message, Time};
use serde_json::{Value, json};

/// Between two saves of a reply that grows, in microseconds.
const SAVE_EVERY: i64 = 1_000_000;

/// Some models wrap their thinking in their text.
const THINK: &str = "<think>";
const THOUGHT: &str = "</think>";

/// What comes from the model, or from the user meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEvent {
    Text(String),
    Thinking(String),
    Tool {
        name: String,
        input: Value,
    },
    /// `reason` is the provider's word; tokens are 0 where it tells none.
    Finished {
        reason: String,
        prompt_tokens: i64,
        completion_tokens: i64,
        total_tokens: i64,
    },
    /// `code` is for programs, `message` for people.
    Failed {
        code: String,
        message: String,
    },
    /// By the user.
    Stopped,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEffect {
    /// More of the reply is to be shown: what was added to the text, and to the thinking.
    Show { text: String, thinking: String },
    /// [`Turn::message`] is to be saved as far as it is.
    Save,
    /// The turn is over and [`Turn::message`] is its message.
    Keep,
    /// The turn is over and not a word of it came: its message goes.
    Drop,
}

/// How a turn that ended by itself is told apart from one that did not; the provider's word otherwise.
pub const STOPPED: &str = "stopped";
pub const FAILED: &str = "error";
/// The app ended in the middle of it.
pub const INTERRUPTED: &str = "interrupted";

/// Whether a reply with this finish reason may be continued: it ended before the model was done.
pub fn is_cut_short(finish_reason: Option<&str>) -> bool {
    matches!(
        finish_reason,
        Some(STOPPED | FAILED | INTERRUPTED | "length" | "max_tokens" | "MAX_TOKENS" | "incomplete")
    )
}

/// Where the text stands with regard to [`THINK`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// It may still begin with it.
    Unknown,
    /// Between it and [`THOUGHT`].
    Thinking,
    /// Behind it, where white space goes.
    Thought,
    /// Plain text.
    Text,
}

/// A turn under way.
#[derive(Debug, Clone)]
pub struct Turn {
    message: Message,
    asked_at: Time,
    thinking: String,
    tools: Vec<Value>,
    opening: Opening,
    /// Text that may be the beginning of a tag.
    pending: String,
    saved_at: Option<Time>,
    over: bool,
}

impl Turn {
    /// `message` is the reply's row: empty, with its model, provider and place.
    pub fn new(message: Message, asked_at: Time) -> Turn {
        Turn {
            message,
            asked_at,
            thinking: String::new(),
            tools: Vec::new(),
            opening: Opening::Unknown,
            pending: String::new(),
            saved_at: None,
            over: false,
        }
    }

    /// The reply as far as it is.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The thinking so far.
    pub fn thinking(&self) -> &str {
        &self.thinking
    }

    /// Takes what happened at `at`. After the end nothing has an effect any more.
    pub fn take(&mut self, event: TurnEvent, at: Time) -> Vec<TurnEffect> {
        if self.over {
            return Vec::new();
        }
        match event {
            TurnEvent::Text(text) => {
                let (text, thinking) = self.sort(&text);
                self.grow(text, thinking, at)
            }
            TurnEvent::Thinking(thinking) => self.grow(String::new(), thinking, at),
            TurnEvent::Tool { name, input } => {
                self.tools.push(json!({ "type": "tool_use", "name": name, "input": input }));
                self.grow(String::new(), String::new(), at)
            }
            TurnEvent::Finished { reason, prompt_tokens, completion_tokens, total_tokens } => {
                self.message.prompt_tokens = prompt_tokens;
                self.message.completion_tokens = completion_tokens;
                self.message.total_tokens = total_tokens;
                self.end(&reason, None, at)
            }
            TurnEvent::Failed { code, message } => {
                self.end(FAILED, Some(json!({ "code": code, "message": message })), at)
            }
            TurnEvent::Stopped => self.end(STOPPED, None, at),
        }
    }

    fn grow(&mut self, text: String, thinking: String, at: Time) -> Vec<TurnEffect> {
        self.message.content.push_str(&text);
        self.thinking.push_str(&thinking);
        let mut effects = Vec::new();
        if !text.is_empty() || !thinking.is_empty() {
            effects.push(TurnEffect::Show { text, thinking });
        }
        let due = self.saved_at.is_none_or(|saved| at.micros() - saved.micros() >= SAVE_EVERY);
        if due && self.said_something() {
            self.saved_at = Some(at);
            self.set_blocks();
            effects.push(TurnEffect::Save);
        }
        effects
    }

    fn end(&mut self, reason: &str, error: Option<Value>, at: Time) -> Vec<TurnEffect> {
        let rest = std::mem::take(&mut self.pending);
        let mut effects = Vec::new();
        if !rest.is_empty() {
            let (text, thinking) = match self.opening {
                Opening::Thinking => (String::new(), rest),
                _ => (rest, String::new()),
            };
            self.message.content.push_str(&text);
            self.thinking.push_str(&thinking);
            effects.push(TurnEffect::Show { text, thinking });
        }
        self.over = true;
        self.message.finish_reason = Some(reason.to_owned());
        self.message.response_time_ms = Some((at.micros() - self.asked_at.micros()).max(0) / 1_000);
        self.set_blocks();
        let finished_well = error.is_none() && reason != STOPPED;
        if let Some(error) = error {
            self.message.metadata["error"] = error;
        }
        effects.push(if self.said_something() || finished_well { TurnEffect::Keep } else { TurnEffect::Drop });
        effects
    }

    fn said_something(&self) -> bool {
        !self.message.content.is_empty() || !self.thinking.is_empty() || !self.tools.is_empty()
    }

    fn set_blocks(&mut self) {
        let mut blocks = Vec::new();
        if !self.thinking.trim().is_empty() {
            blocks.push(json!({ "type": "thinking", "text": self.thinking.trim() }));
        }
        blocks.extend(self.tools.iter().cloned());
        if !blocks.is_empty() {
            self.message.metadata["blocks"] = Value::Array(blocks);
        }
    }

    /// Parts text from thinking that stands between tags at its beginning; what may yet become a tag is kept back.
    fn sort(&mut self, text: &str) -> (String, String) {
        self.pending.push_str(text);
        let (mut out, mut thinking) = (String::new(), String::new());
        loop {
            match self.opening {
                Opening::Unknown => {
                    let begun = self.pending.trim_start();
                    if let Some(rest) = begun.strip_prefix(THINK) {
                        self.pending = rest.trim_start().to_owned();
                        self.opening = Opening::Thinking;
                    } else if THINK.starts_with(begun) {
                        // Nothing but white space, or the first letters of the tag.
                        return (out, thinking);
                    } else {
                        self.opening = Opening::Text;
                    }
                }
                Opening::Thinking => match self.pending.find(THOUGHT) {
                    Some(end) => {
                        thinking.push_str(&self.pending[..end]);
                        self.pending.drain(..end + THOUGHT.len());
                        self.opening = Opening::Thought;
                    }
                    None => {
                        let kept =
                            (1..THOUGHT.len()).rev().find(|n| self.pending.ends_with(&THOUGHT[..*n])).unwrap_or(0);
                        let ready = self.pending.len() - kept;
                        thinking.push_str(&self.pending[..ready]);
                        self.pending.drain(..ready);
                        return (out, thinking);
                    }
                },
                Opening::Thought => {
                    self.pending = self.pending.trim_start().to_owned();
                    if self.pending.is_empty() {
                        return (out, thinking);
                    }
                    self.opening = Opening::Text;
                }
                Opening::Text => {
                    out.push_str(&std::mem::take(&mut self.pending));
                    return (out, thinking);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConversationId, MessageId, Role};
    use uuid::Uuid;

    fn at(ms: i64) -> Time {
        Time::from_micros(1_700_000_000_000_000 + ms * 1_000).unwrap()
    }

    fn turn() -> Turn {
        let (id, conversation) = (MessageId(Uuid::from_u128(1)), ConversationId(Uuid::from_u128(2)));
        Turn::new(Message::new(id, conversation, Role::Assistant, String::new(), at(0)), at(0))
    }

    fn text(text: &str) -> TurnEvent {
        TurnEvent::Text(text.into())
    }

    fn finished(reason: &str) -> TurnEvent {
        TurnEvent::Finished { reason: reason.into(), prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 }
    }

    #[test]
    fn a_reply_is_saved_at_its_first_word_then_once_a_second_and_at_its_end() {
        let mut turn = turn();
        let mut saves = 0;
        for ms in 0..3_500 {
            let effects = turn.take(text("x"), at(ms));
            assert!(matches!(&effects[0], TurnEffect::Show { text, .. } if text == "x"));
            saves += effects.iter().filter(|effect| **effect == TurnEffect::Save).count();
        }
        assert_eq!(saves, 4);
        assert_eq!(turn.take(finished("stop"), at(3_500)), [TurnEffect::Keep]);
        let message = turn.message();
        assert_eq!((message.content.len(), message.finish_reason.as_deref()), (3_500, Some("stop")));
        assert_eq!((message.prompt_tokens, message.total_tokens, message.response_time_ms), (11, 14, Some(3_500)));
        assert!(turn.take(text("late"), at(3_600)).is_empty());
        assert_eq!(turn.message().content.len(), 3_500);
    }

    #[test]
    fn what_had_come_is_kept_however_it_ends_and_nothing_of_nothing() {
        let failed = || TurnEvent::Failed { code: "cut".into(), message: "The connection broke.".into() };
        let mut begun = turn();
        begun.take(text("Half"), at(1));
        assert_eq!(begun.take(failed(), at(2)), [TurnEffect::Keep]);
        assert_eq!(begun.message().finish_reason.as_deref(), Some(FAILED));
        assert_eq!(begun.message().metadata["error"]["message"], "The connection broke.");
        assert_eq!(turn().take(failed(), at(2)), [TurnEffect::Drop]);
        assert_eq!(turn().take(TurnEvent::Stopped, at(2)), [TurnEffect::Drop]);
        let mut stopped = turn();
        stopped.take(TurnEvent::Thinking("Hm".into()), at(1));
        assert_eq!(stopped.take(TurnEvent::Stopped, at(2)), [TurnEffect::Keep]);
        // A model that says nothing and is done has answered.
        assert_eq!(turn().take(finished("stop"), at(2)), [TurnEffect::Keep]);
    }

    #[test]
    fn thinking_in_tags_is_thinking_wherever_the_pieces_are_cut() {
        let whole = "<think>\nThe user greets.</think>\n\nHello < you </think>";
        for cut in 0..whole.len() {
            for second in cut..whole.len() {
                let mut turn = turn();
                for piece in [&whole[..cut], &whole[cut..second], &whole[second..]] {
                    turn.take(text(piece), at(1));
                }
                turn.take(finished("stop"), at(2));
                assert_eq!(turn.message().content, "Hello < you </think>", "cut at {cut} and {second}");
                assert_eq!(
                    turn.message().metadata["blocks"][0]["text"],
                    "The user greets.",
                    "cut at {cut} and {second}"
                );
            }
        }
    }

    #[test]
    fn text_that_only_looks_like_a_tag_is_text() {
        for said in ["<thinner than air>", "  <", "<think", "a <think>b</think>"] {
            let mut turn = turn();
            for c in said.chars() {
                turn.take(text(&c.to_string()), at(1));
            }
            turn.take(finished("stop"), at(2));
            assert_eq!(turn.message().content, said);
            assert!(turn.message().blocks().is_empty());
        }
    }

    #[test]
    fn tools_stand_behind_the_thinking() {
        let mut turn = turn();
        turn.take(TurnEvent::Thinking("look it up".into()), at(1));
        turn.take(TurnEvent::Tool { name: "lookup".into(), input: json!({"q": 1}) }, at(2));
        turn.take(finished("tool_calls"), at(3));
        let kinds: Vec<&str> = turn.message().blocks().iter().map(|b| b["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["thinking", "tool_use"]);
        assert!(!is_cut_short(turn.message().finish_reason.as_deref()) && is_cut_short(Some("length")));
    }
}
