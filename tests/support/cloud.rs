//! The whole cloud as one value. Promise: [`Cloud::start`] returns when every part answers and the account exists; after
//! [`Cloud::stop`], or a drop, no process of it is left; a persistent folder gives the same keys, accounts and rows again.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::backup::{self, Moment};
use crate::database::Pool;
use crate::folder::Folder;
use crate::gateway::{self, AuthOptions, Gateway};
use crate::migrations;
use crate::postgres::{Postgres, PostgresOptions, Stop, connect};
use crate::postgrest::{PostgRest, PostgRestOptions};
use crate::programs;
use crate::secrets::Secrets;
use crate::token::random_text;

/// Which migrations the database gets.
#[derive(Debug, Clone, Default)]
pub enum Migrations {
    /// Those of the repository.
    #[default]
    Repository,
    /// None: a server without our tables.
    None,
    /// Those below `supabase/migrations` of another folder.
    Project(PathBuf),
}

/// How a cloud is started. The default: a free port, a temporary folder, our migrations, Supabase's limits.
#[derive(Debug, Clone)]
pub struct CloudOptions {
    /// The gateway's port on loopback; a free one if none is given.
    pub port: Option<u16>,
    /// Where data lives and stays; a temporary folder, removed at the end, if none is given.
    pub data: Option<PathBuf>,
    pub migrations: Migrations,
    pub access_token_lifetime: Duration,
    /// How long a refresh token that was used already may be used again.
    pub refresh_reuse_interval: Duration,
    /// Whether a new address must be confirmed with a code before it can sign in.
    pub confirm_email: bool,
    /// What Auth offers, and to whom.
    pub auth: AuthOptions,
    /// The most rows that PostgREST answers with.
    pub max_rows: u32,
    /// Keeps the database's log, so that it can go back to a moment ([`Cloud::restore`]).
    pub archive: bool,
}

impl Default for CloudOptions {
    fn default() -> Self {
        Self {
            port: None,
            data: None,
            migrations: Migrations::default(),
            access_token_lifetime: Duration::from_secs(3600),
            refresh_reuse_interval: Duration::from_secs(10),
            confirm_email: false,
            auth: AuthOptions::default(),
            max_rows: 1000,
            archive: false,
        }
    }
}

/// How long a recovery took: `restore.sh`, then the server until it takes writes again.
#[derive(Debug, Clone, Copy)]
pub struct Recovered {
    pub copied: Duration,
    pub replayed: Duration,
}

/// Someone with an account.
#[derive(Debug, Clone)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    pub password: String,
}

/// A running cloud. As JSON: the six fields that clients need.
#[derive(Serialize)]
pub struct Cloud {
    pub url: String,
    pub publishable_key: String,
    pub service_key: String,
    /// The database as the role `postgres`, which is no superuser, as on Supabase.
    pub database_url: String,
    /// An account without rows.
    pub email: String,
    pub password: String,
    #[serde(skip)]
    parts: Option<Parts>,
}

/// What runs, in the order in which it must end: fields are dropped from first to last.
struct Parts {
    runtime: Runtime,
    gateway: Arc<Gateway>,
    postgrest: PostgRest,
    postgres: Postgres,
    postgres_password: String,
    admin_password: String,
    folder: Folder,
}

impl Cloud {
    pub async fn start(options: CloudOptions) -> Result<Self> {
        let folder = Folder::open(options.data.as_deref())?;
        let mut secrets = Secrets::load_or_create(folder.path())?;
        let listener = bind(&options, &secrets)?;
        let port = listener.local_addr()?.port();
        secrets.last_port = Some(port);
        secrets.save(folder.path())?;

        let postgres = Postgres::start(PostgresOptions {
            folder: folder.path().join("postgres"),
            password: secrets.admin_password.clone(),
            throw_away: folder.is_temporary() && !options.archive,
            archive: options.archive,
            bin: None,
        })
        .await?;
        bootstrap(&postgres, &secrets).await?;
        let database_url = postgres.url("postgres", &secrets.postgres_password);
        match &options.migrations {
            Migrations::None => {}
            Migrations::Repository => migrations::push(&programs::repository(), &database_url).await?,
            Migrations::Project(project) => migrations::push(project, &database_url).await?,
        }
        let postgrest = PostgRest::start(PostgRestOptions {
            database_url: postgres.url("authenticator", &secrets.backend_password),
            jwt_secret: secrets.jwt_secret.clone(),
            max_rows: options.max_rows,
            folder: folder.path().to_owned(),
        })
        .await?;

        let url = format!("http://127.0.0.1:{port}");
        let pool = |role: &str| Pool::new(postgres.config(role, &secrets.backend_password));
        let gateway = Arc::new(Gateway {
            url: url.clone(),
            jwt_secret: secrets.jwt_secret.clone(),
            publishable_key: secrets.publishable_key.clone(),
            service_key: secrets.service_key.clone(),
            access_token_lifetime: options.access_token_lifetime,
            refresh_reuse_interval: options.refresh_reuse_interval,
            confirm_email: options.confirm_email,
            auth_options: options.auth,
            auth: pool("supabase_auth_admin"),
            storage: pool("supabase_storage_admin"),
            realtime: pool("supabase_realtime_admin"),
            files: folder.path().join("storage"),
            postgrest_port: postgrest.port(),
            http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http(),
            bus: gateway::Bus::new(),
        });
        // A runtime of its own: the gateway ends at once when it is told to, whatever its clients hold open.
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("airi-gateway")
            .enable_all()
            .build()
            .context("start the gateway's runtime")?;
        let cloud = Self {
            url,
            publishable_key: secrets.publishable_key,
            service_key: secrets.service_key,
            database_url,
            email: secrets.email.clone(),
            password: secrets.password.clone(),
            parts: Some(Parts {
                runtime,
                gateway,
                postgrest,
                postgres,
                postgres_password: secrets.postgres_password,
                admin_password: secrets.admin_password,
                folder,
            }),
        };
        cloud.ensure_account(secrets.email, secrets.password).await?;
        let parts = cloud.parts()?;
        let serving = gateway::serve(Arc::clone(&parts.gateway), listener);
        parts.runtime.spawn(async move {
            if let Err(error) = serving.await {
                eprintln!("airi-devcloud: the gateway ended: {error:#}");
            }
        });
        Ok(cloud)
    }

    /// Makes one more account, with a random address and password.
    pub async fn create_user(&self) -> Result<User> {
        let email = format!("user-{}@airi.test", Uuid::new_v4().simple());
        self.ensure_account(email, random_text(18)?).await
    }

    /// A connection to the database as `postgres`, which no policy binds.
    pub async fn connect(&self) -> Result<Client> {
        let parts = self.parts()?;
        connect(&parts.postgres.config("postgres", &parts.postgres_password)).await
    }

    /// The database as the superuser, for what no role of a project may do: other databases, pgTAP.
    pub fn superuser_url(&self) -> Result<String> {
        Ok(self.parts()?.postgres.superuser_url())
    }

    /// A token with any claims, signed as Auth signs: for asking what a token out of the ordinary can do.
    pub fn sign(&self, claims: &serde_json::Value) -> Result<String> {
        Ok(crate::token::sign(&self.parts()?.gateway.jwt_secret, claims))
    }

    /// The folder that holds the data, with `postgres/postgres.log` and `postgrest.log`.
    pub fn folder(&self) -> Result<&Path> {
        Ok(self.parts()?.folder.path())
    }

    /// Ends the database and starts it again, below a gateway and a PostgREST that stay; returns when PostgREST has
    /// found it again.
    pub async fn restart_database(&mut self, stop: Stop) -> Result<()> {
        let parts = self.parts.as_mut().context("the cloud has been stopped")?;
        parts.postgres.restart(stop).await?;
        parts.postgrest.wait_until_ready().await
    }

    /// Ends PostgREST and starts it again at its address.
    pub async fn restart_rest(&mut self) -> Result<()> {
        self.parts.as_mut().context("the cloud has been stopped")?.postgrest.restart().await
    }

    /// Copies the database as it is; the copy before is gone.
    pub async fn back_up(&self) -> Result<()> {
        let parts = self.parts()?;
        parts.postgres.base_backup(&parts.admin_password)
    }

    /// Names this moment of the database, for [`Cloud::restore`]. Needs [`CloudOptions::archive`].
    pub async fn restore_point(&self, name: &str) -> Result<()> {
        self.parts()?.postgres.restore_point(name).await
    }

    /// A second server that follows the database.
    pub async fn replica(&self) -> Result<Postgres> {
        self.parts()?.postgres.replica().await
    }

    /// Puts the database back to an older moment, below a gateway that stays. The bytes of files stay as they are.
    pub async fn restore(&mut self, moment: Moment<'_>) -> Result<()> {
        let parts = self.parts.as_mut().context("the cloud has been stopped")?;
        parts.postgres.restore(moment).await?;
        parts.postgrest.restart().await
    }

    /// Copies the files of storage beside the cloud's other data, as [`Cloud::recover`] puts them back.
    pub fn copy_objects(&self) -> Result<()> {
        let parts = self.parts()?;
        parts.copy_objects(&parts.gateway.files, &parts.copied_objects())
    }

    /// Returns once all that the database has written is in the archive.
    pub async fn archive_all(&self) -> Result<()> {
        self.parts()?.postgres.archive_all().await
    }

    /// The machine is lost: the API ends, the database dies on the spot, and their data is gone; the backups are not.
    pub fn destroy(&mut self) -> Result<()> {
        let parts = self.parts.as_mut().context("the cloud has been stopped")?;
        parts.postgrest.stop();
        parts.postgres.destroy()?;
        Ok(std::fs::remove_dir_all(parts.gateway.files.join("objects"))?)
    }

    /// Brings database and files back, to a target in the words of `restore.sh`. The API stays closed.
    pub async fn recover(&mut self, target: &str) -> Result<Recovered> {
        let parts = self.parts.as_mut().context("the cloud has been stopped")?;
        let started = Instant::now();
        parts.postgres.restore_to(target)?;
        let copied = started.elapsed();
        parts.copy_objects(&parts.copied_objects(), &parts.gateway.files)?;
        let started = Instant::now();
        parts.postgres.start_again().await?;
        Ok(Recovered { copied, replayed: started.elapsed() })
    }

    /// The operator's last step: `reopen.sh`, whose words are returned, and then the API.
    pub async fn reopen(&mut self) -> Result<String> {
        let parts = self.parts.as_mut().context("the cloud has been stopped")?;
        let objects = parts.gateway.files.join("objects");
        let said = backup::finish(parts.postgres.operation("reopen.sh", &[&objects], &parts.admin_password))?;
        parts.postgrest.restart().await?;
        Ok(said)
    }

    /// A script of `supabase/operations` that talks to the database as its superuser, not run yet.
    pub fn operation(&self, name: &str, args: &[&Path]) -> Result<std::process::Command> {
        let parts = self.parts()?;
        Ok(parts.postgres.operation(name, args, &parts.admin_password))
    }

    /// What the database holds: `manifest.sql`.
    pub fn manifest(&self) -> Result<String> {
        let parts = self.parts()?;
        let mut psql = std::process::Command::new(crate::postgres::psql()?);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(programs::repository().join("supabase/operations/manifest.sql"))
            .arg(parts.postgres.superuser_url());
        backup::finish(psql)
    }

    /// Ends all parts and waits until they are gone.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(parts) = self.parts.take() {
            tokio::task::spawn_blocking(|| parts.stop()).await.context("stop the cloud")?;
        }
        Ok(())
    }

    async fn ensure_account(&self, email: String, password: String) -> Result<User> {
        let parts = self.parts()?;
        let gateway = Arc::clone(&parts.gateway);
        // On the gateway's runtime: the pooled connection lives there.
        parts
            .runtime
            .spawn(async move {
                let id = gateway::ensure_account(&gateway, &email, &password).await?;
                Ok(User { id, email, password })
            })
            .await?
    }

    fn parts(&self) -> Result<&Parts> {
        self.parts.as_ref().context("the cloud has been stopped")
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one; a thread of its own may.
        if let Some(parts) = self.parts.take() {
            let _ = std::thread::spawn(|| parts.stop()).join();
        }
    }
}

impl Parts {
    /// On another disk, for an operator; here beside the rest.
    fn copied_objects(&self) -> PathBuf {
        self.folder.path().join("copied-objects")
    }

    fn copy_objects(&self, from: &Path, to: &Path) -> Result<()> {
        backup::finish(self.postgres.operation("copy-objects.sh", &[from, to], &self.admin_password)).map(drop)
    }

    /// Clients first, then what serves them. Blocks.
    fn stop(mut self) {
        self.runtime.shutdown_timeout(Duration::from_secs(2));
        self.postgrest.stop();
        self.postgres.stop();
    }
}

/// The gateway's address: the port asked for, else the one of last time if it is free, else any.
fn bind(options: &CloudOptions, secrets: &Secrets) -> Result<TcpListener> {
    let bind = |port: u16| -> std::io::Result<TcpListener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    if let Some(port) = options.port.filter(|port| *port != 0) {
        return bind(port).with_context(|| format!("listen on port {port}"));
    }
    if let Some(listener) = secrets.last_port.and_then(|port| bind(port).ok()) {
        return Ok(listener);
    }
    bind(0).context("listen on a free port")
}

/// Brings a new database into a fresh project's state, and sets the passwords of this folder.
pub(crate) async fn bootstrap(postgres: &Postgres, secrets: &Secrets) -> Result<()> {
    let admin = postgres.connect_as_superuser().await?;
    let fresh: bool = admin.query_one("select to_regnamespace('devcloud') is null", &[]).await?.get(0);
    if fresh {
        // One batch is one transaction: a start that is killed half-way leaves nothing.
        let script = concat!(include_str!("bootstrap.sql"), include_str!("devcloud.sql"));
        admin.batch_execute(script).await.context("run bootstrap.sql")?;
    }
    let backends = ["authenticator", "supabase_auth_admin", "supabase_storage_admin", "supabase_realtime_admin"];
    let passwords = backends
        .into_iter()
        .map(|role| (role, &secrets.backend_password))
        .chain([("postgres", &secrets.postgres_password)]);
    for (role, password) in passwords {
        // The server quotes: `alter role` takes no parameters.
        let statement = "select format('alter role %I password %L', $1::text, $2::text)";
        let row = admin.query_one(statement, &[&role, password]).await?;
        admin.batch_execute(row.get(0)).await?;
    }
    Ok(())
}
