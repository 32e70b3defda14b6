-- Housekeeping: what the jobs of 024 do, and when.
-- A job is a function of the moment that it takes for now, so that tests move the clock; it does nothing the second time.
-- One over users takes one user at a time, whose head it takes first (airi_private.lock_user), and its caller commits in
-- between. Days and hours are of UTC.

-- ------------------------------------------------------------------------------------------------------------- settings
-- A number of days from the row `housekeeping` of system_settings, which need not be there; below 1 means never.
create or replace function airi_private.housekeeping_days(p_key text, p_default int) returns int
language plpgsql stable set search_path = '' as $$
declare
  v_value jsonb;
begin
  if to_regclass('public.system_settings') is not null then
    select s.value -> p_key into v_value from public.system_settings as s where s.key = 'housekeeping';
  end if;
  if jsonb_typeof(v_value) = 'number' and v_value::numeric between -1 and 36500 then
    return nullif(greatest(v_value::numeric::int, 0), 0);
  end if;
  return p_default;
end
$$;

-- --------------------------------------------------------------------------------------------------------------- views
-- A definer, because only its owner may refresh a view, and the server's role owns none.
create or replace function airi_private.refresh_views(p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  v_populated boolean;
begin
  select c.relispopulated into v_populated from pg_catalog.pg_class as c
  where c.oid = to_regclass('public.recent_conversations') and c.relkind = 'm';
  -- A view knows no moment but the present one.
  if not found or p_now is null then
    return 0;
  end if;
  if v_populated then
    refresh materialized view concurrently public.recent_conversations;
  else
    refresh materialized view public.recent_conversations;
  end if;
  return 1;
end
$$;

-- Refreshing beside readers needs a unique index, which deployments lack.
do $index$
begin
  if exists (
    select from pg_catalog.pg_class where oid = to_regclass('public.recent_conversations') and relkind = 'm'
  ) and not exists (
    select from pg_catalog.pg_index
    where indrelid = to_regclass('public.recent_conversations') and indisunique and indpred is null and indexprs is null
  ) then
    create unique index idx_recent_conversations_id on public.recent_conversations (id);
    insert into rollback_keep.statements (migration, statement)
    values ('025', 'drop index public.idx_recent_conversations_id');
  end if;
end
$index$;

do $refresh$
begin
  if to_regprocedure('public.refresh_recent_conversations()') is null then
    insert into rollback_keep.statements (migration, statement)
    values ('025', 'drop function public.refresh_recent_conversations()');
  elsif exists (
    select from pg_catalog.pg_proc
    where oid = to_regprocedure('public.refresh_recent_conversations()') and prorettype = 'void'::regtype
  ) then
    insert into rollback_keep.statements (migration, statement) values
      ('025', pg_catalog.pg_get_functiondef('public.refresh_recent_conversations()'::regprocedure));
  else
    return;
  end if;
  create or replace function public.refresh_recent_conversations() returns void
  language sql set search_path = '' as $f$
    select airi_private.refresh_views(now())
  $f$;
  revoke all on function public.refresh_recent_conversations() from public, anon, authenticated;
  grant execute on function public.refresh_recent_conversations() to service_role;
end
$refresh$;

-- ----------------------------------------------------------------------------------------------------- sessions, cache
create or replace function airi_private.clean_sessions(p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_count bigint;
begin
  delete from public.chat_sessions as s where s.last_activity_at < p_now - interval '30 minutes';
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

create or replace function airi_private.clean_cache(p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_count bigint;
begin
  delete from public.cache_entries as c where c.expires_at <= p_now;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- --------------------------------------------------------------------------------------------------------------- usage
-- One user's days, from the messages that were made on them and the calls as they were logged. What is gone from view since
-- was used all the same. Costs are what was logged: prices are no matter of SQL. A call without a provider or model counts
-- under `unknown`. Days before p_recount that are there already stay as they are: they were settled, perhaps by others.
create or replace function airi_private.aggregate_usage(p_user_id uuid, p_from date, p_to date, p_recount date)
returns bigint
language plpgsql set search_path = '' as $$
declare
  v_count bigint;
begin
  perform airi_private.lock_user(p_user_id);
  with said as (
    select (m.created_at at time zone 'UTC')::date as day, count(*) as messages,
      count(distinct m.conversation_id) as conversations,
      count(*) filter (where m.function_call is not null or cardinality(m.tool_calls) > 0) as function_calls
    from public.chat_messages as m
    where m.user_id = p_user_id and m.created_at >= p_from::timestamp at time zone 'UTC'
      and m.created_at < (p_to + 1)::timestamp at time zone 'UTC'
    group by 1
  ), calls as (
    select (u.created_at at time zone 'UTC')::date as day, coalesce(nullif(u.provider_id, ''), 'unknown') as provider,
      coalesce(nullif(u.model_id, ''), 'unknown') as model, u.prompt_tokens as prompt, u.completion_tokens as completion,
      u.total_tokens as total, u.estimated_cost as cost
    from public.usage_logs as u
    where u.user_id = p_user_id and u.created_at >= p_from::timestamp at time zone 'UTC'
      and u.created_at < (p_to + 1)::timestamp at time zone 'UTC'
  ), called as (
    select c.day, sum(c.prompt) as prompt, sum(c.completion) as completion, sum(c.total) as total, sum(c.cost) as cost
    from calls as c group by c.day
  ), parts as (
    select c.day, grouping(c.model) = 0 as by_model, coalesce(c.provider, c.model) as name, jsonb_build_object(
      'calls', count(*), 'prompt_tokens', sum(c.prompt), 'completion_tokens', sum(c.completion),
      'total_tokens', sum(c.total), 'estimated_cost', sum(c.cost)) as part
    from calls as c group by grouping sets ((c.day, c.provider), (c.day, c.model))
  ), days as (
    select coalesce(said.day, called.day) as day, coalesce(said.messages, 0) as messages,
      coalesce(said.conversations, 0) as conversations, coalesce(said.function_calls, 0) as function_calls,
      coalesce(called.prompt, 0) as prompt, coalesce(called.completion, 0) as completion,
      coalesce(called.total, 0) as total, round(coalesce(called.cost, 0), 4) as cost
    from said full join called on called.day = said.day
  )
  insert into public.usage_daily_aggregates as a (user_id, date, message_count, conversation_count, function_calls,
    total_prompt_tokens, total_completion_tokens, total_tokens, total_estimated_cost, provider_usage, model_usage)
  select p_user_id, d.day, d.messages, d.conversations, d.function_calls, d.prompt, d.completion, d.total, d.cost,
    coalesce((select jsonb_object_agg(p.name, p.part) from parts as p where p.day = d.day and not p.by_model), '{}'),
    coalesce((select jsonb_object_agg(p.name, p.part) from parts as p where p.day = d.day and p.by_model), '{}')
  from days as d
  where exists (select from public.user_profiles as p where p.id = p_user_id)
  on conflict (user_id, date) do update set
    message_count = excluded.message_count, conversation_count = excluded.conversation_count,
    function_calls = excluded.function_calls, total_prompt_tokens = excluded.total_prompt_tokens,
    total_completion_tokens = excluded.total_completion_tokens, total_tokens = excluded.total_tokens,
    total_estimated_cost = excluded.total_estimated_cost, provider_usage = excluded.provider_usage,
    model_usage = excluded.model_usage
  where a.date >= p_recount and (a.message_count, a.conversation_count, a.function_calls, a.total_prompt_tokens,
    a.total_completion_tokens, a.total_tokens, a.total_estimated_cost, a.provider_usage, a.model_usage)
    is distinct from (excluded.message_count, excluded.conversation_count, excluded.function_calls,
    excluded.total_prompt_tokens, excluded.total_completion_tokens, excluded.total_tokens,
    excluded.total_estimated_cost, excluded.provider_usage, excluded.model_usage);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- The job: 90 days back, so that days without a run are made up for; the last three are counted anew, for calls that were
-- logged late. Today is not over and waits.
create or replace function airi_private.aggregate_recent(p_user_id uuid, p_now timestamptz) returns bigint
language sql set search_path = '' as $$
  select airi_private.aggregate_usage(p_user_id, t.today - 90, t.today - 1, t.today - 3)
  from (select (p_now at time zone 'UTC')::date as today) as t
$$;

-- Whoever had a change of any kind since the last run that did all, or has never had one that is known.
create or replace function airi_private.users_to_aggregate(p_now timestamptz) returns setof uuid
language sql stable set search_path = '' as $$
  select p.id from public.user_profiles as p
  left join public.sync_heads as h on h.user_id = p.id
  where h.moved_at is null
    or h.moved_at >= coalesce(airi_private.last_whole_run('update_daily_usage_aggregate', p_now), '-infinity') - interval '4 days'
  order by p.id
$$;

-- ------------------------------------------------------------------------------------------------------------- archive
-- Counted from arrival or the last touch, whichever is later: updated_at is set by every change of the row, by every message
-- that comes or goes, and by taking the conversation out of the archive, so that one stays out as long again. An imported
-- history is as young as its import. Starred ones are spared.
create or replace function airi_private.archive_inactive(p_user_id uuid, p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_before timestamptz := p_now - make_interval(days => airi_private.housekeeping_days('archive_after_days', 30));
  v_count bigint;
begin
  perform airi_private.lock_user(p_user_id);
  update public.conversations set is_archived = true
  where user_id = p_user_id and not is_archived and not is_starred and deleted_at is null
    and last_message_at < v_before and updated_at < v_before;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

create or replace function airi_private.users_to_archive(p_now timestamptz) returns setof uuid
language sql stable set search_path = '' as $$
  select distinct c.user_id from public.conversations as c,
    (select p_now - make_interval(days => airi_private.housekeeping_days('archive_after_days', 30)) as before) as limits
  where not c.is_archived and not c.is_starred and c.deleted_at is null
    and c.last_message_at < limits.before and c.updated_at < limits.before
  order by 1
$$;

-- What a user calls for themselves: by the same rule. (A deployment's own form has other arguments and stays.)
do $own$
begin
  if to_regprocedure('public.archive_old_conversations(int)') is null then
    return;
  end if;
  insert into rollback_keep.statements (migration, statement) values
    ('025', pg_catalog.pg_get_functiondef('public.archive_old_conversations(int)'::regprocedure));
  create or replace function public.archive_old_conversations(p_days int default 30) returns int
  language plpgsql set search_path = '' as $f$
  declare
    v_before timestamptz := now() - make_interval(days => greatest(p_days, 1));
    v_count int;
  begin
    update public.conversations set is_archived = true
    where user_id = (select auth.uid()) and not is_archived and not is_starred
      and last_message_at < v_before and updated_at < v_before;
    get diagnostics v_count = row_count;
    return v_count;
  end
  $f$;
end
$own$;

-- ----------------------------------------------------------------------------------------------------------- retention
-- After how many days the user wants messages deleted, or null: off, as it is for everyone who has not turned it on. The
-- user writes it into their profile: preferences.retention.delete_messages_after_days, a whole number from 90.
create or replace function airi_private.retention_days(p_preferences jsonb) returns int
language plpgsql immutable set search_path = '' as $$
declare
  v_days jsonb := p_preferences #> '{retention,delete_messages_after_days}';
begin
  if jsonb_typeof(v_days) = 'number' and v_days::numeric between 90 and 36500
    and v_days::numeric = trunc(v_days::numeric)
  then
    return v_days::numeric::int;
  end if;
  return null;
end
$$;

create or replace function airi_private.users_with_retention(p_now timestamptz) returns setof uuid
language sql stable set search_path = '' as $$
  select p.id from public.user_profiles as p
  where p.preferences ? 'retention' and airi_private.retention_days(p.preferences) is not null
  order by p.id
$$;

-- Soft-deletes a user's messages that are older than the user said, in conversations that nobody has touched for as long:
-- what is in use stays whole, an imported history is as young as its import, and what the user brings back stays as long
-- again. Starred conversations are spared. Each says in its metadata what deleted it. Whole conversations, about 5,000
-- messages a call: the first message of one that goes would make the others look touched.
create or replace function airi_private.delete_old_messages(p_user_id uuid, p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_days int;
  v_before timestamptz;
  v_count bigint;
begin
  perform airi_private.lock_user(p_user_id);
  select airi_private.retention_days(p.preferences) into v_days from public.user_profiles as p where p.id = p_user_id;
  if v_days is null then
    return 0;
  end if;
  v_before := p_now - make_interval(days => v_days);
  with untouched as (
    select c.id, count(*) as messages, sum(count(*)) over (order by c.id) as up_to_here
    from public.conversations as c
    join public.chat_messages as m on m.conversation_id = c.id
    where c.user_id = p_user_id and not c.is_starred and c.last_message_at < v_before and c.updated_at < v_before
      and m.deleted_at is null and m.created_at < v_before
    group by c.id
  )
  update public.chat_messages as m set deleted_at = p_now,
    metadata = airi_private.as_object(m.metadata) || jsonb_build_object('retention', jsonb_build_object(
      'deleted_at', airi_private.as_time(p_now), 'after_days', v_days))
  from untouched as u
  where m.conversation_id = u.id and m.user_id = p_user_id and m.deleted_at is null and m.created_at < v_before
    and u.up_to_here - u.messages < 5000;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- The documented names, for the server only. A deployment's cleanup_old_messages deleted for everyone whom it was called for;
-- its signature goes on and now asks first whether that user has turned it on.
do $documented$
declare
  v_found record;
begin
  select p.oid, p.prorettype = 'void'::regtype and p.proargnames = '{p_user_id}' as replaceable into v_found
  from pg_catalog.pg_proc as p
  where p.pronamespace = 'public'::regnamespace and p.proname = 'cleanup_old_messages'
  order by p.oid = to_regprocedure('public.cleanup_old_messages(uuid)') desc nulls last limit 1;
  if not found then
    create function public.cleanup_old_messages(p_user_id uuid) returns void
    language sql set search_path = '' as $f$
      select airi_private.delete_old_messages(p_user_id, now())
    $f$;
    revoke all on function public.cleanup_old_messages(uuid) from public, anon, authenticated;
    grant execute on function public.cleanup_old_messages(uuid) to service_role;
    insert into rollback_keep.statements (migration, statement)
    values ('025', 'drop function public.cleanup_old_messages(uuid)');
  elsif v_found.oid = to_regprocedure('public.cleanup_old_messages(uuid)') and v_found.replaceable then
    insert into rollback_keep.statements (migration, statement)
    values ('025', pg_catalog.pg_get_functiondef(v_found.oid));
    create or replace function public.cleanup_old_messages(p_user_id uuid) returns void
    language sql set search_path = '' as $f$
      select airi_private.delete_old_messages(p_user_id, now())
    $f$;
  end if;
  if not exists (
    select from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace and proname = 'update_daily_usage_aggregate'
  ) then
    create function public.update_daily_usage_aggregate(
      p_user_id uuid, p_date date default ((now() at time zone 'UTC')::date - 1)
    ) returns void
    language sql set search_path = '' as $f$
      select airi_private.aggregate_usage(p_user_id, p_date, p_date, p_date)
    $f$;
    revoke all on function public.update_daily_usage_aggregate(uuid, date) from public, anon, authenticated;
    grant execute on function public.update_daily_usage_aggregate(uuid, date) to service_role;
    insert into rollback_keep.statements (migration, statement)
    values ('025', 'drop function public.update_daily_usage_aggregate(uuid, date)');
  end if;
end
$documented$;

-- ------------------------------------------------------------------------------------------------------ partitions, logs
-- This month's partition and those of the next three, where there is a partitioned table.
create or replace function airi_private.make_partitions(p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_month timestamp := date_trunc('month', p_now at time zone 'UTC');
  v_made bigint := 0;
begin
  if not exists (
    select from pg_catalog.pg_partitioned_table where partrelid = to_regclass('public.chat_messages_partitioned')
  ) then
    return 0;
  end if;
  for i in 0 .. 3 loop
    if to_regclass('public.' || to_char(v_month + make_interval(months => i), '"chat_messages_y"YYYY"m"MM')) is null then
      perform airi_private.make_partition((v_month + make_interval(months => i))::date);
      v_made := v_made + 1;
    end if;
  end loop;
  return v_made;
end
$$;

-- The server's own notes on itself. What is a user's (usage, moderation, billing) is not pruned by anyone.
create or replace function airi_private.prune_logs(p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_count bigint;
  v_all bigint := 0;
begin
  delete from public.query_performance_logs as q
  where q.created_at < p_now - make_interval(days => airi_private.housekeeping_days('query_log_days', 30));
  get diagnostics v_count = row_count;
  v_all := v_all + v_count;
  delete from airi_private.job_runs as r
  where r.started_at < p_now - make_interval(days => airi_private.housekeeping_days('job_run_days', 90));
  get diagnostics v_count = row_count;
  v_all := v_all + v_count;
  if to_regclass('cron.job_run_details') is not null then
    -- pg_cron shows and lets one delete only one's own; where not even that, its own setting must bound it.
    begin
      execute format('delete from %I.job_run_details where end_time < $1', 'cron')
        using p_now - make_interval(days => airi_private.housekeeping_days('job_run_days', 90));
      get diagnostics v_count = row_count;
      v_all := v_all + v_count;
    exception when insufficient_privilege then
      raise log 'notes of pg_cron are left: %', sqlerrm;
    end;
  end if;
  return v_all;
end
$$;

revoke all on function
  airi_private.housekeeping_days(text, int), airi_private.refresh_views(timestamptz),
  airi_private.clean_sessions(timestamptz), airi_private.clean_cache(timestamptz),
  airi_private.aggregate_usage(uuid, date, date, date), airi_private.aggregate_recent(uuid, timestamptz),
  airi_private.users_to_aggregate(timestamptz), airi_private.archive_inactive(uuid, timestamptz),
  airi_private.users_to_archive(timestamptz), airi_private.retention_days(jsonb),
  airi_private.users_with_retention(timestamptz), airi_private.delete_old_messages(uuid, timestamptz),
  airi_private.make_partitions(timestamptz), airi_private.prune_logs(timestamptz)
  from public, anon, authenticated;
-- For the functions of `public` above, which the server calls with its own rights.
grant execute on function
  airi_private.refresh_views(timestamptz), airi_private.aggregate_usage(uuid, date, date, date),
  airi_private.retention_days(jsonb), airi_private.delete_old_messages(uuid, timestamptz)
  to service_role;

-- ------------------------------------------------------------------------------------------------------------- the list
-- What an operator changed (schedule, enabled) stays.
insert into airi_private.jobs (name, about, schedule, does, users, batch, statement) values
  ('refresh_recent_conversations', 'Refreshes the views that are tables', '*/5 * * * *', 'refresh_views', null, null, null),
  ('cleanup_inactive_sessions', 'Removes sessions idle for 30 minutes', '*/30 * * * *', 'clean_sessions', null, null, null),
  ('cleanup_expired_cache', 'Removes expired entries of the cache', '7 * * * *', 'clean_cache', null, null, null),
  ('update_daily_usage_aggregate', 'Counts the days that are over', '17 0 * * *', 'aggregate_recent', 'users_to_aggregate', null, null),
  ('cleanup_old_messages', 'Soft-deletes for users who turned it on', '41 1 * * *', 'delete_old_messages', 'users_with_retention', 5000, null),
  ('archive_old_conversations', 'Archives what lay untouched for 30 days', '11 2 * * 0', 'archive_inactive', 'users_to_archive', null, null),
  ('create_monthly_partition', 'Makes the next months'' partitions', '23 3 1 * *', 'make_partitions', null, null, null),
  ('prune_logs', 'Removes the server''s old notes on itself', '47 3 * * *', 'prune_logs', null, null, null),
  ('vacuum', 'Vacuum and statistics of all tables', '5 4 * * 0', null, null, null, 'vacuum (analyze)'),
  ('reindex_heads', 'Rebuilds the index of the most rewritten table', '35 4 * * 0', null, null, null, 'reindex table concurrently public.sync_heads'),
  ('reindex_sessions', 'Rebuilds indexes of a table that is emptied all the time', '40 4 * * 0', null, null, null, 'reindex table concurrently public.chat_sessions'),
  ('reindex_cache', 'Rebuilds indexes of a table that is emptied all the time', '45 4 * * 0', null, null, null, 'reindex table concurrently public.cache_entries'),
  ('reindex_conversations', 'Rebuilds the indexes of conversations', '50 4 * * 0', null, null, null, 'reindex table concurrently public.conversations')
on conflict (name) do update set
  about = excluded.about, does = excluded.does, users = excluded.users, batch = excluded.batch,
  statement = excluded.statement;
select airi_private.schedule_jobs();
