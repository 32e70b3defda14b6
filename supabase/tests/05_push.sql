-- Writing: each operation once, in order, by lane; what is refused and how.
begin;
\ir fixtures/people.sql
select no_plan();

-- Short forms. An operation's id is made from a number, its lane is A's conversation unless told.
create function pg_temp.op(p_number int, p_kind text, p_table text, p_id uuid, p_data jsonb default null,
  p_lane text default 'one') returns jsonb language sql as $$
  select jsonb_strip_nulls(jsonb_build_object('op_id', pg_temp.id('a', 'op', p_number), 'lane', p_lane, 'table', p_table,
    'id', p_id, 'kind', p_kind, 'base_seq', 0)) || case p_kind
      when 'insert' then jsonb_build_object('row', p_data) when 'patch' then jsonb_build_object('set', p_data)
      else '{}' end $$;
create function pg_temp.push(variadic p_ops jsonb[]) returns json language sql as $$
  select public.sync_push(pg_temp.id('a', 'device'), to_jsonb(p_ops)) $$;
create function pg_temp.outcomes(p_answer json) returns text language sql as $$
  select string_agg((r ->> 'status') || coalesce(':' || (r ->> 'code'), ''), ' ' order by ord)
  from json_array_elements(p_answer -> 'results') with ordinality as x (r, ord) $$;
create function pg_temp.message(p_content text, p_conversation uuid default pg_temp.id('a', 'conversation')) returns jsonb
language sql as $$ select jsonb_build_object('conversation_id', p_conversation, 'role', 'user', 'content', p_content,
  'created_at', '2025-05-05T05:05:05.123456Z') $$;

select pg_temp.act_as(pg_temp.a());

-- ------------------------------------------------------------------------------------------------------------ insert
create temp table first_push as select pg_temp.push(
  pg_temp.op(1, 'insert', 'conversations', pg_temp.id('a', 'conversation', 2),
    '{"title": "new", "model_id": null, "created_at": "2020-02-02T00:00:00Z", "tags": ["t"], "settings": {"a": 1}}'),
  pg_temp.op(2, 'insert', 'chat_messages', pg_temp.id('a', 'message', 2), pg_temp.message('hello', pg_temp.id('a', 'conversation', 2))),
  pg_temp.op(3, 'insert', 'chat_messages', pg_temp.id('a', 'message', 3), pg_temp.message('world', pg_temp.id('a', 'conversation', 2))),
  pg_temp.op(4, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 2),
    jsonb_build_object('message_id', pg_temp.id('a', 'message', 2), 'file_name', 'f', 'storage_path', '',
      'metadata', '{"sha256": "00"}'::jsonb))
) as answer;
select is((select pg_temp.outcomes(answer) from first_push), 'applied applied applied applied', 'parents, then children');
select is((select array_agg(distinct r ->> 'change_seq') from first_push, json_array_elements(answer -> 'results') as r), '{2}',
  'one number for one push');
select is((select answer ->> 'head' from first_push), '2', 'which is the head');
select results_eq($$select model_id, tags, settings, last_message_at = '2025-05-05T05:05:05.123456Z', message_count
  from public.conversations where title = 'new'$$, $$values (''::varchar, '{t}'::text[], '{"a": 1}'::jsonb, true, 2)$$,
  'no model is an empty one, and an imported conversation is as old as its messages');
select is((select created_at from public.chat_messages where content = 'hello'), '2025-05-05T05:05:05.123456Z'::timestamptz,
  'times keep their microseconds');

-- ------------------------------------------------------------------------------------------------------------ replay
select pg_temp.next_transaction();
create temp table second_push as select pg_temp.push(
  pg_temp.op(1, 'insert', 'conversations', pg_temp.id('a', 'conversation', 2), '{"title": "new"}'),
  pg_temp.op(2, 'insert', 'chat_messages', pg_temp.id('a', 'message', 2), pg_temp.message('hello', pg_temp.id('a', 'conversation', 2))),
  pg_temp.op(3, 'insert', 'chat_messages', pg_temp.id('a', 'message', 3), pg_temp.message('world', pg_temp.id('a', 'conversation', 2)))
) as answer;
select is((select pg_temp.outcomes(answer) || ' ' || (answer ->> 'head') from second_push), 'applied applied applied 2',
  'the same push again gets the same results and moves nothing');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(10, 'insert', 'conversations', pg_temp.id('a', 'conversation', 2), '{"title": "other"}'),
  pg_temp.op(11, 'insert', 'chat_messages', pg_temp.id('a', 'message', 2), pg_temp.message('hello', pg_temp.id('a', 'conversation', 2))),
  pg_temp.op(12, 'insert', 'chat_messages', pg_temp.id('a', 'message', 3), pg_temp.message('world', pg_temp.id('a', 'conversation', 2)))
)), 'applied applied applied', 'the same rows under new operations count as applied');
select is((select title from public.conversations where id = pg_temp.id('a', 'conversation', 2)), 'new', 'and change nothing');
select is(pg_temp.head(pg_temp.a()), 2::bigint, 'not even the head');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(13, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"title": "patched"}'))), 'applied', 'a patch');
update public.conversations set title = 'by hand' where id = pg_temp.id('a', 'conversation', 2);
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(13, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"title": "patched"}'))), 'applied', 'replayed');
select is((select title from public.conversations where id = pg_temp.id('a', 'conversation', 2)), 'by hand',
  'has no second effect');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(14, 'patch', 'chat_messages', pg_temp.id('a', 'message'), '{"rating": 1}'),
  pg_temp.op(14, 'patch', 'chat_messages', pg_temp.id('a', 'message'), '{"rating": 2}'))), 'applied applied',
  'the same operation twice in one call');
select is((select rating from public.chat_messages where id = pg_temp.id('a', 'message')), 1, 'takes effect once');

-- ------------------------------------------------------------------------------------------------------------ refused
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(20, 'insert', 'chat_messages', pg_temp.id('a', 'message', 2), pg_temp.message('other', pg_temp.id('a', 'conversation', 2)), 'l1'),
  pg_temp.op(21, 'insert', 'chat_messages', pg_temp.id('b', 'message'), pg_temp.message('x'), 'l2'),
  pg_temp.op(22, 'insert', 'conversations', pg_temp.id('b', 'conversation'), '{}', 'l3'),
  pg_temp.op(23, 'insert', 'chat_messages', pg_temp.id('a', 'message', 9), pg_temp.message('x', pg_temp.id('b', 'conversation')), 'l4'),
  pg_temp.op(24, 'insert', 'chat_messages', pg_temp.id('a', 'message', 9), pg_temp.message('x', pg_temp.id('a', 'conversation', 99)), 'l5'),
  pg_temp.op(25, 'patch', 'conversations', pg_temp.id('b', 'conversation'), '{"title": "x"}', 'l6'),
  pg_temp.op(26, 'patch', 'chat_messages', pg_temp.id('a', 'message', 2), '{"content": "x"}', 'l7'),
  pg_temp.op(27, 'patch', 'chat_messages', pg_temp.id('a', 'message', 2), '{"rating": 6}', 'l8'),
  pg_temp.op(28, 'insert', 'conversations', pg_temp.id('a', 'conversation', 9), '{"user_id": "x"}', 'l9'),
  pg_temp.op(29, 'insert', 'conversations', pg_temp.id('a', 'conversation', 9), jsonb_build_object('title', repeat('x', 256)), 'l10'),
  pg_temp.op(30, 'insert', 'user_profiles', pg_temp.a(), '{}', 'l11'),
  pg_temp.op(31, 'insert', 'conversations', pg_temp.id('a', 'conversation', 9), '{"change_seq": 1}', 'l12'),
  pg_temp.op(32, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 9),
    jsonb_build_object('message_id', pg_temp.id('b', 'message'), 'file_name', 'f'), 'l13')
)), 'refused:content_conflict refused:id_taken refused:id_taken refused:missing_parent refused:missing_parent '
  'refused:not_found refused:forbidden_field refused:invalid refused:forbidden_field refused:invalid refused:invalid '
  'refused:forbidden_field refused:missing_parent', 'each refusal has its code');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(29, 'insert', 'conversations', pg_temp.id('a', 'conversation', 9), '{}', 'l10'))),
  'refused:invalid', 'a refused operation stays refused');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(33, 'insert', 'conversations', pg_temp.id('a', 'conversation', 9), '{}', 'l10'))),
  'applied', 'its mended successor is a new one');
select is(pg_temp.outcomes(public.sync_push(null, '[1, {}, {"op_id": "x"}, null, [], "op"]')),
  'refused:invalid skipped skipped skipped skipped skipped', 'nonsense is refused, and does not stop the call');
select is((select count(*) from public.conversations where id = pg_temp.id('b', 'conversation')), 0::bigint, 'B''s stay unseen');

-- -------------------------------------------------------------------------------------------------------------- lanes
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(40, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"summary": "1"}', 'bad'),
  pg_temp.op(41, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"max_tokens": "many"}', 'bad'),
  pg_temp.op(42, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"summary": "2"}', 'bad'),
  pg_temp.op(43, 'patch', 'conversations', pg_temp.id('a', 'conversation', 9), '{"summary": "3"}', 'good'),
  pg_temp.op(44, 'insert', 'chat_messages', pg_temp.id('a', 'message', 10), pg_temp.message('x'), 'bad'),
  pg_temp.op(45, 'insert', 'chat_messages', pg_temp.id('a', 'message', 11), pg_temp.message('x'), 'good')
)), 'applied refused:invalid skipped applied skipped applied', 'after a refusal its lane is skipped, others go on');
select is((select summary from public.conversations where id = pg_temp.id('a', 'conversation', 2)), '1', 'skipped is not done');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(42, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"summary": "2"}', 'bad'))),
  'applied', 'and can be pushed again later');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(50, 'insert', 'chat_messages', pg_temp.id('a', 'message', 12), pg_temp.message('a'), 'x'),
  pg_temp.op(51, 'insert', 'chat_messages', pg_temp.id('a', 'message', 13), pg_temp.message('b') || '{"role": "nobody"}', 'y'),
  pg_temp.op(52, 'insert', 'chat_messages', pg_temp.id('a', 'message', 14), pg_temp.message('c'), 'y'),
  pg_temp.op(53, 'insert', 'chat_messages', pg_temp.id('a', 'message', 15), pg_temp.message('d'), 'z'),
  pg_temp.op(54, 'insert', 'chat_messages', pg_temp.id('a', 'message', 15), pg_temp.message('d'), 'z')
)), 'applied refused:invalid skipped applied applied', 'a run of messages with a bad one ends as if each had gone alone');
select is((select count(*) from public.chat_messages where id in
  (select pg_temp.id('a', 'message', n) from generate_series(12, 15) as n)), 2::bigint, 'each once');

-- ------------------------------------------------------------------------------------------------------------- merging
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(60, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2),
    '{"settings_set": {"a": null, "b.c": 1, "b.d": {"e": 2}}, "tags_add": ["u", "t", "v"], "tags_remove": ["v"], "model_id": null}'),
  pg_temp.op(61, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2),
    '{"settings_set": {"b.c": null, "b.f": [3]}, "tags_remove": ["t"], "deleted_at": "2026-01-01T00:00:00Z"}'))),
  'applied applied', 'patches merge');
select results_eq($$select settings, tags, deleted_at, is_archived, model_id from public.conversations
  where id = pg_temp.id('a', 'conversation', 2)$$,
  $$values ('{"b": {"d": {"e": 2}, "f": [3]}}'::jsonb, '{u,v}'::text[], '2026-01-01T00:00:00Z'::timestamptz, true, ''::varchar)$$,
  'per leaf and per tag; deleting archives');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(62, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"deleted_at": null, "is_archived": false}'),
  pg_temp.op(63, 'patch', 'chat_messages', pg_temp.id('a', 'message'), '{"rating": null, "feedback": "f", "metadata": {"x": 1}}'),
  pg_temp.op(64, 'patch', 'message_attachments', pg_temp.id('a', 'attachment'), '{"storage_path": "p"}'),
  pg_temp.op(65, 'patch', 'conversations', pg_temp.id('a', 'conversation', 2), '{"settings_set": 1}', 'odd'))),
  'applied applied applied refused:invalid', 'fields are set and cleared');

-- ----------------------------------------------------------------------------------------------------------- deleting
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(70, 'delete', 'conversations', pg_temp.id('a', 'conversation', 2)),
  pg_temp.op(71, 'delete', 'conversations', pg_temp.id('a', 'conversation', 2)),
  pg_temp.op(72, 'delete', 'chat_messages', pg_temp.id('b', 'message')),
  pg_temp.op(73, 'insert', 'conversations', pg_temp.id('a', 'conversation', 2), '{"title": "again"}'),
  pg_temp.op(74, 'insert', 'chat_messages', pg_temp.id('a', 'message', 2), pg_temp.message('again', pg_temp.id('a', 'conversation', 2))))),
  'applied applied applied applied applied', 'erasing, twice, and starting anew with the same ids');
select is((select count(*) from public.tombstones), 1::bigint, 'one tombstone');
select ok((select bool_and(m.change_seq >= c.change_seq and c.change_seq > t.change_seq) from public.conversations as c
  join public.tombstones as t on t.row_id = c.id join public.chat_messages as m on m.conversation_id = c.id),
  'which stands before what came after it');
select pg_temp.act_as_server();
select is((select content from public.chat_messages where id = pg_temp.id('b', 'message')), 'secret of b', 'B''s message stands');

-- -------------------------------------------------------------------------------------------------------- the whole call
select pg_temp.act_as(pg_temp.a());
select throws_ok($$select public.sync_push(null, '{}')$$, '22023', null, 'operations come in an array');
select throws_ok($$select public.sync_push(null, (select jsonb_agg(n) from generate_series(1, 501) as n))$$, '54000', null,
  'not more than 500');
select is(pg_temp.outcomes(public.sync_push(null, '[]')), null, 'none is fine');
select throws_ok($$do 'begin perform set_config(''transaction_read_only'', ''on'', true);
  perform public.sync_push(null, ''[{"op_id": "aaaaaaaa-0000-4000-8000-000005000099", "id":
  "aaaaaaaa-0000-4000-8000-000003000001", "table": "chat_messages", "kind": "patch", "set": {"rating": 4}}]''); end'$$,
  '25006', null, 'what is not the row''s fault fails the call and records nothing');
select is((select count(*) from public.sync_ops where op_id = pg_temp.id('a', 'op', 99)), 0::bigint, 'nothing');

select pg_temp.act_as_server();
create function pg_temp.trouble() returns trigger language plpgsql as $$
begin raise exception 'trouble' using errcode = new.feedback; end $$;
create trigger trouble before update on public.chat_messages for each row when (new.feedback is not null)
  execute function pg_temp.trouble();
select pg_temp.act_as(pg_temp.a());
select throws_ok(format($$select public.sync_push(null, %L)$$, jsonb_build_array(pg_temp.op(90 + n, 'patch', 'chat_messages',
  pg_temp.id('a', 'message'), jsonb_build_object('feedback', e)))), e, null, e || ' fails the call, it is not the row''s fault')
from (values (1, '40P01'), (2, '40001'), (3, '55P03'), (4, '53100'), (5, '42P01'), (6, '58030')) as x (n, e);
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(98, 'patch', 'chat_messages', pg_temp.id('a', 'message'),
  '{"feedback": "P0001"}'))), 'refused:invalid', 'what a rule of the database says is a refusal');
select is((select count(*) from public.sync_ops where op_id between pg_temp.id('a', 'op', 90) and pg_temp.id('a', 'op', 98)),
  1::bigint, 'only that is recorded');

-- An account from before the trigger that makes profiles, and one that is gone.
-- ------------------------------------------------------------------------------------------------------------ the epoch
select is(
  public.sync_push(pg_temp.id('a', 'device'), jsonb_build_array(pg_temp.op(70, 'insert', 'conversations',
    pg_temp.id('a', 'conversation', 70), '{}')), 'an epoch that is over') ->> 'rejoin', 'true', 'a push for another epoch is refused');
select is_empty($$ select from public.conversations where id = pg_temp.id('a', 'conversation', 70) $$, 'and nothing of it applied');
select is(
  pg_temp.outcomes(public.sync_push(pg_temp.id('a', 'device'), jsonb_build_array(pg_temp.op(70, 'insert', 'conversations',
    pg_temp.id('a', 'conversation', 70), '{}')), airi_private.epoch())), 'applied', 'in its own epoch it is taken');

select pg_temp.act_as_server();
delete from public.user_profiles where id = pg_temp.b();
select pg_temp.act_as(pg_temp.b());
select is(pg_temp.outcomes(public.sync_push(null, jsonb_build_array(
  pg_temp.op(80, 'insert', 'conversations', pg_temp.id('b', 'conversation'), '{}')))), 'applied', 'a missing profile is made');
select pg_temp.act_as_server();
delete from auth.users where id = pg_temp.b();
select pg_temp.act_as(pg_temp.b());
select throws_ok($$select public.sync_push(null, '[]')$$, 'PT401', null, 'a token that outlives its account pushes nothing');

select * from finish();
rollback;
