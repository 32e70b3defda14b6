//! Brings migrations into a database with the official Supabase CLI. Promise: what is applied, and what the history table
//! then lists, is what `supabase db push` does on a real project; nothing is asked and nothing is downloaded.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::programs;

/// Applies the folder's `supabase/migrations` that the database's history table does not list. `database_url` names the
/// role that runs them. Without any migration file this does nothing.
pub async fn push(project: &Path, database_url: &str) -> Result<()> {
    if !has_migrations(project)? {
        return Ok(());
    }
    run(project, &["db", "push", &format!("--remote={database_url}"), "--include-all", "--yes"]).await.map(drop)
}

/// Runs any command of the CLI in the project's folder and returns its standard output.
pub async fn run(project: &Path, args: &[&str]) -> Result<String> {
    let home = tempfile::tempdir().context("make a home folder for the Supabase CLI")?;
    let output = Command::new(programs::supabase_cli()?)
        .args(args)
        .arg("--workdir")
        .arg(project)
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("SUPABASE_TELEMETRY_DISABLED", "1")
        .env("DO_NOT_TRACK", "1")
        .env("NO_COLOR", "1")
        .env_remove("SUPABASE_ACCESS_TOKEN")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("run the Supabase CLI")?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let command = args.iter().filter(|arg| !arg.contains("://")).copied().collect::<Vec<_>>().join(" ");
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`supabase {command}` failed:\n{stdout}{stderr}");
    }
    Ok(stdout)
}

fn has_migrations(project: &Path) -> Result<bool> {
    let folder = project.join("supabase/migrations");
    if !folder.is_dir() {
        return Ok(false);
    }
    for entry in std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        if entry?.path().extension().is_some_and(|end| end == "sql") {
            return Ok(true);
        }
    }
    Ok(false)
}
