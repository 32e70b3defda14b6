//! The one cluster of this binary. Promise: it starts when the first test asks for it, every template is made once, and when
//! the process ends, however it ends, servers and folder are gone.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use airi_tests::migrations;
use airi_tests::{Cloud, CloudOptions};
use tokio::sync::{Mutex, OnceCell};

use crate::database::Database;

/// What a database is cloned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Template {
    /// A fresh project of Supabase.
    Blank,
    /// With all our migrations.
    Base,
    /// Made by others from the documentation, before our migrations: `supabase/tests/fixtures/deployed_base.sql`.
    Deployed,
    /// The same after them.
    Repaired,
    /// With all our migrations on a project that has pgvector; only on the server of `embeddings`.
    Vector,
}

impl Template {
    fn name(self) -> &'static str {
        match self {
            Self::Blank => "template_blank",
            Self::Base => "template_base",
            Self::Deployed => "template_deployed",
            Self::Repaired => "template_repaired",
            Self::Vector => "template_vector",
        }
    }
}

pub(crate) struct World {
    pub(crate) cloud: Cloud,
    cluster: Cluster,
    _broom: Child,
}

/// A server on which templates are made and cloned.
pub(crate) struct Cluster {
    server: Database,
    made: Mutex<Vec<Template>>,
    clones: AtomicU32,
}

static WORLD: OnceCell<World> = OnceCell::const_new();

/// The world, started if this is the first call.
pub(crate) async fn world() -> &'static World {
    WORLD.get_or_init(World::start).await
}

/// A database of one's own.
pub(crate) async fn clone_of(template: Template) -> Database {
    world().await.cluster.clone_of(template).await
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl World {
    async fn start() -> Self {
        let cloud = Cloud::start(CloudOptions::default()).await.unwrap();
        let broom = broom(cloud.folder().unwrap());
        let server = Database::new(&cloud.database_url, &cloud.superuser_url().unwrap());
        Self { cloud, cluster: Cluster::of(server), _broom: broom }
    }

    /// The database that PostgREST and the gateway serve: all our migrations, on a cluster with pg_cron in it.
    pub(crate) fn served(&self) -> &Database {
        &self.cluster.server
    }
}

impl Cluster {
    /// On the server of this database.
    pub(crate) fn of(server: Database) -> Self {
        Self { server, made: Mutex::default(), clones: AtomicU32::new(0) }
    }

    pub(crate) async fn clone_of(&self, template: Template) -> Database {
        {
            // One at a time: whoever comes second finds it made.
            let mut made = self.made.lock().await;
            self.make(template, &mut made).await;
        }
        let name = format!("clone_{}", self.clones.fetch_add(1, Ordering::Relaxed));
        self.create(&name, template.name()).await
    }

    async fn make(&self, template: Template, made: &mut Vec<Template>) {
        if made.contains(&template) {
            return;
        }
        let from = match template {
            Template::Blank => None,
            Template::Base | Template::Deployed | Template::Vector => Some(Template::Blank),
            Template::Repaired => Some(Template::Deployed),
        };
        if let Some(from) = from {
            Box::pin(self.make(from, made)).await;
        }
        let database = self.create(template.name(), from.map_or("template0", Template::name)).await;
        match template {
            Template::Blank => {
                let admin = database.as_superuser().await;
                admin.batch_execute(&read("tests/support/bootstrap.sql")).await.unwrap();
                // Once, and not in each of a hundred transactions; pgTAP's own files say `if not exists`.
                admin.batch_execute("create schema tap; create extension pgtap with schema tap").await.unwrap();
            }
            Template::Base | Template::Repaired => push(&database).await,
            Template::Vector => {
                // On Supabase `postgres` may do this by itself.
                let extension = "create extension vector with schema extensions";
                database.as_superuser().await.batch_execute(extension).await.unwrap();
                push(&database).await;
            }
            Template::Deployed => {
                let owner = database.as_owner().await;
                owner.batch_execute(&read("supabase/migrations/001_base_tables.sql")).await.unwrap();
                owner.batch_execute(&read("supabase/tests/fixtures/deployed_base.sql")).await.unwrap();
                owner.batch_execute(HISTORY).await.unwrap();
            }
        }
        database.wait_until_unused().await;
        made.push(template);
    }

    async fn create(&self, name: &str, from: &str) -> Database {
        let admin = self.server.as_superuser().await;
        admin.batch_execute(&format!("create database {name} template {from} owner postgres")).await.unwrap();
        // A clone has no settings of its own: this one is of the database, and the short wait makes a deadlock show soon.
        admin
            .batch_execute(&format!(
                "alter database {name} set search_path = \"$user\", public, extensions;
                 alter database {name} set deadlock_timeout = '50ms'"
            ))
            .await
            .unwrap();
        self.server.named(name)
    }
}

/// What the CLI keeps of a deployment that applied its own 001 to 003.
const HISTORY: &str = "
    create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations (version, name)
    values ('001', 'base_tables'), ('002', 'base_security'), ('003', 'base_functions');";

/// Applies what the database's history does not list, by `supabase db push`.
pub(crate) async fn push(database: &Database) {
    migrations::push(&repository(), &database.owner_url()).await.unwrap();
}

/// Removes the folder after our end. A static is never dropped, so a shell waits for the pipe to close, as the servers' own
/// guards do, then for PostgreSQL to be gone.
pub(crate) fn broom(folder: &Path) -> Child {
    const SWEEP: &str = r#"
        cat >/dev/null; tries=200
        while [ -e "$1/postgres/data/postmaster.pid" ] && [ "$tries" -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
        rm -rf -- "$1""#;
    Command::new("sh")
        .args(["-c", SWEEP, "broom"])
        .arg(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
