//! A real PostgreSQL on a free port of loopback. Promise: [`Postgres::start`] returns when the server answers; the server
//! ends with the value; the folder can be started again later. Durability is given up only for throw-away clusters.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio_postgres::{Client, Config, NoTls};

use crate::account::Account;
use crate::child::{GuardedChild, Spec};
use crate::programs;

/// The superuser of every cluster made here, as on Supabase.
pub const SUPERUSER: &str = "supabase_admin";
/// The one database.
pub const DATABASE: &str = "postgres";

const START_LIMIT: Duration = Duration::from_secs(60);
const PREDECESSOR_LIMIT: Duration = Duration::from_secs(10);

/// Where a cluster lives and how it is run.
pub struct PostgresOptions {
    /// The folder that holds, or will hold, the cluster in `data` and its log; created if absent.
    pub folder: PathBuf,
    /// The superuser's password; must stay the same for one folder.
    pub password: String,
    /// Gives up durability for speed: the data does not outlive a crash.
    pub throw_away: bool,
    /// Keeps every finished piece of the write-ahead log beside the cluster, for recovery to a moment (see `backup`).
    pub archive: bool,
    /// The folder with `postgres` and `initdb`, if not the machine's own PostgreSQL 15.
    pub bin: Option<PathBuf>,
}

/// A running server.
pub struct Postgres {
    child: GuardedChild,
    port: u16,
    pub(crate) bin: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) account: Account,
    options: PostgresOptions,
}

/// How a server is ended before it starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Clients are cut off, all is written down.
    Fast,
    /// As in a crash: nothing is written down, the next start recovers from the log.
    Immediate,
}

impl Postgres {
    /// Makes the cluster if the folder has none, starts it, and waits until it answers.
    pub async fn start(mut options: PostgresOptions) -> Result<Self> {
        let bin = options.bin.clone().map_or_else(programs::postgres_bin, Ok)?;
        let mut account = Account::for_server()?;
        account.reach(&bin)?;
        let data = prepare_folder(&options, &mut account)?;
        if options.archive {
            crate::backup::prepare(&data, &account)?;
        }
        if !data.join("PG_VERSION").exists() {
            init_cluster(&bin, &data, &options, &account)?;
        }
        wait_for_predecessor(&data).await;
        let mut last_error = None;
        // A free port may be taken by another process between our look and the server's start.
        for _ in 0..3 {
            let port = free_port()?;
            let child = spawn(&bin, &data, &options, &account, port)?;
            let mut server = Self::of(child, port, bin.clone(), data.clone(), account, options);
            match server.wait_until_ready().await {
                Ok(()) => return Ok(server),
                Err(error) => last_error = Some(error),
            }
            (account, options) = (server.account, server.options);
        }
        Err(last_error.context("PostgreSQL did not start")?)
    }

    /// Ends the server and starts it again at the same address. Its clients are cut off.
    pub async fn restart(&mut self, stop: Stop) -> Result<()> {
        self.end(stop)?;
        self.start_again().await
    }

    /// Ends the server for a while; [`Postgres::start_again`] brings it back.
    pub(crate) fn end(&mut self, stop: Stop) -> Result<()> {
        if stop == Stop::Immediate {
            let lock = fs::read_to_string(self.data.join("postmaster.pid")).context("find the server's process")?;
            let id = lock.lines().next().context("the lock file names the process")?.to_owned();
            let sent = Command::new("kill").args(["-QUIT", &id]).status().context("run kill")?;
            if !sent.success() {
                bail!("the server's process {id} cannot be signalled");
            }
            self.child.wait();
        }
        self.child.stop();
        Ok(())
    }

    /// Starts an ended server at its address and waits until it answers and takes writes.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        wait_for_predecessor(&self.data).await;
        self.child = spawn(&self.bin, &self.data, &self.options, &self.account, self.port)?;
        self.wait_until_ready().await
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How to connect as `role`.
    pub fn config(&self, role: &str, password: &str) -> Config {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user(role)
            .password(password)
            .dbname(DATABASE)
            .application_name("airi-devcloud")
            .connect_timeout(Duration::from_secs(10));
        config
    }

    /// The same as an address that other programs understand.
    pub fn url(&self, role: &str, password: &str) -> String {
        format!("postgresql://{role}:{password}@127.0.0.1:{}/{DATABASE}?sslmode=disable", self.port)
    }

    /// The address for the superuser.
    pub fn superuser_url(&self) -> String {
        self.url(SUPERUSER, &self.options.password)
    }

    /// A connection as the superuser.
    pub async fn connect_as_superuser(&self) -> Result<Client> {
        connect(&self.config(SUPERUSER, &self.options.password)).await
    }

    /// Ends the server and waits until it is gone. Blocks; dropping does the same.
    pub fn stop(&mut self) {
        self.child.stop();
    }

    pub(crate) fn of(
        child: GuardedChild,
        port: u16,
        bin: PathBuf,
        data: PathBuf,
        account: Account,
        options: PostgresOptions,
    ) -> Self {
        Self { child, port, bin, data, account, options }
    }

    pub(crate) fn password(&self) -> &str {
        &self.options.password
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        self.wait_until(false).await
    }

    /// Until it answers: as a replica, or as a server that takes writes.
    pub(crate) async fn wait_until(&mut self, replica: bool) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.exited()? {
                bail!("PostgreSQL ended with {status} while starting:\n{}", self.child.log_tail());
            }
            // Only the server with our own data folder counts: the port could be another's.
            if let Ok(client) = self.connect_as_superuser().await {
                let asked = "select current_setting('data_directory'), pg_is_in_recovery()";
                // A server at the end of its recovery may cut us off once more.
                if let Ok(row) = client.query_one(asked, &[]).await {
                    let (found, recovering): (String, bool) = (row.get(0), row.get(1));
                    if Path::new(&found) == self.data && recovering == replica {
                        return Ok(());
                    }
                }
            }
            if started.elapsed() > START_LIMIT {
                bail!("PostgreSQL did not answer in {START_LIMIT:?}:\n{}", self.child.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// PostgreSQL's own client for scripts: the server's, else the one on `PATH`.
pub fn psql() -> Result<PathBuf> {
    let beside = programs::postgres_bin()?.join("psql");
    Ok(if beside.is_file() { beside } else { "psql".into() })
}

/// Connects and drives the connection in the background until the client is dropped.
pub async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            report(&error);
        }
    });
    Ok(client)
}

fn report(error: &tokio_postgres::Error) {
    // A server that is being stopped ends our connections; that is no news.
    if !error.is_closed() && error.code().is_none_or(|code| !code.code().starts_with("57P")) {
        eprintln!("airi-devcloud: a database connection ended: {error}");
    }
}

/// A server whose owner was killed takes a moment to end; until then its lock file lies in the folder. One that lies there
/// longer is left from a crash, which PostgreSQL itself deals with.
async fn wait_for_predecessor(data: &Path) {
    let started = Instant::now();
    while data.join("postmaster.pid").exists() && started.elapsed() < PREDECESSOR_LIMIT {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A port of loopback that nobody listens on at present.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Makes the folder so that the server's user, and no other, can use it. Returns the cluster's own folder.
pub(crate) fn prepare_folder(options: &PostgresOptions, account: &mut Account) -> Result<PathBuf> {
    fs::create_dir_all(&options.folder).with_context(|| format!("create {}", options.folder.display()))?;
    let folder = options.folder.canonicalize()?;
    account.own(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    account.reach(&folder)?;
    Ok(folder.join("data"))
}

fn init_cluster(bin: &Path, data: &Path, options: &PostgresOptions, account: &Account) -> Result<()> {
    let folder = data.parent().context("the cluster's folder has a parent")?;
    let password_file = folder.join("password");
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    std::io::Write::write_all(&mut open.open(&password_file)?, options.password.as_bytes())?;
    account.own(&password_file)?;
    let locale = if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" };
    let (program, args) = account.command(&bin.join("initdb"));
    let mut command = Command::new(program);
    command
        .args(args)
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
        .arg(format!("--locale={locale}"))
        .current_dir("/");
    if options.throw_away {
        command.arg("--no-sync");
    }
    let output = command.output().context("run initdb")?;
    fs::remove_file(&password_file)?;
    if !output.status.success() {
        // A half-made cluster would be taken for a whole one next time.
        let _ = fs::remove_dir_all(data);
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

pub(crate) fn spawn(
    bin: &Path,
    data: &Path,
    options: &PostgresOptions,
    account: &Account,
    port: u16,
) -> Result<GuardedChild> {
    let preload: Vec<&str> =
        ["pg_cron", "pg_stat_statements"].into_iter().filter(|library| programs::has_library(bin, library)).collect();
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".into(),
        "unix_socket_directories=".into(),
        "timezone=UTC".into(),
        "log_timezone=UTC".into(),
        "max_connections=100".into(),
        "max_worker_processes=16".into(),
        "wal_level=logical".into(),
        "password_encryption=scram-sha-256".into(),
        format!("shared_preload_libraries={}", preload.join(",")),
    ];
    if preload.contains(&"pg_cron") {
        settings.push(format!("cron.database_name={DATABASE}"));
        // Jobs run in background workers: as connections they would need a password file.
        settings.push("cron.use_background_workers=on".into());
    }
    if preload.contains(&"pg_stat_statements") {
        // By itself it forgets what is called least once it knows 5,000 statements; a hundred copies of the database have more,
        // and what a test has just called is what it would forget.
        settings.push("pg_stat_statements.max=50000".into());
    }
    if options.throw_away {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(String::from));
    }
    if options.archive {
        settings.extend(crate::backup::archive_settings(data));
    }
    let (program, mut args) = account.command(&bin.join("postgres"));
    args.extend(["-D".to_owned(), data.display().to_string()]);
    args.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    let folder = data.parent().context("the cluster's folder has a parent")?;
    GuardedChild::spawn(Spec {
        program: &program,
        args,
        envs: vec![("LC_ALL", "C".into())],
        stop_signal: if options.throw_away { "QUIT" } else { "INT" },
        log: folder.join("postgres.log"),
    })
}
