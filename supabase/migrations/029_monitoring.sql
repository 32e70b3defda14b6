-- What an operator watches: sizes, use of indexes, hits in the cache, slow queries, jobs, how far devices are behind; and
-- settings of autovacuum for tables that grow large. For the server only, read as `postgres` or with the service role's rights.

do $returned$
begin
  if to_regclass('rollback_keep.query_samples') is not null and to_regclass('airi_private.query_samples') is null then
    alter table rollback_keep.query_samples set schema airi_private;
  end if;
end
$returned$;
-- How far pg_stat_statements had counted when the job last looked.
create table if not exists airi_private.query_samples (
  query_name text primary key,
  calls bigint not null,
  total_ms double precision not null,
  rows bigint not null,
  blocks bigint not null,
  sampled_at timestamptz not null
);
alter table airi_private.query_samples enable row level security;
revoke all on airi_private.query_samples from public, anon, authenticated;
grant all on airi_private.query_samples to service_role;
drop policy if exists closed on airi_private.query_samples;
create policy closed on airi_private.query_samples for all to anon, authenticated using (false) with check (false);

-- --------------------------------------------------------------------------------------------------------------- views
create or replace view airi_private.table_sizes with (security_invoker = true) as
select format('%I.%I', n.nspname, c.relname) as table_name, greatest(c.reltuples, 0)::bigint as rows_estimated,
  pg_total_relation_size(c.oid) as total_bytes, pg_relation_size(c.oid) as table_bytes, pg_indexes_size(c.oid) as index_bytes,
  coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) as toast_bytes, s.n_dead_tup as dead_rows,
  greatest(s.last_vacuum, s.last_autovacuum) as vacuumed_at, greatest(s.last_analyze, s.last_autoanalyze) as analyzed_at
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_all_tables as s on s.relid = c.oid
where c.relkind in ('r', 'm') and n.nspname in ('public', 'airi_private');

-- An index that nobody has used, and that keeps nothing unique, costs every write for nothing.
create or replace view airi_private.index_use with (security_invoker = true) as
select format('%I.%I', s.schemaname, s.relname) as table_name, s.indexrelname as index_name, s.idx_scan as scans,
  pg_relation_size(s.indexrelid) as bytes, i.indisunique as keeps_unique, i.indisvalid as valid,
  s.idx_scan = 0 and not i.indisunique as unused
from pg_catalog.pg_stat_all_indexes as s
join pg_catalog.pg_index as i on i.indexrelid = s.indexrelid
where s.schemaname in ('public', 'airi_private');

create or replace view airi_private.cache_hits with (security_invoker = true) as
select format('%I.%I', s.schemaname, s.relname) as table_name,
  round(s.heap_blks_hit::numeric / nullif(s.heap_blks_hit + s.heap_blks_read, 0), 4) as table_ratio,
  round(s.idx_blks_hit::numeric / nullif(s.idx_blks_hit + s.idx_blks_read, 0), 4) as index_ratio,
  s.heap_blks_read + coalesce(s.idx_blks_read, 0) as blocks_read
from pg_catalog.pg_statio_all_tables as s
where s.schemaname in ('public', 'airi_private')
union all
select 'the database', round(d.blks_hit::numeric / nullif(d.blks_hit + d.blks_read, 0), 4), null, d.blks_read
from pg_catalog.pg_stat_database as d where d.datname = current_database();

-- A job is late when it has had time for two runs since the last one that did all: weekly and monthly ones are looked at by hand.
create or replace view airi_private.job_health with (security_invoker = true) as
select j.name, j.enabled, j.schedule, last_run.status, last_run.started_at, last_run.finished_at - last_run.started_at as took,
  last_run.users, last_run.rows, last_run.error,
  (select max(r.started_at) from airi_private.job_runs as r where r.job = j.name and r.status = 'done') as last_done_at,
  (select count(*) from airi_private.job_runs as r
    where r.job = j.name and r.status = 'failed' and r.started_at > now() - interval '7 days') as failed_in_a_week
from airi_private.jobs as j
left join lateral (
  select r.* from airi_private.job_runs as r where r.job = j.name order by r.started_at desc limit 1
) as last_run on true
where j.does is not null;

-- A device is behind since its user's head moved after it last synced; one that sleeps is behind without anything being wrong.
create or replace view airi_private.sync_lag with (security_invoker = true) as
select d.user_id, d.id as device_id, d.platform, d.app_version, d.last_sync_at, h.seq as head, h.moved_at,
  case when h.moved_at > d.last_sync_at then now() - d.last_sync_at else interval '0' end as behind
from public.sync_devices as d
join public.sync_heads as h on h.user_id = d.user_id
where d.signed_out_at is null;

-- Times of the last 30 days by day and function, from query_performance_logs.
create or replace view airi_private.query_times with (security_invoker = true) as
select q.query_name, date_trunc('day', q.created_at, 'UTC') as day, count(*) as samples,
  coalesce(sum((q.metadata ->> 'calls')::bigint), count(*)) as calls,
  percentile_disc(0.5) within group (order by q.execution_time_ms) as median_ms,
  percentile_disc(0.95) within group (order by q.execution_time_ms) as p95_ms, max(q.execution_time_ms) as worst_ms
from public.query_performance_logs as q
where q.created_at > now() - interval '30 days'
group by 1, 2;

-- Where pg_stat_statements lives; null where it does not, or does not count.
create or replace function airi_private.statements_schema() returns text
language sql stable set search_path = '' as $$
  select n.nspname from pg_catalog.pg_extension as e join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
  where e.extname = 'pg_stat_statements' and current_setting('shared_preload_libraries') ~ '\mpg_stat_statements\M'
$$;

-- What it counted in this database, from the outside. Through JSON, because where it lives is known only now.
create or replace function airi_private.counted_statements() returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_schema text := airi_private.statements_schema();
  v_all jsonb;
begin
  if v_schema is not null then
    execute format('select jsonb_agg(jsonb_build_object(''query'', s.query, ''calls'', s.calls, ''total_ms'', s.total_exec_time,
      ''rows'', s.rows, ''blocks'', s.shared_blks_hit + s.shared_blks_read)) from %I.pg_stat_statements as s
      where s.toplevel and s.dbid = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())',
      v_schema) into v_all;
  end if;
  return coalesce(v_all, '[]');
end
$$;
create or replace function airi_private.statements()
returns table (query text, calls bigint, total_ms double precision, rows bigint, blocks bigint)
language sql stable set search_path = '' as $$
  select s.* from jsonb_to_recordset(airi_private.counted_statements())
    as s (query text, calls bigint, total_ms double precision, rows bigint, blocks bigint)
$$;

-- The statements that took most time in all, where pg_stat_statements is there.
create or replace function airi_private.slow_queries(p_limit int default 20) returns table (
  query text, calls bigint, total_ms double precision, mean_ms double precision, rows bigint, blocks_a_call bigint
)
language sql stable set search_path = '' as $$
  select left(s.query, 500), s.calls, s.total_ms, s.total_ms / greatest(s.calls, 1), s.rows, s.blocks / greatest(s.calls, 1)
  from airi_private.statements() as s order by s.total_ms desc limit p_limit
$$;

-- The job: what our functions took since it last looked, one row of query_performance_logs a function. The functions that read
-- cannot note it themselves: the API calls them in transactions that only read. A function counts by its name in the
-- statement, as the API writes it and as people do.
create or replace function airi_private.sample_queries(p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_count bigint;
begin
  with ours as (
    select distinct p.proname::text as name from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
      and not exists (select from pg_catalog.pg_depend as d where d.objid = p.oid and d.deptype = 'e')
  ), counted as (
    select o.name, sum(s.calls)::bigint as calls, sum(s.total_ms) as total_ms, sum(s.rows)::bigint as rows,
      sum(s.blocks)::bigint as blocks
    from ours as o
    join airi_private.statements() as s
      on s.query ~* '^\s*(select|with|call)\M' and s.query ~ ('\m' || o.name || '"?\s*\(')
    group by o.name
  ), since as (
    -- Fewer than at the last look: the counters began anew, and what they hold is all there is.
    select c.name, c.calls - coalesce(q.calls, 0) as calls, c.total_ms - coalesce(q.total_ms, 0) as total_ms,
      c.rows - coalesce(q.rows, 0) as rows, c.blocks - coalesce(q.blocks, 0) as blocks
    from counted as c
    left join airi_private.query_samples as q on q.query_name = c.name and q.calls <= c.calls
  ), seen as (
    insert into airi_private.query_samples as q (query_name, calls, total_ms, rows, blocks, sampled_at)
    select c.name, c.calls, c.total_ms, c.rows, c.blocks, p_now from counted as c
    on conflict (query_name) do update set calls = excluded.calls, total_ms = excluded.total_ms, rows = excluded.rows,
      blocks = excluded.blocks, sampled_at = excluded.sampled_at
    where q.calls <> excluded.calls
  )
  insert into public.query_performance_logs (query_name, execution_time_ms, rows_returned, metadata, created_at)
  select s.name, round((s.total_ms / s.calls)::numeric), s.rows / s.calls,
    jsonb_build_object('calls', s.calls, 'mean_ms', round((s.total_ms / s.calls)::numeric, 3),
      'blocks_a_call', s.blocks / s.calls), p_now
  from since as s where s.calls > 0;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- The documented function for whoever measures by themselves, where a deployment has none.
do $log$
begin
  if exists (
    select from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = 'log_query_performance'
  ) then
    return;
  end if;
  create function public.log_query_performance(p_query_name text, p_execution_time_ms int, p_rows_returned int)
  returns void
  language sql set search_path = '' as $f$
    insert into public.query_performance_logs (query_name, execution_time_ms, rows_returned, user_id)
    values (left(p_query_name, 255), p_execution_time_ms, p_rows_returned, auth.uid())
  $f$;
  revoke all on function public.log_query_performance(text, int, int) from public, anon, authenticated;
  grant execute on function public.log_query_performance(text, int, int) to service_role;
  insert into rollback_keep.statements (migration, statement)
  values ('029', 'drop function public.log_query_performance(text, int, int)');
end
$log$;

revoke all on airi_private.table_sizes, airi_private.index_use, airi_private.cache_hits, airi_private.job_health,
  airi_private.sync_lag, airi_private.query_times from public, anon, authenticated;
grant select on airi_private.table_sizes, airi_private.index_use, airi_private.cache_hits, airi_private.job_health,
  airi_private.sync_lag, airi_private.query_times to service_role;
revoke all on function airi_private.slow_queries(int), airi_private.statements_schema(), airi_private.statements(),
  airi_private.counted_statements(),
  airi_private.sample_queries(timestamptz) from public, anon, authenticated;
grant execute on function airi_private.slow_queries(int), airi_private.statements_schema(), airi_private.statements(),
  airi_private.counted_statements() to service_role;

insert into airi_private.jobs (name, about, schedule, does) values
  ('sample_queries', 'Notes what our functions took', '2 * * * *', 'sample_queries')
on conflict (name) do update set about = excluded.about, does = excluded.does;
select airi_private.schedule_jobs();

-- ---------------------------------------------------------------------------------------------------------- autovacuum
-- By the default a table of ten million rows is vacuumed after two million changes; here after a hundredth, and those that are
-- rewritten all the time after a few rows. What a table had before is noted. This lock keeps no writer waiting.
do $autovacuum$
declare
  wanted record;
  v_former text;
begin
  for wanted in
    select t.name, t.settings from (values
      ('chat_messages', 'autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.01'),
      ('usage_logs', 'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02'),
      ('conversations', 'autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02'),
      ('sync_heads', 'autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200'),
      ('chat_sessions', 'autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200'),
      ('cache_entries', 'autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200')
    ) as t (name, settings)
    join pg_catalog.pg_class as c on c.oid = to_regclass('public.' || t.name) and c.relkind = 'r'
  loop
    select string_agg(o.option, ', ') into v_former
    from pg_catalog.pg_class as c, unnest(c.reloptions) as o (option)
    where c.oid = to_regclass('public.' || wanted.name) and o.option like 'autovacuum%';
    if v_former is null then
      insert into rollback_keep.statements (migration, statement) values ('029', format('alter table public.%I reset (%s)',
        wanted.name, regexp_replace(wanted.settings, ' = [0-9.]+', '', 'g')));
      execute format('alter table public.%I set (%s)', wanted.name, wanted.settings);
    end if;
    -- Whoever has set some knows why.
  end loop;
end
$autovacuum$;
