-- The documented functions as a signed-in user has them: what a search finds and what it costs, the export, usage, topics,
-- and the server's cache. Whom they keep out is in 02.
begin;
\ir fixtures/people.sql
select no_plan();

insert into public.chat_messages (id, conversation_id, user_id, role, content, total_tokens, created_at)
select pg_temp.id('a', 'message', n), pg_temp.id('a', 'conversation'), pg_temp.a(), role, content, 5, now() - n * interval '1 h'
from (values
  (11, 'user', 'Which database is best for green threads?'), (12, 'assistant', 'Databases differ. Threads that are green.'),
  (13, 'user', 'async without python'), (14, 'user', 'async python'), (15, 'user', '这个数据库很好用'), (16, 'user', '100% of a_b'),
  (17, 'user', 'the green database and the green threads, database database')) as x (n, role, content);
insert into public.chat_messages (id, conversation_id, user_id, role, content)
values (pg_temp.id('b', 'message', 11), pg_temp.id('b', 'conversation'), pg_temp.b(), 'user', 'database 数据库 async');

-- ------------------------------------------------------------------------------------------------------------ search
select pg_temp.act_as(pg_temp.a());
create function pg_temp.found(p_query text) returns text language sql as $$
  select coalesce(string_agg(right(id::text, 2), ' ' order by id), '') from public.search_messages(p_query, 100) $$;
select is(pg_temp.found('green database '), '11 12 17', 'every word, in any order and form');
select is(pg_temp.found('"green threads"'), '11 17', 'a phrase stands together');
select is(pg_temp.found('data'), '11 12 17', 'the last word is a beginning');
select is(pg_temp.found('data '), '', 'until a blank follows');
select is(pg_temp.found('async -python'), '', 'a word that must not be there');
select is(pg_temp.found('async -the'), '13 14', 'stop words are in no index and leave nothing out');
select is(pg_temp.found('database -"green threads"'), '12', 'nor a phrase');
select is(pg_temp.found('数据'), '15', 'Han without blanks, also in the middle of a run');
select is(pg_temp.found('数据 -很好'), '', 'and left out');
select is(pg_temp.found('async 数据'), '', 'both kinds of words have to be there');
select is(pg_temp.found('-python'), '', 'only what must not be there is no question');
select is(pg_temp.found(q), '', 'no question: ' || coalesce(q, 'null'))
from unnest(array['', ' ', '"', '""', '-', '--', '&|!()', '''', '\', ':*', null]) as q;
select lives_ok(format('select public.search_messages(%L)', q), 'anything may be typed: ' || left(q, 20))
from unnest(array['a & | b', '!(', 'x:*', '''; drop', '\''\', 'std::vec', 'c++', repeat('ab ', 100000), '-" -', '数%_\']) as q;
select is(
  (select right(id::text, 2) from public.search_messages('database green ', 1)), '17', 'the one that says it most stands first');
select results_eq(
  $$ select id from public.search_messages('green', 1, 1) $$, $$ select id from public.search_messages('green') offset 1 limit 1 $$,
  'a page is a part of the whole');
select is((select conversation_title::text from public.search_messages('python') limit 1), 'a talks', 'with its conversation');
update public.chat_messages set deleted_at = now() where id = pg_temp.id('a', 'message', 14);
select is(pg_temp.found('async python'), '13', 'what is deleted is not found');
update public.conversations set deleted_at = now();
select is(pg_temp.found('async') || pg_temp.found('数据'), '', 'nor what lies in a deleted conversation');
select is(public.export_conversation_json(pg_temp.id('a', 'conversation'))::text, null, 'nor is that exported');
update public.conversations set deleted_at = null;

-- ------------------------------------------------------------------------------------------------------ export, summary
create temp table exported as select public.export_conversation_json(pg_temp.id('a', 'conversation')) as file;
select is((select array_agg(k) from exported, json_object_keys(file) as k), array['format', 'version', 'conversations'],
  'a whole file, its format first');
select is((select json_array_length(file #> '{conversations,0,messages}') from exported), 7, 'with what is not deleted');
select is((select message_count from public.get_conversation_summary(pg_temp.id('a', 'conversation'))), 7::bigint,
  'as the summary counts');
select is_empty(
  $$ select k from exported, json_array_elements(file #> '{conversations,0,messages}') as m,
       lateral (select array_agg(key) as ks from json_object_keys(m) as key) as k where ks <> array(select unnest(ks) collate "C" order by 1) $$,
  'keys stand in order');

-- -------------------------------------------------------------------------------------------------------- usage, topics
select results_eq('select messages, messages_sent, calls from public.get_user_usage_stats()', $$ values (7::bigint, 6::bigint, 0::bigint) $$,
  'messages of the caller');
select is((select messages from public.get_user_usage_stats(0)), (select count(*) from public.chat_messages
  where deleted_at is null and created_at >= now() - interval '1 day'), 'a day is the least');
select pg_temp.act_as_server();
insert into public.usage_logs (user_id, endpoint, method, status_code, total_tokens, estimated_cost, created_at)
values (pg_temp.a(), '/', 'POST', 200, 7, 0.5, now()), (pg_temp.a(), '/', 'POST', 500, 1, 0.25, now()),
  (pg_temp.a(), '/', 'POST', 200, 100, 9, now() - interval '31 days'), (pg_temp.b(), '/', 'POST', 200, 100, 9, now());
select pg_temp.act_as(pg_temp.a());
select results_eq('select calls, failed_calls, total_tokens, estimated_cost from public.get_user_usage_stats()',
  $$ values (2::bigint, 1::bigint, 8::bigint, 0.75) $$, 'calls, tokens and cost of the caller in these days');
select results_eq('select topic, messages from public.get_popular_topics(30, 3)',
  $$ values ('database', 2::bigint), ('green', 2::bigint), ('threads', 2::bigint) $$, 'words of the user''s own messages, by messages');
select is_empty($$ select from public.get_popular_topics(30, 100) where topic in ('the', 'and', 'differ') $$,
  'no stop words, and nothing that an assistant said');

-- ------------------------------------------------------------------------------------------------------------- cache
select pg_temp.act_as_server();
select is(public.get_or_set_cache('t', null), null::jsonb, 'nothing is kept yet');
select is(public.get_or_set_cache('t', '1'), '1'::jsonb, 'a value is kept');
select is(public.get_or_set_cache('t', '2'), '1'::jsonb, 'until it expires');
update public.cache_entries set expires_at = now() where key = 't';
select is(public.get_or_set_cache('t', null), null::jsonb, 'then it is gone');
select is(public.get_or_set_cache('t', '"select 1"'), '"select 1"'::jsonb, 'and text is text');
select is(public.get_or_set_cache('t', '2'), '"select 1"'::jsonb, 'and is never run');

-- --------------------------------------------------------------------------------------------------------------- cost
insert into public.chat_messages (conversation_id, user_id, role, content)
select pg_temp.id('a', 'conversation'), pg_temp.a(), 'assistant', 'plain words about nothing, number ' || n
from generate_series(1, 20000) as n;
insert into public.chat_messages (conversation_id, user_id, role, content)
select pg_temp.id(p, 'conversation'), u, 'assistant', 'one xylophone' from (values ('a', pg_temp.a()), ('b', pg_temp.b())) as x (p, u);
-- Of the table, or of each of its months.
select sum(gin_clean_pending_list(c.oid)) from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid
where 'public.idx_chat_messages_content_search'::regclass in (c.oid, i.inhparent) and c.relkind = 'i';
analyze public.chat_messages;
create function pg_temp.buffers(p_statement text) returns bigint language plpgsql as $$
declare
  v_plan json;
begin
  execute p_statement; -- warm: catalogs and plans are not what is counted
  execute 'explain (analyze, buffers, format json) ' || p_statement into v_plan;
  return (v_plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (v_plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
end $$;
-- One, unless an operator moved the messages to months: each is looked into.
create function pg_temp.tables() returns bigint language sql as
  $$ select greatest(count(*), 1) from pg_inherits where inhparent = 'public.chat_messages'::regclass $$;
select pg_temp.act_as(pg_temp.a());
select is((select count(*) from public.search_messages('xylophone ')), 1::bigint, 'a rare word, of the caller only');
select cmp_ok(pg_temp.buffers($$select * from public.search_messages('xylophone ')$$), '<', 60 * pg_temp.tables(),
  'is found through the index');
select cmp_ok(pg_temp.buffers($$select count(*) from public.chat_messages
  where to_tsvector('pg_catalog.english', left(content, 100000)) @@ 'xylophone'$$), '>', 300::bigint,
  'the control: under row level security it is not');


-- A page far back costs what the newest one does, and pages put together are the whole, each once.
select pg_temp.act_as_server();
insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
select pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'page', '2020-01-01'::timestamptz + n / 3 * interval '1 s'
from generate_series(1, 200) as n;
analyze public.chat_messages;
create temp table page_ends as select created_at, id from public.chat_messages where content = 'page' order by 1 desc, 2 desc offset 20 limit 1;
grant select on page_ends to authenticated;
select pg_temp.act_as(pg_temp.a());
do $$
begin
  if to_regprocedure('public.get_conversation_messages(uuid, int, timestamptz, uuid)') is null then
    -- A deployment's own goes on in its form.
    create function pg_temp.page(p_before timestamptz, p_id uuid) returns setof uuid language sql as
      'select id from public.chat_messages where user_id = auth.uid() and conversation_id = pg_temp.id(''a'', ''conversation'')
         and (created_at, id) < (p_before, p_id) order by created_at desc, id desc limit 50';
  else
    create function pg_temp.page(p_before timestamptz, p_id uuid) returns setof uuid language sql as
      'select id from public.get_conversation_messages(pg_temp.id(''a'', ''conversation''), 50, p_before, p_id)';
  end if;
end $$;
select cmp_ok(pg_temp.buffers(format('select pg_temp.page(%L, %L)', created_at, id)), '<', 100 * pg_temp.tables(), 'a page far back is no dearer') from page_ends;
select results_eq(
  $$ with recursive walk as (
       select created_at, id, 0 as n from page_ends
       union all
       select m.created_at, m.id, w.n + 1 from walk as w, lateral (
         select p.id from pg_temp.page(w.created_at, w.id) as p (id)) as next join public.chat_messages as m using (id)
       where w.n < 1)
     select count(*), count(distinct id) from walk where n = 1 $$, $$ values (50::bigint, 50::bigint) $$, 'with 50 messages, each once');

select * from finish();
rollback;
