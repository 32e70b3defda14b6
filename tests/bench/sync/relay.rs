//! From device to device: a message is added on A, and is in B's mirror; both only watch. Beside it the bare way: insert,
//! broadcast, read, between two clients in one process.

use crate::device::Device;
use crate::peer::Standing;
use crate::report::Section;
use crate::server::Server;
use crate::stats::Sample;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Longer than the minute after which a device looks by itself.
const LIMIT: Duration = Duration::from_secs(90);
/// Rounds that take longer than this are not repeated as often.
const LONG: f64 = 5000.0;
/// Between rounds everybody falls silent: a device that is awake from the last one would see the next by accident.
const REST: Duration = Duration::from_secs(2);

/// `airi sync --watch`, until dropped.
struct Watcher(Child);

impl Watcher {
    /// Returns after its first round.
    fn start(device: &Device) -> Result<Watcher> {
        let mut child = device.command(&["sync", "--watch"]).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let watcher = Watcher(child);
        let mut lines = BufReader::new(stdout);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        ensure!(!line.is_empty(), "airi sync --watch ended");
        // Whatever it says later is read, so that it never waits for us.
        std::thread::spawn(move || lines.lines().for_each(drop));
        Ok(watcher)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) async fn measure(server: &Server, section: &mut Section, rounds: usize) -> Result<()> {
    let (user, other) = (server.user().await?, server.user().await?);
    let a = Device::signed_in(&server.cloud, &user)?;
    let conversation = a.run(&["new", "--title", "relay"])?;
    let conversation = conversation["id"].as_str().context("a conversation has an id")?.to_owned();
    a.run(&["sync"])?;
    let b = Device::signed_in(&server.cloud, &user)?;
    let _watchers = (Watcher::start(&a)?, Watcher::start(&b)?);
    let mut bare = Standing::start("notify_loop.mjs", &server.cloud, &other)?;
    // Once on each side for connections and caches.
    std::thread::sleep(REST);
    let first = relay(&a, &b, &conversation, "warm")?;
    bare.round()?;
    let rounds = if first > LONG { rounds.min(3) } else { rounds };

    let (mut ours, mut peer) = (Sample::default(), Sample::default());
    for round in 0..rounds {
        std::thread::sleep(REST);
        ours.push(relay(&a, &b, &conversation, &format!("round {round}"))?);
        peer.push(bare.round()?);
    }
    eprintln!("relay: {rounds} rounds");
    let ratio = ours.over(&peer);
    section.row(
        format!(
            "`airi add` on device A until the row is in B's mirror, both `airi sync --watch`, beside insert → broadcast → \
             read ({rounds} rounds)"
        ),
        ours.as_time(),
        peer.as_time(),
        ratio.as_ratio(),
        "≤ 2 ×",
        ratio.median() <= 2.0,
    );
    Ok(())
}

/// Milliseconds from the moment the message is saved on A (`airi add` has ended) until it is in B's mirror.
fn relay(a: &Device, b: &Device, conversation: &str, text: &str) -> Result<f64> {
    let mirror = b.look()?;
    let added: Value = a.run(&["add", conversation, "--role", "user", text])?;
    let saved = Instant::now();
    let id = Uuid::parse_str(added["id"].as_str().context("a message has an id")?)?;
    let mut statement = mirror.prepare("select exists (select 1 from messages where uuid = ?1 and content = ?2)")?;
    loop {
        if statement.query_row(rusqlite::params![id.as_bytes().as_slice(), text], |row| row.get(0))? {
            return Ok(saved.elapsed().as_secs_f64() * 1e3);
        }
        ensure!(saved.elapsed() < LIMIT, "the message did not come to B within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
