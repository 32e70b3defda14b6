//! The log: what happened, when, and how long it took, for whoever is asked why something does not work.
//!
//! It holds counts, durations, kinds and codes, nothing else: no conversation, title, file name, e-mail, address, token,
//! key or passphrase, no words of a server, and of servers and accounts a short hash only. For that, whoever logs gives
//! numbers, names from the code and [`short`] hashes, never a message of an error or anything that a user or a server
//! wrote. The window and each `airi` write to the same files (`logs/` in the data folder, about 5 MB in all), each line
//! with the number of its process. That a line cannot be written is no failure of anything.

mod file;
mod text;

use crate::AppError;
use crate::data_dir::DataDir;
use crate::profile::{Account, now};
use airi_contract::{ErrorCode, ExportReport, ImportReport, Provider, SignInBy};
use airi_store::StoreError;
use airi_sync::{Audit, FailureClass, RoundReport, SyncError, TransferReport};
use file::Rolling;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, error, info, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// The log's folder inside the data folder.
pub(crate) const FOLDER: &str = "logs";

/// From now on this process logs to that data folder. A process logs to the first one that it opens.
pub(crate) fn start(data: &DataDir, window: bool) {
    let Ok(rolling) = Rolling::open(&data.path().join(FOLDER)) else { return };
    if tracing::subscriber::set_global_default(lines(rolling)).is_err() {
        return;
    }
    info!(
        version = env!("CARGO_PKG_VERSION"),
        os = std::env::consts::OS,
        arch = std::env::consts::ARCH,
        program = if window { "window" } else { "airi" },
        "start"
    );
}

fn lines(to: Rolling) -> impl Subscriber + Send + Sync {
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_timer(Stamp)
        .with_writer(to)
        // Crates that we link say what they like about addresses and headers: only our own are heard.
        .with_filter(Targets::new().with_target("airi", LevelFilter::INFO));
    tracing_subscriber::registry().with(layer)
}

/// The moment and the process.
struct Stamp;

impl FormatTime for Stamp {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{} [{}]", now(), std::process::id())
    }
}

/// Tells two servers or accounts apart without saying which they are.
pub(crate) fn short(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(4).fold(String::new(), |mut hex, byte| {
        use fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(short)).unwrap_or_default()
}

/// From now on a panic leaves its place in the log, and never its message, which may hold anything. In builds for
/// development the message still goes to the terminal. What the search index catches is told as its damage instead.
pub fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        error!(place, thread = std::thread::current().name().unwrap_or("unnamed"), "panic");
        if cfg!(debug_assertions) {
            before(panic);
        } else {
            eprintln!("AIRI: a part of the program stopped at {place}. What was saved is safe; `airi log` tells more.");
        }
    }));
}

pub(crate) fn opened(took: Duration, has_account: bool) {
    info!(ms = millis(took), account = has_account, "profile opened");
}

/// How somebody signs in.
pub(crate) fn kind(by: &SignInBy) -> &'static str {
    match by {
        SignInBy::Password { .. } => "password",
        SignInBy::Code { .. } => "code",
        SignInBy::Provider(Provider::Google) => "google",
        SignInBy::Provider(Provider::Discord) => "discord",
    }
}

pub(crate) fn signed_in(account: &Account, by: &'static str) {
    info!(by, account = short(&account.owner.to_string()), host = host(&account.url), "signed in");
}

pub(crate) fn signed_out(account: &Account) {
    info!(account = short(&account.owner.to_string()), host = host(&account.url), "signed out");
}

pub(crate) fn removed() {
    info!("profile removed from this computer");
}

pub(crate) fn account_deleted() {
    info!("account deleted from its server");
}

pub(crate) fn imported(report: &ImportReport) {
    info!(
        format = known_format(&report.format),
        read = report.conversations_read,
        imported = report.conversations_imported,
        updated = report.conversations_updated,
        already_there = report.conversations_already_there,
        skipped = report.skipped.len(),
        messages = report.messages_imported,
        attachments = report.attachments_imported,
        attachments_missing = report.attachments_missing,
        ms = report.took_ms as u64,
        "import"
    );
}

pub(crate) fn exported(report: &ExportReport, took: Duration) {
    info!(
        format = known_format(&report.format),
        conversations = report.conversations,
        messages = report.messages,
        attachments = report.attachments,
        attachments_missing = report.attachments_missing,
        bytes = report.bytes,
        ms = millis(took),
        "export"
    );
}

fn known_format(format: &str) -> &'static str {
    ["chatgpt", "claude", "airi", "json", "markdown", "html"].into_iter().find(|known| *known == format).unwrap_or("?")
}

pub(crate) fn indexed(rows: u64, took: Duration) {
    if rows > 0 {
        info!(rows, ms = millis(took), "index caught up");
    }
}

pub(crate) fn index_rebuilt() {
    warn!("index made anew");
}

/// Rounds that did nothing since the last one that was logged.
static IDLE: AtomicU64 = AtomicU64::new(0);

/// How a round of sync ended. Rounds that did nothing are counted with the next one.
pub(crate) fn round(result: &Result<RoundReport, SyncError>, took: Duration) {
    let ms = millis(took);
    match result {
        Ok(report) if *report == (RoundReport { requests: report.requests, ..RoundReport::default() }) => {
            IDLE.fetch_add(1, Ordering::Relaxed);
        }
        Ok(report) => info!(
            pulled = report.pulled,
            pushed = report.pushed,
            refused = report.refused,
            parked = report.parked,
            requests = report.requests,
            ms,
            idle_before = IDLE.swap(0, Ordering::Relaxed),
            "sync"
        ),
        Err(error) => {
            warn!(why = sync_kind(error), ms, idle_before = IDLE.swap(0, Ordering::Relaxed), "sync failed");
        }
    }
}

/// Attachments that went up and came down beside the rows; those that could not be moved now wait.
pub(crate) fn files(report: &TransferReport, took: Duration) {
    if report.uploaded + report.downloaded + report.refused + report.waiting > 0 {
        info!(
            uploaded = report.uploaded,
            downloaded = report.downloaded,
            refused = report.refused,
            waiting = report.waiting,
            requests = report.requests,
            ms = millis(took),
            "files"
        );
    }
}

/// When sync tries again after a failure.
pub(crate) fn waits(wait: Duration) {
    info!(seconds = wait.as_secs(), "sync tries again");
}

/// What the comparison with the server found.
pub(crate) fn audited(audit: &Audit) {
    info!(
        rows = audit.rows,
        differing = audit.ranges_differing,
        fetched = audit.fetched,
        sent_again = audit.sent_again,
        "compared with the server"
    );
}

pub(crate) fn audit_failed(error: &SyncError) {
    warn!(why = sync_kind(error), "not compared with the server");
}

fn sync_kind(error: &SyncError) -> &'static str {
    match error {
        SyncError::Remote(failure) => match failure.class {
            FailureClass::Passing { .. } => "offline",
            FailureClass::Smaller { .. } => "too much at once",
            FailureClass::SignInAgain => "session ended",
            FailureClass::Parked => "server unsuitable",
            FailureClass::Maintenance => "maintenance",
            FailureClass::Suspended => "suspended",
            FailureClass::WrongContent => "wrong file",
            FailureClass::Permanent => "refused",
        },
        SyncError::Store(error) => store_kind(error),
        SyncError::Protocol(_) => "protocol",
        SyncError::NewerServer { .. } => "newer server",
        SyncError::OtherAccount => "other account",
        SyncError::DiskTooSmall { .. } => "disk too small",
        SyncError::Stopped => "stopped",
    }
}

fn store_kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::DiskFull => "disk full",
        StoreError::Busy => "mirror busy",
        StoreError::NewerVersion { .. } => "newer mirror",
        StoreError::Damaged { .. } => "mirror damaged",
        StoreError::Open { .. } => "mirror cannot be opened",
        StoreError::NotFound { .. } => "row not found",
        StoreError::Invalid(_) | StoreError::Patch(_) => "invalid row",
        StoreError::Io(_) => "file",
        StoreError::Sqlite(_) => "sqlite",
    }
}

/// Something that a user or script asked for failed. What was asked wrongly is not worth a line, and rounds of sync have
/// theirs.
pub(crate) fn failed(error: &AppError) {
    let code = error.code();
    if matches!(code, ErrorCode::InvalidInput | ErrorCode::NotFound | ErrorCode::Cancelled | ErrorCode::SignedOut)
        || matches!(error, AppError::Sync(_))
    {
        return;
    }
    let code = serde_json::to_value(code).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default();
    let kind = match error {
        AppError::Store(error) => store_kind(error),
        AppError::Index(_) => "index",
        AppError::Import(_) => "import",
        AppError::Cloud(error) => error.code(),
        AppError::Secrets(_) => "secrets",
        AppError::Io { .. } => "file",
        _ => "",
    };
    // Numbers and names of the operating system and of SQLite, which hold nothing of the user's.
    let number = match error {
        AppError::Io { source, .. } => source.raw_os_error(),
        AppError::Store(StoreError::Io(source)) => source.raw_os_error(),
        AppError::Store(StoreError::Sqlite(error)) => error.sqlite_error().map(|error| error.extended_code),
        _ => None,
    };
    warn!(code, kind, number, "failed");
}

fn millis(took: Duration) -> u64 {
    took.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_apart_and_says_nothing() {
        assert_eq!(short("a"), "ca978112");
        assert_ne!(short("a"), short("b"));
        assert_eq!(host("https://project.example:8443/x"), short("project.example"));
        assert_eq!(host("not an address"), "");
    }

    #[test]
    fn a_panic_leaves_its_place_and_not_its_message_and_other_crates_are_not_heard() {
        let dir = tempfile::tempdir().unwrap();
        tracing::subscriber::with_default(lines(Rolling::open(dir.path()).unwrap()), || {
            log_panics();
            let stopped = std::panic::catch_unwind(|| panic!("canary"));
            assert!(stopped.is_err());
            info!(target: "hyper::proto", "canary");
            waits(Duration::from_secs(7));
        });
        let text = std::fs::read_to_string(dir.path().join("airi.log")).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains("panic place=\"") && lines[0].contains("log.rs:"), "{text}");
        assert!(lines[1].ends_with("INFO sync tries again seconds=7"), "{text}");
        assert!(lines[1].contains(&format!(" [{}] ", std::process::id())), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_format_that_is_not_known_is_not_repeated() {
        assert_eq!(known_format("my secret"), "?");
        assert_eq!(known_format("chatgpt"), "chatgpt");
    }
}
