//! Sending what was written offline, beside sending it row by row; and what a sync with nothing to do asks.

use crate::device::Device;
use crate::history::{self, with_other_ids};
use crate::line::Line;
use crate::peer;
use crate::report::{Reached, Section, thousands};
use crate::server::Server;
use crate::stats::Sample;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

const MESSAGES: usize = 2000;
/// Over a line with a latency, where the peer takes long.
const FAR_MESSAGES: usize = 1000;
const FAR: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_millis(4);

/// What one push was.
struct Pushed {
    changes: u64,
    bytes: usize,
    requests: u64,
    all_requests: u64,
    /// Until the server has answered for everything, and until the process has ended.
    sent: f64,
    end: f64,
}

pub(crate) async fn measure(server: &Server, section: &mut Section, rounds: usize) -> Result<()> {
    let (mut sent, mut ended, mut by_row) = (Sample::default(), Sample::default(), Sample::default());
    let mut last = None;
    let mut needed = 0;
    let mut idle = (0, 0);
    for round in 0..rounds {
        eprintln!("push: round {} of {rounds}", round + 1);
        let seed = 1000 + round as u64;
        let (pushed, device) = push(server, &server.cloud.url, seed, MESSAGES).await?;
        sent.push(pushed.sent);
        ended.push(pushed.end);
        needed = pushed.changes.div_ceil(500).max(pushed.bytes.div_ceil(1_000_000) as u64);
        by_row.push(row_by_row(server, &server.cloud.url, seed, MESSAGES, pushed.changes).await?);
        eprintln!("  {:.0} ms, {} requests; row by row {:.0} ms", pushed.sent, pushed.requests, by_row.median());

        let before = server.calls("sync_").await?;
        let report = device.run(&["sync"])?;
        let asked = server.calls("sync_").await? - before;
        let rows = report["pulled"].as_u64().unwrap_or(0) + report["pushed"].as_u64().unwrap_or(0);
        // Whoever counts more: what `airi` says must not hide what the server saw.
        let asked = asked.max(report["requests"].as_u64().unwrap_or(u64::MAX));
        idle = (asked.max(idle.0), rows.max(idle.1));
        last = Some(pushed);
    }
    let last = last.context("at least one round")?;
    let what = format!("push of {} changes ({:.1} MB) made offline", thousands(last.changes), last.bytes as f64 / 1e6);
    section.row(
        format!("{what}: requests of `sync_push`"),
        last.requests.to_string(),
        "",
        "",
        format!("max(⌈n/500⌉, ⌈bytes/1 MB⌉) = {needed}"),
        last.requests <= needed,
    );
    let times = by_row.over(&sent);
    section.row(
        format!("{what}, beside a supabase-js insert row by row"),
        sent.as_time(),
        by_row.as_time(),
        times.as_ratio(),
        "≥ 20 ×",
        times.median() >= 20.0,
    );
    section.row(
        "the same until the process has ended (own rows taken back, index)",
        format!("{}; {} requests in all", ended.as_time(), last.all_requests),
        by_row.as_time(),
        by_row.over(&ended).as_ratio(),
        "",
        Reached::NoGoal,
    );
    far(server, section, rounds.min(3)).await?;
    section.row(
        "a sync with nothing to do",
        format!("{} request, {} rows", idle.0, idle.1),
        "",
        "",
        "1 request, 0 rows",
        idle == (1, 0),
    );
    Ok(())
}

/// The same over a line whose answers come later, as they do outside of one machine.
async fn far(server: &Server, section: &mut Section, rounds: usize) -> Result<()> {
    let line = Line::to(&server.cloud.url, FAR).await?;
    let (mut sent, mut by_row) = (Sample::default(), Sample::default());
    let mut changes = 0;
    for round in 0..rounds {
        let seed = 2000 + round as u64;
        let (pushed, _) = push(server, &line.url, seed, FAR_MESSAGES).await?;
        changes = pushed.changes;
        sent.push(pushed.sent);
        by_row.push(row_by_row(server, &line.url, seed, FAR_MESSAGES, changes).await?);
    }
    let times = by_row.over(&sent);
    section.row(
        format!("push of {} changes over a line of 20 ms, beside row by row ({rounds} rounds)", thousands(changes)),
        sent.as_time(),
        by_row.as_time(),
        times.as_ratio(),
        "≥ 20 ×",
        times.median() >= 20.0,
    );
    Ok(())
}

async fn push(server: &Server, url: &str, seed: u64, messages: usize) -> Result<(Pushed, Device)> {
    let user = server.user().await?;
    let device = Device::signed_in_at(url, &server.cloud, &user)?;
    // The account's own first sync is not what is measured.
    device.run(&["sync"])?;
    device.run(&["generate", "--messages", &messages.to_string(), "--seed", &seed.to_string()])?;
    let made = history::in_mirror(&device.mirror())?;
    let mirror = device.look()?;
    let before = server.calls("sync_push").await?;
    let mut sent = None;
    let start = Instant::now();
    let ms = || start.elapsed().as_secs_f64() * 1e3;
    let mut child = device.command(&["sync"]).stdout(Stdio::piped()).spawn()?;
    while child.try_wait()?.is_none() {
        if sent.is_none() {
            let waits: bool = mirror.query_row("select exists (select 1 from outbox)", [], |row| row.get(0))?;
            sent = (!waits).then(ms);
        }
        std::thread::sleep(LOOK);
    }
    let end = ms();
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "airi sync failed");
    let report: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(report["pushed"] == made.rows, "{} of {} changes were sent", report["pushed"], made.rows);
    ensure!(history::on_server(&server.database, user.id).await? == made, "the server has other rows than the device");
    let pushed = Pushed {
        changes: made.rows,
        bytes: bytes(seed, messages),
        requests: server.calls("sync_push").await? - before,
        all_requests: report["requests"].as_u64().unwrap_or(0),
        sent: sent.unwrap_or(end),
        end,
    };
    Ok((pushed, device))
}

/// The bytes of these rows as operations of the protocol.
fn bytes(seed: u64, messages: usize) -> usize {
    history::rows(seed, messages)
        .map(|(table, row)| {
            let id = row["id"].clone();
            let op = json!({
                "op_id": id, "lane": id, "table": table, "id": id, "kind": "insert", "row": row, "base_seq": 0,
            });
            op.to_string().len() + 1
        })
        .sum()
}

/// The same rows under other ids, by another user.
async fn row_by_row(server: &Server, url: &str, seed: u64, messages: usize, rows: u64) -> Result<f64> {
    let user = server.user().await?;
    let mut file = tempfile::NamedTempFile::new()?;
    for (table, row) in history::rows(seed, messages).map(with_other_ids) {
        writeln!(file, "{}", json!({ "table": table, "row": row }))?;
    }
    file.flush()?;
    let order = json!({ "url": url, "file": file.path() });
    let done = peer::run("insert_loop.mjs", &server.cloud, &user, &order)?;
    let stored = history::on_server(&server.database, user.id).await?;
    ensure!(done.fingerprint == stored && stored.rows == rows, "the insert loop sent {:?}", done.fingerprint);
    Ok(done.ms)
}
