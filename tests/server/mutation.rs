//! Whether the security tests would notice. One rule of the schema is broken at a time, in a transaction that the test file
//! itself rolls back, and `01_catalog.sql` or `02_tenants.sql` must fail. Where a rule is what stands before another's rows,
//! `02`, which only looks at what happens, must notice by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::database::Database;
use crate::tap;
use crate::world::{Template, clone_of, repository};

const WORKERS: usize = 2;

/// Which files must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noticed {
    /// One of 01 and 02.
    Either,
    /// 02, from what happens alone.
    ByDeed,
    /// 06, which has the bucket and the topic.
    ByFiles,
}

#[derive(Debug)]
struct Mutant {
    statement: String,
    noticed: Noticed,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_broken_rule_is_noticed() {
    let database = clone_of(Template::Base).await;
    let mutants = Arc::new(mutants(&database.as_superuser().await).await);
    println!("{} mutants", mutants.len());
    assert!(mutants.len() > 100, "the catalogs were read: {}", mutants.len());
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        // The files use fixed ids, so each worker has a database.
        let database = clone_of(Template::Base).await;
        let (mutants, next) = (Arc::clone(&mutants), Arc::clone(&next));
        workers.spawn(async move {
            let mut survivors = Vec::new();
            while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                survivors.extend(survivor(&database, mutant).await);
            }
            // None has left anything behind.
            for file in ["01_catalog.sql", "02_tenants.sql", "06_files_and_doorbell.sql"] {
                assert_eq!(run(&database, file, "begin").await, None, "{file}");
            }
            survivors
        });
    }
    let survivors = workers.join_all().await.concat();
    assert!(survivors.is_empty(), "nobody noticed:\n{}", survivors.join("\n"));
}

/// The mutant's name, if it lives.
async fn survivor(database: &Database, mutant: &Mutant) -> Option<String> {
    let files: &[&str] = match mutant.noticed {
        Noticed::Either => &["01_catalog.sql", "02_tenants.sql"],
        Noticed::ByDeed => &["02_tenants.sql"],
        Noticed::ByFiles => &["06_files_and_doorbell.sql"],
    };
    for file in files {
        if run(database, file, &format!("begin; {}; select 'mutated'", mutant.statement)).await.is_some() {
            return None;
        }
    }
    Some(format!("{:?}: {}", mutant.noticed, mutant.statement))
}

/// Why the file fails, if it does. It begins inside the transaction that `before` has begun, and rolls it back.
async fn run(database: &Database, file: &str, before: &str) -> Option<String> {
    let report = tap::run(database, &repository().join("supabase/tests").join(file), before).await;
    let mutated = report.text.lines().next() == Some("mutated");
    assert_eq!(mutated, before != "begin", "the mutation itself must work: {before}: {report:?}");
    // An error before the first test would be the fixture's, and no judgement.
    assert!(!report.numbers.is_empty(), "{file} did not get to its tests: {before}: {report:?}");
    report.fault()
}

async fn mutants(admin: &Client) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for row in admin.query(BROKEN, &[]).await.unwrap() {
        let noticed = match row.get::<_, &str>(0) {
            "deed" => Noticed::ByDeed,
            "files" => Noticed::ByFiles,
            _ => Noticed::Either,
        };
        mutants.push(Mutant { statement: row.get(1), noticed });
    }
    mutants
}

/// Made from the catalogs, so that a new rule gets its mutants by itself.
const BROKEN: &str = "
    with rule as (
      select p.*, format('%I on %I.%I', p.policyname, p.schemaname, p.tablename) as name,
        p.schemaname in ('public', 'airi_private') as tables,
        case when p.schemaname in ('public', 'airi_private') then 'either' else 'files' end as noticed
      from pg_policies as p
      where p.schemaname in ('public', 'airi_private') or p.policyname ~ '^airi_'
    ), owned as (
      select distinct tablename from rule where tables and policyname ~ '^own_'
    ), relation as (
      select c.oid, c.relname, format('%I.%I', n.nspname, c.relname) as name from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname in ('public', 'airi_private') and c.relkind in ('r', 'p')
    ), ours as (
      select p.oid, p.oid::regprocedure as name, n.nspname, p.prokind from pg_proc as p
      join pg_namespace as n on n.oid = p.pronamespace where n.nspname in ('public', 'airi_private')
    )
    select noticed, format('drop policy %s', name) from rule
    -- Open to all: who reads another's rows by it does so whatever the catalogs say.
    union all
    select case when tables and cmd = 'SELECT' and policyname = 'own_select' then 'deed' else noticed end,
      format('alter policy %s using (true)', name)
    from rule where qual is not null and qual <> 'true'
    union all
    select case when tables and cmd = 'INSERT' then 'deed' else noticed end,
      format('alter policy %s with check (true)', name)
    from rule where with_check is not null and tablename not in ('user_profiles', 'message_attachments')
    union all
    select noticed, format('alter policy %s with check (true)', name)
    from rule where with_check is not null and tablename in ('user_profiles', 'message_attachments')
    -- Without WITH CHECK. On an update USING then checks the new row too: 01 wants it said, elsewhere it is the same.
    union all
    select noticed, format('drop policy %1$s; create policy %1$s for %2$s to authenticated %3$s', name, cmd,
      case when cmd <> 'INSERT' then 'using (' || qual || ')' end)
    from rule where with_check is not null and (cmd = 'INSERT' or cmd = 'UPDATE' and tables)
    -- For everyone instead of those who are signed in.
    union all
    select noticed, format('alter policy %s to public', name) from rule where policyname ~ '^own_'
    union all
    select case when relname in (select tablename from owned) then 'deed' else 'either' end,
      format('alter table %s disable row level security', name)
    from relation
    -- A grant too many.
    union all
    select 'either', format('grant select on %s to anon', name) from relation
    where not has_table_privilege('anon', oid, 'select')
    union all
    select 'either', format('grant update on %s to authenticated', name) from relation
    where not has_table_privilege('authenticated', oid, 'update')
    union all
    select 'either', 'grant select on public.recent_conversations to authenticated'
    union all
    select 'deed', 'grant update on public.user_profiles to authenticated'
    -- Functions: with the owner's rights, with the caller's search_path, for strangers.
    union all
    select 'either', format('alter routine %s security definer', name) from ours as o
    where not (select prosecdef from pg_proc where oid = o.oid)
    union all
    select 'either', format('alter function %s reset search_path', name) from ours where prokind <> 'p'
    union all
    select 'either', format('grant execute on routine %s to anon', name) from ours
    union all
    select 'either', format('grant execute on routine %s to authenticated', name) from ours
    where not has_function_privilege('authenticated', oid, 'execute')
    -- The views that rows travel through.
    union all
    select case when has_table_privilege('authenticated', oid, 'select') then 'deed' else 'either' end,
      format('alter view airi_private.%I reset (security_invoker)', relname) from pg_class
    where relnamespace = 'airi_private'::regnamespace and relkind = 'v'
    -- What keeps a child from another's parent, and an owner from changing.
    union all
    select 'either', format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass) from pg_trigger as t
    where not t.tgisinternal and (t.tgname = 'aa_own_conversation' or t.tgname = 'aa_sync_immutable'
      or t.tgname = 'zz_sync_insert' and t.tgrelid = 'public.chat_messages'::regclass)";
