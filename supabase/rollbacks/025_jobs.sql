-- Drops the jobs and puts back what they replaced. What they did to rows stays: an archived conversation, a day's usage and
-- a soft-deleted message are the user's rows. Partitions stay, since rows live in them.
select airi_private.unschedule_jobs();
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '025' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '025';
end
$restore$;
drop function if exists
  airi_private.prune_logs(timestamptz), airi_private.make_partitions(timestamptz),
  airi_private.delete_old_messages(uuid, timestamptz), airi_private.users_with_retention(timestamptz),
  airi_private.retention_days(jsonb), airi_private.users_to_archive(timestamptz),
  airi_private.archive_inactive(uuid, timestamptz), airi_private.users_to_aggregate(timestamptz),
  airi_private.aggregate_recent(uuid, timestamptz), airi_private.aggregate_usage(uuid, date, date, date),
  airi_private.clean_cache(timestamptz), airi_private.clean_sessions(timestamptz),
  airi_private.refresh_views(timestamptz), airi_private.housekeeping_days(text, int);
