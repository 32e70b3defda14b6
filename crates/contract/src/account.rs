//! The profile, the account, sync state, the outbox, usage, settings.

use crate::FileSettings;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AppInfo {
    pub version: String,
    /// linux, macos or windows
    pub platform: String,
    pub demo: bool,
    /// Where everything is kept.
    pub data_dir: String,
    /// The server that this build offers for signing in; null: one names one's own.
    pub server: Option<BuiltInServer>,
    pub status: Status,
    pub settings: Settings,
}

/// A server that was named when the program was built. Its key is the publishable one, no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BuiltInServer {
    pub url: String,
    pub key: String,
}

/// How things stand, from this device's own data alone (asking never touches the network).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Status {
    pub profile: String,
    pub account: Option<AccountInfo>,
    pub sync: SyncState,
    /// One sentence for people: what the state means and what to do.
    pub message: String,
    /// All that are not deleted, archived and hidden ones included.
    #[ts(type = "number")]
    pub conversations: u64,
    #[ts(type = "number")]
    pub messages: u64,
    #[ts(type = "number")]
    pub attachments: u64,
    /// Changes that the server does not have yet, refused ones included.
    #[ts(type = "number")]
    pub outbox: u64,
    /// Changes that the server refused and that need attention.
    #[ts(type = "number")]
    pub wedged: u64,
    /// Rows from the server that could not be stored; they are kept aside.
    #[ts(type = "number")]
    pub parked: u64,
    /// `epoch/seq` that pulling has reached; null before the first.
    pub cursor: Option<String>,
    /// Whether the search index has reached the mirror.
    pub indexed: bool,
    pub last_sync: Option<String>,
    /// How far a sync under way is, when it takes long (the first one, or one after a restore of the server).
    pub progress: Option<SyncProgress>,
    /// Whether the user has paused syncing; nothing is sent or taken until it goes on.
    pub paused: bool,
    /// The last comparison with the server; null before the first.
    pub audit: Option<AuditReport>,
}

/// How far a long sync is, in rows of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SyncProgress {
    #[ts(type = "number")]
    pub done: u64,
    /// As the server counted them when it began.
    #[ts(type = "number")]
    pub total: u64,
}

/// What a comparison of the mirror with the server found, and what was done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AuditReport {
    /// When it ended.
    pub at: String,
    /// Rows that were compared.
    #[ts(type = "number")]
    pub rows: u64,
    /// Ranges of up to a thousand rows that differed.
    #[ts(type = "number")]
    pub ranges_differing: u64,
    /// Rows that were fetched again because they were older here, or missing.
    #[ts(type = "number")]
    pub fetched: u64,
    /// Rows that only this device had, without any word that they were erased; they are sent again.
    #[ts(type = "number")]
    pub sent_again: u64,
    /// What differed and why, one sentence each (at most 100).
    pub findings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AccountInfo {
    pub url: String,
    pub email: String,
    pub user_id: String,
    pub signed_in: bool,
    /// keyring, file or memory
    pub session_in: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// A profile without an account.
    Local,
    InStep,
    /// Changes wait to be sent.
    Waiting,
    Syncing,
    Offline,
    SignedOut,
    /// The user paused it.
    Paused,
    /// The server is being worked on.
    Maintenance,
    /// This account may not write at the moment; reading and exporting go on.
    Suspended,
    /// The server lacks our migrations.
    ServerUnsuitable,
    NeedsAttention,
}

/// What the server tells everybody, and what it tells this account, as it was last read. Asking never touches the network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerNews {
    /// When it was read; null: never.
    pub read_at: Option<String>,
    /// The operator's words about work on the server that is to come or under way.
    pub notice: Option<String>,
    /// Providers of models that do not work as usual, as the server sees them.
    pub providers: Vec<ProviderHealth>,
    /// Plan and limits of this account; null where the server knows none.
    pub limits: Option<Limits>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ProviderHealth {
    pub id: String,
    pub name: String,
    /// degraded, unhealthy or maintenance
    pub status: String,
    pub last_check_at: Option<String>,
}

/// What the server lets this account have answered by its own models. Your own keys are not bound by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Limits {
    pub plan: String,
    pub day: Limit,
    pub hour: Limit,
    pub suspended: bool,
    /// null with `suspended`: for good
    pub suspended_until: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Limit {
    #[ts(type = "number")]
    pub used: i64,
    /// null: none
    #[ts(type = "number | null")]
    pub limit: Option<i64>,
    #[ts(type = "number | null")]
    pub left: Option<i64>,
    pub resets_at: Option<String>,
}

/// What one round of sync did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct SyncReport {
    #[ts(type = "number")]
    pub pulled: u64,
    #[ts(type = "number")]
    pub pushed: u64,
    #[ts(type = "number")]
    pub refused: u64,
    #[ts(type = "number")]
    pub parked: u64,
    #[ts(type = "number")]
    pub files_uploaded: u64,
    #[ts(type = "number")]
    pub files_downloaded: u64,
    #[ts(type = "number")]
    pub requests: u64,
    #[ts(type = "number")]
    pub waiting: u64,
    pub took_ms: f64,
}

/// One change that waits to be sent, or that the server refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OutboxRow {
    pub id: String,
    pub conversation_id: String,
    pub conversation_title: Option<String>,
    /// Names of the changed fields; empty for a new or erased row.
    pub fields: Vec<String>,
    /// The server's code of a refusal, e.g. content_conflict, id_taken, missing_parent, invalid, upload_refused.
    pub code: Option<String>,
    /// Changes of the same conversation that wait behind this one.
    #[ts(type = "number")]
    pub behind: u64,
    pub table: String,
    pub row_id: String,
    /// insert, patch or delete
    pub kind: String,
    /// pending or wedged
    pub state: String,
    #[ts(type = "number")]
    pub attempts: i64,
    pub error: Option<String>,
    pub created_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct OutboxRequest {
    pub id: String,
    pub action: OutboxAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OutboxAction {
    /// Send it again.
    Retry,
    /// Give the change up; the server's row is fetched again. A new row that the server refused leaves this device too.
    Discard,
}

/// A refused or waiting change, written to a file with the row it concerns, before it is given up.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct OutboxExport {
    pub id: String,
    pub path: String,
}

/// Whether syncing is paused.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct PauseRequest {
    pub paused: bool,
}

/// A device of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceRow {
    pub id: String,
    pub name: String,
    /// linux, macos, windows
    pub platform: String,
    pub app_version: String,
    pub first_seen_at: String,
    pub last_sync_at: String,
    /// Signed out from another device.
    pub signed_out_at: Option<String>,
    /// This very device.
    pub current: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DeviceRef {
    pub id: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PathRequest {
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum UsageBy {
    #[default]
    Day,
    Model,
    Provider,
    Conversation,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct UsageRequest {
    /// ISO date or time; None: from the beginning.
    #[serde(default)]
    pub since: Option<String>,
    /// ISO date or time; what is earlier counts. None: to the end.
    #[serde(default)]
    pub until: Option<String>,
    #[serde(default)]
    pub by: UsageBy,
}

/// What the server counted and billed for its own work: beside the costs of one's own keys, and in no sum with them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct BilledUsage {
    /// As the server estimates it, in US dollars; null: it did nothing in this time.
    pub estimated_usd: Option<f64>,
    #[ts(type = "number")]
    pub tokens: u64,
    #[ts(type = "number")]
    pub calls: u64,
    pub plan: Option<String>,
    /// active, canceled, past_due, trialing or paused
    pub subscription_status: Option<String>,
    pub subscription_ends_at: Option<String>,
    /// What the plan allows a day, as it was last read; null: never.
    pub day: Option<Limit>,
    pub read_at: Option<String>,
    /// What was paid in this time, the newest first.
    pub payments: Vec<Payment>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Payment {
    pub at: String,
    pub amount: f64,
    pub currency: String,
    pub status: String,
    pub description: Option<String>,
}

/// Counted from the messages of this device; one row per day, model, provider or conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct UsageRow {
    /// The date in UTC, the model, the provider or the conversation's id; null: not known.
    pub key: Option<String>,
    /// The conversation's, when rows are conversations.
    pub title: Option<String>,
    #[ts(type = "number")]
    pub messages: u64,
    #[ts(type = "number")]
    pub prompt_tokens: u64,
    #[ts(type = "number")]
    pub completion_tokens: u64,
    #[ts(type = "number")]
    pub total_tokens: u64,
    /// What the tokens with a known price cost, in US dollars; null: none of them has one.
    pub cost_usd: Option<f64>,
    /// Tokens whose price is not known; they are in no cost.
    #[ts(type = "number")]
    pub unpriced_tokens: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct UsageReport {
    pub by: UsageBy,
    pub rows: Vec<UsageRow>,
    /// The day of the prices.
    pub prices_as_of: String,
    /// Whether the user's own `prices.json` is among them.
    pub own_prices: bool,
    /// Why it is not, though it is there.
    pub prices_problem: Option<String>,
}

/// What a file does not say is as in a new library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    /// system, light or dark
    pub theme: String,
    /// Whether threads show what is hidden by default.
    pub show_hidden: bool,
    /// en, zh-Hans or ja; None: as the system
    pub language: Option<String>,
    #[ts(type = "number")]
    pub sidebar_width: u32,
    pub files: FileSettings,
    /// Whether the desktop tells of replies and long work that end while nobody looks at the window.
    pub notifications: bool,
    /// Whether the window has a menu bar of the desktop's own. macOS always has one.
    pub menu_bar: bool,
    /// Whether a model names a conversation after its first reply.
    pub titles_by_model: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            theme: "system".into(),
            show_hidden: false,
            language: None,
            sidebar_width: 300,
            files: FileSettings::default(),
            notifications: true,
            menu_bar: false,
            titles_by_model: true,
        }
    }
}

/// Whether mirror, index and files agree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct VerifyReport {
    pub ok: bool,
    #[ts(type = "number")]
    pub conversations: u64,
    #[ts(type = "number")]
    pub messages: u64,
    #[ts(type = "number")]
    pub files: u64,
    /// What does not agree, one sentence each.
    pub problems: Vec<String>,
}

/// Whether the account's server deletes old messages by itself: those older than so many days, in conversations that nobody
/// has touched for as long and that are not starred, softly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Retention {
    /// 90 to 36,500; null: off, as it is for everyone who has not turned it on.
    pub delete_messages_after_days: Option<u32>,
}
