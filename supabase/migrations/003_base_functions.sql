-- The documented triggers and functions over the tables of 001, and the rows of system_settings. All functions run with
-- their caller's rights under RLS, except the two triggers that must write what the caller may not (counters, a new
-- account's profile); those live where the API does not look.

create schema if not exists airi_private;
revoke all on schema airi_private from public, anon, authenticated;
grant usage on schema airi_private to authenticated, service_role;

-- --------------------------------------------------------------------------------------------------------- triggers
create function airi_private.set_updated_at() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end
$$;

do $triggers$
declare
  name text;
begin
  foreach name in array array[
    'user_profiles', 'conversations', 'usage_daily_aggregates', 'system_settings', 'provider_health'
  ] loop
    execute format('create trigger set_updated_at before update on public.%I
      for each row execute function airi_private.set_updated_at()', name);
  end loop;
end
$triggers$;

-- The documented counters, as deployments have them: upwards only. 006 puts ones in their place that also go down.
create function airi_private.count_new_message() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.conversations
  set message_count = message_count + 1,
    total_tokens_used = total_tokens_used + coalesce(new.total_tokens, 0),
    last_message_at = greatest(last_message_at, new.created_at)
  where id = new.conversation_id;
  if new.role = 'user' then
    update public.user_profiles
    set daily_message_count = case
        when last_message_reset_at < date_trunc('day', now(), 'UTC') then 1 else daily_message_count + 1 end,
      last_message_reset_at = greatest(last_message_reset_at, date_trunc('day', now(), 'UTC')),
      total_message_count = total_message_count + 1
    where id = new.user_id;
  end if;
  return null;
end
$$;
create trigger count_new_message after insert on public.chat_messages
  for each row execute function airi_private.count_new_message();

-- Every other table points to the profile, so an account without one could write nothing.
create function airi_private.create_profile() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.user_profiles (id) values (new.id) on conflict do nothing;
  return null;
end
$$;
create trigger airi_create_profile after insert on auth.users
  for each row execute function airi_private.create_profile();
insert into public.user_profiles (id) select id from auth.users on conflict do nothing;

revoke all on all functions in schema airi_private from public, anon, authenticated;

-- ------------------------------------------------------------------------------------------- what clients may call
-- Starred first, then by last activity, with a preview of the last message.
create function public.get_conversations_with_last_message(
  p_user_id uuid default auth.uid(), p_limit int default 20, p_offset int default 0
) returns table (
  id uuid, title varchar, model_id varchar, provider_id varchar, is_starred boolean, is_archived boolean,
  message_count int, last_message_at timestamptz, last_message text, last_message_role varchar
)
language plpgsql stable set search_path = '' as $$
begin
  if p_user_id is distinct from (select auth.uid()) then
    raise exception 'p_user_id must be the caller' using errcode = '42501';
  end if;
  return query
  select c.id, c.title, c.model_id, c.provider_id, c.is_starred, c.is_archived, c.message_count, c.last_message_at,
    left(m.content, 200), m.role
  from public.conversations as c
  left join lateral (
    select cm.content, cm.role from public.chat_messages as cm
    where cm.conversation_id = c.id and cm.deleted_at is null
    order by cm.created_at desc, cm.id desc limit 1
  ) as m on true
  where c.user_id = p_user_id and not c.is_archived
  order by c.is_starred desc, c.last_message_at desc, c.id
  limit least(greatest(p_limit, 0), 1000) offset greatest(p_offset, 0);
end
$$;

-- Newest first; the cursor is the (created_at, id) of the last message seen.
create function public.get_conversation_messages(
  p_conversation_id uuid, p_limit int default 50, p_before timestamptz default null, p_before_id uuid default null
) returns table (
  id uuid, role varchar, content text, content_type varchar, model_id varchar, total_tokens int, rating int,
  metadata jsonb, created_at timestamptz
)
language sql stable set search_path = '' as $$
  select m.id, m.role, m.content, m.content_type, m.model_id, m.total_tokens, m.rating, m.metadata, m.created_at
  from public.chat_messages as m
  where m.conversation_id = p_conversation_id and m.user_id = (select auth.uid()) and m.deleted_at is null
    and (p_before is null or (m.created_at, m.id) <
      (p_before, coalesce(p_before_id, '00000000-0000-0000-0000-000000000000')))
  order by m.created_at desc, m.id desc
  limit least(greatest(p_limit, 0), 1000)
$$;

-- Correct, but not yet fast on long histories: RLS keeps the planner from the full-text index.
create function public.search_messages(p_query text, p_limit int default 20, p_offset int default 0)
returns table (
  id uuid, conversation_id uuid, conversation_title varchar, role varchar, content text, created_at timestamptz,
  rank real
)
language sql stable set search_path = '' as $$
  select m.id, m.conversation_id, c.title, m.role, left(m.content, 500), m.created_at,
    ts_rank(to_tsvector('pg_catalog.english', left(m.content, 100000)), q) as rank
  from public.chat_messages as m
  join public.conversations as c on c.id = m.conversation_id,
    websearch_to_tsquery('pg_catalog.english', p_query) as q
  where m.user_id = (select auth.uid()) and m.deleted_at is null
    and to_tsvector('pg_catalog.english', left(m.content, 100000)) @@ q
  order by 7 desc, m.created_at desc, m.id
  limit least(greatest(p_limit, 0), 1000) offset greatest(p_offset, 0)
$$;

create function public.get_conversation_summary(p_conversation_id uuid)
returns table (
  id uuid, title varchar, summary text, message_count bigint, total_tokens bigint, first_message_at timestamptz,
  last_message_at timestamptz
)
language sql stable set search_path = '' as $$
  select c.id, c.title, c.summary, count(m.id), coalesce(sum(m.total_tokens), 0), min(m.created_at), max(m.created_at)
  from public.conversations as c
  left join public.chat_messages as m on m.conversation_id = c.id and m.deleted_at is null
  where c.id = p_conversation_id and c.user_id = (select auth.uid())
  group by c.id
$$;

-- The caller's own conversations without activity for so many days. The scheduled variant comes with the jobs.
create function public.archive_old_conversations(p_days int default 30) returns int
language plpgsql set search_path = '' as $$
declare
  v_count int;
begin
  update public.conversations set is_archived = true
  where user_id = (select auth.uid()) and not is_archived
    and last_message_at < now() - make_interval(days => greatest(p_days, 1));
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- -------------------------------------------------------------------------------------------- the server's own
create function public.refresh_recent_conversations() returns void
language plpgsql set search_path = '' as $$
begin
  refresh materialized view concurrently public.recent_conversations;
end
$$;

create function public.cleanup_inactive_sessions() returns int
language plpgsql set search_path = '' as $$
declare
  v_count int;
begin
  delete from public.chat_sessions where last_activity_at < now() - interval '30 minutes';
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

create function public.cleanup_expired_cache() returns int
language plpgsql set search_path = '' as $$
declare
  v_count int;
begin
  delete from public.cache_entries where expires_at <= now();
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

create function public.log_query_performance(p_query_name text, p_execution_time_ms int, p_rows_returned int)
returns void
language sql set search_path = '' as $$
  insert into public.query_performance_logs (query_name, execution_time_ms, rows_returned, user_id)
  values (left(p_query_name, 255), p_execution_time_ms, p_rows_returned, auth.uid())
$$;

revoke all on function
  public.get_conversations_with_last_message, public.get_conversation_messages, public.search_messages,
  public.get_conversation_summary, public.archive_old_conversations, public.refresh_recent_conversations,
  public.cleanup_inactive_sessions, public.cleanup_expired_cache, public.log_query_performance
  from public, anon, authenticated;
grant execute on function
  public.get_conversations_with_last_message, public.get_conversation_messages, public.search_messages,
  public.get_conversation_summary, public.archive_old_conversations
  to authenticated, service_role;
grant execute on function
  public.refresh_recent_conversations, public.cleanup_inactive_sessions, public.cleanup_expired_cache,
  public.log_query_performance
  to service_role;

-- -------------------------------------------------------------------------------------------------------- settings
insert into public.system_settings (key, value, description, category, is_public) values
  ('rate_limits', '{
    "messages_per_day": {"free": 50, "plus": 500, "pro": 2000, "enterprise": -1},
    "requests_per_hour": {"free": 60, "plus": 600, "pro": 3000, "enterprise": -1}
  }', 'Messages per day and requests per hour by tier; -1 is unlimited', 'limits', true),
  ('subscription_tiers', '["free", "plus", "pro", "enterprise"]', 'The tiers, lowest first', 'billing', true),
  ('maintenance_mode', '{"enabled": false}', 'Clients pause their sync while it is on', 'operations', true),
  ('moderation_thresholds', '{"flag": 0.5, "block": 0.9}', 'Scores that flag and block', 'moderation', false)
on conflict (key) do nothing;
