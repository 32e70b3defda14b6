//! The columns of the server's tables, what they accept and what they stand at when nothing is said (supabase/migrations
//! 001 and 004). Values are brought into the form in which they travel.

use airi_domain::{Time, canonicalize, has_nul};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A row's columns without its number.
pub(crate) type Fields = Map<String, Value>;

/// What a column holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Uuid,
    /// At most so many characters.
    Text(usize),
    OneOf(&'static [&'static str]),
    Time,
    Int,
    BigInt,
    /// `int` from 1 to 5.
    Rating,
    /// `numeric(3, 2)`
    Temperature,
    Bool,
    Json,
    Texts,
    Jsons,
    /// Of tables that are only read: as it was given.
    Any,
}

/// What a column stands at when it is left out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    Null,
    /// NOT NULL without a default.
    Required,
    NewId,
    Now,
    Is(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub start: Start,
}

impl Column {
    fn is_nullable(&self) -> bool {
        matches!(self.start, Start::Null)
    }
}

const fn column(name: &'static str, kind: Kind, start: Start) -> Column {
    Column { name, kind, start }
}

const ANY_LENGTH: usize = usize::MAX;
const ROLES: &[&str] = &["user", "assistant", "system", "function", "tool"];
const CONTENT_TYPES: &[&str] = &["text", "image", "audio", "video", "file", "code"];

const CONVERSATIONS: &[Column] = &[
    column("id", Kind::Uuid, Start::NewId),
    column("user_id", Kind::Uuid, Start::Required),
    column("title", Kind::Text(255), Start::Null),
    column("summary", Kind::Text(ANY_LENGTH), Start::Null),
    column("model_id", Kind::Text(100), Start::Required),
    column("provider_id", Kind::Text(50), Start::Required),
    column("avatar_id", Kind::Text(100), Start::Null),
    column("voice_id", Kind::Text(100), Start::Null),
    column("personality_template", Kind::Text(100), Start::Null),
    column("system_prompt", Kind::Text(ANY_LENGTH), Start::Null),
    column("temperature", Kind::Temperature, Start::Is("0.7")),
    column("max_tokens", Kind::Int, Start::Is("2048")),
    column("settings", Kind::Json, Start::Is("{}")),
    column("tags", Kind::Texts, Start::Is("[]")),
    column("is_archived", Kind::Bool, Start::Is("false")),
    column("is_starred", Kind::Bool, Start::Is("false")),
    column("metadata", Kind::Json, Start::Is("{}")),
    column("deleted_at", Kind::Time, Start::Null),
    column("current_message_id", Kind::Uuid, Start::Null),
    column("created_at", Kind::Time, Start::Now),
];

const MESSAGES: &[Column] = &[
    column("id", Kind::Uuid, Start::NewId),
    column("conversation_id", Kind::Uuid, Start::Required),
    column("user_id", Kind::Uuid, Start::Required),
    column("parent_id", Kind::Uuid, Start::Null),
    column("role", Kind::OneOf(ROLES), Start::Required),
    column("content", Kind::Text(ANY_LENGTH), Start::Required),
    column("content_type", Kind::OneOf(CONTENT_TYPES), Start::Is("\"text\"")),
    column("attachments", Kind::Json, Start::Is("[]")),
    column("prompt_tokens", Kind::Int, Start::Is("0")),
    column("completion_tokens", Kind::Int, Start::Is("0")),
    column("total_tokens", Kind::Int, Start::Is("0")),
    column("model_id", Kind::Text(100), Start::Null),
    column("provider_id", Kind::Text(50), Start::Null),
    column("response_time_ms", Kind::Int, Start::Null),
    column("finish_reason", Kind::Text(50), Start::Null),
    column("function_call", Kind::Json, Start::Null),
    column("tool_calls", Kind::Jsons, Start::Null),
    column("rating", Kind::Rating, Start::Null),
    column("feedback", Kind::Text(ANY_LENGTH), Start::Null),
    column("metadata", Kind::Json, Start::Is("{}")),
    column("created_at", Kind::Time, Start::Now),
    column("edited_at", Kind::Time, Start::Null),
    column("deleted_at", Kind::Time, Start::Null),
];

const ATTACHMENTS: &[Column] = &[
    column("id", Kind::Uuid, Start::NewId),
    column("message_id", Kind::Uuid, Start::Required),
    column("user_id", Kind::Uuid, Start::Required),
    column("file_name", Kind::Text(255), Start::Required),
    column("file_type", Kind::Text(100), Start::Null),
    column("file_size", Kind::BigInt, Start::Null),
    column("storage_path", Kind::Text(ANY_LENGTH), Start::Required),
    column("mime_type", Kind::Text(100), Start::Null),
    column("width", Kind::Int, Start::Null),
    column("height", Kind::Int, Start::Null),
    column("duration_seconds", Kind::Int, Start::Null),
    column("metadata", Kind::Json, Start::Is("{}")),
    column("created_at", Kind::Time, Start::Now),
];

const PROFILES: &[Column] = &[
    column("id", Kind::Uuid, Start::Required),
    column("username", Kind::Text(50), Start::Null),
    column("display_name", Kind::Text(100), Start::Null),
    column("avatar_url", Kind::Text(ANY_LENGTH), Start::Null),
    column("bio", Kind::Text(ANY_LENGTH), Start::Null),
    column("subscription_tier", Kind::Any, Start::Is("\"free\"")),
    column("subscription_status", Kind::Any, Start::Is("\"active\"")),
    column("trial_ends_at", Kind::Time, Start::Null),
    column("subscription_ends_at", Kind::Time, Start::Null),
    column("daily_message_count", Kind::Int, Start::Is("0")),
    column("total_message_count", Kind::BigInt, Start::Is("0")),
    column("last_message_reset_at", Kind::Time, Start::Now),
    column("preferences", Kind::Json, Start::Is("{}")),
    column("created_at", Kind::Time, Start::Now),
];

const USAGE_LOGS: &[Column] = &[
    column("id", Kind::Uuid, Start::NewId),
    column("user_id", Kind::Uuid, Start::Required),
    column("endpoint", Kind::Text(255), Start::Required),
    column("method", Kind::Text(10), Start::Required),
    column("status_code", Kind::Int, Start::Required),
    column("prompt_tokens", Kind::Int, Start::Is("0")),
    column("completion_tokens", Kind::Int, Start::Is("0")),
    column("total_tokens", Kind::Int, Start::Is("0")),
    column("provider_id", Kind::Text(50), Start::Null),
    column("model_id", Kind::Text(100), Start::Null),
    column("estimated_cost", Kind::Any, Start::Is("0")),
    column("response_time_ms", Kind::Int, Start::Null),
    column("error_code", Kind::Text(50), Start::Null),
    column("created_at", Kind::Time, Start::Now),
];

const ID_AND_OWNER: &[Column] =
    &[column("id", Kind::Uuid, Start::NewId), column("user_id", Kind::Uuid, Start::Required)];

/// The tables in the order of their ranks, tombstones left out (the place is the rank less one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Profiles,
    Conversations,
    Messages,
    Attachments,
    UsageLogs,
    UsageDaily,
    Subscriptions,
    Payments,
}

impl Table {
    pub(crate) const ALL: [Table; 8] = [
        Table::Profiles,
        Table::Conversations,
        Table::Messages,
        Table::Attachments,
        Table::UsageLogs,
        Table::UsageDaily,
        Table::Subscriptions,
        Table::Payments,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Table::Profiles => "user_profiles",
            Table::Conversations => "conversations",
            Table::Messages => "chat_messages",
            Table::Attachments => "message_attachments",
            Table::UsageLogs => "usage_logs",
            Table::UsageDaily => "usage_daily_aggregates",
            Table::Subscriptions => "subscription_history",
            Table::Payments => "payment_history",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }

    pub(crate) fn rank(self) -> i64 {
        self as i64 + 1
    }

    /// Whether clients write it through operations.
    pub(crate) fn is_written(self) -> bool {
        matches!(self, Table::Conversations | Table::Messages | Table::Attachments)
    }

    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Table::Profiles => PROFILES,
            Table::Conversations => CONVERSATIONS,
            Table::Messages => MESSAGES,
            Table::Attachments => ATTACHMENTS,
            Table::UsageLogs => USAGE_LOGS,
            Table::UsageDaily | Table::Subscriptions | Table::Payments => ID_AND_OWNER,
        }
    }

    pub(crate) fn column(self, name: &str) -> Option<&'static Column> {
        self.columns().iter().find(|column| column.name == name)
    }
}

/// The error of a statement, as the database words it, about.
pub(crate) type Violation = String;

/// A given value as the column's type holds it; null stays null. What else the table asks is [`check`]'s.
pub(crate) fn convert(column: &Column, value: &Value) -> Result<Value, Violation> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    if has_nul(value) {
        return Err("unsupported Unicode escape sequence".into());
    }
    let bad = |what: &str| format!("invalid input syntax for type {what}: {value}");
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match column.kind {
        Kind::Any => Ok(value.clone()),
        Kind::Uuid => Ok(json!(Uuid::parse_str(&text).map_err(|_| bad("uuid"))?)),
        Kind::Text(most) if text.chars().count() > most => {
            Err(format!("value too long for type character varying({most})"))
        }
        Kind::Text(_) => Ok(json!(text)),
        Kind::OneOf(_) if text.chars().count() > 20 => Err("value too long for type character varying(20)".into()),
        Kind::OneOf(_) => Ok(json!(text)),
        Kind::Time => Ok(json!(text.parse::<Time>().map_err(|_| bad("timestamp with time zone"))?)),
        Kind::Int | Kind::Rating => Ok(json!(text.parse::<i32>().map_err(|_| bad("integer"))?)),
        Kind::BigInt => Ok(json!(text.parse::<i64>().map_err(|_| bad("bigint"))?)),
        Kind::Temperature => {
            let number: f64 = text.parse().map_err(|_| bad("numeric"))?;
            let rounded = (number * 100.0).round() / 100.0;
            if rounded.abs() < 10.0 { Ok(canonicalize(json!(rounded))) } else { Err("numeric field overflow".into()) }
        }
        Kind::Bool => match text.as_str() {
            "true" | "t" | "1" | "yes" | "on" => Ok(json!(true)),
            "false" | "f" | "0" | "no" | "off" => Ok(json!(false)),
            _ => Err(bad("boolean")),
        },
        Kind::Json => Ok(canonicalize(value.clone())),
        Kind::Texts => {
            let items = value.as_array().ok_or_else(|| bad("text[]"))?;
            Ok(items.iter().map(|item| if item.is_string() { item.clone() } else { json!(item.to_string()) }).collect())
        }
        Kind::Jsons => match value {
            Value::Array(_) => Ok(canonicalize(value.clone())),
            _ => Err(bad("jsonb[]")),
        },
    }
}

/// What a column stands at when an insert leaves it out.
pub(crate) fn start(column: &Column, now: Time, new_id: impl FnOnce() -> Uuid) -> Value {
    match column.start {
        Start::Null | Start::Required => Value::Null,
        Start::NewId => json!(new_id()),
        Start::Now => json!(now),
        Start::Is(text) => serde_json::from_str(text).unwrap_or(Value::Null),
    }
}

/// The table's constraints: NOT NULL, and the closed sets.
pub(crate) fn check(table: Table, fields: &Fields) -> Result<(), Violation> {
    for column in table.columns() {
        let value = fields.get(column.name).unwrap_or(&Value::Null);
        let fits = match (column.kind, value) {
            (_, Value::Null) if !column.is_nullable() => {
                return Err(format!("null value in column \"{}\" violates not-null constraint", column.name));
            }
            (_, Value::Null) => true,
            (Kind::OneOf(names), value) => value.as_str().is_some_and(|text| names.contains(&text)),
            (Kind::Rating, value) => value.as_i64().is_some_and(|rating| (1..=5).contains(&rating)),
            _ => true,
        };
        if !fits {
            return Err(format!("new row violates the check constraint of \"{}\"", column.name));
        }
    }
    Ok(())
}
