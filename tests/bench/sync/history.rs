//! The rows that are moved: a seeded history, put on the server in SQL; and its fingerprint, by which every copy is held
//! to the original before its time counts.

use airi_testkit::{Generator, GeneratorConfig};
use anyhow::Result;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::pin::pin;
use tokio_postgres::Client;
use uuid::Uuid;

/// The tables that hold a history, parents first.
pub(crate) const TABLES: [&str; 3] = ["conversations", "chat_messages", "message_attachments"];

/// Rows of a history, as the server's columns take them.
pub(crate) fn rows(seed: u64, messages: usize) -> impl Iterator<Item = (&'static str, Value)> {
    let config = GeneratorConfig { messages, ..GeneratorConfig::default() };
    Generator::new(seed, config).flat_map(|made| {
        let mut conversation = json!(made.conversation);
        for field in ["model_id", "provider_id"] {
            if conversation[field].is_null() {
                conversation[field] = json!("");
            }
        }
        let messages = made.messages.into_iter().map(|message| ("chat_messages", json!(message)));
        let attachments = made.attachments.into_iter().map(|attachment| {
            let mut row = json!(attachment);
            if let Some(fields) = row.as_object_mut() {
                fields.remove("sha256");
            }
            ("message_attachments", row)
        });
        let rows: Vec<_> = messages.chain(attachments).collect();
        std::iter::once(("conversations", conversation)).chain(rows)
    })
}

/// The same rows under other ids, so that they can be there a second time.
pub(crate) fn with_other_ids((table, mut row): (&'static str, Value)) -> (&'static str, Value) {
    for field in ["id", "conversation_id", "message_id", "parent_id"] {
        let known = row.get(field).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok());
        if let Some(id) = known.filter(|id| !id.is_nil()) {
            row[field] = json!(Uuid::from_u128(id.as_u128() ^ 0xFFFF_FFFF));
        }
    }
    (table, row)
}

/// Puts a history on the server as `user`'s, with all triggers, in the way that is quickest.
pub(crate) async fn fill(database: &Client, user: Uuid, seed: u64, messages: usize) -> Result<()> {
    let mut waiting: Vec<Vec<Value>> = vec![Vec::new(); TABLES.len()];
    let mut bytes = 0;
    for (table, mut row) in rows(seed, messages) {
        row["user_id"] = json!(user);
        bytes += row["content"].as_str().map_or(200, |text| 200 + text.len());
        waiting[TABLES.iter().position(|name| *name == table).unwrap_or(0)].push(row);
        if bytes > 8_000_000 {
            store(database, &mut waiting).await?;
            bytes = 0;
        }
    }
    store(database, &mut waiting).await?;
    // As they stand after an import: the list's order is that of the messages.
    database
        .execute(
            "update public.conversations as c set last_message_at = m.latest from (select conversation_id, \
             max(created_at) as latest from public.chat_messages where user_id = $1 group by conversation_id) as m \
             where m.conversation_id = c.id",
            &[&user],
        )
        .await?;
    database
        .batch_execute("vacuum analyze public.conversations, public.chat_messages, public.message_attachments")
        .await?;
    Ok(())
}

async fn store(database: &Client, waiting: &mut [Vec<Value>]) -> Result<()> {
    database.batch_execute("begin").await?;
    for (table, rows) in TABLES.iter().zip(waiting) {
        let Some(first) = rows.first().and_then(Value::as_object) else { continue };
        let columns = first.keys().cloned().collect::<Vec<_>>().join(", ");
        let sql = format!(
            "insert into public.{table} ({columns}) select {columns} from jsonb_populate_recordset(null::public.{table}, $1)"
        );
        database.execute(&sql, &[&Value::Array(std::mem::take(rows))]).await?;
    }
    database.batch_execute("commit").await?;
    Ok(())
}

/// How many rows, and a hash over (id, role, content) of the messages in order of id: what every copy must equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) rows: u64,
    pub(crate) messages: u64,
    pub(crate) hash: String,
}

#[derive(Default)]
struct Hasher {
    messages: u64,
    sha: Sha256,
}

impl Hasher {
    fn message(&mut self, id: Uuid, role: &str, content: &str) {
        self.messages += 1;
        for part in [id.to_string().as_str(), role, content] {
            self.sha.update(part);
            self.sha.update([0]);
        }
    }

    fn end(self, rows: u64) -> Fingerprint {
        let hash = self.sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Fingerprint { rows, messages: self.messages, hash }
    }
}

/// What the server holds of one user.
pub(crate) async fn on_server(database: &Client, user: Uuid) -> Result<Fingerprint> {
    let mut count = 0;
    for table in TABLES {
        let sql = format!("select count(*) from public.{table} where user_id = $1");
        count += u64::try_from(database.query_one(&sql, &[&user]).await?.get::<_, i64>(0))?;
    }
    let sql = "select id, role, content from public.chat_messages where user_id = $1 order by id";
    let mut rows = pin!(database.query_raw(sql, [&user]).await?);
    let mut hasher = Hasher::default();
    while let Some(row) = rows.try_next().await? {
        hasher.message(row.get(0), row.get(1), row.get(2));
    }
    Ok(hasher.end(count))
}

/// What a mirror holds.
pub(crate) fn in_mirror(mirror: &Path) -> Result<Fingerprint> {
    let connection = rusqlite::Connection::open_with_flags(mirror, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut hasher = Hasher::default();
    let mut statement = connection.prepare("select uuid, role, content from messages order by uuid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: [u8; 16] = row.get(0)?;
        hasher.message(Uuid::from_bytes(id), &row.get::<_, String>(1)?, &row.get::<_, String>(2)?);
    }
    Ok(hasher.end(count(&connection)?))
}

/// The rows of a history in a mirror.
pub(crate) fn count(mirror: &rusqlite::Connection) -> rusqlite::Result<u64> {
    mirror.query_row(
        "select (select count(*) from conversations) + (select count(*) from messages) + (select count(*) from attachments)",
        [],
        |row| row.get(0),
    )
}
