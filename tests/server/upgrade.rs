//! Our migrations on a deployment that others made from the documentation, with its known holes: no row is touched, the
//! holes are closed, and old clients' functions go on for those who ask for their own.

use tokio_postgres::Client;
use uuid::{Uuid, uuid};

use crate::people;
use crate::session::{Session, code_of, number_of};
use crate::state;
use crate::world::{Template, clone_of, push, repository, world};

/// The fixture's two people and a conversation of the first.
const FIRST: Uuid = uuid!("00000000-0000-4000-8000-0000000000d1");
const SECOND: Uuid = uuid!("00000000-0000-4000-8000-0000000000d2");
const OF_FIRST: Uuid = uuid!("00000000-0000-4000-8000-00000000c0d1");

#[tokio::test]
async fn no_row_of_a_deployment_changes() {
    let database = clone_of(Template::Deployed).await;
    let owner = database.as_owner().await;
    for mark in ["one", "two"] {
        let person = people::person(&owner, mark).await;
        people::assert_rows_everywhere(&owner, &person).await;
    }
    let columns = state::columns(&owner).await;
    let before = state::rows(&owner, &columns).await;
    assert_eq!(before["public.chat_messages"].0, 202);
    push(&database).await;
    assert_eq!(state::rows(&owner, &columns).await, before);
    let strangers = "select count(*) from public.message_attachments as a
        join public.chat_messages as m on m.id = a.message_id where a.user_id is distinct from m.user_id";
    assert_eq!(number_of(&owner, strangers).await, 0, "each attachment belongs to its message's owner");
    let versions = "select count(*) from supabase_migrations.schema_migrations";
    assert_eq!(
        usize::try_from(number_of(&owner, versions).await).unwrap(),
        migrations().len(),
        "each migration is in the history"
    );
}

/// What the operator's script makes of a large deployment beforehand is what the migrations make of a small one; it takes up
/// where it broke off, and the rollback knows of it.
#[tokio::test]
async fn what_is_made_before_the_push_is_what_the_push_makes() {
    let database = clone_of(Template::Deployed).await;
    let owner = database.as_owner().await;
    let files = "select count(*) from public.message_attachments where user_id is null";
    let before = state::catalog(&database.as_owner().await).await;
    // A build that broke off leaves an index that counts for nothing.
    let broken = "create index idx_chat_messages_thread on public.chat_messages (conversation_id, created_at, id);
        update pg_index set indisvalid = false where indexrelid = 'public.idx_chat_messages_thread'::regclass";
    database.as_superuser().await.batch_execute(broken).await.unwrap();
    owner.batch_execute("alter index public.idx_chat_messages_thread owner to postgres").await.unwrap();
    for _ in 0..2 {
        assert_eq!(database.operation("before-upgrade.sh", &[], &[]).await.unwrap(), "ready for supabase db push");
    }
    assert_eq!(number_of(&owner, files).await, 0);
    let invalid = "select count(*) from pg_index where not indisvalid";
    assert_eq!(number_of(&owner, invalid).await, 0);
    let made = state::catalog(&database.as_owner().await).await;
    let indexes = |catalog: &std::collections::BTreeSet<String>| {
        catalog
            .iter()
            .filter(|line| line.starts_with("index ") && line.contains("chat_messages "))
            .cloned()
            .collect::<Vec<_>>()
    };
    push(&database).await;
    let after = state::catalog(&database.as_owner().await).await;
    assert_eq!(indexes(&after), indexes(&made), "the push has no index of messages left to build");
    let others = clone_of(Template::Repaired).await;
    assert_eq!(after, state::catalog(&others.as_owner().await).await);
    crate::rollback::down(&database, &owner, "004").await;
    assert_eq!(state::catalog(&database.as_owner().await).await, before, "and the rollback takes it all away");
}

#[tokio::test]
async fn the_holes_are_closed_and_old_functions_go_on() {
    let before = clone_of(Template::Deployed).await;
    let second = before.as_user(SECOND).await;
    // The control: these are holes.
    for hole in holes() {
        assert!(gets_through(&second, &hole).await, "the fixture has no such hole any more: {hole}");
    }
    let after = clone_of(Template::Repaired).await;
    let second = after.as_user(SECOND).await;
    for hole in holes() {
        assert!(!gets_through(&second, &hole).await, "still open: {hole}");
    }

    let first = after.as_user(FIRST).await;
    let own = format!("select count(*) from public.get_conversations_with_last_message('{FIRST}')");
    assert_eq!(number_of(&first, &own).await, 1);
    let own = format!("select count(*) from public.get_conversation_messages('{OF_FIRST}', 1000)");
    assert_eq!(number_of(&first, &own).await, 200);
    // They knew nothing of soft deletion; what is deleted is not shown to its own user either.
    let newest = "update public.chat_messages set deleted_at = now() where content = 'message 200'";
    assert_eq!(first.execute(newest, &[]).await.unwrap(), 1);
    let own =
        format!("select count(*) from public.get_conversation_messages('{OF_FIRST}', 1000) where content ~ ' 200$'");
    assert_eq!(number_of(&first, &own).await, 0);
    let own = format!("select count(*) from public.get_conversation_messages('{OF_FIRST}', 1000)");
    assert_eq!(number_of(&first, &own).await, 199);
    let last = format!("select last_message from public.get_conversations_with_last_message('{FIRST}')");
    assert_eq!(first.query_one(&last, &[]).await.unwrap().get::<_, String>(0), "message 199");
    let own = format!("select public.archive_old_conversations('{FIRST}')::bigint");
    assert_eq!(number_of(&first, &own).await, 1);
    assert_eq!(number_of(&first, "select count(*) from public.active_conversations").await, 0, "it is archived");

    let owner = after.as_owner().await;
    let open = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and not relrowsecurity";
    assert_eq!(number_of(&owner, open).await, 0, "row level security is on everywhere");
    assert_eq!(strangers_may(&owner).await, ["provider_health", "system_settings"], "what strangers may read");
    let executable = "select count(*) from pg_proc as p where p.pronamespace = 'public'::regnamespace
        and (p.prosecdef and p.prorettype <> 'trigger'::regtype or has_function_privilege('anon', p.oid, 'execute')
          or not exists (select from unnest(p.proconfig) as c where c like 'search_path=%'))";
    assert_eq!(number_of(&owner, executable).await, 0, "no definer, none for strangers, none without a search_path");
}

/// Statements of the second person that get at, or change, what is not theirs, as a deployment from the documentation lets
/// them. Each gives the number of rows it got.
fn holes() -> Vec<String> {
    vec![
        format!("select count(*) from public.usage_logs where user_id = '{FIRST}'"),
        "select count(*) from public.message_attachments".into(),
        format!("select count(*) from public.active_conversations where user_id = '{FIRST}'"),
        format!("select count(*) from public.get_conversations_with_last_message('{FIRST}')"),
        format!("select count(*) from public.get_conversation_messages('{OF_FIRST}')"),
        format!("select public.archive_old_conversations('{FIRST}')::bigint"),
        "select (public.get_or_set_cache('k', 'select to_jsonb(count(*)) from auth.users')::text)::bigint".into(),
        "select count(*) from public.team_notes".into(),
        format!(
            "with planted as (insert into public.chat_messages (conversation_id, user_id, role, content)
                 values ('{OF_FIRST}', '{FIRST}', 'assistant', 'planted') returning 1) select count(*) from planted"
        ),
        format!(
            "with raised as (update public.user_profiles set subscription_tier = 'enterprise'
                 where id = '{SECOND}' returning 1) select count(*) from raised"
        ),
    ]
}

/// Whether the statement gets at anything; what it did is taken back.
async fn gets_through(session: &Session, statement: &str) -> bool {
    session.batch_execute("begin").await.unwrap();
    // A message planted under another's name can be written and not read back: writing it is the hole.
    let statement = statement.replace("returning 1) select count(*) from planted", ") select 1::bigint");
    let result = session.query_one(&statement, &[]).await;
    session.batch_execute("rollback").await.unwrap();
    match result {
        Ok(row) => row.get::<_, i64>(0) > 0,
        Err(error) => {
            // The cache takes a value now: SQL text is none.
            let expected = if statement.contains("get_or_set_cache") { "22P02" } else { "42501" };
            assert_eq!(code_of(&error), expected, "{statement}: refused, and not broken: {error:?}");
            false
        }
    }
}

async fn strangers_may(owner: &Client) -> Vec<String> {
    let statement = "select relname::text from pg_class where relnamespace = 'public'::regnamespace
        and relkind in ('r', 'p', 'v', 'm') and has_table_privilege('anon', oid, 'select, insert, update, delete')
        order by 1";
    owner.query(statement, &[]).await.unwrap().into_iter().map(|row| row.get(0)).collect()
}

/// Where pg_cron is and where it is not, the migrations make the same schema.
#[tokio::test]
async fn pg_cron_makes_no_difference() {
    let with = world().await.served().as_owner().await;
    let without = clone_of(Template::Base).await.as_owner().await;
    let has_cron = "select count(*) from pg_extension where extname = 'pg_cron'";
    assert_eq!(number_of(&with, has_cron).await, 1, "the package postgresql-15-cron is installed");
    assert_eq!(number_of(&without, has_cron).await, 0);
    assert_eq!(state::catalog(&with).await, state::catalog(&without).await);
    let scheduling = migrations().iter().any(|script| script.contains("cron."));
    let jobs = number_of(&with, "select count(*) from cron.job").await;
    assert_eq!(jobs > 0, scheduling, "where it is, there are jobs as soon as a migration makes some");
}

fn migrations() -> Vec<String> {
    let files = std::fs::read_dir(repository().join("supabase/migrations")).unwrap().map(|file| file.unwrap().path());
    let scripts = files.filter(|file| file.extension().is_some_and(|end| end == "sql"));
    scripts.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}
