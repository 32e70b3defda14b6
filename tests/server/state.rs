//! What a database holds, as values that can be compared: rows by count and hash, and the catalogs as lines of text.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;
use uuid::Uuid;

/// Table → its columns: in `public`, what sync keeps of users beside it, and the accounts.
pub(crate) type Columns = BTreeMap<String, Vec<String>>;
/// Table → how many rows, and their hash.
pub(crate) type Rows = BTreeMap<String, (i64, String)>;

/// The tables as they are now; views and partitioned parents are left out, since others hold their rows.
pub(crate) async fn columns(client: &Client) -> Columns {
    let rows = client
        .query(
            "select c.relnamespace::regnamespace || '.' || c.relname, a.attname::text from pg_class as c
             join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             join pg_namespace as n on n.oid = c.relnamespace
             where c.relkind = 'r' and c.relpersistence = 'p' and (n.nspname = 'public' or c.oid = 'auth.users'::regclass
               or n.nspname = 'airi_private' and c.relname not in ('sync_epoch', 'sync_tables'))
             order by 1, a.attnum",
            &[],
        )
        .await
        .unwrap();
    let mut columns = Columns::new();
    for row in rows {
        columns.entry(row.get(0)).or_default().push(row.get(1));
    }
    columns
}

/// Counts and hashes these columns of these tables.
pub(crate) async fn rows(client: &Client, columns: &Columns) -> Rows {
    let mut found = Rows::new();
    for (table, names) in columns {
        let quoted: Vec<String> = names.iter().map(|name| format!("t.\"{name}\"")).collect();
        let statement = format!(
            "select count(*), coalesce(md5(string_agg(h, '' order by h)), '')
             from (select md5(row({})::text) as h from {table} as t) as hashed",
            quoted.join(", ")
        );
        let row = client.query_one(&statement, &[]).await.unwrap_or_else(|error| panic!("{table}: {error}"));
        found.insert(table.clone(), (row.get(0), row.get(1)));
    }
    found
}

/// The tables whose rows have an owner, in `public` and beside it, with the owner's column.
pub(crate) async fn owned_tables(client: &Client) -> Vec<(String, String)> {
    client
        .query(
            "select n.nspname || '.' || c.relname, a.attname::text from pg_class as c
             join pg_namespace as n on n.oid = c.relnamespace
             join pg_attribute as a on a.attrelid = c.oid and not a.attisdropped
               and a.attname = case c.relname when 'user_profiles' then 'id' else 'user_id' end
             where n.nspname in ('public', 'airi_private') and c.relkind in ('r', 'p') order by 1",
            &[],
        )
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect()
}

/// A person's rows in all tables, hashed; a table without any is not there.
pub(crate) async fn rows_of(client: &Client, person: Uuid) -> Rows {
    let mut found = Rows::new();
    for (table, column) in owned_tables(client).await {
        let statement = format!(
            "select count(*), coalesce(md5(string_agg(h, '' order by h)), '')
             from (select md5(t::text) as h from {table} as t where t.{column} = $1) as hashed"
        );
        let row = client.query_one(&statement, &[&person]).await.unwrap();
        let count: i64 = row.get(0);
        if count > 0 {
            found.insert(table, (count, row.get(1)));
        }
    }
    found
}

/// What `public` is made of and who may do what with it, one line each: columns, constraints, indexes, triggers, functions,
/// policies, grants to the API's roles. The order of columns does not count.
pub(crate) async fn catalog(client: &Client) -> BTreeSet<String> {
    // So that every name is printed with its schema.
    client.batch_execute("set search_path = ''").await.unwrap();
    let rows = client.query(CATALOG, &[]).await.unwrap();
    client.batch_execute("reset search_path").await.unwrap();
    rows.into_iter().map(|row| row.get(0)).collect()
}

const CATALOG: &str = "
    with relation as (
      select c.* from pg_class as c where c.relnamespace = 'public'::regnamespace
    ), api (role) as (values ('anon'), ('authenticated'), ('public'))
    select format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef as d where d.adrelid = c.oid and d.adnum = a.attnum))
    from relation as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p', 'v', 'm')
    union all
    select format('relation %s %s rls=%s %s', c.relname, c.relkind, c.relrowsecurity, c.reloptions)
    from relation as c where c.relkind in ('r', 'p', 'v', 'm')
    union all
    select format('constraint %s %s', o.conrelid::regclass, pg_get_constraintdef(o.oid))
    from relation as c join pg_constraint as o on o.conrelid = c.oid
    union all
    select format('index %s', pg_get_indexdef(c.oid)) from relation as c where c.relkind = 'i'
    union all
    select format('trigger %s %s', t.tgenabled, pg_get_triggerdef(t.oid)) from pg_trigger as t
    join pg_class as c on c.oid = t.tgrelid
    where not t.tgisinternal and (c.relnamespace = 'public'::regnamespace or c.oid = 'auth.users'::regclass)
    union all
    select format('function %s', pg_get_functiondef(p.oid)) from pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
    union all
    select format('policy %s.%s %s %s %s %s %s %s', p.schemaname, p.tablename, p.policyname, p.permissive, p.cmd, p.roles,
      p.qual, p.with_check)
    from pg_policies as p where p.schemaname in ('public', 'storage', 'realtime')
    union all
    select format('grant %s on %s to %s', g.privilege_type, g.name, api.role)
    from (
      select c.relname::text as name, acl.* from relation as c, aclexplode(c.relacl) as acl
      union all
      select c.relname || '.' || a.attname, acl.* from relation as c
      join pg_attribute as a on a.attrelid = c.oid and not a.attisdropped, aclexplode(a.attacl) as acl
      union all
      select p.oid::regprocedure::text, acl.* from pg_proc as p,
        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
      where p.pronamespace = 'public'::regnamespace
    ) as g
    join api on api.role = case g.grantee when 0 then 'public' else pg_get_userbyid(g.grantee)::text end";
