-- Counts and hashes of what the server holds, as a client makes them from its own rows.
begin;
\ir fixtures/people.sql
select no_plan();

select pg_temp.act_as(pg_temp.a());
select is(public.sync_audit('conversations') -> 'ranges' ->> 0, json_build_object(
  'upto', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'count', 1,
  'hash', left(encode(sha256(convert_to(pg_temp.id('a', 'conversation') || ':1', 'UTF8')), 'hex'), 16))::text,
  'of one row it is the beginning of its hash');
select is(public.sync_audit('usage_logs') -> 'ranges' ->> 0,
  '{"upto" : "ffffffff-ffff-ffff-ffff-ffffffffffff", "count" : 0, "hash" : "0000000000000000"}', 'of none it is nought');
select is(json_array_length(public.sync_audit('usage_logs') -> 'ranges'), 1, 'in one range, which holds all ids');
select is(public.sync_audit('user_profiles') #>> '{ranges,0,count}', '1', 'a profile is a row of its owner');

insert into public.chat_messages (id, conversation_id, user_id, role, content)
select pg_temp.id('a', 'message', n), pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'x'
from generate_series(2, 2500) as n;
create temp table audit as select public.sync_audit('chat_messages') as answer;
select is((select string_agg(r ->> 'count', ' ' order by o) from audit,
  json_array_elements(answer -> 'ranges') with ordinality as x (r, o)), '1000 1000 500', 'ranges of a thousand');
select is((select (answer ->> 'has_more') || coalesce(answer ->> 'next', '') from audit), 'false', 'to the end');
select is((select answer #>> '{ranges,1,upto}' from audit), pg_temp.id('a', 'message', 2000)::text, 'each to its last id');
select is((select answer #>> '{ranges,2,upto}' from audit), 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'the last to the last of all');
select is((select answer #>> '{ranges,1,hash}' from audit), (
  select lpad(to_hex(bit_xor(('x' || left(encode(sha256(convert_to(id || ':' || change_seq, 'UTF8')), 'hex'), 16))::bit(64)::bigint)),
    16, '0') from public.chat_messages
  where id > pg_temp.id('a', 'message', 1000) and id <= pg_temp.id('a', 'message', 2000)), 'with the hashes of its own rows');

-- In pieces it is the same, at whatever place they are cut.
create function pg_temp.walk(p_ranges int) returns setof json language plpgsql as $$
declare
  v_page json;
  v_after uuid;
begin
  loop
    v_page := public.sync_audit('chat_messages', v_after, p_ranges);
    return query select * from json_array_elements(v_page -> 'ranges');
    v_after := v_page ->> 'next';
    exit when not (v_page ->> 'has_more')::bool;
  end loop;
end $$;
select results_eq(format('select r::text from pg_temp.walk(%s) as r', n),
  $$ select r::text from audit, json_array_elements(answer -> 'ranges') as r $$, format('also in pieces of %s', n))
from unnest(array[1, 2, 3, 64]) as n;
delete from public.chat_messages where id > pg_temp.id('a', 'message', 2000);
select is((select string_agg(r ->> 'count', ' ') from pg_temp.walk(2) as r), '1000 1000', 'full ranges end it too');
select is((select count(*) from pg_temp.walk(1) as r where r ->> 'upto' = 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 1::bigint,
  'the last one to the last of all');

create temp table before_change as select public.sync_audit('chat_messages') as answer;
grant select on before_change to authenticated;
update public.chat_messages set rating = 4 where id = pg_temp.id('a', 'message', 1500);
select pg_temp.act_as_server();
select pg_temp.next_transaction();
select pg_temp.act_as(pg_temp.a());
update public.chat_messages set rating = 5 where id = pg_temp.id('a', 'message', 1500);
select is((select string_agg((r ->> 'hash' = o.r2 ->> 'hash')::text, ' ' order by x.ord) from
  json_array_elements(public.sync_audit('chat_messages') -> 'ranges') with ordinality as x (r, ord)
  join (select y.r2, y.ord from before_change, json_array_elements(answer -> 'ranges') with ordinality as y (r2, ord)) as o
  using (ord)), 'true false', 'one other number shows in its range');

select throws_ok(format('select public.sync_audit(%L)', t), '22023', null, t || ' is not audited')
from unnest(array['tombstones', 'sync_ops', 'auth.users', 'conversations as c; --']) as t;
select is((select sum((r ->> 'count')::int) from json_array_elements(
  public.sync_audit('chat_messages', null, 1000000) -> 'ranges') as r), 2000::bigint, 'B''s are not among them');
select is(json_array_length(public.sync_audit('chat_messages', null, -1) -> 'ranges'), 1, 'at least one range');

select * from finish();
rollback;
