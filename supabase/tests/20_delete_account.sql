-- Erasing one's own account: all of it, nothing of anybody else's, and only with the address typed.
begin;
\ir fixtures/people.sql
select no_plan();

insert into storage.buckets (id, name) values ('t', 't');
insert into storage.objects (bucket_id, name) values ('t', pg_temp.a() || '/1'), ('t', pg_temp.b() || '/1');

select pg_temp.act_as_anon();
select throws_ok($$ select public.delete_my_account('a@example.test') $$, '42501', null, 'a stranger erases nothing');
select pg_temp.act_as(pg_temp.b());
select throws_ok(format('select public.delete_my_account(%L)', typed), '22023', null, 'nor does B with ' || coalesce(typed, 'nothing'))
from unnest(array['a@example.test', '', null, 'b@example']) as typed;
select pg_temp.act_as_server();
select is((select count(*) from auth.users where id in (pg_temp.a(), pg_temp.b())), 2::bigint, 'both are still there');

select pg_temp.act_as(pg_temp.a());
select results_eq($$ select e ->> 'erased', e #>> '{objects,0,name}', jsonb_array_length(e -> 'objects')
    from public.delete_my_account(' A@Example.test ') as e $$,
  $$ values ('true', pg_temp.a() || '/1', 1) $$, 'A erases their own, and is told which files were theirs');
select throws_ok($$ select public.delete_my_account('a@example.test') $$, 'PT401', null, 'once: the token that is left opens nothing');
select pg_temp.act_as_server();
select is((select count(*) from auth.users where id = pg_temp.a()) + (select count(*) from public.user_profiles where id = pg_temp.a())
  + (select count(*) from public.conversations where user_id = pg_temp.a())
  + (select count(*) from public.chat_messages where user_id = pg_temp.a())
  + (select count(*) from public.message_attachments where user_id = pg_temp.a())
  + (select count(*) from public.sync_heads where user_id = pg_temp.a())
  + (select count(*) from public.tombstones where user_id = pg_temp.a()), 0::bigint, 'all of it');
select is((select count(*) from auth.users where id = pg_temp.b()) + (select count(*) from public.chat_messages where user_id = pg_temp.b())
  + (select count(*) from public.message_attachments where user_id = pg_temp.b()), 3::bigint, 'and nothing of B');

-- An operator's pause and an ended session hold here as everywhere.
insert into airi_private.ended_sessions (user_id, session_id) values (pg_temp.b(), 's');
select set_config('request.jwt.claims', json_build_object('sub', pg_temp.b(), 'role', 'authenticated', 'session_id', 's')::text, true),
  set_config('role', 'authenticated', true);
select throws_ok($$ select public.delete_my_account('b@example.test') $$, 'PT401', null, 'not from a session that was ended');

select * from finish();
rollback;
