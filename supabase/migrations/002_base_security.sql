-- Who may do what with the tables of 001. Supabase grants everything in `public` to the API roles by default; here all
-- of that is taken back and given by name, and every table has row level security with one policy per verb. `(select
-- auth.uid())` instead of `auth.uid()`: the planner then calls it once per statement, not once per row. 007 says the
-- same once more for databases that skip this file, and adds the columns that 004 brings.

-- Rows that belong to a user: which verbs the owner has. A table that is missing here is closed, see below.
do $owned$
declare
  rule record;
  verb text;
begin
  for rule in
    select * from (values
      ('user_profiles', 'id', array['select', 'insert', 'update']),
      ('conversations', 'user_id', array['select', 'insert', 'update', 'delete']),
      ('chat_messages', 'user_id', array['select', 'insert', 'update', 'delete']),
      ('chat_sessions', 'user_id', array['select', 'insert', 'update', 'delete']),
      ('usage_logs', 'user_id', array['select']),
      ('usage_daily_aggregates', 'user_id', array['select']),
      ('subscription_history', 'user_id', array['select']),
      ('payment_history', 'user_id', array['select']),
      ('user_violations', 'user_id', array['select'])
    ) as r (table_name, owner_column, verbs)
  loop
    foreach verb in array rule.verbs loop
      execute format(
        'create policy %I on public.%I for %s to authenticated %s %s',
        'own_' || verb, rule.table_name, verb,
        case when verb <> 'insert' then format('using ((select auth.uid()) = %I)', rule.owner_column) end,
        case when verb in ('insert', 'update') then
          format('with check ((select auth.uid()) = %I)', rule.owner_column) end
      );
    end loop;
  end loop;
end
$owned$;

-- An attachment belongs to whom its message belongs to (004 gives it an owner of its own).
create policy own_select on public.message_attachments for select to authenticated
  using (exists (
    select from public.chat_messages as m where m.id = message_id and m.user_id = (select auth.uid())
  ));
create policy own_insert on public.message_attachments for insert to authenticated
  with check (exists (
    select from public.chat_messages as m where m.id = message_id and m.user_id = (select auth.uid())
  ));
create policy own_update on public.message_attachments for update to authenticated
  using (exists (
    select from public.chat_messages as m where m.id = message_id and m.user_id = (select auth.uid())
  ))
  with check (exists (
    select from public.chat_messages as m where m.id = message_id and m.user_id = (select auth.uid())
  ));
create policy own_delete on public.message_attachments for delete to authenticated
  using (exists (
    select from public.chat_messages as m where m.id = message_id and m.user_id = (select auth.uid())
  ));

-- The two that everyone may read.
create policy public_select on public.system_settings for select to anon, authenticated using (is_public);
create policy public_select on public.provider_health for select to anon, authenticated using (true);

-- Closed on purpose: the server's own. A policy that says no tells a decision from an omission.
create policy closed on public.moderation_logs for all to anon, authenticated using (false) with check (false);
create policy closed on public.cache_entries for all to anon, authenticated using (false) with check (false);
create policy closed on public.query_performance_logs for all to anon, authenticated using (false) with check (false);
create policy closed on public.chat_messages_partitioned for all to anon, authenticated
  using (false) with check (false);
create policy closed on public.chat_messages_ydefault for all to anon, authenticated using (false) with check (false);

do $close$
declare
  name text;
begin
  foreach name in array array[
    'user_profiles', 'conversations', 'chat_messages', 'message_attachments', 'chat_sessions',
    'chat_messages_partitioned', 'chat_messages_ydefault', 'usage_logs', 'usage_daily_aggregates',
    'subscription_history', 'payment_history', 'moderation_logs', 'user_violations', 'system_settings',
    'provider_health', 'cache_entries', 'query_performance_logs'
  ] loop
    execute format('alter table public.%I enable row level security', name);
    execute format('revoke all on public.%I from public, anon, authenticated', name);
    execute format('grant all on public.%I to service_role', name);
  end loop;
end
$close$;
revoke all on public.recent_conversations from public, anon, authenticated;
grant select on public.recent_conversations to service_role;

grant select on public.system_settings, public.provider_health to anon, authenticated;
grant select on public.user_profiles, public.conversations, public.chat_messages, public.message_attachments,
  public.chat_sessions, public.usage_logs, public.usage_daily_aggregates, public.subscription_history,
  public.payment_history, public.user_violations to authenticated;
grant insert, delete on public.conversations, public.chat_messages, public.message_attachments to authenticated;
grant insert, update, delete on public.chat_sessions to authenticated;
-- By column where a row has parts that are not the user's to write: tier, billing, counters; a message's content.
grant insert (id, username, display_name, avatar_url, bio, preferences) on public.user_profiles to authenticated;
grant update (username, display_name, avatar_url, bio, preferences) on public.user_profiles to authenticated;
grant update (id, user_id, title, summary, model_id, provider_id, avatar_id, voice_id, personality_template,
  system_prompt, temperature, max_tokens, settings, tags, is_archived, is_starred, last_message_at, created_at,
  updated_at) on public.conversations to authenticated;
grant update (rating, feedback, deleted_at, metadata) on public.chat_messages to authenticated;
grant update (storage_path, metadata) on public.message_attachments to authenticated;
