-- What each job does, with the moment moved: to whom, how often, and what it leaves alone. How jobs run, side by side and
-- one user a transaction, is in tests/server/jobs.rs: a file like this is one transaction.
begin;
\ir fixtures/people.sql
select no_plan();

create function pg_temp.in_days(p_days int) returns timestamptz language sql as $$ select now() + make_interval(days => p_days) $$;
create function pg_temp.say(p_user text, p_number int, p_content text, p_at timestamptz) returns void language sql as $$
  insert into public.chat_messages (id, conversation_id, user_id, role, content, created_at)
  values (pg_temp.id(p_user, 'message', p_number), pg_temp.id(p_user, 'conversation'),
    case p_user when 'a' then pg_temp.a() else pg_temp.b() end, 'user', p_content, p_at) $$;
create function pg_temp.archived(p_number int) returns boolean language sql as $$
  select is_archived from public.conversations where id = pg_temp.id('a', 'conversation', p_number) $$;

-- ------------------------------------------------------------------------------------------------------------- the list
select is_empty(
  $$ select name from airi_private.jobs as j where does is not null and (
       to_regprocedure(format('airi_private.%I(timestamptz)', coalesce(users, does))) is null
       or users is not null and to_regprocedure(format('airi_private.%I(uuid, timestamptz)', does)) is null) $$,
  'every job in the list has its functions');
select is_empty(
  $$ select j.name from airi_private.jobs as j where not exists (
       select from airi_private.crontab() as line where position(airi_private.job_statement(j.name) in line) > 0) $$,
  'and its line for other schedulers');
update airi_private.jobs set enabled = false where name = 'vacuum';
select is_empty($$ select line from airi_private.crontab() as line where line ~ 'vacuum' $$, 'unless it is switched off');
select pg_temp.act_as(pg_temp.a());
select throws_ok($$call airi_private.run_job('prune_logs')$$, '42501', null, 'no user runs a job');
select throws_ok('select airi_private.archive_inactive(pg_temp.b(), now())', '42501', null, 'nor does what one does');
select throws_ok('select public.cleanup_old_messages(pg_temp.a())', '42501', null, 'not even for themselves');
select pg_temp.act_as_server();

-- ------------------------------------------------------------------------------------------------------------- archive
insert into public.conversations (id, user_id, title, model_id, provider_id, created_at, last_message_at, is_starred, deleted_at)
select pg_temp.id('a', 'conversation', n), pg_temp.a(), t, 'm', 'p', '2020-01-01', '2020-01-01', t = 'starred',
  case when t = 'in the trash' then now() end
from (values (2, 'imported'), (3, 'starred'), (4, 'in the trash')) as x (n, t);
select is(airi_private.archive_inactive(pg_temp.a(), now()), 0::bigint, 'what was imported today is of today, however old it is');
select is(airi_private.archive_inactive(pg_temp.a(), pg_temp.in_days(29)), 0::bigint, 'and for 30 days');
select set_has('select airi_private.users_to_archive(pg_temp.in_days(31))', 'select pg_temp.a() union select pg_temp.b()',
  'then those who have such ones are found');
select is(airi_private.archive_inactive(pg_temp.a(), pg_temp.in_days(31)), 2::bigint, 'and theirs are archived');
select results_eq('select pg_temp.archived(n) from generate_series(1, 4) as n', array[true, true, false, true],
  'those, not the starred one');
select is((select is_archived from public.conversations where user_id = pg_temp.b()), false, 'and no one else''s');
select is(airi_private.archive_inactive(pg_temp.a(), pg_temp.in_days(31)), 0::bigint, 'once');
select pg_temp.act_as(pg_temp.a());
select pg_temp.next_transaction();
update public.conversations set is_archived = false where id = pg_temp.id('a', 'conversation', 2);
select pg_temp.act_as_server();
select is(airi_private.archive_inactive(pg_temp.a(), pg_temp.in_days(29)), 0::bigint, 'whoever brings one back has it as long again');

-- Time cannot be moved back through the trigger that notes a touch.
create function pg_temp.long_ago(p_number int) returns void language plpgsql as $$
begin
  alter table public.conversations disable trigger user;
  update public.conversations set updated_at = now() - interval '100 days', last_message_at = now() - interval '100 days'
  where id in (pg_temp.id('a', 'conversation', p_number), pg_temp.id('b', 'conversation', p_number));
  alter table public.conversations enable trigger user;
end $$;
select pg_temp.long_ago(2);
select is(airi_private.archive_inactive(pg_temp.a(), now()), 1::bigint, 'the control: one that was touched long ago goes now');
update public.conversations set is_archived = false where id = pg_temp.id('a', 'conversation', 2);
select pg_temp.long_ago(2);
update public.conversations set title = 'read again' where id = pg_temp.id('a', 'conversation', 2);
select is(airi_private.archive_inactive(pg_temp.a(), now()), 0::bigint, 'any change is a touch');
select pg_temp.long_ago(2);
insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
values (pg_temp.id('a', 'conversation', 2), pg_temp.a(), 'assistant', 'x', '2020-01-01');
select is(airi_private.archive_inactive(pg_temp.a(), now()), 0::bigint, 'so is the arrival of a message, however old it is');
select pg_temp.long_ago(2);
insert into public.system_settings (key, value) values ('housekeeping', '{"archive_after_days": 0}');
select is(airi_private.archive_inactive(pg_temp.a(), now()), 0::bigint, 'an operator may switch it off');
select is_empty('select airi_private.users_to_archive(now())', 'for everyone');
update public.system_settings set value = '{"archive_after_days": "soon"}' where key = 'housekeeping';
select is(airi_private.archive_inactive(pg_temp.a(), now()), 1::bigint, 'what is no number of days is not understood');
delete from public.system_settings where key = 'housekeeping';

-- ----------------------------------------------------------------------------------------------------------- retention
select pg_temp.say(p, 20, 'old', now() - interval '91 days'), pg_temp.say(p, 21, 'newer', now() - interval '89 days')
from unnest(array['a', 'b']) as p;
select pg_temp.long_ago(1);
create function pg_temp.gone(p_user text) returns text language sql as $$
  select coalesce(string_agg(content, ' ' order by content), '') from public.chat_messages
  where conversation_id = pg_temp.id(p_user, 'conversation') and deleted_at is not null $$;
select is_empty('select airi_private.users_with_retention(now())', 'nobody has turned retention on');
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 0::bigint, 'so it deletes nothing');
select is(airi_private.retention_days(p::jsonb), d, 'turned on or not: ' || p)
from (values ('{"retention":{"delete_messages_after_days":90}}', 90), ('{"retention":{"delete_messages_after_days":89}}', null),
  ('{"retention":{"delete_messages_after_days":"90"}}', null), ('{"retention":{"delete_messages_after_days":90.5}}', null),
  ('{"retention":{"delete_messages_after_days":1e999}}', null), ('{"retention":true}', null), ('[]', null), ('{}', null)) as x (p, d);
select pg_temp.act_as(pg_temp.a());
update public.user_profiles set preferences = '{"retention": {"delete_messages_after_days": 90}}';
select pg_temp.act_as_server();
select results_eq('select airi_private.users_with_retention(now())', 'select pg_temp.a()', 'A turns it on');
update public.conversations set is_starred = true where id = pg_temp.id('a', 'conversation');
select pg_temp.long_ago(1);
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 0::bigint, 'starred conversations are spared');
update public.conversations set is_starred = false where id = pg_temp.id('a', 'conversation');
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 0::bigint, 'and those that were touched since');
select pg_temp.long_ago(1);
select pg_temp.next_transaction();
create temp table head as select pg_temp.head(pg_temp.a()) as seq;
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 1::bigint, 'what is older goes');
select is(pg_temp.gone('a'), 'old', 'and no more');
select is(pg_temp.head(pg_temp.a()) - seq, 1::bigint, 'by a change that travels') from head;
select is((select metadata -> 'retention' ->> 'after_days' from public.chat_messages where id = pg_temp.id('a', 'message', 20)), '90',
  'the message says what deleted it');
select is((select content from public.chat_messages where id = pg_temp.id('a', 'message', 20)), 'old', 'and is whole');
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 0::bigint, 'once');
update public.chat_messages set deleted_at = null where id = pg_temp.id('a', 'message', 20);
select is(airi_private.delete_old_messages(pg_temp.a(), pg_temp.in_days(89)), 0::bigint, 'what the user brings back stays as long again');
select is(pg_temp.gone('b'), '', 'B, who has it off, loses nothing');
select lives_ok('select public.cleanup_old_messages(pg_temp.b())', 'by the documented name');
select is(pg_temp.gone('b'), '', 'neither');

-- Many: whole conversations, about 5,000 a call.
insert into public.conversations (id, user_id, model_id, provider_id)
select pg_temp.id('a', 'conversation', n), pg_temp.a(), 'm', 'p' from generate_series(11, 13) as n;
insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
select pg_temp.id('a', 'conversation', c), pg_temp.a(), 'user', 'x', now() - interval '200 days'
from generate_series(11, 13) as c, generate_series(1, 3000);
select pg_temp.long_ago(n) from generate_series(11, 13) as n;
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 6000::bigint, 'a call does about 5,000, whole conversations');
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 3000::bigint, 'the next one goes on');
select is(airi_private.delete_old_messages(pg_temp.a(), now()), 0::bigint, 'and is done');

-- --------------------------------------------------------------------------------------------------------------- usage
select pg_temp.act_as_server();
create function pg_temp.yesterday(p_hours int) returns timestamptz language sql as $$
  select date_trunc('day', now(), 'UTC') - interval '1 day' + make_interval(hours => p_hours) $$;
insert into public.usage_logs (user_id, endpoint, method, status_code, provider_id, model_id, prompt_tokens, completion_tokens,
  total_tokens, estimated_cost, created_at)
select u, '/', 'POST', 200, p, m, 1, 2, 3, 0.5, at from (values
  (pg_temp.b(), 'openai', 'gpt', pg_temp.yesterday(0)), (pg_temp.b(), 'openai', null, pg_temp.yesterday(12)),
  (pg_temp.b(), null, null, pg_temp.yesterday(23)), (pg_temp.b(), 'openai', 'gpt', pg_temp.yesterday(24)),
  (pg_temp.b(), 'openai', 'gpt', pg_temp.yesterday(-1)), (pg_temp.a(), 'openai', 'gpt', pg_temp.yesterday(1))) as x (u, p, m, at);
select pg_temp.say('b', 30, 'yesterday', pg_temp.yesterday(3));
set local timezone = 'Asia/Tokyo';
select is(airi_private.aggregate_recent(pg_temp.b(), now()), 3::bigint, 'each day that is over and had something');
set local timezone = 'UTC';
create temp view day as select * from public.usage_daily_aggregates
where user_id = pg_temp.b() and date = (pg_temp.yesterday(0) at time zone 'UTC')::date;
select results_eq('select message_count, conversation_count, total_tokens, total_prompt_tokens, total_estimated_cost from day',
  $$ values (1, 1, 9::bigint, 3::bigint, 1.5) $$, 'a day is of UTC, with its messages, tokens and logged costs');
select results_eq($$ select (provider_usage #>> '{openai,calls}')::int, (provider_usage #>> '{unknown,total_tokens}')::int,
  (model_usage #>> '{gpt,calls}')::int, (model_usage #>> '{unknown,calls}')::int from day $$, $$ values (2, 3, 1, 2) $$,
  'by provider and model; a call without one counts as unknown');
select is_empty($$ select from public.usage_daily_aggregates where user_id = pg_temp.b() and date >= (now() at time zone 'UTC')::date $$,
  'today is not over');
select is(airi_private.aggregate_recent(pg_temp.b(), now()), 0::bigint, 'done again, nothing changes');
insert into public.usage_logs (user_id, endpoint, method, status_code, total_tokens, created_at)
values (pg_temp.b(), '/', 'POST', 200, 100, pg_temp.yesterday(5)), (pg_temp.b(), '/', 'POST', 200, 100, pg_temp.yesterday(0) - interval '89 days');
update public.usage_daily_aggregates set voice_minutes_used = 7 where id = (select id from day);
insert into public.usage_daily_aggregates (user_id, date, total_tokens)
values (pg_temp.b(), (pg_temp.yesterday(0) - interval '89 days')::date, 1);
select is(airi_private.aggregate_recent(pg_temp.b(), now()), 1::bigint, 'a call that was logged late is counted in');
select results_eq('select total_tokens, voice_minutes_used from day', $$ values (109::bigint, 7) $$, 'with what others counted left in place');
select is((select total_tokens from public.usage_daily_aggregates where user_id = pg_temp.b() order by date limit 1), 1::bigint,
  'days that were settled long ago stay');
select is((select count(*) from public.usage_daily_aggregates where user_id = pg_temp.a()), 0::bigint, 'A''s wait for A''s turn');
insert into airi_private.job_runs (job, moment, status) values ('update_daily_usage_aggregate', now() + interval '9 days', 'done');
select is_empty($$ select u from airi_private.users_to_aggregate(pg_temp.in_days(10)) as u where u in (pg_temp.a(), pg_temp.b()) $$,
  'who had no change since the last run is not asked again');
insert into airi_private.job_runs (job, moment, status) values ('update_daily_usage_aggregate', now() + interval '11 days', 'failed');
select set_has('select airi_private.users_to_aggregate(pg_temp.in_days(5))', 'select pg_temp.a() union select pg_temp.b()',
  'who may have had one is');

-- ------------------------------------------------------------------------------------- sessions, cache, logs, partitions
insert into public.chat_sessions (user_id) values (pg_temp.a()), (pg_temp.b());
select is(airi_private.clean_sessions(now() + interval '30 minutes'), 0::bigint, 'a session lives for 30 minutes');
select is(airi_private.clean_sessions(now() + interval '31 minutes'), 2::bigint, 'and no longer');
insert into public.cache_entries (key, value, expires_at) values ('t', '1', now() + interval '1 hour');
select is(airi_private.clean_cache(now() + interval '59 minutes'), 0::bigint, 'an entry of the cache lives until it expires');
select is(airi_private.clean_cache(now() + interval '60 minutes'), 1::bigint, 'and no longer');
delete from airi_private.job_runs;
insert into public.query_performance_logs (query_name) values ('q');
insert into airi_private.job_runs (job, moment, status) values ('prune_logs', now(), 'done');
select is(airi_private.prune_logs(pg_temp.in_days(29)), 0::bigint, 'notes of the server live for a month');
select is(airi_private.prune_logs(pg_temp.in_days(31)), 1::bigint, 'those on queries');
select is(airi_private.prune_logs(pg_temp.in_days(91)), 1::bigint, 'and three those on jobs');
select cmp_ok((select count(*) from public.usage_logs), '>', 0::bigint, 'what is a user''s stays');
select cmp_ok(airi_private.make_partitions('2033-11-30 23:00:00+00'), '>=', 4::bigint, 'partitions are made ahead');
select is((select count(*) from pg_inherits where inhparent = 'public.chat_messages_partitioned'::regclass
  and inhrelid::regclass::text ~ 'y203[34]m'), 4::bigint, 'this month''s partition and three more');
select is(airi_private.make_partitions('2033-11-30 23:00:00+00'), 0::bigint, 'once');
select has_table('public', t, t) from unnest(array['chat_messages_y2033m11', 'chat_messages_y2034m02']) as t;

-- ----------------------------------------------------------------------------------------------------------------- view
set local role service_role;
select lives_ok('select public.refresh_recent_conversations()', 'the server refreshes the view');
reset role;
select is((select last_message ->> 'content' from public.recent_conversations where user_id = pg_temp.b()), 'secret of b',
  'which holds what was said lately');
select pg_temp.say('b', 40, 'right now', now());
select lives_ok('select airi_private.refresh_views(now())', 'refreshed beside its readers');
select is((select last_message ->> 'content' from public.recent_conversations where user_id = pg_temp.b()), 'right now', 'it shows the last message');

select * from finish();
rollback;
