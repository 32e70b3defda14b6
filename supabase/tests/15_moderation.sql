-- Checks, violations, suspensions, and what an operator does with one account.
begin;
\ir fixtures/people.sql
select no_plan();
insert into public.system_settings (key, value) values ('moderation_thresholds', '{}') on conflict do nothing;
update public.system_settings set value = '{"flag": 0.5, "block": 0.9, "critical": 0.99}' where key = 'moderation_thresholds';

-- --------------------------------------------------------------------------------------------------------------- checks
select pg_temp.next_transaction();
create temp table before as select pg_temp.head(pg_temp.a()) as seq;
set local role service_role;
select is(public.record_moderation(pg_temp.a(), 'fine', '{"hate": 0.1, "violence": 0.2}', pg_temp.id('a', 'message')) - 'category',
  '{"flagged": false, "blocked": false}', 'what is below all thresholds');
select is(public.record_moderation(pg_temp.a(), 'hm', '{"hate": 0.5, "violence": 0.2}', pg_temp.id('a', 'message')) ->> 'category', 'hate', 'what is flagged');
select is(public.record_moderation(pg_temp.a(), 'of b', '{"hate": 0.5}', pg_temp.id('b', 'message')) ->> 'flagged', 'true', 'a message that is another''s');
select is(public.record_moderation(pg_temp.a(), 'nothing', '{}') ->> 'flagged', 'false', 'no scores');
reset role;
select results_eq($$ select content, flagged, message_id is not null, categories ->> 'hate' from public.moderation_logs order by content $$,
  $$ values ('fine', false, true, 'false'), ('hm', true, true, 'true'), ('nothing', false, false, null), ('of b', true, false, 'true') $$, 'every check is logged');
select results_eq('select id, flagged_for_moderation from public.chat_messages where user_id in (pg_temp.a(), pg_temp.b()) order by id',
  $$ values (pg_temp.id('a', 'message'), true), (pg_temp.id('b', 'message'), false) $$, 'and marks the user''s own message');
select is(pg_temp.head(pg_temp.a()) - seq, 0::bigint, 'which does not travel') from before;
select is((select count(*) from public.user_violations), 0::bigint, 'and is no violation yet');

-- ----------------------------------------------------------------------------------------------------------- violations
create function pg_temp.block(p_score numeric, p_at timestamptz) returns text language sql as $$
  select concat_ws(' ', r.a ->> 'action', extract(day from (r.a ->> 'until')::timestamptz - p_at)) from (
    select public.record_moderation(pg_temp.a(), 'bad', jsonb_build_object('hate', p_score), null, p_at) as a offset 0) as r $$;
set local role service_role;
select is(pg_temp.block(0.9, now() + make_interval(hours => n)), t, n || '. violation') from (values
  (1, 'warned'), (2, 'warned'), (3, 'suspended 1'), (4, 'suspended 7'), (5, 'suspended 30'), (6, 'suspended 30'), (7, 'suspended 30'),
  (8, 'suspended')) as x (n, t) order by n;
select is(pg_temp.block(0.9, now() + interval '200 days'), 'warned', 'what is 90 days past counts no more');
select is((public.record_violation(pg_temp.b(), 'spam', 'critical') ->> 'until')::timestamptz, now() + interval '30 days', 'a critical one begins at a month');
reset role;
select is((select severity from public.user_violations where user_id = pg_temp.a() limit 1)::text, 'high', 'with its severity');
delete from public.user_violations;

-- ---------------------------------------------------------------------------------------------------------- suspensions
create function pg_temp.outcome(p_statement text) returns text language plpgsql as $$
begin
  execute p_statement;
  return 'done';
exception when others then
  return sqlstate;
end $$;
create temp table acts as select * from (values
  ('write', $$insert into public.chat_messages (conversation_id, user_id, role, content) values (pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'x')$$),
  ('rename', $$update public.conversations set title = 'x'$$), ('sign up anew', $$update public.user_profiles set bio = 'x'$$),
  ('push', $$select public.sync_push(gen_random_uuid(), '[]')$$)) as x (name, statement);
grant select on acts to authenticated;
set local role service_role;
select isnt(public.suspend_user(pg_temp.a(), now() + interval '2 hours', 'spam'), null::uuid, 'by hand');
select is(public.reserve_generation(pg_temp.a()) ->> 'reason', 'suspended', 'nothing is generated');
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.outcome(statement), 'PT403', 'no ' || name) from acts;
select throws_like($$update public.conversations set title = 'x'$$, 'suspended', 'and is told so');
select isnt((select count(*) from public.chat_messages), 0::bigint, 'reading goes on');
select lives_ok('select public.sync_pull(pg_temp.epoch(), 0)', 'so does pulling');
select isnt(public.export_conversation_json(pg_temp.id('a', 'conversation'))::text, null, 'and exporting');
select is((public.get_my_limits() ->> 'suspended_until')::timestamptz, now() + interval '2 hours', 'and one sees until when');
select is((select count(*) from public.user_violations where description = 'spam'), 1::bigint, 'and why');
select lives_ok('delete from public.message_attachments', 'what is one''s own can be erased');
select throws_ok('update public.user_violations set expires_at = now()', '42501', null, 'but no violation');
select throws_ok('select public.lift_suspension(pg_temp.a())', '42501', null, 'nor lifted by oneself');
select pg_temp.act_as(pg_temp.b());
select lives_ok($$update public.conversations set title = 'x'$$, 'nobody else is touched');
select pg_temp.act_as_server();
select is(airi_private.suspended_until(pg_temp.a(), now() + interval '2 hours'), null::timestamptz, 'it ends by itself');
select is(airi_private.expire_suspensions(now() + interval '119 minutes'), 0::bigint, 'the job waits for the end');
select is(airi_private.expire_suspensions(now() + interval '2 hours'), 1::bigint, 'and names it');
select is(airi_private.expire_suspensions(now() + interval '2 hours'), 0::bigint, 'once');
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.outcome(statement), 'done', 'again: ' || name) from acts;
select pg_temp.act_as_server();
update public.user_violations set action_taken = 'suspended', expires_at = now();
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.outcome(statement), 'done', 'without the job too: ' || name) from acts;
select pg_temp.act_as_server();
set local role service_role;
select isnt(public.suspend_user(pg_temp.a(), null, 'for good'), null::uuid, 'for good');
reset role;
select pg_temp.act_as(pg_temp.a());
select results_eq($$ select l ->> 'suspended', l ->> 'suspended_until' from public.get_my_limits() as l $$, $$ values ('true', null) $$, 'has no end');
select pg_temp.act_as_server();
set local role service_role;
select is(public.lift_suspension(pg_temp.a(), 'a mistake'), 1, 'it is lifted');
reset role;
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.outcome(statement), 'done', 'at once: ' || name) from acts;
select pg_temp.act_as_server();

-- ------------------------------------------------------------------------------------------------------- administration
set local role service_role;
select results_eq(format('select id from public.find_users(%L)', q), 'select pg_temp.a()', 'found by ' || q)
from unnest(array[pg_temp.a()::text, 'a@example.test', 'A@EXAMPLE.TEST', 'a@e']) as q;
select is((select count(*) from public.find_users('')) + (select count(*) from public.find_users('%')) + (select count(*) from public.find_users('a@')),
  0::bigint, 'too little finds nobody');
select results_eq($$ select conversations, plan from public.find_users('b@example.test') $$, $$ values (1::bigint, 'free') $$, 'with what there is');
select results_eq('select conversation_id from public.export_user_conversations(pg_temp.a())', $$ select pg_temp.id('a', 'conversation') $$, 'exports A''s conversations');
select is((select file ->> 'format' from public.export_user_conversations(pg_temp.a()) where file::text ~ 'secret of a'), 'airi-export', 'in the app''s format');
select is(current_setting('request.jwt.claims', true), '', 'and is the server again');
select is(public.export_user_account(pg_temp.a()) #>> '{profile,id}', pg_temp.a()::text, 'and the rest of the account');
select ok(public.export_user_account(pg_temp.a())::text !~ '00000000b', 'and of nobody else');
reset role;
insert into storage.buckets (id, name) values ('t', 't');
insert into storage.objects (bucket_id, name) values ('t', pg_temp.a() || '/1'), ('t', pg_temp.b() || '/1');
set local role service_role;
select results_eq('select e ->> ''erased'', e #>> ''{objects,0,name}'', jsonb_array_length(e -> ''objects'') from public.erase_user(pg_temp.a()) as e',
  $$ values ('true', pg_temp.a() || '/1', 1) $$, 'erases, and names the files');
select is(public.erase_user(pg_temp.a()) ->> 'erased', 'false', 'once');
reset role;
select is((select count(*) from auth.users where id = pg_temp.a()) + (select count(*) from public.chat_messages where user_id = pg_temp.a())
  + (select count(*) from airi_private.generations where user_id = pg_temp.a())
  + (select count(*) from public.sync_heads where user_id = pg_temp.a()), 0::bigint, 'all of it');
select is((select count(*) from public.chat_messages where user_id = pg_temp.b()), 1::bigint, 'and nothing of B');
select pg_temp.act_as(pg_temp.b());
select throws_ok('select public.' || f, '42501', null, 'not by a user: ' || f) from unnest(array['find_users(''b@example.test'')',
  'export_user_conversations(pg_temp.b())', 'export_user_account(pg_temp.b())', 'erase_user(pg_temp.b())', 'suspend_user(pg_temp.b(), null, '''')',
  'record_violation(pg_temp.b(), ''x'', ''low'')', 'record_moderation(pg_temp.b(), ''x'', ''{}'')']) as f;

select * from finish();
rollback;
