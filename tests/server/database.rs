//! One database of the cluster, and the ways into it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use airi_tests::postgres::{connect, psql};
use tokio::process::Command;
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use crate::session::Session;
use crate::world::repository;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub(crate) struct Database {
    owner_url: String,
    superuser_url: String,
    name: String,
}

impl Database {
    /// The database named in both addresses; `owner_url` is of the role `postgres`.
    pub(crate) fn new(owner_url: &str, superuser_url: &str) -> Self {
        let config: Config = owner_url.parse().unwrap();
        let name = config.get_dbname().unwrap().to_owned();
        Self { owner_url: owner_url.to_owned(), superuser_url: superuser_url.to_owned(), name }
    }

    /// Another database of the same cluster.
    pub(crate) fn named(&self, name: &str) -> Self {
        let renamed = |url: &str| url.replacen(&format!("/{}?", self.name), &format!("/{name}?"), 1);
        Self { owner_url: renamed(&self.owner_url), superuser_url: renamed(&self.superuser_url), name: name.to_owned() }
    }

    pub(crate) fn owner_url(&self) -> String {
        self.owner_url.clone()
    }

    pub(crate) fn superuser_url(&self) -> String {
        self.superuser_url.clone()
    }

    /// As `postgres`, which owns our tables and which no policy binds.
    pub(crate) async fn as_owner(&self) -> Client {
        connect(&self.owner_url.parse().unwrap()).await.unwrap()
    }

    pub(crate) async fn as_superuser(&self) -> Client {
        connect(&self.superuser_url.parse().unwrap()).await.unwrap()
    }

    /// As a signed-in user, as PostgREST would put it.
    pub(crate) async fn as_user(&self, user: Uuid) -> Session {
        Session::of_user(self.as_owner().await, user).await
    }

    /// As the server's own key.
    pub(crate) async fn as_service(&self) -> Session {
        Session::of_service(self.as_owner().await).await
    }

    /// Runs a script of `supabase/operations` as `postgres`; what it printed, or its complaint.
    pub(crate) async fn operation(&self, script: &str, args: &[&str], envs: &[(&str, &str)]) -> Result<String, String> {
        let config: Config = self.owner_url.parse().unwrap();
        let folder = psql().unwrap().parent().map(Path::to_owned).unwrap_or_default();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("bash")
            .arg(repository().join("supabase/operations").join(script))
            .args(args)
            .env("PATH", path)
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", config.get_ports()[0].to_string())
            .env("PGUSER", config.get_user().unwrap())
            .env("PGPASSWORD", String::from_utf8(config.get_password().unwrap().to_owned()).unwrap())
            .env("PGDATABASE", &self.name)
            .envs(envs.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Waits until no client is connected: a template must be alone to be cloned.
    pub(crate) async fn wait_until_unused(&self) {
        let admin = self.named("postgres").as_superuser().await;
        let started = Instant::now();
        loop {
            let row = admin
                .query_one(
                    "select count(*) from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
                    &[&self.name],
                )
                .await
                .unwrap();
            if row.get::<_, i64>(0) == 0 {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "someone stays connected to {}", self.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the backend waits for a lock.
    pub(crate) async fn wait_until_blocked(&self, backend: i32) {
        let admin = self.as_owner().await;
        let started = Instant::now();
        loop {
            let statement = "select coalesce(cardinality(pg_blocking_pids($1)), 0) > 0";
            if admin.query_one(statement, &[&backend]).await.unwrap().get(0) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "backend {backend} waits for nobody");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
