//! The operator's scripts, run on a database as `postgres`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use airi_tests::postgres::psql;
use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio_postgres::Config;

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) async fn operation(url: &str, script: &str, args: &[&str]) -> Result<()> {
    let config: Config = url.parse()?;
    let folder = psql()?.parent().map(Path::to_owned).unwrap_or_default();
    let output = Command::new("bash")
        .arg(repository().join("supabase/operations").join(script))
        .args(args)
        .env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default()))
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", config.get_ports()[0].to_string())
        .env("PGUSER", config.get_user().context("a user")?)
        .env("PGPASSWORD", String::from_utf8(config.get_password().context("a password")?.to_owned())?)
        .env("PGDATABASE", config.get_dbname().context("a database")?)
        .stdin(Stdio::null())
        .output()
        .await?;
    if !output.status.success() {
        bail!("{script} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
