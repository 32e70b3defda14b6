-- Monthly partitions: made once, closed to clients, with the rows that had no place of their own; no date is refused.
begin;
\ir fixtures/people.sql
select no_plan();

create function pg_temp.place(p_content text) returns text language sql as $$
  select tableoid::regclass::text from public.chat_messages_partitioned where content = p_content $$;
insert into public.chat_messages_partitioned (conversation_id, user_id, role, content, created_at, total_tokens)
select pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', content, at, 7
from (values ('last of January', '2031-01-31 23:59:59.999999+00'::timestamptz), ('first of February', '2031-02-01 00:00:00+00'),
  ('last of February', '2031-02-28 23:59:59.999999+00'), ('first of March', '2031-03-01 00:00:00+00')) as x (content, at);
create temp table before as select to_jsonb(m) as row from public.chat_messages_partitioned as m;

set local timezone = 'Asia/Tokyo';
select is(public.create_monthly_partition('2031-02-14'), 'chat_messages_y2031m02', 'a month''s partition, by its documented name');
select is(public.create_monthly_partition('2031-02-01'), 'chat_messages_y2031m02', 'made once');
set local timezone = 'UTC';
select is(pg_temp.place('first of February'), 'chat_messages_y2031m02', 'rows that waited in the default move in');
select is(pg_temp.place('last of February'), 'chat_messages_y2031m02', 'to the last moment');
select isnt(pg_temp.place('last of January'), 'chat_messages_y2031m02', 'the month before does not');
select isnt(pg_temp.place('first of March'), 'chat_messages_y2031m02', 'nor the one after: months are of UTC');
select set_eq('select to_jsonb(m) from public.chat_messages_partitioned as m', 'select row from before', 'nothing is lost or changed');
insert into public.chat_messages_partitioned (conversation_id, user_id, role, content, created_at)
values (pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'new', '2031-02-10'),
  (pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'far', '9999-01-01');
select is(pg_temp.place('new'), 'chat_messages_y2031m02', 'new ones go there');
select isnt(pg_temp.place('far'), null::text, 'and no date is refused');
select is(public.create_monthly_partition(), to_char((now() at time zone 'UTC') + interval '1 month', '"chat_messages_y"YYYY"m"MM'),
  'unless told otherwise, next month''s');
select throws_ok('select public.create_monthly_partition(null)', '22023', null, 'no month is an error');
select throws_ok($$select public.create_monthly_partition('infinity')$$, '22023', null, 'as is no real one');
select results_eq(
  $$ select count(*) from pg_inherits join pg_constraint on conrelid = inhrelid
     where inhrelid = 'public.chat_messages_y2031m02'::regclass and contype in ('p', 'f') $$,
  $$ select count(*) from pg_constraint where conrelid = 'public.chat_messages_partitioned'::regclass and contype in ('p', 'f') $$,
  'with the parent''s keys');

-- To clients it is closed, as its parent is.
select is((select relrowsecurity from pg_class where oid = 'public.chat_messages_y2031m02'::regclass), true, 'row level security is on');
select is(has_table_privilege(r, 'public.chat_messages_y2031m02', v), false, r || ' may not ' || v)
from unnest(array['anon', 'authenticated']) as r, unnest(array['select', 'insert', 'update', 'delete']) as v;
select pg_temp.act_as(pg_temp.a());
select throws_ok('select public.create_monthly_partition()', '42501', null, 'a user makes none');
select throws_ok($$select airi_private.make_partition('2031-05-01')$$, '42501', null, 'in no way');
select pg_temp.act_as_server();
set local role service_role;
select is(public.create_monthly_partition('2031-04-01'), 'chat_messages_y2031m04', 'the service role does');
reset role;

select * from finish();
rollback;
