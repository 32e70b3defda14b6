-- What the documentation of the server says there is, line by line: columns, keys, indexes, rules, triggers, functions, jobs.
-- What each does is in the other files; docs/server.md says which. A deployment of others has what it has.
begin;
\ir fixtures/people.sql
select no_plan();

-- ----------------------------------------------------------------------------------------------------------- columns
-- `?` may be null, `=x` by default. What a table has besides is ours.
create temp table documented as
select split_part(trim(t), ':', 1) as table_name, btrim(c, E' \n') as said,
  substring(btrim(c, E' \n') from '^\S+') as name, substring(btrim(c, E' \n') from '^\S+ ([^ ?]+)') as type, c like '%?%' as nullable,
  substring(btrim(c, E' \n') from '=(\S+)$') as by_default
from regexp_split_to_table($$
  user_profiles: id uuid; username varchar(50)?; display_name varchar(100)?; avatar_url text?; bio text?;
    subscription_tier varchar(20) =free; subscription_status varchar(20) =active; stripe_customer_id varchar(255)?;
    stripe_subscription_id varchar(255)?; trial_ends_at timestamptz?; subscription_ends_at timestamptz?;
    daily_message_count int =0; total_message_count bigint =0; last_message_reset_at timestamptz =now;
    preferences jsonb ={}; metadata jsonb ={}; created_at timestamptz; updated_at timestamptz
  conversations: id uuid; user_id uuid; title varchar(255)?; summary text?; model_id varchar(100); provider_id varchar(50);
    avatar_id varchar(100)?; voice_id varchar(100)?; personality_template varchar(100)?; system_prompt text?;
    temperature numeric(3,2) =0.7; max_tokens int =2048; settings jsonb ={}; tags text[] ={}; is_archived bool =false;
    is_starred bool =false; last_message_at timestamptz =now; message_count int =0; total_tokens_used bigint =0;
    created_at timestamptz; updated_at timestamptz
  chat_messages: id uuid; conversation_id uuid; user_id uuid; role varchar(20); content text;
    content_type varchar(20) =text; attachments jsonb =[]; prompt_tokens int =0; completion_tokens int =0;
    total_tokens int =0; model_id varchar(100)?; provider_id varchar(50)?; response_time_ms int?;
    finish_reason varchar(50)?; flagged_for_moderation bool =false; moderation_results jsonb ={}; function_call jsonb?;
    tool_calls jsonb[]?; rating int?; feedback text?; metadata jsonb ={}; created_at timestamptz; edited_at timestamptz?;
    deleted_at timestamptz?
  message_attachments: id uuid; message_id uuid; file_name varchar(255); file_type varchar(100)?; file_size bigint?;
    storage_path text; mime_type varchar(100)?; width int?; height int?; duration_seconds int?; metadata jsonb ={};
    created_at timestamptz
  usage_logs: id uuid; user_id uuid; endpoint varchar(255); method varchar(10); status_code int; prompt_tokens int =0;
    completion_tokens int =0; total_tokens int =0; provider_id varchar(50)?; model_id varchar(100)?;
    estimated_cost numeric(10,6) =0; response_time_ms int?; queue_time_ms int?; processing_time_ms int?;
    request_headers jsonb?; request_body jsonb?; response_headers jsonb?; response_size_bytes int?; error_message text?;
    error_code varchar(50)?; error_details jsonb?; ip_address inet?; user_agent text?; metadata jsonb ={};
    created_at timestamptz
  usage_daily_aggregates: id uuid; user_id uuid; date date; message_count int =0; conversation_count int =0;
    total_prompt_tokens bigint =0; total_completion_tokens bigint =0; total_tokens bigint =0;
    total_estimated_cost numeric(10,4) =0; provider_usage jsonb ={}; model_usage jsonb ={}; voice_minutes_used int =0;
    image_generations int =0; function_calls int =0; created_at timestamptz; updated_at timestamptz
  subscription_history: id uuid; user_id uuid; stripe_subscription_id varchar(255)?; stripe_invoice_id varchar(255)?;
    tier varchar(20); status varchar(20); amount numeric(10,2)?; currency varchar(3) =USD; period_start timestamptz;
    period_end timestamptz; metadata jsonb ={}; created_at timestamptz
  payment_history: id uuid; user_id uuid; stripe_payment_intent_id varchar(255)?; stripe_invoice_id varchar(255)?;
    amount numeric(10,2); currency varchar(3) =USD; status varchar(20); description text?; metadata jsonb ={};
    created_at timestamptz
  moderation_logs: id uuid; user_id uuid; message_id uuid?; content text; flagged bool =false; categories jsonb ={};
    scores jsonb ={}; action_taken varchar(50)?; reviewed_by uuid?; reviewed_at timestamptz?; notes text?;
    created_at timestamptz
  user_violations: id uuid; user_id uuid; violation_type varchar(50); severity varchar(20); description text?;
    action_taken varchar(50)?; expires_at timestamptz?; metadata jsonb ={}; created_at timestamptz
  system_settings: key varchar(255); value jsonb; description text?; category varchar(50)?; is_public bool =false;
    created_at timestamptz; updated_at timestamptz
  provider_health: id varchar(50); name varchar(100); status varchar(20) =healthy; last_check_at timestamptz;
    success_rate numeric(5,2)?; average_response_time_ms int?; error_count int =0; metadata jsonb ={};
    updated_at timestamptz
  chat_sessions: id uuid; user_id uuid; conversation_id uuid?; status varchar(20) =active; last_activity_at timestamptz;
    metadata jsonb ={}; created_at timestamptz
  cache_entries: key varchar(255); value jsonb; expires_at timestamptz; created_at timestamptz
  query_performance_logs: id uuid; query_name varchar(255)?; execution_time_ms int?; rows_returned int?; user_id uuid?;
    metadata jsonb ={}; created_at timestamptz
$$, '\n(?=  \w+:)') as t, regexp_split_to_table(regexp_replace(trim(t), '^\w+:\s*', ''), ';\s*') as c
where trim(t) <> '';
select is((select count(distinct table_name) from documented), 15::bigint, 'every table of the documentation but two');
select is((select count(*) from documented), 193::bigint, 'with all its columns');
select is(
  (select string_agg(d.said, '; ') from documented as d where d.table_name = t.table_name and not exists (
    select from pg_attribute as a left join pg_attrdef as f on f.adrelid = a.attrelid and f.adnum = a.attnum
    where a.attrelid = to_regclass('public.' || d.table_name) and a.attname = d.name and not a.attisdropped
      and replace(replace(replace(replace(format_type(a.atttypid, a.atttypmod), 'character varying', 'varchar'),
        'timestamp with time zone', 'timestamptz'), 'integer', 'int'), 'boolean', 'bool') = d.type
      and a.attnotnull <> d.nullable
      and (d.by_default is null or d.by_default = case pg_get_expr(f.adbin, f.adrelid) when 'now()' then 'now'
        else regexp_replace(pg_get_expr(f.adbin, f.adrelid), '^''?([^'']*)''?(::.*)?$', '\1') end)
  )), null, t.table_name || ' has its columns as documented')
from (select distinct table_name from documented order by 1) as t;
select is_empty(
  $$ select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a
     where a.attrelid = 'public.chat_messages'::regclass and a.attnum > 0 and not a.attisdropped
       and a.attname not in ('change_seq', 'parent_id')
     except select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a
     where a.attrelid = 'public.chat_messages_partitioned'::regclass and a.attnum > 0 and not a.attisdropped $$,
  'the partitioned table has the columns of chat_messages');
select is(
  (select pg_get_partkeydef('public.chat_messages_partitioned'::regclass) || ' ' || pg_get_constraintdef(oid)
   from pg_constraint where conrelid = 'public.chat_messages_partitioned'::regclass and contype = 'p'),
  'RANGE (created_at) PRIMARY KEY (id, created_at)', 'by month, its key with the time');
select set_has(
  $$ select attname::text from pg_attribute where attrelid = 'public.recent_conversations'::regclass and attnum > 0 $$,
  $$ select unnest(array['id', 'user_id', 'title', 'model_id', 'provider_id', 'last_message_at', 'message_count', 'is_starred',
     'is_archived', 'created_at', 'last_message']) $$, 'the view of recent conversations has its columns');

-- ------------------------------------------------------------------------------------------------------ keys, indexes
select is_empty(
  $$ select table_name from (select distinct table_name from documented) as t where not exists (
     select from pg_constraint where conrelid = to_regclass('public.' || table_name) and contype = 'p') $$,
  'every table has its key');
-- With months, to a message is to the list of their ids.
select set_has(
  $$ select conrelid::regclass || ' ' || case confrelid when to_regclass('airi_partitions.message_ids') then 'chat_messages'
       else confrelid::regclass::text end || ' ' || (pg_get_constraintdef(oid) ~ 'CASCADE')::text
     from pg_constraint where contype = 'f' $$,
  $$ select 'user_profiles auth.users true' union all
     select t || ' user_profiles true' from unnest(array['conversations', 'chat_messages', 'usage_logs',
       'usage_daily_aggregates', 'subscription_history', 'payment_history', 'moderation_logs', 'user_violations',
       'chat_sessions']) as t union all
     values ('chat_messages conversations true'), ('message_attachments chat_messages true'),
       ('chat_sessions conversations true'), ('moderation_logs chat_messages false'),
       ('query_performance_logs user_profiles false') $$, 'rows go with their owner, and logs outlive what they are of');
select set_has(
  $$ select i.indrelid::regclass || ' ' || (select string_agg(a.attname, ' ' order by k.place) from unnest(i.indkey)
       with ordinality as k (attnum, place) join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum)
     from pg_index as i where i.indisunique and not i.indisprimary $$,
  $$ values ('user_profiles username'), ('user_profiles stripe_customer_id'), ('payment_history stripe_payment_intent_id'),
       ('usage_daily_aggregates user_id date') $$, 'what is one of a kind is kept so');
select is_empty(
  $$ select name from unnest(array['idx_conversations_user_id', 'idx_conversations_last_message_at',
       'idx_conversations_is_archived', 'idx_chat_messages_conversation_id', 'idx_chat_messages_created_at',
       'idx_chat_messages_content_search']) as name
     where not exists (select from pg_index where indexrelid = to_regclass('public.' || name) and indisvalid) $$,
  'the indexes that the documentation names');

-- -------------------------------------------------------------------------------------------------------------- rules
create function pg_temp.refused(p_table text, p_column text, p_value text) returns boolean language plpgsql as $$
begin
  execute format('update public.%I set %I = %L', p_table, p_column, p_value);
  return false;
exception when check_violation then
  return true;
end $$;
insert into public.chat_sessions (user_id) values (pg_temp.a());
insert into public.provider_health (id, name) values ('p', 'P');
insert into public.user_violations (user_id, violation_type, severity) values (pg_temp.a(), 'x', 'low');
insert into public.usage_daily_aggregates (user_id, date) values (pg_temp.a(), '2026-01-01');
select ok(not pg_temp.refused(t, c, v), format('%s.%s may be %s', t, c, v)) from (values
  ('user_profiles', 'subscription_tier', '{free,plus,pro,enterprise}'::text[]),
  ('user_profiles', 'subscription_status', '{active,canceled,past_due,trialing,paused}'),
  ('chat_messages', 'rating', '{1,5}'), ('chat_messages', 'content_type', '{text,image,audio,video,file,code}'),
  ('user_violations', 'severity', '{low,medium,high,critical}'),
  ('provider_health', 'status', '{healthy,degraded,unhealthy,maintenance}'), ('chat_sessions', 'status', '{active,idle,typing}')
) as x (t, c, vs), unnest(vs) as v;
select ok(pg_temp.refused(t, c, v), format('%s.%s is never %s', t, c, v)) from (values
  ('user_profiles', 'subscription_tier', 'gold'), ('user_profiles', 'subscription_status', 'x'),
  ('chat_messages', 'rating', '0'), ('chat_messages', 'rating', '6'), ('chat_messages', 'content_type', 'x'),
  ('user_violations', 'severity', 'x'), ('provider_health', 'status', 'x'), ('chat_sessions', 'status', 'x')) as x (t, c, v);
select lives_ok(format($$ insert into public.chat_messages (conversation_id, user_id, role, content)
  values (%L, %L, %L, 'x') $$, pg_temp.id('a', 'conversation'), pg_temp.a(), r), 'a message of ' || r)
from unnest(array['user', 'assistant', 'system', 'function', 'tool']) as r;
select throws_ok(format($$ insert into public.chat_messages (conversation_id, user_id, role, content)
  values (%L, %L, 'x', 'x') $$, pg_temp.id('a', 'conversation'), pg_temp.a()), '23514', null, 'and of nothing else');
select set_has('select key::text from public.system_settings',
  $$ values ('rate_limits'), ('subscription_tiers'), ('maintenance_mode'), ('moderation_thresholds') $$, 'the documented settings');

-- ----------------------------------------------------------------------------------------- triggers, functions, jobs
-- The clock does not move in a transaction: an old time is put in with the trigger off.
do $old$
declare
  v_table text;
begin
  foreach v_table in array array['user_profiles', 'conversations', 'usage_daily_aggregates', 'system_settings', 'provider_health']
  loop
    execute format('alter table public.%I disable trigger user', v_table);
    execute format('update public.%I set updated_at = ''2020-01-01''', v_table);
    execute format('alter table public.%I enable trigger user', v_table);
  end loop;
end $old$;
update public.user_profiles set bio = 'x';
update public.conversations set title = 'x';
update public.usage_daily_aggregates set function_calls = 7;
update public.system_settings set category = 'x';
update public.provider_health set error_count = 7;
select is_empty(format('select from public.%I where updated_at <> now()', t), t || ' says when it was changed')
from unnest(array['user_profiles', 'conversations', 'usage_daily_aggregates', 'system_settings', 'provider_health']) as t;
select is_empty(
  $$ select name from unnest(array['get_conversations_with_last_message', 'get_conversation_messages', 'search_messages',
       'get_conversation_summary', 'export_conversation_json', 'get_user_usage_stats', 'get_popular_topics',
       'cleanup_old_messages', 'archive_old_conversations', 'update_daily_usage_aggregate', 'refresh_recent_conversations',
       'create_monthly_partition', 'cleanup_inactive_sessions', 'get_or_set_cache', 'cleanup_expired_cache',
       'log_query_performance']) as name
     where not exists (select from pg_proc where pronamespace = 'public'::regnamespace and proname = name) $$,
  'the functions that the documentation names');
select set_has('select name || '' '' || schedule from airi_private.jobs where enabled',
  $$ values ('refresh_recent_conversations */5 * * * *'), ('cleanup_inactive_sessions */30 * * * *') $$,
  'jobs by the minute');
select is_empty(
  $$ select name from (values ('cleanup_expired_cache', '^\d+ \* \* \* \*$'),
       ('update_daily_usage_aggregate', '^\d+ \d+ \* \* \*$'), ('archive_old_conversations', '^\d+ \d+ \* \* \d$'),
       ('create_monthly_partition', '^\d+ \d+ \d+ \* \*$'), ('cleanup_old_messages', '^\d+ \d+ \* \* \*$'),
       ('expire_suspensions', '^\*/\d+ \* \* \* \*$')) as x (name, pattern)
     where not exists (select from airi_private.jobs as j where j.name = x.name and j.schedule ~ x.pattern) $$,
  'by the hour, the day, the week and the month, and those for retention and suspensions');

-- ------------------------------------------------------------------------------------------------------ list, threads
insert into public.conversations (id, user_id, title, model_id, provider_id, is_starred, is_archived, last_message_at)
select pg_temp.id('a', 'conversation', n), pg_temp.a(), title, 'm', 'p', title = 'starred', title = 'archived', at
from (values (21, 'older', '2031-01-01'::timestamptz), (22, 'newer', '2031-01-02'), (23, 'starred', '2030-01-01'),
  (24, 'archived', '2031-01-03')) as x (n, title, at);
-- In threes of one time, so that the id has to decide.
insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
select pg_temp.id('a', 'conversation', 22), pg_temp.a(), 'assistant', 'said ' || n, '2030-01-01'::timestamptz + n / 3 * interval '1 s'
from generate_series(1, 20) as n;
insert into public.chat_messages (conversation_id, user_id, role, content, created_at, deleted_at)
values (pg_temp.id('a', 'conversation', 22), pg_temp.a(), 'user', 'gone', '2030-02-01', now());
insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
values (pg_temp.id('a', 'conversation', 22), pg_temp.a(), 'user', repeat('long ', 100), '2030-01-31');
select pg_temp.act_as(pg_temp.a());
select results_eq(
  $$ select title::text from public.get_conversations_with_last_message() where title in ('older', 'newer', 'starred', 'archived') $$,
  $$ values ('starred'), ('newer'), ('older') $$, 'starred first, then the last activity');
select results_eq($$ select last_message, last_message_role::text from public.get_conversations_with_last_message() where title = 'newer' $$,
  $$ values (repeat('long ', 40), 'user') $$, 'with a preview of the last message');
select results_eq(
  'select id from public.get_conversations_with_last_message(p_limit => 2, p_offset => 1)',
  'select id from public.get_conversations_with_last_message() offset 1 limit 2', 'a page of the list is a part of it');
create temp table thread as
select row_number() over () as place, * from public.get_conversation_messages(pg_temp.id('a', 'conversation', 22), 1000);
select results_eq('select id from thread order by place', 'select id from thread order by created_at desc, id desc', 'the newest first');
select is((select count(*) || ' ' || count(*) filter (where content = 'gone') from thread), '21 0', 'without what is deleted');
create temp table paged as select 0 as n, * from thread where false;
do $pages$
declare
  v_last record;
begin
  select null::timestamptz as created_at, null::uuid as id into v_last;
  for i in 1..7 loop
    insert into paged
    select i, 0, p.* from public.get_conversation_messages(pg_temp.id('a', 'conversation', 22), 4, v_last.created_at, v_last.id) as p;
    select p.created_at, p.id into v_last from paged as p order by p.n desc, p.created_at, p.id limit 1;
  end loop;
end $pages$;
select results_eq('select id from paged order by n, created_at desc, id desc', 'select id from thread order by place',
  'and pages by their cursor are the whole');
select pg_temp.act_as_server();

select * from finish();
rollback;
