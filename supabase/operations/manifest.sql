-- What a database holds, one line a table: name, rows, and a hash that does not depend on the order of rows. Two databases
-- with the same lines hold the same rows. Reads all of one moment; PostgreSQL of the same major version on both sides.
--
--     psql -X -q -A -t -v ON_ERROR_STOP=1 -f manifest.sql
--
-- Of the accounts and objects of Supabase's own schemas too, since ours point to them. Left out is what no backup need hold.
begin isolation level repeatable read read only;
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local extra_float_digits = 1;
select format(
  $sql$select %L || ' ' || count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from %I.%I as t;$sql$,
  n.nspname || '.' || c.relname, n.nspname, c.relname)
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname in ('public', 'airi_private', 'airi_partitions', 'auth', 'storage')
  and (n.nspname, c.relname) not in (('public', 'cache_entries'), ('airi_private', 'sync_epoch'))
order by 1
\gexec
commit;
