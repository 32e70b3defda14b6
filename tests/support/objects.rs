//! An S3-compatible server on loopback, over a folder. Promise: it answers when [`ObjectStore::start`] returns, checks
//! signatures and the hash of what it is sent, ends with the value, and can be started again on the same folder and port.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::child::{GuardedChild, Spec};
use crate::postgres::free_port;
use crate::programs;
use crate::token::random_text;

const START_LIMIT: Duration = Duration::from_secs(20);
const BUCKET: &str = "backups";

pub struct ObjectStore {
    child: GuardedChild,
    port: u16,
    access_key: String,
    secret_key: String,
    folder: TempDir,
}

impl ObjectStore {
    /// With one empty bucket.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir_all(folder.path().join("data").join(BUCKET))?;
        let (port, access_key, secret_key) = (free_port()?, random_text(12)?, random_text(24)?);
        let child = spawn(folder.path(), port, &access_key, &secret_key)?;
        let mut store = Self { child, port, access_key, secret_key, folder };
        store.wait_until_ready()?;
        Ok(store)
    }

    /// The bucket's folder.
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join("data").join(BUCKET)
    }

    /// What the scripts of `supabase/operations` want in their environment.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("S3_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            ("S3_BUCKET", BUCKET.to_owned()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key.clone()),
        ]
    }

    /// Ends the server; [`ObjectStore::start_again`] brings it back with what it holds.
    pub fn stop(&mut self) {
        self.child.stop();
    }

    pub fn start_again(&mut self) -> Result<()> {
        self.child = spawn(self.folder.path(), self.port, &self.access_key, &self.secret_key)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.child.exited()? {
                bail!("the object store ended with {status} while starting:\n{}", self.child.log_tail());
            }
            if started.elapsed() > START_LIMIT {
                bail!("the object store did not answer in {START_LIMIT:?}:\n{}", self.child.log_tail());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn spawn(folder: &Path, port: u16, access_key: &str, secret_key: &str) -> Result<GuardedChild> {
    let args = [
        "--host=127.0.0.1".to_owned(),
        format!("--port={port}"),
        format!("--access-key={access_key}"),
        format!("--secret-key={secret_key}"),
        folder.join("data").display().to_string(),
    ];
    GuardedChild::spawn(Spec {
        program: &programs::object_store()?,
        args: args.into(),
        envs: vec![("RUST_LOG", "warn".into())],
        stop_signal: "TERM",
        log: folder.join("store.log"),
    })
    .context("start the object store")
}
