-- What an operator watches shows what is there, and is the server's.
begin;
\ir fixtures/people.sql
select no_plan();

-- -------------------------------------------------------------------------------------------------------- query times
select pg_temp.act_as(pg_temp.a());
select count(*) from public.search_messages('nothing like it');
select pg_temp.act_as_server();
-- Is counted only where it is loaded into the server, which the tests' own one does.
select isnt(airi_private.statements_schema(), null::text, 'pg_stat_statements is there');
select airi_private.sample_queries(now());
delete from public.query_performance_logs;
select is(airi_private.sample_queries(now()), 0::bigint, 'nothing was called since');
select is_empty('select from public.query_performance_logs', 'and nothing is noted');
update airi_private.query_samples set calls = calls - 2, total_ms = total_ms - 3000, rows = rows - 8, blocks = blocks - 20
where query_name = 'search_messages';
select is(airi_private.sample_queries(now()), 1::bigint, 'a function that was called is noted');
select results_eq($$ select query_name::text, execution_time_ms, rows_returned, metadata from public.query_performance_logs $$,
  $$ values ('search_messages', 1500, 4, '{"calls": 2, "mean_ms": 1500.000, "blocks_a_call": 10}'::jsonb) $$,
  'with its calls, their mean time, rows and blocks');
update airi_private.query_samples set calls = calls + 1000000 where query_name = 'search_messages';
select is(airi_private.sample_queries(now()), 1::bigint, 'counters that began anew are counted from there');
select cmp_ok((select min((metadata ->> 'calls')::bigint) from public.query_performance_logs), '>', 0::bigint, 'never below nothing');
select results_eq($$ select samples, worst_ms from airi_private.query_times where query_name = 'search_messages' $$,
  $$ values (2::bigint, 1500) $$, 'by day and function');
select isnt_empty($$ select from airi_private.slow_queries(5) where calls > 0 $$, 'the slowest statements');
select lives_ok($$ select public.log_query_performance('by hand', 7, 1) $$, 'by the documented function');
select is((select worst_ms from airi_private.query_times where query_name = 'by hand'), 7, 'is seen as well');

-- --------------------------------------------------------------------------------------------------------------- views
analyze public.chat_messages;
select is((select rows_estimated from airi_private.table_sizes where table_name = 'public.chat_messages'),
  (select count(*) from public.chat_messages), 'rows of each table');
select is_empty($$ select from airi_private.table_sizes where total_bytes < table_bytes + index_bytes $$, 'and its parts are not more than all');
select set_has('select table_name from airi_private.table_sizes', $$ values ('public.sync_heads'), ('airi_private.job_runs') $$, 'of ours');
select is((select keeps_unique from airi_private.index_use where index_name = 'idx_tombstones_row'), true, 'an index that keeps something unique');
select is((select unused from airi_private.index_use where index_name = 'idx_tombstones_row'), false, 'is never unused');
select is_empty($$ select index_name from airi_private.index_use where not valid $$, 'every index is whole');
select isnt((select table_ratio from airi_private.cache_hits where table_name = 'the database'), null::numeric, 'hits in the cache');

delete from airi_private.job_runs;
insert into airi_private.job_runs (job, moment, started_at, finished_at, status, error) values
  ('prune_logs', now(), now() - interval '2 days', now() - interval '2 days', 'done', null),
  ('prune_logs', now(), now() - interval '1 day', now() - interval '1 day', 'failed', 'why');
select results_eq($$ select status, error, last_done_at, failed_in_a_week from airi_private.job_health where name = 'prune_logs' $$,
  $$ values ('failed', 'why', now() - interval '2 days', 1::bigint) $$, 'how a job stands');
select set_eq('select name from airi_private.job_health', 'select name from airi_private.jobs where does is not null', 'each of them');
insert into public.sync_devices (user_id, id, last_sync_at) values (pg_temp.a(), pg_temp.id('a', 'device'), now() - interval '1 hour'),
  (pg_temp.b(), pg_temp.id('b', 'device'), now() + interval '1 hour');
select results_eq('select user_id, behind from airi_private.sync_lag order by user_id',
  $$ values (pg_temp.a(), interval '1 hour'), (pg_temp.b(), interval '0') $$, 'how far devices are behind');

-- --------------------------------------------------------------------------------------------------- autovacuum, access
select is_empty($$ select t from unnest(array['chat_messages', 'conversations', 'usage_logs', 'sync_heads']) as t
  where exists (
    select from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid
    where ('public.' || t)::regclass in (c.oid, i.inhparent) and c.relkind = 'r'
      and not coalesce(c.reloptions::text like '%autovacuum%', false)) $$,
  'large tables are vacuumed in time');
set local role service_role;
select lives_ok(format('select count(*) from airi_private.%I', relname), 'the server reads ' || relname)
from pg_class where relnamespace = 'airi_private'::regnamespace and relkind = 'v' and relname !~ '^sync_rows_';
reset role;
select pg_temp.act_as(pg_temp.a());
select throws_ok('select airi_private.slow_queries()', '42501', null, 'no user does');

select * from finish();
rollback;
