-- The list of devices, ending the session of one from another, and who may not sync at the moment.
begin;
\ir fixtures/people.sql
select no_plan();

-- A device as its number, a session of A or B likewise; the claims are those that Auth puts into a token.
create function pg_temp.device(p_number int) returns uuid language sql as $$ select pg_temp.id('a', 'device', p_number) $$;
create function pg_temp.session(p_user text, p_number int) returns uuid language sql as $$
  select pg_temp.id(p_user, 'session', 1000 + p_number) $$;
create function pg_temp.act_in(p_user text, p_number int) returns void language sql as $$
  select set_config('request.jwt.claims', json_build_object('sub', case p_user when 'a' then pg_temp.a() else pg_temp.b() end,
      'role', 'authenticated', 'session_id', pg_temp.session(p_user, p_number))::text, true),
    set_config('role', 'authenticated', true) $$;
create function pg_temp.state(p_answer json) returns text language sql as $$
  select string_agg((d ->> 'name') || case when d ->> 'signed_out_at' is null then '' else ' (out)' end, ', '
    order by d ->> 'name') from json_array_elements(p_answer -> 'devices') as d $$;
insert into auth.sessions (id, user_id) select pg_temp.session(u, n), case u when 'a' then pg_temp.a() else pg_temp.b() end
from unnest(array['a', 'b']) as u, generate_series(1, 4) as n;
insert into auth.refresh_tokens (token, user_id, session_id)
select id::text, user_id::text, id from auth.sessions;

-- -------------------------------------------------------------------------------------------------------------- noting
select pg_temp.act_in('a', 1);
select is(pg_temp.state(public.sync_device()), null, 'nobody yet');
select is(pg_temp.state(public.sync_device(pg_temp.device(1), 'Laptop', 'linux', '1.2.3')), 'Laptop', 'the first device');
select is(public.sync_device() -> 'devices' ->> 0, json_build_object('id', pg_temp.device(1), 'name', 'Laptop', 'platform',
  'linux', 'app_version', '1.2.3', 'first_seen_at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'last_sync_at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'signed_out_at', null)::text,
  'with all that is known of it, and no session');
select pg_temp.act_in('a', 2);
select is(pg_temp.state(public.sync_device(pg_temp.device(2), 'Desk')), 'Desk, Laptop', 'a second one');
select is(pg_temp.state(public.sync_device(pg_temp.device(2))), 'Desk, Laptop', 'seen again, it keeps its name');
select is(pg_temp.state(public.sync_device(pg_temp.device(2), E' \t\u202eSch\u0007reib\ntisch ')), 'Laptop, Schreibtisch',
  'or gets another, without what cannot be seen');
select is((select length(name) from public.sync_devices where id = pg_temp.device(2)), 12, 'twelve letters');
select is((select length(d ->> 'name') from json_array_elements(
  public.sync_device(pg_temp.device(2), repeat('ü', 300)) -> 'devices') as d where d ->> 'id' = pg_temp.device(2)::text), 100,
  'at most a hundred');
select lives_ok(format('select public.sync_device(%L, %L)', pg_temp.device(2), 'Desk'), 'Desk again');
select throws_ok($$select public.sync_device(null, 'x')$$, '22004', null, 'a name is somebody''s');
select throws_ok($$insert into public.sync_devices (user_id, id) values (pg_temp.a(), gen_random_uuid())$$, '42501', null,
  'a client writes only through the function');
select throws_ok($$update public.sync_devices set signed_out_at = null$$, '42501', null, 'also what is its own');
select is(pg_temp.head(pg_temp.a()), 1::bigint, 'devices do not move the head');

-- --------------------------------------------------------------------------------------------------------- signing out
select is(pg_temp.state(public.sync_sign_out_device(pg_temp.device(1))), 'Desk, Laptop (out)', 'the other one is signed out');
select throws_ok(format('select public.sync_sign_out_device(%L)', pg_temp.device(2)), '22023', null, 'not the one that asks');
select throws_ok(format('select public.sync_sign_out_device(%L)', gen_random_uuid()), '02000', null, 'nor one that is not there');
select pg_temp.act_as_server();
select is((select count(*) from auth.sessions where id = pg_temp.session('a', 1)), 0::bigint, 'its session is gone');
select is((select count(*) from auth.refresh_tokens where session_id = pg_temp.session('a', 1)), 0::bigint, 'with its tokens');
select is((select count(*) from auth.sessions), 7::bigint, 'and no other');
select pg_temp.act_in('a', 1);
select throws_ok(c, 'PT401', null, c || ' is refused') from unnest(array[
  'select public.sync_hello()', 'select public.sync_snapshot(''conversations'')', 'select public.sync_preview()',
  'select public.sync_pull(pg_temp.epoch(), 0)', $$select public.sync_push(null, '[]')$$,
  'select public.sync_audit(''conversations'')', 'select public.sync_device()',
  format('select public.sync_device(%L, ''Laptop'')', pg_temp.device(1)),
  format('select public.sync_device(%L, ''Laptop'')', pg_temp.device(9)),
  format('select public.sync_sign_out_device(%L)', pg_temp.device(2))]) as c;
select pg_temp.act_in('a', 2);
select is(pg_temp.state(public.sync_device()), 'Desk, Laptop (out)', 'so it cannot undo it');
select is(pg_temp.state(public.sync_sign_out_device(pg_temp.device(1))), 'Desk, Laptop (out)', 'a second time is fine');
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.state(public.sync_device(pg_temp.device(1), 'Laptop')), 'Desk, Laptop (out)',
  'nor can a token that names no session');
select pg_temp.act_in('a', 3);
select is(pg_temp.state(public.sync_device(pg_temp.device(1), 'Laptop')), 'Desk, Laptop', 'a new sign-in undoes it');
select pg_temp.act_in('a', 1);
select throws_ok('select public.sync_hello()', 'PT401', null, 'the ended session stays ended');
-- Where tokens name no session there is none to end.
select pg_temp.act_as(pg_temp.a());
select lives_ok(format('select public.sync_device(%L, %L)', pg_temp.device(3), 'Old'), 'a device without a session');
select is(pg_temp.state(public.sync_sign_out_device(pg_temp.device(3))), 'Desk, Laptop, Old (out)', 'is marked');
select is(pg_temp.state(public.sync_device(pg_temp.device(3))), 'Desk, Laptop, Old', 'until it is seen again');
select pg_temp.act_as_server();
delete from public.sync_devices where id = pg_temp.device(3);

-- A server whose sessions cannot be deleted by our functions, and one that has none.
select pg_temp.act_as_server();
create function pg_temp.deny() returns trigger language plpgsql as $$
begin raise exception 'not yours' using errcode = '42501'; end $$;
create trigger deny before delete on auth.sessions for each row execute function pg_temp.deny();
select pg_temp.act_in('a', 2);
select is(pg_temp.state(public.sync_sign_out_device(pg_temp.device(1))), 'Desk, Laptop (out)', 'a session that cannot be deleted');
select pg_temp.act_in('a', 3);
select throws_ok('select public.sync_hello()', 'PT401', null, 'is refused all the same');
select pg_temp.act_as_server();
drop trigger deny on auth.sessions;
alter table auth.sessions rename to sessions_elsewhere;
select pg_temp.act_in('a', 4);
select is(pg_temp.state(public.sync_device(pg_temp.device(1), 'Laptop')), 'Desk, Laptop', 'signed in again');
select pg_temp.act_in('a', 2);
select is(pg_temp.state(public.sync_sign_out_device(pg_temp.device(1))), 'Desk, Laptop (out)', 'where there are no sessions');
select pg_temp.act_in('a', 4);
select throws_ok('select public.sync_hello()', 'PT401', null, 'it is refused too');
select pg_temp.act_as_server();
alter table auth.sessions_elsewhere rename to sessions;

-- ---------------------------------------------------------------------------------------------------------- B against A
select pg_temp.act_in('b', 1);
select throws_ok(format('select public.sync_sign_out_device(%L)', pg_temp.device(2)), '02000', null, 'B cannot sign out A''s device');
select is(pg_temp.state(public.sync_device(pg_temp.device(2), 'B''s')), 'B''s', 'a device of the same id is another one');
select is(pg_temp.state(public.sync_device()), 'B''s', 'and all that B sees');
select pg_temp.act_as_server();
select is((select name from public.sync_devices where user_id = pg_temp.a() and id = pg_temp.device(2)), 'Desk', 'A''s is as it was');
select is((select count(*) from auth.sessions where id = pg_temp.session('a', 2)), 1::bigint, 'and signed in');
-- A says that its device has B's session.
update public.sync_devices set session_id = pg_temp.session('b', 1)::text where user_id = pg_temp.a() and id = pg_temp.device(1);
select pg_temp.act_in('a', 2);
select lives_ok(format('select public.sync_sign_out_device(%L)', pg_temp.device(1)), 'and signs it out');
select pg_temp.act_in('b', 1);
select lives_ok('select public.sync_hello()', 'B''s session goes on');
select pg_temp.act_as_server();
select is((select count(*) from auth.sessions where id = pg_temp.session('b', 1)), 1::bigint, 'in Auth too');

-- -------------------------------------------------------------------------------------------------------- a hundred
delete from public.sync_devices where user_id = pg_temp.a();
insert into public.sync_devices (user_id, id, name, last_sync_at, signed_out_at)
select pg_temp.a(), pg_temp.device(100 + n), 'd' || n, now() - make_interval(days => n),
  case when n in (50, 60) then now() end
from generate_series(1, 99) as n;
update public.sync_devices set last_sync_at = now() - interval '2 years' where user_id = pg_temp.a() and name = 'd70';
create function pg_temp.left_of(variadic p_names text[]) returns text language sql as $$
  select string_agg(name, ' ' order by name) from public.sync_devices where name = any (p_names) $$;
select pg_temp.act_in('a', 2);
select is(json_array_length(public.sync_device(pg_temp.device(1), 'new 1') -> 'devices'), 100, 'a hundred devices');
select is(pg_temp.left_of('d50', 'd60', 'd70', 'd99'), 'd50 d60 d70 d99', 'all of them');
select is(json_array_length(public.sync_device(pg_temp.device(2), 'new 2') -> 'devices'), 100, 'for another one');
select is(pg_temp.left_of('d50', 'd60', 'd70', 'd99'), 'd50 d60 d99', 'the one not seen for longest goes');
select is(json_array_length(public.sync_device(pg_temp.device(3), 'new 3') -> 'devices'), 100, 'then');
select is(pg_temp.left_of('d50', 'd60', 'd70', 'd99'), 'd50 d99', 'those that are signed out');
select is(json_array_length(public.sync_device(pg_temp.device(4), 'new 4') -> 'devices'), 100, 'one');
select is(pg_temp.left_of('d50', 'd60', 'd70', 'd99'), 'd99', 'by one');
select throws_like(format('select public.sync_device(%L, %L)', pg_temp.device(5), 'new 5'), '%100 devices%', 'and then it is said');
select lives_ok(format('select public.sync_device(%L)', pg_temp.device(1)), 'those that are there go on');

-- -------------------------------------------------------------------------------------------------------- maintenance
select pg_temp.act_as_server();
insert into public.system_settings (key, value, is_public)
values ('maintenance_mode', '{"enabled": true, "message": "Back at six."}', false)
on conflict (key) do update set value = excluded.value, is_public = excluded.is_public;
select pg_temp.act_in('a', 2);
select throws_ok(c, 'PT503', 'maintenance', c || ' is refused') from unnest(array[
  'select public.sync_hello()', 'select public.sync_snapshot(''conversations'')', 'select public.sync_preview()',
  'select public.sync_pull(pg_temp.epoch(), 0)', $$select public.sync_push(null, '[]')$$,
  'select public.sync_audit(''conversations'')', 'select public.sync_device()',
  format('select public.sync_sign_out_device(%L)', pg_temp.device(2))]) as c;
create function pg_temp.words() returns text language plpgsql as $$
declare v_detail text; begin perform airi_private.caller(); return null;
exception when others then get stacked diagnostics v_detail = pg_exception_detail; return v_detail; end $$;
select is(pg_temp.words(), 'Back at six.', 'with the operator''s words');
select pg_temp.act_as_server();
update public.system_settings set value = 'true' where key = 'maintenance_mode';
select pg_temp.act_in('a', 2);
select throws_ok('select public.sync_hello()', 'PT503', 'maintenance', 'also when it is a plain true');
select set_config('request.jwt.claims', '{"role":"service_role"}', true), set_config('role', 'service_role', true);
select lives_ok($$update public.conversations set summary = 'by the server'$$, 'the server''s own key works on');
select pg_temp.act_as_server();
update public.system_settings set value = x from unnest(array[jsonb '{"enabled": false, "message": "x"}', jsonb '"off"'])
  as x where key = 'maintenance_mode';
select pg_temp.act_in('a', 2);
select is((public.sync_hello() ->> 'revision')::int, 2, 'then all goes on');
select pg_temp.act_as_server();
alter table public.system_settings rename to settings_elsewhere;
select pg_temp.act_in('a', 2);
select lives_ok('select public.sync_hello()', 'as where there is no such table');
select pg_temp.act_as_server();
alter table public.settings_elsewhere rename to system_settings;

-- ------------------------------------------------------------------------------------------------------------- erasing
delete from auth.users where id = pg_temp.a();
select is((select count(*) from public.sync_devices where user_id = pg_temp.a())
  + (select count(*) from airi_private.ended_sessions where user_id = pg_temp.a()), 0::bigint, 'an erased account has no devices');
select is((select count(*) from public.sync_devices), 1::bigint, 'B''s is there');
select pg_temp.act_in('a', 2);
select throws_ok($$ select public.sync_device(pg_temp.device(1), 'Laptop') $$, 'PT401', null, 'a token that outlives its account adds none');
select pg_temp.act_as_server();
select is((select count(*) from public.sync_devices), 1::bigint, 'and there is none');

select * from finish();
rollback;
