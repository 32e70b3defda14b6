//! Search: what is asked, and hits that open at the very message.

use crate::ConversationRow;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Best,
    Newest,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct SearchRequest {
    pub query: String,
    /// 1 to 200.
    pub limit: u32,
    #[serde(default)]
    pub offset: u32,
    #[serde(default)]
    pub sort: Sort,
    /// The last word is still being typed.
    #[serde(default)]
    pub typing: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SearchResponse {
    /// In order of rank; hits of one conversation stay together in `groups`.
    pub hits: Vec<Hit>,
    /// The conversations of the hits, in order of their best hit.
    pub groups: Vec<HitGroup>,
    #[ts(type = "number")]
    pub total: u64,
    /// False: there are at least `total`.
    pub total_is_exact: bool,
    pub took_ms: f64,
    /// What was searched instead, when nothing matched exactly.
    pub corrected: Option<String>,
    /// Changes of the library that were not looked at, because the index is behind them: there may be more hits. 0 as a rule.
    #[ts(type = "number")]
    pub unsearched: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Hit {
    pub conversation_id: String,
    /// Null: the title matched.
    pub message_id: Option<String>,
    /// title, text, thinking, tool or file
    pub field: String,
    pub role: Option<String>,
    /// Plain text around the match.
    pub snippet: String,
    /// `[start, end)` in Unicode scalar values of `snippet`.
    pub highlights: Vec<(u32, u32)>,
    pub score: f32,
    pub created_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HitGroup {
    pub conversation: ConversationRow,
    /// Places in `hits`.
    pub hits: Vec<u32>,
}

/// What is looked for in one thread.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FindRequest {
    pub conversation_id: String,
    pub text: String,
    /// The text is a question's words, all of which must be there; else it must be there as it is.
    #[serde(default)]
    pub words: bool,
    #[serde(default)]
    pub show_hidden: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FoundInThread {
    /// In the thread's order; at most ten thousand.
    pub messages: Vec<FoundMessage>,
    /// How many there are.
    #[ts(type = "number")]
    pub total: u64,
    /// What to highlight: without case, accents and width.
    pub needles: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FoundMessage {
    pub message_id: String,
    /// Its 0-based place in the thread.
    #[ts(type = "number")]
    pub place: u64,
    /// It is found only in thinking or tools, which the thread folds.
    pub folded_away: bool,
}
