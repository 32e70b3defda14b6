//! A cluster at an older moment, by the scripts of `supabase/operations` that an operator runs. Promise: a base backup can be
//! put back as it was, or brought forward to a moment from the archived log; the second gives a new timeline and the same
//! system identifier, as a point-in-time recovery does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::postgres::{DATABASE, Postgres, SUPERUSER, Stop};
use crate::programs;

const ARCHIVE_LIMIT: Duration = Duration::from_secs(30);
const SCRIPTS: &str = "supabase/operations";

/// Where a cluster goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// The end of the base backup, on the timeline that was: what an operator gets who puts an old folder back.
    Backup,
    /// A restore point after it, on a new timeline.
    Point(&'a str),
}

/// Base backups and finished log files, beside the cluster.
fn backups(data: &Path) -> PathBuf {
    data.with_file_name("backups")
}

/// The server's user need not be able to enter the repository: it gets the scripts into its own folder.
fn scripts(data: &Path) -> PathBuf {
    data.with_file_name("operations")
}

/// Puts the scripts where the server finds them, before it starts.
pub(crate) fn prepare(data: &Path, account: &Account) -> Result<()> {
    for folder in [scripts(data), backups(data)] {
        fs::create_dir_all(&folder)?;
        account.own(&folder)?;
    }
    for entry in fs::read_dir(programs::repository().join(SCRIPTS)).context("find supabase/operations")? {
        let from = entry?.path();
        let to = scripts(data).join(from.file_name().context("an entry of a folder has a name")?);
        fs::copy(&from, &to)?;
        account.own(&to)?;
    }
    Ok(())
}

pub(crate) fn archive_settings(data: &Path) -> [String; 2] {
    let (script, place) = (scripts(data).join("archive-wal.sh"), backups(data));
    let command = format!("bash \"{}\" \"%p\" \"%f\" \"{}\"", script.display(), place.display());
    ["archive_mode=on".into(), format!("archive_command={command}")]
}

impl Postgres {
    /// Copies the running cluster; a restore begins with the last one.
    pub(crate) fn base_backup(&self, password: &str) -> Result<()> {
        let mut command = self.script("base-backup.sh", &[&backups(&self.data).display().to_string()]);
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port().to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGPASSWORD", password);
        finish(command).map(drop)
    }

    /// Names this moment, and returns once the log up to it is archived.
    pub(crate) async fn restore_point(&self, name: &str) -> Result<()> {
        let admin = self.connect_as_superuser().await?;
        admin.query_one("select pg_create_restore_point($1)", &[&name]).await?;
        self.archive_all().await
    }

    /// Returns once all that is written now is archived.
    pub(crate) async fn archive_all(&self) -> Result<()> {
        let admin = self.connect_as_superuser().await?;
        let file: String = admin.query_one("select pg_walfile_name(pg_switch_wal())", &[]).await?.get(0);
        let started = Instant::now();
        // The archiver reports a file once it is whole.
        let done = "select last_archived_wal >= $1 from pg_stat_archiver";
        while admin.query_one(done, &[&file]).await?.get::<_, Option<bool>>(0) != Some(true) {
            if started.elapsed() > ARCHIVE_LIMIT {
                bail!("{file} was not archived in {ARCHIVE_LIMIT:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Ends the server, puts the backup in the cluster's place, brings it to the moment, and starts it at its address.
    pub(crate) async fn restore(&mut self, moment: Moment<'_>) -> Result<()> {
        self.end(Stop::Fast)?;
        fs::remove_dir_all(&self.data)?;
        match moment {
            Moment::Backup => self.put_back()?,
            Moment::Point(name) => self.restore_to(&format!("point:{name}"))?,
        }
        self.start_again().await
    }

    /// The machine is gone: the server dies on the spot, and its folder with it. The backups are elsewhere.
    pub(crate) fn destroy(&mut self) -> Result<()> {
        self.end(Stop::Immediate)?;
        Ok(fs::remove_dir_all(&self.data)?)
    }

    /// Makes the folder that [`Postgres::start_again`] brings to the target; in the words of `restore.sh`.
    pub(crate) fn restore_to(&self, target: &str) -> Result<()> {
        let [from, to] = [backups(&self.data), self.data.clone()].map(|path| path.display().to_string());
        finish(self.script("restore.sh", &[&from, &to, target])).map(drop)
    }

    fn put_back(&self) -> Result<()> {
        let entries = fs::read_dir(backups(&self.data).join("base")).context("find a base backup")?;
        let made: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        let last = made.iter().max().context("there is no base backup to go back to")?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(last).arg(&self.data);
        finish(copy).map(drop)
    }

    /// A script that runs as the server's user.
    fn script(&self, name: &str, args: &[&str]) -> Command {
        let (program, before) = self.account.command(Path::new("bash"));
        let mut command = Command::new(program);
        command.args(before).arg(scripts(&self.data).join(name)).args(args);
        self.with_programs(command)
    }

    /// A script that talks to the server as its superuser, and runs as we do.
    pub(crate) fn operation(&self, name: &str, args: &[&Path], password: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .arg(programs::repository().join(SCRIPTS).join(name))
            .args(args)
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port().to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGDATABASE", DATABASE)
            .env("PGPASSWORD", password);
        self.with_programs(command)
    }

    fn with_programs(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.bin.display())).current_dir("/");
        command
    }
}

/// Runs it and returns what it printed.
pub(crate) fn finish(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    if !output.status.success() {
        bail!("{:?} failed: {}", command.get_args().collect::<Vec<_>>(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
