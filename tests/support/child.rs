//! A child process that cannot outlive us. Promise: the program ends when its [`GuardedChild`] is stopped or dropped,
//! and also when this process dies without a chance to clean up (kill -9): a small shell guards it, reads a pipe that
//! only we hold open, and signals the program when the pipe closes. No unsafe code, no Linux-only call.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Starts "$@", waits for it, and signals it when our end of standard input closes: again and again, because a program that
/// has just begun may not listen yet.
const GUARD: &str = r#"
signal=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
( while read -r _ <&3; do :; done
  while kill -"$signal" "$program"; do sleep 0.1; done ) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$program"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
"#;

/// The longest that a program may take to end after its signal.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to run, as whom, and how to end it.
pub(crate) struct Spec<'a> {
    pub(crate) program: &'a Path,
    pub(crate) args: Vec<String>,
    pub(crate) envs: Vec<(&'static str, String)>,
    /// The signal that makes the program end, by name: `TERM`, `INT`, `QUIT`.
    pub(crate) stop_signal: &'static str,
    /// Where standard output and error go.
    pub(crate) log: PathBuf,
}

/// A running program and the pipe that keeps it alive.
pub(crate) struct GuardedChild {
    guard: Child,
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl GuardedChild {
    pub(crate) fn spawn(spec: Spec<'_>) -> Result<Self> {
        let log = File::create(&spec.log).with_context(|| format!("create {}", spec.log.display()))?;
        let mut command = Command::new("sh");
        command
            .args(["-c", GUARD, "airi-guard", spec.stop_signal])
            .arg(spec.program)
            .args(&spec.args)
            .envs(spec.envs)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut guard = command.spawn().with_context(|| format!("start {}", spec.program.display()))?;
        let lifeline = guard.stdin.take();
        Ok(Self { guard, lifeline, log: spec.log })
    }

    /// The exit status, if the program has ended by itself.
    pub(crate) fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        self.guard.try_wait()
    }

    /// The last lines that the program wrote.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Waits until a program that was told to end by other means is gone. Blocks.
    pub(crate) fn wait(&mut self) {
        let started = Instant::now();
        while started.elapsed() < PATIENCE && matches!(self.guard.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the program and waits until it is gone. Blocks.
    pub(crate) fn stop(&mut self) {
        drop(self.lifeline.take());
        self.wait();
        if !matches!(self.guard.try_wait(), Ok(None)) {
            return;
        }
        eprintln!("airi-devcloud: a child did not end in {PATIENCE:?}; its log: {}", self.log.display());
    }
}

impl Drop for GuardedChild {
    fn drop(&mut self) {
        self.stop();
    }
}
