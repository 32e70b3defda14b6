//! The real PostgREST before our database. Promise: [`PostgRest::start`] returns when it has read the schema and answers;
//! it ends with the value. It listens on loopback alone; the gateway is what clients reach.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::child::{GuardedChild, Spec};
use crate::postgres::free_port;
use crate::programs;

const START_LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct PostgRest {
    child: GuardedChild,
    port: u16,
    admin_port: u16,
    options: PostgRestOptions,
}

pub(crate) struct PostgRestOptions {
    /// Where the database is, as the role `authenticator`.
    pub(crate) database_url: String,
    pub(crate) jwt_secret: String,
    pub(crate) max_rows: u32,
    pub(crate) folder: PathBuf,
}

impl PostgRest {
    pub(crate) async fn start(mut options: PostgRestOptions) -> Result<Self> {
        let mut last_error = None;
        for _ in 0..3 {
            let (port, admin_port) = (free_port()?, free_port()?);
            let child = spawn(&options, port, admin_port)?;
            let mut server = Self { child, port, admin_port, options };
            match server.wait_until_ready().await {
                Ok(()) => return Ok(server),
                Err(error) => last_error = Some(error),
            }
            options = server.options;
        }
        match last_error {
            Some(error) => Err(error),
            None => bail!("PostgREST did not start"),
        }
    }

    /// Ends the server and starts it again at the same address.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.child.stop();
        self.child = spawn(&self.options, self.port, self.admin_port)?;
        self.wait_until_ready().await
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server and waits until it is gone. Blocks; dropping does the same.
    pub(crate) fn stop(&mut self) {
        self.child.stop();
    }

    /// Waits until the schema is loaded and the database reached.
    pub(crate) async fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.exited()? {
                bail!("PostgREST ended with {status} while starting:\n{}", self.child.log_tail());
            }
            if is_ready(self.admin_port).await.unwrap_or(false) {
                return Ok(());
            }
            if started.elapsed() > START_LIMIT {
                bail!("PostgREST was not ready in {START_LIMIT:?}:\n{}", self.child.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn spawn(options: &PostgRestOptions, port: u16, admin_port: u16) -> Result<GuardedChild> {
    GuardedChild::spawn(Spec {
        program: &programs::postgrest()?,
        args: Vec::new(),
        envs: vec![
            ("PGRST_DB_URI", options.database_url.clone()),
            ("PGRST_DB_SCHEMAS", "public".into()),
            ("PGRST_DB_EXTRA_SEARCH_PATH", "public,extensions".into()),
            ("PGRST_DB_ANON_ROLE", "anon".into()),
            ("PGRST_DB_MAX_ROWS", options.max_rows.to_string()),
            ("PGRST_DB_POOL", "20".into()),
            ("PGRST_DB_CHANNEL_ENABLED", "true".into()),
            ("PGRST_DB_USE_LEGACY_GUCS", "false".into()),
            ("PGRST_JWT_SECRET", options.jwt_secret.clone()),
            ("PGRST_SERVER_HOST", "127.0.0.1".into()),
            ("PGRST_SERVER_PORT", port.to_string()),
            ("PGRST_ADMIN_SERVER_PORT", admin_port.to_string()),
            ("PGRST_LOG_LEVEL", "warn".into()),
        ],
        stop_signal: "TERM",
        log: options.folder.join("postgrest.log"),
    })
}

/// Asks the admin server whether the schema is loaded and the database reached.
async fn is_ready(admin_port: u16) -> Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", admin_port)).await?;
    stream.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
