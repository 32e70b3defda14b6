//! The peers of `bench-peers/`: Node programs over the official client.

use airi_tests::{Cloud, User};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::history::Fingerprint;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench-peers")
}

fn command(name: &str, cloud: &Cloud, user: &User, more: &Value) -> Command {
    let mut order = json!({
        "url": cloud.url, "key": cloud.publishable_key, "email": user.email, "password": user.password,
    });
    if let (Some(order), Some(more)) = (order.as_object_mut(), more.as_object()) {
        order.extend(more.clone());
    }
    let mut command = Command::new("node");
    command.arg("--max-old-space-size=8192").arg(name).current_dir(folder()).env("AIRI_PEER", order.to_string());
    command
}

/// What a peer did: its own time without start and sign-in, and what it has now.
pub(crate) struct Done {
    pub(crate) ms: f64,
    pub(crate) fingerprint: Fingerprint,
}

pub(crate) fn run(name: &str, cloud: &Cloud, user: &User, more: &Value) -> Result<Done> {
    let output = command(name, cloud, user, more).stderr(Stdio::inherit()).output().context("node does not start")?;
    ensure!(output.status.success(), "the peer {name} failed ({})", output.status);
    let answer: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("the answer of {name}"))?;
    let number = |field: &str| answer[field].as_u64().with_context(|| format!("{name} did not say {field}"));
    Ok(Done {
        ms: answer["ms"].as_f64().context("a peer says its time")?,
        fingerprint: Fingerprint {
            rows: number("rows")?,
            messages: number("messages")?,
            hash: answer["fingerprint"].as_str().unwrap_or_default().to_owned(),
        },
    })
}

/// A peer that stays and does a round at each line.
pub(crate) struct Standing {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Standing {
    pub(crate) fn start(name: &str, cloud: &Cloud, user: &User) -> Result<Standing> {
        let mut child =
            command(name, cloud, user, &Value::Null).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().context("a pipe was asked for")?);
        let mut peer = Standing { child, stdin, stdout };
        let ready = peer.line()?;
        ensure!(ready["ready"] == true, "the peer {name} is not ready: {ready}");
        Ok(peer)
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line).context("the peer ended")
    }

    /// One round, in milliseconds.
    pub(crate) fn round(&mut self) -> Result<f64> {
        self.stdin.as_mut().context("the peer still listens")?.write_all(b"go\n")?;
        let answer = self.line()?;
        ensure!(answer["same"] == true, "what arrived is not what was sent: {answer}");
        answer["ms"].as_f64().context("a peer says its time")
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
