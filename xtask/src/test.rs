//! `cargo xtask test`: sets the machine up, builds, and runs every test; ends with the plain counts.

use crate::counts::Counts;
use crate::setup;
use crate::shell::{cargo, command, describe, sh};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

pub(crate) fn test(args: &[String]) -> Result<()> {
    let start = Instant::now();
    setup::everything()?;
    let cargo = cargo();
    let mut counts = Counts::default();
    let mut failed = Vec::new();
    let mut step = |name: &str, command: Command| -> Result<()> {
        if !counted(command, &mut counts)? {
            failed.push(name.to_owned());
        }
        eprintln!("= {name}: {} s since the start", start.elapsed().as_secs());
        Ok(())
    };
    sh("ui", "npm", &["run", "--silent", "build"])?;
    step("page", command("ui", "npm", &["run", "--silent", "test"]))?;
    step("views", command("ui", "npm", &["run", "--silent", "test:axe"]))?;
    step("library", command("ui", "npm", &["run", "--silent", "test:library"]))?;
    // The programs that the acceptance and end-to-end tests start.
    sh(
        "",
        &cargo,
        &["build", "--locked", "--package", "airi-desktop", "--package", "airi-cli", "--package", "airi-tests"],
    )?;
    let mut tests = command("", &cargo, &["test", "--locked", "--workspace", "--no-fail-fast"]);
    tests.args(args);
    step("rust", tests)?;
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if !failed.is_empty() || counts.failed > 0 {
        bail!("failed: {}", failed.join(", "));
    }
    if counts.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// Runs a test runner, shows what it prints, and counts; whether it succeeded.
fn counted(mut command: Command, counts: &mut Counts) -> Result<bool> {
    eprintln!("+ {}", describe(&command));
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start: {}", describe(&command)))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            println!("{line}");
            counts.take(&line);
        }
    }
    Ok(child.wait()?.success())
}
