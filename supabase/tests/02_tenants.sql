-- A tries to read, change, delete and plant rows of B, in every table that the catalogs name. A table for which B has
-- no row here fails: nothing is tested by an empty table.
begin;
\ir fixtures/people.sql
select no_plan();

-- A row of B in all other tables. Each statement is run as the server.
insert into public.chat_sessions (user_id, conversation_id) values (pg_temp.b(), pg_temp.id('b', 'conversation'));
insert into public.usage_logs (user_id, endpoint, method, status_code) values (pg_temp.b(), '/', 'GET', 200);
insert into public.usage_daily_aggregates (user_id, date) values (pg_temp.b(), '2026-01-01');
insert into public.subscription_history (user_id, tier, status, period_start, period_end)
values (pg_temp.b(), 'pro', 'active', '2026-01-01', '2026-02-01');
insert into public.payment_history (user_id, amount, status) values (pg_temp.b(), 1, 'paid');
insert into public.moderation_logs (user_id, content) values (pg_temp.b(), 'x');
insert into public.user_violations (user_id, violation_type, severity) values (pg_temp.b(), 'x', 'low');
insert into public.query_performance_logs (user_id, query_name) values (pg_temp.b(), 'x');
insert into public.chat_messages_partitioned (conversation_id, user_id, role, content)
values (pg_temp.id('b', 'conversation'), pg_temp.b(), 'user', 'x');
insert into public.tombstones (user_id, table_name, row_id) values (pg_temp.b(), 'conversations', gen_random_uuid());
insert into public.sync_ops (user_id, op_id, status) values (pg_temp.b(), gen_random_uuid(), 'applied');
insert into public.sync_devices (user_id, id, name) values (pg_temp.b(), pg_temp.id('b', 'device'), 'desk of b');
insert into airi_private.sync_restored (user_id, table_name, row_id, held, change_seq)
values (pg_temp.b(), 'conversations', gen_random_uuid(), 1, 2);
insert into airi_private.ended_sessions (user_id, session_id) values (pg_temp.b(), 's');
insert into airi_private.generations (user_id, day, of_day, hour) values (pg_temp.b(), now(), 7, now());
-- Of the tables without an owner, two are public, one is the server's.
insert into public.cache_entries (key, value, expires_at) values ('k', '{}', now());
insert into public.provider_health (id, name) values ('test', 'Test') on conflict do nothing;

create temp table owned as
select c.relname::text as name, format('%I.%I', c.relnamespace::regnamespace, c.relname) as place,
  case when c.relname = 'user_profiles' then 'id' else 'user_id' end as owner_column
from pg_class as c
where c.relnamespace in ('public'::regnamespace, 'airi_private'::regnamespace) and c.relkind in ('r', 'p')
  and not exists (select from pg_depend where objid = c.oid and deptype = 'e')
  and c.relname not in ('system_settings', 'provider_health', 'cache_entries', 'sync_tables', 'sync_epoch', 'jobs', 'job_runs',
    'query_samples');

-- What happens to one statement: the number of rows it touched, or the error's code.
create function pg_temp.outcome(p_statement text) returns text language plpgsql as $$
declare
  v_count bigint;
begin
  execute p_statement;
  get diagnostics v_count = row_count;
  return v_count::text;
exception when others then
  return sqlstate;
end $$;
create function pg_temp.count_of(p_statement text) returns text language plpgsql as $$
declare
  v_count bigint;
begin
  execute p_statement into v_count;
  return v_count::text;
exception when others then
  return sqlstate;
end $$;

select is_empty(
  $$ select name from owned where not exists (select from pg_attribute
     where attrelid = place::regclass and attname = owner_column) $$,
  'every table has an owner, or is named here as one without');

-- Copies of B's rows, with new keys where there is one, for A to plant.
create function pg_temp.copies() returns void language plpgsql as $$
declare
  t record;
begin
  for t in select * from owned loop
    execute format('create temp table %I as select * from %s where %I = %L', 'copy_' || t.name, t.place,
      t.owner_column, pg_temp.b());
    if t.owner_column <> 'id' and exists (select from pg_attribute
      where attrelid = t.place::regclass and attname = 'id') then
      execute format('update %I set id = gen_random_uuid()', 'copy_' || t.name);
    elsif t.name = 'sync_ops' then
      execute format('update %I set op_id = gen_random_uuid()', 'copy_' || t.name);
    elsif t.name = 'sync_restored' then
      execute format('update %I set row_id = gen_random_uuid()', 'copy_' || t.name);
    elsif t.name = 'ended_sessions' then
      execute format('update %I set session_id = gen_random_uuid()', 'copy_' || t.name);
    end if;
    execute format('grant all on %I to authenticated, anon', 'copy_' || t.name);
  end loop;
end $$;
select pg_temp.copies();
grant select on owned to anon, authenticated;

select ok(pg_temp.count_of(format('select count(*) from %s where %I = %L', place, owner_column, pg_temp.b()))::int > 0,
  name || ': B has a row') from owned;

select pg_temp.act_as(pg_temp.a());
select ok(
  pg_temp.count_of(format('select count(*) from %s where %I = %L', place, owner_column, pg_temp.b())) in ('0', '42501'),
  name || ': A does not see it') from owned;
select ok(
  pg_temp.outcome(format('update %1$s set %2$I = %2$I where %2$I = %3$L', place, owner_column, pg_temp.b()))
    in ('0', '42501'),
  name || ': A does not change it') from owned;
select ok(
  pg_temp.outcome(format('delete from %s where %I = %L', place, owner_column, pg_temp.b())) in ('0', '42501'),
  name || ': A does not delete it') from owned;
select ok(
  pg_temp.outcome(format('insert into %s select * from %I', place, 'copy_' || name)) in ('42501', '23505'),
  name || ': A does not plant one') from owned;

-- Columns that A may write on rows of B: without a filter, so that only RLS stands in between.
select is(pg_temp.outcome(format('update public.conversations set title = %L', 'taken')), '1', 'A changes one title');
select is(pg_temp.outcome('update public.chat_messages set rating = 1'), '1', 'A rates one message');
select is(pg_temp.outcome($$update public.message_attachments set metadata = '{"x":1}'$$), '1', 'A changes one attachment');
select is(pg_temp.outcome($$update public.user_profiles set bio = 'x'$$), '1', 'A changes one profile');
select is(pg_temp.outcome($$update public.user_profiles set subscription_tier = 'enterprise'$$), '42501', 'not its tier');
select is(pg_temp.outcome('update public.chat_messages set flagged_for_moderation = false'), '42501', 'not a flag');

-- Children of B's parents, under A's own name.
select is(pg_temp.outcome(format($$insert into public.chat_messages (conversation_id, user_id, role, content)
  values (%L, %L, 'user', 'x')$$, pg_temp.id('b', 'conversation'), pg_temp.a())), '23503',
  'a message cannot go into another''s conversation');
select is(pg_temp.outcome(format($$insert into public.chat_messages (conversation_id, user_id, role, content)
  values (%L, %L, 'user', 'x')$$, gen_random_uuid(), pg_temp.a())), '23503', 'with the error of a missing one');
select is(pg_temp.outcome(format($$insert into public.message_attachments (message_id, file_name, storage_path)
  values (%L, 'f', 'p')$$, pg_temp.id('b', 'message'))), '23503', 'an attachment cannot go to another''s message');
select is(pg_temp.outcome(format($$insert into public.message_attachments (message_id, user_id, file_name, storage_path)
  values (%L, %L, 'f', 'p')$$, pg_temp.id('b', 'message'), pg_temp.b())), '42501', 'nor under the other''s name');
select is(pg_temp.outcome(format($$insert into public.message_attachments (message_id, user_id, file_name, storage_path)
  values (%L, %L, 'f', 'p')$$, pg_temp.id('a', 'message'), pg_temp.b())), '23503', 'nor one''s own be given away');
select is(pg_temp.outcome(format($$insert into public.chat_sessions (user_id, conversation_id) values (%L, %L)$$,
  pg_temp.a(), pg_temp.id('b', 'conversation'))), '23503', 'a session cannot point to another''s conversation');
select is(pg_temp.outcome(format($$update public.conversations set user_id = %L$$, pg_temp.b())), '23514',
  'a conversation cannot be given away');
select is(pg_temp.outcome(format($$insert into public.chat_sessions (user_id) values (%L)$$, pg_temp.a())), '1',
  'a session of one''s own');
select is(pg_temp.outcome(format($$update public.chat_sessions set user_id = %L$$, pg_temp.b())), '23514',
  'cannot be given away either');

-- The views that rows travel through: the API does not serve them, and they show no more than the tables do.
select is(
  pg_temp.count_of(format('select count(*) from airi_private.%I where user_id = %L', relname, pg_temp.b())), '0',
  relname || ': A does not see rows of B')
from pg_class where relnamespace = 'airi_private'::regnamespace and relkind = 'v' and relname ~ '^sync_rows_';
select is(pg_temp.count_of(format('select count(*) from airi_private.%I', relname)), '42501', relname || ': is the server''s')
from pg_class where relnamespace = 'airi_private'::regnamespace and relkind = 'v' and relname !~ '^sync_rows_';
select is(public.get_my_limits() #>> '{day,used}', '0', 'what was generated for B does not count for A');

-- The functions.
select is((public.sync_hello() ->> 'user_id')::uuid, pg_temp.a(), 'hello greets the caller');
select is_empty(
  format($$ select t.table_name from airi_private.sync_tables as t, json_array_elements(
       public.sync_snapshot(t.table_name) -> 'rows') as r
     where t.rank < 9 and coalesce(r ->> 'user_id', r ->> 'id') <> %L $$, pg_temp.a()),
  'no snapshot holds a row of B');
select is_empty(
  format($$ select r from json_array_elements(public.sync_pull(pg_temp.epoch(), 0) -> 'rows') as r
     where coalesce(r -> 'row' ->> 'user_id', r -> 'row' ->> 'id') <> %L $$, pg_temp.a()), 'nor does a pull');
select ok(public.sync_preview()::text !~ 'b talks|secret of b', 'nor a preview');
select throws_ok(format('select public.get_conversations_with_last_message(%L)', pg_temp.b()), '42501', null,
  'asking for another''s conversations by id is an error');
select is_empty(format('select public.get_conversation_messages(%L)', pg_temp.id('b', 'conversation')),
  'another''s messages are not there');
select is_empty(format('select airi_private.thread_page(%L, 50, null, null)', pg_temp.id('b', 'conversation')),
  'in no way');
select is_empty($$ select public.search_messages('secret') where false
  union all select m from public.search_messages('secret') as m where m.content ~ 'of b' $$, 'nor found');
select is_empty($$ select public.search_messages(q) from unnest(array['secret b', '"of b"', 'secret -a', 'b']) as q
  where exists (select from public.search_messages(q) as m where m.conversation_id <> pg_temp.id('a', 'conversation')) $$,
  'by no question');
select is(public.export_conversation_json(pg_temp.id('b', 'conversation'))::text, null, 'nor exported');
select is((select messages from public.get_user_usage_stats()), 1::bigint, 'A''s own messages are counted');
select is((select calls from public.get_user_usage_stats()), 0::bigint, 'and no call of B');
select is((select max(messages) from public.get_popular_topics()), 1::bigint, 'nor are B''s words');
select throws_ok($$select public.get_or_set_cache('k', null)$$, '42501', null, 'the cache is the server''s');
select is(public.sync_audit('conversations') #>> '{ranges,0,count}', '1', 'nor does an audit count one');
select is(json_array_length(public.sync_device() -> 'devices'), 0, 'B''s devices are not listed');
select throws_ok(format('select public.sync_sign_out_device(%L)', pg_temp.id('b', 'device')), '02000', null,
  'nor signed out');
select lives_ok(format('select public.sync_device(%L, %L)', pg_temp.id('b', 'device'), 'taken'),
  'a device may have the id of another''s');
select throws_ok('select count(*) from airi_private.job_runs', '42501', null, 'A does not see what the server notes of its jobs');
select throws_ok($$update airi_private.jobs set does = 'lock_user'$$, '42501', null, 'nor says what they do');
select throws_ok(format('select airi_private.lock_user(%L)', pg_temp.b()), '42501', null, 'A cannot hold B''s head');
select throws_ok(format('select airi_private.bump(%L)', pg_temp.b()), '42501', null, 'nor move it');

-- Nobody signed in, in both ways.
select pg_temp.act_as(null);
select ok(pg_temp.count_of(format('select count(*) from %s', place)) in ('0', '42501'),
  name || ': a token without a subject sees nothing') from owned;
select is((select count(*) from public.search_messages('secret')), 0::bigint, 'and finds nothing');
select throws_ok('select public.sync_hello()', '28000', null, 'and is greeted with an error');
select throws_ok($$select public.sync_push(gen_random_uuid(), '[]')$$, '28000', null, 'and cannot push');
select throws_ok($$select public.sync_device(gen_random_uuid(), 'x')$$, '28000', null, 'nor have a device');

select pg_temp.act_as_anon();
select is(pg_temp.count_of(format('select count(*) from %s', place)), '42501', name || ': strangers are refused')
from owned;
select is(pg_temp.count_of('select count(*) from public.cache_entries'), '42501', 'cache_entries: strangers are refused');
select is(pg_temp.count_of('select count(*) from public.recent_conversations'), '42501', 'and of the view');
select is(pg_temp.count_of('select count(*) from public.system_settings where not is_public'), '0',
  'strangers see public settings');
select isnt(pg_temp.count_of('select count(*) from public.system_settings'), '0', 'and there are some');
select is(pg_temp.outcome($$update public.system_settings set value = '{}'$$), '42501', 'strangers change none');
select isnt(pg_temp.count_of('select count(*) from public.provider_health'), '0', 'strangers see provider health');
select throws_ok('select public.sync_hello()', '42501', null, 'strangers cannot call sync');

select pg_temp.act_as_server();
select is((select content from public.chat_messages where id = pg_temp.id('b', 'message')), 'secret of b',
  'after all this B''s message is as it was');
select is((select title from public.conversations where id = pg_temp.id('b', 'conversation')), 'b talks', 'and its title');
select is((select name from public.sync_devices where user_id = pg_temp.b()), 'desk of b', 'and its device');

select * from finish();
rollback;
