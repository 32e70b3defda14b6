//! A connection that acts as someone. Promise: what PostgREST would set for a request, role and claims, is set for the
//! session, so policies and triggers see the same.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

pub(crate) struct Session {
    client: Client,
    pub(crate) backend: i32,
}

impl Session {
    pub(crate) async fn of_user(client: Client, user: Uuid) -> Self {
        Self::begin(client, "authenticated", &json!({"sub": user, "role": "authenticated"})).await
    }

    pub(crate) async fn of_service(client: Client) -> Self {
        Self::begin(client, "service_role", &json!({"role": "service_role"})).await
    }

    async fn begin(client: Client, role: &str, claims: &Value) -> Self {
        let backend = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        client
            .query(
                "select set_config('request.jwt.claims', $1, false), set_config('role', $2, false),
                        set_config('lock_timeout', '20s', false)",
                &[&claims.to_string(), &role],
            )
            .await
            .unwrap();
        Self { client, backend }
    }

    /// What `sync_hello` says.
    pub(crate) async fn hello(&self) -> Value {
        json_of(self, "select public.sync_hello()::text").await
    }

    pub(crate) async fn head(&self) -> i64 {
        self.hello().await["head"].as_i64().unwrap()
    }

    /// One page of changes after the cursor.
    pub(crate) async fn pull(&self, epoch: &str, cursor: &Cursor, limit: i32) -> Value {
        let statement = "select public.sync_pull($1, $2, $3, $4, $5)::text";
        let row = self.query_one(statement, &[&epoch, &cursor.seq, &cursor.rank, &cursor.id, &limit]).await.unwrap();
        serde_json::from_str(row.get(0)).unwrap()
    }

    pub(crate) async fn push(&self, operations: &Value) -> Result<Value, tokio_postgres::Error> {
        let statement = "select public.sync_push($1, $2)::text";
        let row = self.query_one(statement, &[&Uuid::nil(), operations]).await?;
        Ok(serde_json::from_str(row.get(0)).unwrap())
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// Where a puller stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) seq: i64,
    pub(crate) rank: i32,
    pub(crate) id: Uuid,
}

impl Cursor {
    pub(crate) fn start() -> Self {
        Self { seq: 0, rank: 0, id: Uuid::nil() }
    }

    /// After all rows of a number.
    pub(crate) fn after(seq: i64) -> Self {
        Self { seq, rank: 9, id: Uuid::max() }
    }

    pub(crate) fn next(page: &Value) -> Self {
        let next = &page["next"];
        Self {
            seq: next["seq"].as_i64().unwrap(),
            rank: i32::try_from(next["rank"].as_i64().unwrap()).unwrap(),
            id: next["id"].as_str().unwrap().parse().unwrap(),
        }
    }
}

/// A statement's one JSON answer, which it gives as text.
pub(crate) async fn json_of(client: &Client, statement: &str) -> Value {
    serde_json::from_str(client.query_one(statement, &[]).await.unwrap().get(0)).unwrap()
}

/// A statement's one number.
pub(crate) async fn number_of(client: &Client, statement: &str) -> i64 {
    client.query_one(statement, &[]).await.unwrap().get(0)
}

/// The five characters of an error of the database.
pub(crate) fn code_of(error: &tokio_postgres::Error) -> String {
    error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned())
}
