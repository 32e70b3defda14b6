//! Which change moves the head, column by column as the catalogs name them: what travels moves it by one, what does not
//! travel (embeddings, counters, moderation) leaves it, what cannot change is refused.

use tokio_postgres::Client;
use uuid::Uuid;

use crate::people;
use crate::session::code_of;
use crate::world::{Template, clone_of};

struct Column {
    table: String,
    owner: String,
    name: String,
    kind: String,
    travels: bool,
    immutable: bool,
}

#[tokio::test]
async fn the_head_moves_by_one_for_what_travels_and_not_at_all_for_the_rest() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    // A stand-in for pgvector, which Debian does not carry: the trigger goes by the column, whatever its type.
    owner.batch_execute("alter table public.chat_messages add column if not exists embedding real[]").await.unwrap();
    let person = people::person(&owner, "numbers").await;
    let service = database.as_service().await;
    let columns = columns(&owner).await;
    let count = |travels| columns.iter().filter(|column| column.travels == travels).count();
    assert!(count(true) > 60 && count(false) > 20, "the catalogs were read: {} and {}", count(true), count(false));
    for column in &columns {
        let place = format!("{}.{}", column.table, column.name);
        let before = standing(&owner, column, person.id).await;
        let statement = format!(
            "update public.{} set {} = {} where {} = '{}'",
            column.table,
            column.name,
            another_value(column),
            column.owner,
            person.id
        );
        let result = service.execute(&statement, &[]).await;
        if column.immutable {
            assert_eq!(code_of(&result.unwrap_err()), "23514", "{place} cannot change");
        } else {
            assert!(result.unwrap_or_else(|error| panic!("{place}: {error:?}")) > 0, "{place}");
        }
        let after = standing(&owner, column, person.id).await;
        if column.travels && !column.immutable {
            assert_eq!(after.0, before.0 + 1, "{place} moves the head by one");
            assert_eq!(after.1, after.0, "{place} numbers its row");
        } else {
            assert_eq!(after, before, "{place} moves nothing");
        }
    }
}

/// The columns of all synced tables but the tombstones, which only the server's triggers write.
async fn columns(owner: &Client) -> Vec<Column> {
    owner
        .query(
            "select t.table_name, t.owner_column, a.attname::text, format_type(a.atttypid, null),
               a.attname = any (t.columns), a.attname = any (t.immutable)
             from airi_private.sync_tables as t
             join pg_attribute as a on a.attrelid = ('public.' || t.table_name)::regclass and a.attnum > 0
               and not a.attisdropped
             where t.rank < 9 and a.attname <> 'change_seq' order by t.rank, a.attnum",
            &[],
        )
        .await
        .unwrap()
        .into_iter()
        .map(|row| Column {
            table: row.get(0),
            owner: row.get(1),
            name: row.get(2),
            kind: row.get(3),
            travels: row.get(4),
            immutable: row.get(5),
        })
        .collect()
}

/// The head and the largest number of the table's rows.
async fn standing(owner: &Client, column: &Column, person: Uuid) -> (i64, i64) {
    let statement = format!(
        "select (select seq from public.sync_heads where user_id = $1),
           (select max(change_seq) from public.{} where {} = $1)",
        column.table, column.owner
    );
    let row = owner.query_one(&statement, &[&person]).await.unwrap();
    (row.get(0), row.get(1))
}

/// An expression for a value that the column does not have yet.
fn another_value(column: &Column) -> String {
    let name = &column.name;
    match (name.as_str(), column.kind.as_str()) {
        ("subscription_tier", _) => "'enterprise'".into(),
        ("subscription_status", _) => "'paused'".into(),
        ("content_type", _) => "'code'".into(),
        (_, "character varying" | "text") => "'v' || left(md5(random()::text), 2)".into(),
        (_, "integer" | "bigint" | "numeric") => format!("coalesce({name}, 0) + 1"),
        (_, "boolean") => format!("not coalesce({name}, false)"),
        (_, "jsonb") => "jsonb_build_object('v', random())".into(),
        (_, "jsonb[]") => "array[jsonb_build_object('v', random())]".into(),
        (_, "text[]") => "array[random()::text]".into(),
        (_, "real[]") => "array[random()::real]".into(),
        (_, "timestamp with time zone") => "clock_timestamp()".into(),
        (_, "date") => format!("{name} + 1"),
        (_, "uuid") => "gen_random_uuid()".into(),
        (_, "inet") => "'10.0.0.1'".into(),
        (_, kind) => panic!("{}.{name}: say here what another {kind} is", column.table),
    }
}
