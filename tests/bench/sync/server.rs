//! The server of a run, and what it says of itself: how often each function of the protocol was called.

use airi_tests::{Cloud, CloudOptions, User};
use anyhow::Result;
use tokio_postgres::Client;

pub(crate) struct Server {
    pub(crate) cloud: Cloud,
    /// As `postgres`, whom no policy binds.
    pub(crate) database: Client,
    superuser: Client,
}

impl Server {
    pub(crate) async fn start() -> Result<Server> {
        let cloud = Cloud::start(CloudOptions::default()).await?;
        let database = cloud.connect().await?;
        let superuser = airi_tests::postgres::connect(&cloud.superuser_url()?.parse()?).await?;
        Ok(Server { cloud, database, superuser })
    }

    pub(crate) async fn user(&self) -> Result<User> {
        self.cloud.create_user().await
    }

    /// How often the API was asked for functions whose name begins so, since the server's start: counted by PostgreSQL, so
    /// no client can miscount.
    pub(crate) async fn calls(&self, function: &str) -> Result<u64> {
        let pattern = format!("%pgrst%\"{function}%");
        let sql = "select coalesce(sum(calls), 0)::bigint from extensions.pg_stat_statements where toplevel and query like $1";
        Ok(u64::try_from(self.superuser.query_one(sql, &[&pattern]).await?.get::<_, i64>(0))?)
    }

    /// Deadlocks that PostgreSQL had to break, ever.
    pub(crate) async fn deadlocks(&self) -> Result<i64> {
        self.superuser.batch_execute("select pg_stat_force_next_flush()").await?;
        let sql = "select deadlocks from pg_stat_database where datname = current_database()";
        Ok(self.superuser.query_one(sql, &[]).await?.get(0))
    }
}
