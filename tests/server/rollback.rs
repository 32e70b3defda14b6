//! Down and up again: a rollback keeps what it takes away, the next `supabase db push` brings it back, and a deployment is
//! after its rollback what it was before us.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::database::Database;
use crate::people;
use crate::session::number_of;
use crate::state::{self, Columns};
use crate::world::{Template, clone_of, push, repository};

/// Sync's half, above what a deployment has of its own.
const SYNC: &str = "004";

#[tokio::test]
async fn our_own_base_loses_nothing_down_to_the_base_and_up() {
    down_and_up(Template::Base, SYNC).await;
}

#[tokio::test]
async fn our_own_base_loses_nothing_down_to_an_empty_project_and_up() {
    down_and_up(Template::Base, "001").await;
}

#[tokio::test]
async fn a_deployment_loses_nothing_down_and_up() {
    down_and_up(Template::Repaired, SYNC).await;
}

#[tokio::test]
async fn a_deployment_is_what_it_was_after_the_rollback() {
    let database = clone_of(Template::Deployed).await;
    let owner = database.as_owner().await;
    let columns = state::columns(&owner).await;
    let before = (state::rows(&owner, &columns).await, state::catalog(&owner).await);
    push(&database).await;
    assert!(before.1.symmetric_difference(&state::catalog(&owner).await).count() > 50, "it was changed in between");
    down(&database, &owner, SYNC).await;
    assert_eq!(state::rows(&owner, &columns).await, before.0);
    let after = state::catalog(&owner).await;
    let lost: Vec<&String> = before.1.difference(&after).collect();
    let left: Vec<&String> = after.difference(&before.1).collect();
    assert!(lost.is_empty() && left.is_empty(), "lost: {lost:#?}\nleft: {left:#?}");
}

/// Rolls everything from `from` back and applies it again, with rows in every table.
async fn down_and_up(template: Template, from: &str) {
    let database = clone_of(template).await;
    let owner = database.as_owner().await;
    for mark in ["one", "two"] {
        let person = people::person(&owner, mark).await;
        people::sync_rows_of(&owner, &person).await;
        people::assert_rows_everywhere(&owner, &person).await;
        give_new_columns_values(&owner).await;
    }
    let columns = state::columns(&owner).await;
    let before = (state::rows(&owner, &columns).await, state::catalog(&owner).await);
    let epoch = epoch(&owner).await;

    down(&database, &owner, from).await;
    if from == SYNC {
        let shared = common(&columns, &state::columns(&owner).await);
        assert!(shared["public.chat_messages"].len() > 20, "{shared:?}");
        let kept = state::rows(&owner, &shared).await;
        // The base's tables are all there, with the base's columns as they were.
        assert!(kept.iter().all(|(table, (count, _))| *count == before.0[table].0));
    } else {
        let gone = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
        assert_eq!(number_of(&owner, gone).await, 0, "nothing of ours is left in the API's sight");
    }

    push(&database).await;
    assert_eq!(state::columns(&owner).await.keys().collect::<Vec<_>>(), columns.keys().collect::<Vec<_>>());
    let after = state::rows(&owner, &columns).await;
    for (table, rows) in &before.0 {
        assert_eq!(after.get(table), Some(rows), "{table}");
    }
    let catalog = state::catalog(&owner).await;
    let lost: Vec<&String> = before.1.difference(&catalog).collect();
    let new: Vec<&String> = catalog.difference(&before.1).collect();
    assert!(lost.is_empty() && new.is_empty(), "lost: {lost:#?}\nnew: {new:#?}");
    assert_ne!(self::epoch(&owner).await, epoch, "clients compare everything: in between nobody numbered changes");
}

/// Runs the rollbacks from the last to `from`, and strikes them from the history, as `supabase migration repair` does.
pub(crate) async fn down(database: &Database, owner: &Client, from: &str) {
    let folder = repository().join("supabase/rollbacks");
    let names: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sql"))
        .collect();
    let migrations = std::fs::read_dir(repository().join("supabase/migrations")).unwrap();
    let migrations: BTreeSet<String> =
        migrations.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, migrations, "each migration has its rollback");
    for name in names.iter().rev().filter(|name| name.as_str() >= from) {
        let script = std::fs::read_to_string(folder.join(name)).unwrap();
        // A connection of its own each, as an operator's psql would be; one batch is one transaction.
        let operator = database.as_owner().await;
        operator.batch_execute(&script).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let version = name.split('_').next().unwrap();
        let strike = "delete from supabase_migrations.schema_migrations where version = $1";
        assert_eq!(owner.execute(strike, &[&version]).await.unwrap(), 1, "{name} was in the history");
    }
}

/// What 004 added holds something other than its default.
async fn give_new_columns_values(owner: &Client) {
    owner
        .batch_execute(
            "update public.conversations set metadata = '{\"k\": 1}', current_message_id = gen_random_uuid();
             update public.conversations set deleted_at = now() where title = 'two' and message_count = 0;
             update public.chat_messages set parent_id = gen_random_uuid();
             update airi_private.jobs set enabled = false, schedule = '1 1 * * *' where name = 'vacuum';
             insert into airi_private.job_runs (job, moment, error) values ('vacuum', '2026-01-01', 'kept');
             insert into airi_private.query_samples (query_name, calls, total_ms, rows, blocks, sampled_at)
             values ('kept', 1, 2, 3, 4, '2026-01-01') on conflict do nothing",
        )
        .await
        .unwrap();
}

async fn epoch(owner: &Client) -> String {
    owner.query_one("select epoch::text from airi_private.sync_epoch", &[]).await.unwrap().get(0)
}

/// The tables and columns that both have.
fn common(left: &Columns, right: &Columns) -> Columns {
    left.iter()
        .filter_map(|(table, columns)| {
            let others = right.get(table)?;
            Some((table.clone(), columns.iter().filter(|column| others.contains(column)).cloned().collect()))
        })
        .collect()
}
