//! A second server that follows the first one by PostgreSQL's own streaming replication. Promise: it is a copy that takes no
//! writes and goes on taking the first one's log through a slot of its own, until its value is dropped.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::account::Account;
use crate::backup::finish;
use crate::postgres::{Postgres, PostgresOptions, SUPERUSER, free_port, prepare_folder, spawn};

/// The slot through which it takes the log.
pub const SLOT: &str = "of_the_replica";

impl Postgres {
    /// Copies the running server and starts the copy as its replica, beside its folder.
    pub(crate) async fn replica(&self) -> Result<Postgres> {
        let options = PostgresOptions {
            folder: self.data.with_file_name("replica"),
            password: self.password().to_owned(),
            throw_away: true,
            archive: false,
            bin: None,
        };
        let mut account = Account::for_server()?;
        account.reach(&self.bin)?;
        let data = prepare_folder(&options, &mut account)?;
        let (program, before) = account.command(&self.bin.join("pg_basebackup"));
        let mut copy = Command::new(program);
        copy.args(before)
            .arg("--pgdata")
            .arg(&data)
            .args(["--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast"])
            .args(["--create-slot", "--slot", SLOT, "--host", "127.0.0.1", "--username", SUPERUSER])
            .args(["--port", &self.port().to_string()])
            .env("PGPASSWORD", &options.password)
            .current_dir(Path::new("/"));
        finish(copy)?;
        let port = free_port()?;
        let child = spawn(&self.bin, &data, &options, &account, port)?;
        let mut replica = Self::of(child, port, self.bin.clone(), data, account, options);
        replica.wait_until(true).await?;
        Ok(replica)
    }
}
