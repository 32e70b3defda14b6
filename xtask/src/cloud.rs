//! `cargo xtask cloud`: the real cloud for development. Its one line of JSON is the only thing on stdout.

use crate::setup;
use crate::shell::{cargo, command, describe, root};
use anyhow::{Context, Result, bail};
use std::process::Stdio;

pub(crate) fn cloud(args: &[String]) -> Result<()> {
    setup::tests()?;
    let mut build = command("", &cargo(), &["build", "--locked", "--package", "airi-tests", "--bin", "airi-devcloud"]);
    // The line on stdout is the cloud's alone.
    build.stdout(Stdio::null());
    if !build.status().with_context(|| format!("cannot start: {}", describe(&build)))?.success() {
        bail!("the cloud does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let mut cloud = std::process::Command::new(target.join("debug/airi-devcloud"));
    cloud.args(args);
    replace(cloud)
}

/// The cloud takes this process's place, so a signal to it reaches the cloud itself.
#[cfg(unix)]
fn replace(mut command: std::process::Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn replace(mut command: std::process::Command) -> Result<()> {
    std::process::exit(command.status()?.code().unwrap_or(1))
}
