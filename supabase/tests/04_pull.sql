-- Reading: pages in order, cursors that cut anywhere, parents, re-join, size.
begin;
\ir fixtures/people.sql
select no_plan();

-- All pages from a cursor, as (seq, rank, id).
create function pg_temp.walk(p_limit int, p_seq bigint default 0, out tbl text, out id uuid, out seq bigint)
returns setof record language plpgsql as $$
declare
  v_page json;
  v_row json;
  v_cursor json := json_build_object('seq', p_seq, 'rank', 0, 'id', null);
begin
  loop
    v_page := public.sync_pull(pg_temp.epoch(), (v_cursor ->> 'seq')::bigint, (v_cursor ->> 'rank')::int,
      (v_cursor ->> 'id')::uuid, p_limit);
    if json_array_length(v_page -> 'rows') > p_limit then raise exception 'page too long'; end if;
    for v_row in select * from json_array_elements(v_page -> 'rows') loop
      tbl := v_row ->> 'table';
      id := v_row -> 'row' ->> 'id';
      seq := v_row -> 'row' ->> 'change_seq';
      return next;
    end loop;
    v_cursor := v_page -> 'next';
    exit when not (v_page ->> 'has_more')::bool;
  end loop;
end $$;

-- 1: the fixture (profile, conversation, message, attachment). 2: 20 messages and a usage row. 3: a tombstone and a
-- rename.
select pg_temp.act_as(pg_temp.a());
insert into public.chat_messages (id, conversation_id, user_id, role, content)
select pg_temp.id('a', 'message', n), pg_temp.id('a', 'conversation'), pg_temp.a(), 'assistant', 'x'
from generate_series(2, 21) as n;
select pg_temp.act_as_server();
insert into public.usage_logs (user_id, endpoint, method, status_code) values (pg_temp.a(), '/', 'GET', 200);
select pg_temp.next_transaction();
select pg_temp.act_as(pg_temp.a());
delete from public.chat_messages where id = pg_temp.id('a', 'message', 21);
update public.conversations set title = 'renamed';
select is(pg_temp.head(pg_temp.a()), 3::bigint, 'three transactions');

create temp table everything as
select r.rank, x.tbl, x.id, x.seq from (
  select 'user_profiles' as tbl, id, change_seq as seq from public.user_profiles
  union all select 'conversations', id, change_seq from public.conversations
  union all select 'chat_messages', id, change_seq from public.chat_messages
  union all select 'message_attachments', id, change_seq from public.message_attachments
  union all select 'usage_logs', id, change_seq from public.usage_logs
  union all select 'tombstones', id, change_seq from public.tombstones) as x
join airi_private.sync_tables as r on r.table_name = x.tbl;

select results_eq('select tbl, id, seq from pg_temp.walk(1000)', 'select tbl, id, seq from everything order by seq, rank, id',
  'a pull brings everything in order of number, rank, id');
select results_eq(format('select tbl, id, seq from pg_temp.walk(%s)', n),
  'select tbl, id, seq from everything order by seq, rank, id', format('also in pages of %s, which cut numbers in the middle', n))
from unnest(array[1, 2, 3, 7, 20]) as n;
select results_eq('select tbl, id, seq from pg_temp.walk(5, 2)',
  'select tbl, id, seq from everything where seq >= 2 order by seq, rank, id', 'the cursor (2, 0, null) stands before number 2');
select is_empty(
  $$ select json_array_elements(public.sync_pull(pg_temp.epoch(), 3, 9, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 10) -> 'rows') $$,
  'the cursor at the end brings nothing');
create temp table last_page as
select public.sync_pull(pg_temp.epoch(), 3, 9, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 10) as page;
select is((select page -> 'next' ->> 'id' from last_page), 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'and repeats the cursor');
select is((select page ->> 'has_more' from last_page), 'false', 'and says that it is all');
select is((select array_agg(k order by k) from last_page, json_object_keys(page) as k),
  '{epoch,has_more,head,next,parents,rows}', 'an answer has these fields');

-- ---------------------------------------------------------------------------------------------------------- parents
-- The messages of number 2 name a conversation whose own number is 3 now.
create temp table page as select public.sync_pull(pg_temp.epoch(), 2, 0, null, 5) as page;
select is((select json_array_length(page -> 'parents') from page), 1, 'a page of messages brings their conversation, once');
select is((select page -> 'parents' -> 0 -> 'row' ->> 'title' from page), 'renamed', 'as it is now');
select is((select json_array_length(public.sync_pull(pg_temp.epoch(), 1, 0, null, 100) -> 'parents')), 0,
  'unless it is on the page itself, here after them');
select pg_temp.next_transaction();
update public.chat_messages set rating = 5 where id = pg_temp.id('a', 'message');
select results_eq(
  $$ select p ->> 'table' from json_array_elements(public.sync_pull(pg_temp.epoch(), 1, 3, null, 1) -> 'parents') as p $$,
  $$ values ('conversations'), ('chat_messages') $$,
  'an attachment brings its message, and that its conversation, the conversation first');

-- ----------------------------------------------------------------------------------------------------------- re-join
select is((public.sync_pull('another', 1) ->> 'rejoin')::bool, true, 'another epoch: join again');
select is((public.sync_pull(null, 1) ->> 'rejoin')::bool, true, 'no epoch: join again');
select is((public.sync_pull(pg_temp.epoch(), 5) ->> 'rejoin')::bool, true, 'a head below the cursor: join again');
select is((public.sync_pull(pg_temp.epoch(), 4) ->> 'rejoin'), null, 'the head itself is fine');
select is((select array_agg(k order by k) from json_object_keys(public.sync_pull('another', 1)) as k), '{epoch,head,rejoin}',
  'and no rows come along');
select matches(public.sync_hello() ->> 'epoch', '^[0-9a-f-]{36}:[0-9]+:[0-9]+$', 'the epoch names database and timeline');
select is(public.sync_hello() ->> 'schema', '1', 'hello tells the protocol''s version');

-- -------------------------------------------------------------------------------------------------------------- rows
create temp table travelling as select v.row from airi_private.sync_rows_chat_messages as v limit 1;
select set_eq('select json_object_keys(row) from travelling',
  $$ select c from airi_private.sync_tables as t, unnest(columns || array['id', 'change_seq']) as c
     where table_name = 'chat_messages' $$, 'a message travels with its columns and no others');
select matches((select row ->> 'created_at' from travelling), '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$',
  'times are UTC with microseconds');
set local timezone = 'Asia/Tokyo';
select is((select v.row ->> 'created_at' from airi_private.sync_rows_chat_messages as v where v.id = (select (row ->> 'id')::uuid from travelling)),
  (select row ->> 'created_at' from travelling), 'whatever the session''s time zone');

-- -------------------------------------------------------------------------------------------------------------- size
select pg_temp.next_transaction();
insert into public.chat_messages (conversation_id, user_id, role, content)
select pg_temp.id('a', 'conversation'), pg_temp.a(), 'assistant', repeat('x', 900000) from generate_series(1, 6);
insert into public.chat_messages (conversation_id, user_id, role, content)
values (pg_temp.id('a', 'conversation'), pg_temp.a(), 'assistant', repeat('y', 5000000));
create temp table big as select public.sync_pull(pg_temp.epoch(), pg_temp.head(pg_temp.a()), 0, null, 1000) as page;
select ok((select octet_length(page::text) < 5500000 or json_array_length(page -> 'rows') = 1 from big),
  'a page stops at about 4 MB');
select is((select page ->> 'has_more' from big), 'true', 'and says that there is more');
select is((select count(*) from pg_temp.walk(1000, pg_temp.head(pg_temp.a()))), 7::bigint, 'nothing is left out');
select ok((select octet_length(public.sync_snapshot('chat_messages')::text)) < 5500000, 'a snapshot''s page stops there too');

-- ---------------------------------------------------------------------------------------------------------- snapshot
create function pg_temp.snapshot(p_table text, p_limit int) returns setof uuid language plpgsql as $$
declare
  v_page json;
  v_after uuid;
begin
  loop
    v_page := public.sync_snapshot(p_table, v_after, p_limit);
    return query select (r ->> 'id')::uuid from json_array_elements(v_page -> 'rows') as r;
    exit when not (v_page ->> 'has_more')::bool;
    v_after := v_page ->> 'next';
  end loop;
end $$;
select results_eq(format('select * from pg_temp.snapshot(%L, %s)', 'chat_messages', n),
  'select id from public.chat_messages order by id', format('a snapshot in pages of %s brings every row once, in order', n))
from unnest(array[1, 4, 1000]) as n;
select is((public.sync_snapshot('payment_history') -> 'rows')::text, '[]', 'an empty table is an empty array');
select throws_ok($$select public.sync_snapshot('moderation_logs')$$, '22023', null, 'only what travels has a snapshot');
select throws_ok($$select public.sync_snapshot(null)$$, '22023', null, 'and a table must be named');

-- ----------------------------------------------------------------------------------------------------------- preview
insert into public.conversations (id, user_id, model_id, provider_id, last_message_at, deleted_at)
select pg_temp.id('a', 'conversation', n), pg_temp.a(), '', '', now() - n * interval '1 day', case n when 5 then now() end
from generate_series(2, 9) as n;
create temp table preview as select public.sync_preview(3, 2) as page;
select is((select array_agg(c ->> 'id') from preview, json_array_elements(page -> 'conversations') as c),
  array[pg_temp.id('a', 'conversation', 1), pg_temp.id('a', 'conversation', 2), pg_temp.id('a', 'conversation', 3)]::text[],
  'a preview holds the conversations last active');
insert into public.chat_messages (id, conversation_id, user_id, role, content, created_at)
select pg_temp.id('a', 'message', 100 + n), pg_temp.id('a', 'conversation', 2), pg_temp.a(), 'user', 'x',
  '2026-01-01'::timestamptz + n * interval '1 day' from generate_series(1, 4) as n;
update public.conversations set last_message_at = now() - interval '1 day' where id = pg_temp.id('a', 'conversation', 2);
select is(
  (select array_agg(m ->> 'id' order by m ->> 'id') from json_array_elements(public.sync_preview(3, 2) -> 'chat_messages') as m
   where m ->> 'conversation_id' = pg_temp.id('a', 'conversation', 2)::text),
  array[pg_temp.id('a', 'message', 103), pg_temp.id('a', 'message', 104)]::text[], 'with their newest messages');
select is((select string_agg(c ->> 'id', ' ') from json_array_elements(public.sync_preview(1, 40) -> 'conversations') as c),
  pg_temp.id('a', 'conversation')::text, 'one whose messages are very long is listed');
select is((public.sync_preview(1, 40) -> 'chat_messages')::text, '[]', 'without them');
select is((select (page -> 'totals' ->> 'conversations')::int from preview), 9, 'and the true totals');
select ok(not exists (select from json_array_elements(public.sync_preview(50, 1) -> 'conversations') as c
  where c ->> 'id' = pg_temp.id('a', 'conversation', 5)::text), 'deleted ones are not in it');

select * from finish();
rollback;
