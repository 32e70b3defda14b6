-- Takes the tables of 001 out of the API's sight without losing a row: they move, with indexes and constraints, to the
-- schema rollback_keep, from where 001 takes them back. The view is derived and simply goes.
create schema if not exists rollback_keep;
revoke all on schema rollback_keep from public, anon, authenticated;

drop materialized view if exists public.recent_conversations;

do $keep$
declare
  kept record;
begin
  for kept in
    select tablename from pg_catalog.pg_tables
    where schemaname = 'public' and (tablename like 'chat\_messages\_y%' or tablename in (
      'user_profiles', 'conversations', 'chat_messages', 'message_attachments', 'chat_sessions',
      'chat_messages_partitioned', 'usage_logs', 'usage_daily_aggregates', 'subscription_history', 'payment_history',
      'moderation_logs', 'user_violations', 'system_settings', 'provider_health', 'cache_entries',
      'query_performance_logs'
    ))
  loop
    execute format('alter table public.%I set schema rollback_keep', kept.tablename);
  end loop;
end
$keep$;
