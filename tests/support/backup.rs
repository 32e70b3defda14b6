//! A cluster at an older moment. Promise: a base backup can be put back as it was, or brought forward to a named moment from
//! the archived log; the second gives a new timeline and the same system identifier, as a point-in-time recovery does.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::postgres::{Postgres, SUPERUSER, Stop};

const ARCHIVE_LIMIT: Duration = Duration::from_secs(30);

/// Where a cluster goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// The end of the base backup, on the timeline that was: what an operator gets who puts an old folder back.
    Backup,
    /// A restore point after it, on a new timeline.
    Point(&'a str),
}

/// The folder of finished log files, beside the cluster.
fn archive(data: &Path) -> PathBuf {
    data.with_file_name("archive")
}

pub(crate) fn archive_settings(data: &Path) -> [String; 2] {
    let place = archive(data);
    ["archive_mode=on".into(), format!("archive_command=mkdir -p \"{0}\" && cp \"%p\" \"{0}/%f\"", place.display())]
}

impl Postgres {
    /// Copies the running cluster; one backup is kept, the last.
    pub(crate) fn base_backup(&self, password: &str) -> Result<()> {
        let backup = self.backup();
        if backup.exists() {
            fs::remove_dir_all(&backup)?;
        }
        let (program, args) = self.account.command(&self.bin.join("pg_basebackup"));
        let output = Command::new(program)
            .args(args)
            .arg("--pgdata")
            .arg(&backup)
            .args(["--host", "127.0.0.1", "--username", SUPERUSER, "--port"])
            .arg(self.port().to_string())
            .args(["--wal-method", "fetch", "--checkpoint", "fast", "--no-sync"])
            .env("PGPASSWORD", password)
            .current_dir("/")
            .output()
            .context("run pg_basebackup")?;
        if !output.status.success() {
            bail!("pg_basebackup failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Names this moment, and returns once the log up to it is archived.
    pub(crate) async fn restore_point(&self, name: &str) -> Result<()> {
        let admin = self.connect_as_superuser().await?;
        admin.query_one("select pg_create_restore_point($1)", &[&name]).await?;
        let row = admin.query_one("select pg_walfile_name(pg_switch_wal())", &[]).await?;
        let file = archive(&self.data).join(row.get::<_, String>(0));
        let started = Instant::now();
        loop {
            // The archiver reports a file once it is whole; the copy under way has its name already.
            let done = "select last_archived_wal >= $1 from pg_stat_archiver";
            let wanted = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if admin.query_one(done, &[&wanted]).await?.get::<_, Option<bool>>(0) == Some(true) {
                return Ok(());
            }
            if started.elapsed() > ARCHIVE_LIMIT {
                bail!("{} was not archived in {ARCHIVE_LIMIT:?}", file.display());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the server, puts the backup in the cluster's place, brings it to the moment, and starts it at its address.
    pub(crate) async fn restore(&mut self, moment: Moment<'_>) -> Result<()> {
        let backup = self.backup();
        if !backup.exists() {
            bail!("there is no base backup to go back to");
        }
        self.end(Stop::Fast)?;
        fs::remove_dir_all(&self.data)?;
        let copied = Command::new("cp").arg("-a").arg(&backup).arg(&self.data).status().context("run cp")?;
        if !copied.success() {
            bail!("the base backup cannot be copied");
        }
        if let Moment::Point(name) = moment {
            let signal = self.data.join("recovery.signal");
            fs::write(&signal, "")?;
            self.account.own(&signal)?;
            let place = archive(&self.data);
            let mut settings = OpenOptions::new().append(true).open(self.data.join("postgresql.auto.conf"))?;
            writeln!(settings, "restore_command = 'cp \"{}/%f\" \"%p\"'", place.display())?;
            writeln!(settings, "recovery_target_name = '{name}'\nrecovery_target_action = 'promote'")?;
        }
        self.start_again().await
    }

    fn backup(&self) -> PathBuf {
        self.data.with_file_name("backup")
    }
}
