-- Search by words and meaning as far as it goes on any server: with pgvector there is a column to look at, and without it a
-- plain refusal. What needs vectors is in tests/server/semantic.rs.
begin;
\ir fixtures/people.sql
select no_plan();

create temp table here as select exists (select from airi_private.embedding_type()) as turned_on;
grant select on here to public;
select is((select count(*)::int from airi_private.embedding_type()), (select turned_on::int from here), 'the column is there or not');
select is((select dimensions from airi_private.embedding_type()), case when turned_on then 1536 end, 'with the documented numbers') from here;
select is(
  (select count(*)::int from pg_index where indisvalid and indrelid = 'public.chat_messages'::regclass
   and indexrelid::regclass::text ~ 'idx_chat_messages_(embedding|embedded|to_embed)$'), case when turned_on then 3 else 0 end,
  'its indexes too') from here;
select is_empty('select airi_private.enable_embeddings()', 'and nothing remains to be done');

insert into public.chat_messages (id, conversation_id, user_id, role, content)
select pg_temp.id('a', 'message', n), pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', content
from (values (11, 'a green database'), (12, 'green green'), (13, '这个数据库很好用')) as x (n, content);

select pg_temp.act_as(pg_temp.a());
create function pg_temp.found(p_query text) returns text language sql as $$
  select string_agg(right(id::text, 2), ' ' order by score desc) from public.search_messages_hybrid(p_query) $$;
select is(pg_temp.found('green '), '12 11', 'words alone, ranked');
select is(pg_temp.found('数据'), '13', 'and of scripts without blanks');
select is(pg_temp.found(q), null, 'no question: ' || coalesce(q, 'null')) from unnest(array['', '-x', null]) as q;
select is((select array_agg(word_place) from public.search_messages_hybrid('green ')), '{1,2}', 'with their places');
select results_eq(
  $$ select id from public.search_messages_hybrid('green ', null, 1, 1) $$,
  $$ select id from public.search_messages_hybrid('green ') offset 1 $$, 'a page is a part of the whole');
select throws_ok(
  $$ select * from public.search_messages_hybrid('green ', '{1,2,3}') $$, case when turned_on then '22023' else '0A000' end,
  case when turned_on then 'an embedding has 1536 numbers here, this one has 3' else 'search by meaning is not turned on here' end,
  'a vector that does not fit is refused') from here;
select throws_ok(format('select public.%s', f), '42501', null, f || ' is the server''s')
from unnest(array['messages_to_embed()', 'set_message_embeddings(''[]'')']) as f;
select throws_ok('select airi_private.enable_embeddings()', '42501', null, 'and turning it on the operator''s');
select pg_temp.act_as(pg_temp.b());
select is(pg_temp.found('green '), null, 'another user finds nothing of it');
select pg_temp.act_as_anon();
select throws_ok($$ select * from public.search_messages_hybrid('green ') $$, '42501', null, 'a stranger is refused');

select * from finish();
rollback;
