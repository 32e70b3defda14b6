-- What an operator watches of replicas, what a suspension keeps from storage, what becomes of what calls leave behind.
begin;
\ir fixtures/people.sql
select no_plan();

-- ---------------------------------------------------------------------------------------------------------- replication
select results_eq($$ select name, state, bytes_behind from airi_private.replication_lag where kind = 'this server' $$,
  $$ values ('', 'primary', null::bigint) $$, 'a server that takes writes is behind nobody');
-- Gone with the session.
select pg_create_physical_replication_slot('of_a_test', true, true);
select results_eq($$ select kind, state, bytes_behind >= 0 from airi_private.replication_lag where name = 'of_a_test' $$,
  $$ values ('slot', 'in use', true) $$, 'a slot that keeps log is seen');
create temp table behind as select bytes_behind from airi_private.replication_lag where name = 'of_a_test';
insert into public.conversations (user_id, model_id, provider_id) select pg_temp.b(), 'm', 'p' from generate_series(1, 500);
select pg_switch_wal();
select cmp_ok((select bytes_behind from airi_private.replication_lag where name = 'of_a_test'), '>', (select bytes_behind from behind),
  'with what it keeps');
select pg_drop_replication_slot('of_a_test');

-- -------------------------------------------------------------------------------------------------------------- uploads
create function pg_temp.uploads(p_name text) returns text language plpgsql as $$
begin
  insert into storage.objects (bucket_id, name) values ('attachments', p_name);
  return 'done';
exception when others then
  return sqlstate;
end $$;
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.uploads(pg_temp.a() || '/01'), 'done', 'A uploads');
select pg_temp.act_as_server();
select public.suspend_user(pg_temp.a(), now() + interval '1 hour', 'why');
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.uploads(pg_temp.a() || '/02'), 'PT403', 'suspended, A uploads nothing, for as long as that lasts');
select throws_ok($$ update storage.objects set name = name || 'x' $$, 'PT403', 'suspended', 'nor changes what is there');
select is((select count(*) from storage.objects where bucket_id = 'attachments'), 1::bigint, 'and still sees it');
set local storage.allow_delete_query = 'true';
select lives_ok($$ delete from storage.objects $$, 'and may erase it');
select pg_temp.act_as(pg_temp.b());
select is(pg_temp.uploads(pg_temp.b() || '/01'), 'done', 'B uploads');
select is(pg_temp.uploads(pg_temp.a() || '/03'), '42501', 'into its own folder');
select pg_temp.act_as_server();
select public.lift_suspension(pg_temp.a(), 'over');
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.uploads(pg_temp.a() || '/02'), 'done', 'when it is over it goes on');

-- ---------------------------------------------------------------------------------------------------------------- usage
select pg_temp.act_as_server();
insert into public.usage_logs (user_id, endpoint, method, status_code, total_tokens, estimated_cost, request_body, ip_address, user_agent,
  created_at)
select pg_temp.a(), '/chat', 'POST', 200, 7, 0.5, '{"messages": ["secret"]}', '192.0.2.1', 'x', now() - n * interval '1 day'
from unnest(array[10, 40]) as n;
create temp table numbers as select id, change_seq, total_tokens, estimated_cost, status_code, created_at from public.usage_logs;
create temp table head as select pg_temp.head(pg_temp.a()) as head;
select is(airi_private.prune_usage_details(now() + interval '10 years'), 0::bigint, 'unless an operator says when, nothing goes');
insert into public.system_settings (key, value) values ('housekeeping', '{"usage_detail_days": 30}')
on conflict (key) do update set value = excluded.value;
select pg_temp.next_transaction();
select is(airi_private.prune_usage_details(now()), 1::bigint, 'what is older than that is emptied');
select is(airi_private.prune_usage_details(now()), 0::bigint, 'once');
select results_eq($$ select request_body is null, ip_address is null, user_agent is null from public.usage_logs where user_id = pg_temp.a()
  order by created_at $$, $$ values (true, true, true), (false, false, false) $$, 'of bodies and addresses');
select set_eq('select id, change_seq, total_tokens, estimated_cost, status_code, created_at from public.usage_logs',
  'select * from numbers', 'every call and its numbers stay');
select is(pg_temp.head(pg_temp.a()), (select head from head), 'and no device hears of it');
select is((select count(*) from airi_private.jobs where does = 'prune_usage_details'), 1::bigint, 'a job does it');
select pg_temp.act_as(pg_temp.a());
select throws_ok('select airi_private.prune_usage_details(now())', '42501', null, 'no user');
select throws_ok('select * from airi_private.replication_lag', '42501', null, 'nor does one see replicas');

select * from finish();
rollback;
