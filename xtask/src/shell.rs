//! Running other programs from the project's root.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// A command that starts in a folder below the root ("" is the root itself).
pub(crate) fn command(dir: &str, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root().join(dir)).args(args);
    command
}

/// Runs to the end; a failure names the command.
pub(crate) fn sh(dir: &str, program: &str, args: &[&str]) -> Result<()> {
    finish(command(dir, program, args))
}

pub(crate) fn finish(mut command: Command) -> Result<()> {
    eprintln!("+ {}", describe(&command));
    let status = command.status().with_context(|| format!("cannot start: {}", describe(&command)))?;
    if !status.success() {
        bail!("failed ({status}): {}", describe(&command));
    }
    Ok(())
}

/// What a command prints, trimmed; None when it fails or is not there.
pub(crate) fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).current_dir(root()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

pub(crate) fn describe(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
