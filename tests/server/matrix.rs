//! The cross-tenant matrix over HTTP: everyone who is not A, with every verb, on every table and view that the catalogs name.
//! No row of A is returned to them or changed by them; A itself gets its own, so nothing is tested by silence.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::http::{Answer, Caller, Stage, ask};
use crate::state;
use crate::world::world;

/// What was decided about a table or view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// The owner, named in this column, reads it.
    Owner(&'static str),
    /// The server's own; rows of users lie in it under this column.
    Server(Option<&'static str>),
    /// Everyone reads it.
    Everyone,
}

/// Every table and view of `public`. A new one must be decided upon here.
const DECIDED: &[(&str, Access)] = &[
    ("cache_entries", Access::Server(None)),
    ("chat_messages", Access::Owner("user_id")),
    ("chat_messages_partitioned", Access::Server(Some("user_id"))),
    ("chat_messages_ydefault", Access::Server(Some("user_id"))),
    ("chat_sessions", Access::Owner("user_id")),
    ("conversations", Access::Owner("user_id")),
    ("message_attachments", Access::Owner("user_id")),
    ("moderation_logs", Access::Server(Some("user_id"))),
    ("payment_history", Access::Owner("user_id")),
    ("provider_health", Access::Everyone),
    ("query_performance_logs", Access::Server(Some("user_id"))),
    ("recent_conversations", Access::Server(Some("user_id"))),
    ("subscription_history", Access::Owner("user_id")),
    ("sync_devices", Access::Owner("user_id")),
    ("sync_heads", Access::Owner("user_id")),
    ("sync_ops", Access::Owner("user_id")),
    ("system_settings", Access::Everyone),
    ("tombstones", Access::Owner("user_id")),
    ("usage_daily_aggregates", Access::Owner("user_id")),
    ("usage_logs", Access::Owner("user_id")),
    ("user_profiles", Access::Owner("id")),
    ("user_violations", Access::Owner("user_id")),
];

/// Without an answer and without a filter a write reads nothing, so that the policies for reading cannot stand in for those
/// for writing.
const MINIMAL: (&str, &str) = ("prefer", "return=minimal");
const RETURN: (&str, &str) = ("prefer", "return=representation");
const MERGE: (&str, &str) = ("prefer", "return=representation,resolution=merge-duplicates");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_is_returned_to_or_changed_by_anyone_else() {
    let stage = Stage::set().await;
    let owner = world().await.served().as_owner().await;
    owner.batch_execute("refresh materialized view public.recent_conversations").await.unwrap();
    let tables = tables(&owner).await;
    let decided: BTreeSet<String> = DECIDED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(tables, decided, "every table and view of `public` is decided upon here, and no other");

    let before = state::rows_of(&owner, stage.a.id).await;
    let system = system(&owner).await;
    for (table, access) in DECIDED {
        own_reading(&stage, table, *access).await;
        for caller in &stage.others {
            let probe = Probe { stage: &stage, owner: &owner, caller, table, access: *access };
            probe.read().await;
            probe.write().await;
            assert_eq!(state::rows_of(&owner, stage.a.id).await, before, "{} changed {table} of A", caller.name);
            assert_eq!(self::system(&owner).await, system, "{} changed {table}", caller.name);
        }
    }
    // Last, since it takes from B what B has: without any filter, so that only the policies stand in between.
    let b = stage.others.iter().find(|caller| caller.name == "another user").unwrap();
    for (table, _) in DECIDED {
        let probe = Probe { stage: &stage, owner: &owner, caller: b, table, access: Access::Everyone };
        for column in probe.writable().await {
            probe.send(Method::PATCH, "", MINIMAL, Some(&json!({column.as_str(): null}))).await;
            probe.send(Method::PATCH, "", MINIMAL, Some(&json!({column.as_str(): stage.a.id}))).await;
        }
        probe.send(Method::DELETE, "", MINIMAL, None).await;
        assert_eq!(state::rows_of(&owner, stage.a.id).await, before, "B changed all of {table}");
        assert_eq!(self::system(&owner).await, system, "B changed {table}");
    }
    assert!(state::rows_of(&owner, stage.b.id).await.len() < before.len(), "B did delete its own rows");
}

#[tokio::test]
async fn other_schemas_are_not_served() {
    let stage = Stage::set().await;
    for schema in ["airi_private", "airi_legacy", "auth", "storage", "realtime", "rollback_keep", "cron"] {
        let answer = ask(&stage.own, Method::GET, "/rest/v1/sync_epoch", &[("accept-profile", schema)], None).await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{schema}: {}", answer.text);
    }
}

/// A reads what is A's, and nothing of the server's.
async fn own_reading(stage: &Stage, table: &str, access: Access) {
    let rows = ask(&stage.own, Method::GET, &format!("/rest/v1/{table}?select=*"), &[], None).await.rows();
    match access {
        Access::Owner(column) => {
            assert!(!rows.is_empty(), "A sees its rows of {table}");
            assert!(rows.iter().all(|row| row[column] == json!(stage.a.id)), "and only those: {table}");
        }
        Access::Server(_) => assert!(rows.is_empty(), "{table} is the server's: {rows:?}"),
        Access::Everyone => assert!(!rows.is_empty(), "{table}"),
    }
}

/// One caller at one table.
struct Probe<'p> {
    stage: &'p Stage,
    owner: &'p Client,
    caller: &'p Caller,
    table: &'p str,
    access: Access,
}

impl Probe<'_> {
    async fn send(&self, method: Method, query: &str, header: (&str, &str), body: Option<&Value>) -> Answer {
        let path = format!("/rest/v1/{}{query}", self.table);
        let answer = ask(self.caller, method.clone(), &path, &[header], body).await;
        let place = format!("{} {method} {path}: {} {}", self.caller.name, answer.status, answer.text);
        assert!(!answer.status.is_server_error(), "{place}");
        if self.caller.cheats {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place}");
        }
        assert!(!answer.text.contains(&self.stage.a.mark), "{place}");
        let owners = answer.rows();
        let owners = owners.iter().flat_map(|row| [&row["user_id"], &row["id"]]);
        assert!(!owners.into_iter().any(|owner| *owner == json!(self.stage.a.id)), "{place}");
        answer
    }

    async fn read(&self) {
        let mut queries = vec!["?select=*".to_owned()];
        if let Some(column) = self.owner_column() {
            queries.push(format!("?{column}=eq.{}", self.stage.a.id));
            queries.push(format!("?or=({column}.eq.{0},{column}.neq.{0})", self.stage.a.id));
        }
        for query in queries {
            let answer = self.send(Method::GET, &query, ("prefer", "count=exact"), None).await;
            let open =
                self.access == Access::Everyone || matches!(self.access, Access::Owner(_)) && !self.is_stranger();
            if !self.caller.cheats {
                let place = format!("{} {}{query}: {}", self.caller.name, self.table, answer.text);
                assert_eq!(answer.status.is_success(), open, "{place}");
            }
            // The public ones show what is public.
            if self.table == "system_settings" {
                assert!(answer.rows().iter().all(|row| row["is_public"] == true), "{}", answer.text);
            }
        }
        // Embedding follows keys into other tables; the policies of those hold there too.
        if matches!(self.table, "conversations" | "chat_messages") {
            let inner = if self.table == "conversations" { "chat_messages" } else { "message_attachments" };
            self.send(Method::GET, &format!("?select=*,{inner}(*)"), RETURN, None).await;
        }
    }

    /// Every verb that writes, aimed at A's rows.
    async fn write(&self) {
        let filter = match self.owner_column() {
            Some(column) => format!("?{column}=eq.{}", self.stage.a.id),
            None => format!("?{}=neq.none", self.key_column()),
        };
        for column in self.writable().await {
            for value in [Value::Null, json!(self.stage.b.id)] {
                let answer = self.send(Method::PATCH, &filter, RETURN, Some(&json!({column.as_str(): value}))).await;
                assert!(answer.rows().is_empty(), "{} patched {}: {}", self.caller.name, self.table, answer.text);
            }
        }
        let deleted = self.send(Method::DELETE, &filter, RETURN, None).await;
        assert!(deleted.rows().is_empty(), "{} deleted {}: {}", self.caller.name, self.table, deleted.text);

        // A's own row: again, with a new id, and only those columns that are open to clients.
        if let (Some(column), Some(row)) = (self.owner_column(), self.row_of_a().await) {
            let mut fresh = row.clone();
            if column != "id" && row.get("id").is_some() {
                fresh["id"] = json!(Uuid::new_v4());
            }
            if row.get("op_id").is_some() {
                fresh["op_id"] = json!(Uuid::new_v4());
            }
            let narrow = json!({column: self.stage.a.id});
            for body in [row, fresh, narrow] {
                for header in [MINIMAL, RETURN, MERGE] {
                    let answer = self.send(Method::POST, "", header, Some(&body)).await;
                    let place = format!("{} planted in {}: {}", self.caller.name, self.table, answer.text);
                    assert!(answer.status.is_client_error(), "{place}");
                }
            }
        } else {
            let answer = self.send(Method::POST, "", RETURN, Some(&json!({self.key_column(): "planted"}))).await;
            assert!(answer.status.is_client_error(), "{} planted in {}", self.caller.name, self.table);
        }
    }

    fn is_stranger(&self) -> bool {
        self.caller.name == "stranger"
    }

    fn owner_column(&self) -> Option<&'static str> {
        let (_, access) = DECIDED.iter().find(|(name, _)| *name == self.table)?;
        match access {
            Access::Owner(column) => Some(column),
            Access::Server(column) => *column,
            Access::Everyone => None,
        }
    }

    fn key_column(&self) -> &'static str {
        if self.table == "provider_health" { "id" } else { "key" }
    }

    /// The columns that signed-in users may write; the owner's or the key if there are none.
    async fn writable(&self) -> Vec<String> {
        let statement = "select attname::text from pg_attribute
            where attrelid = ('public.' || $1::text)::regclass and attnum > 0 and not attisdropped
              and has_column_privilege('authenticated', attrelid, attnum, 'update') order by attnum";
        let rows = self.owner.query(statement, &[&self.table]).await.unwrap();
        let mut names: Vec<String> = rows.into_iter().map(|row| row.get(0)).collect();
        if names.is_empty() {
            names.push(self.owner_column().unwrap_or(self.key_column()).to_owned());
        }
        names
    }

    async fn row_of_a(&self) -> Option<Value> {
        let column = self.owner_column()?;
        let statement = format!("select to_jsonb(t) from public.{} as t where {column} = $1 limit 1", self.table);
        Some(self.owner.query_opt(&statement, &[&self.stage.a.id]).await.unwrap()?.get(0))
    }
}

async fn tables(owner: &Client) -> BTreeSet<String> {
    let statement = "select c.relname::text from pg_class as c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
          and not exists (select from pg_depend where objid = c.oid and deptype = 'e')";
    owner.query(statement, &[]).await.unwrap().into_iter().map(|row| row.get(0)).collect()
}

/// The rows that belong to nobody.
async fn system(owner: &Client) -> state::Rows {
    let mut columns = state::columns(owner).await;
    let ownerless = ["public.system_settings", "public.provider_health", "public.cache_entries"];
    columns.retain(|table, _| ownerless.contains(&table.as_str()));
    assert_eq!(columns.len(), ownerless.len());
    state::rows(owner, &columns).await
}
