-- Drops views and functions and takes the settings of autovacuum back; how far was counted is kept in rollback_keep.
delete from airi_private.jobs where name = 'sample_queries';
select airi_private.schedule_jobs();
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '029' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '029';
end
$restore$;
drop view if exists airi_private.table_sizes, airi_private.index_use, airi_private.cache_hits, airi_private.job_health,
  airi_private.sync_lag, airi_private.query_times;
drop function if exists
  airi_private.sample_queries(timestamptz), airi_private.slow_queries(int), airi_private.statements(),
  airi_private.counted_statements(), airi_private.statements_schema();
alter table airi_private.query_samples set schema rollback_keep;
