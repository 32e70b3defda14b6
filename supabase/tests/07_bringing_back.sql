-- After a restore: numbers of another epoch are higher ones, and of several forms of a row the latest is brought back,
-- whoever comes first.
begin;
\ir fixtures/people.sql
select no_plan();

create function pg_temp.op(p_number int, p_kind text, p_table text, p_id uuid, p_data jsonb, p_held jsonb default null)
returns jsonb language sql as $$
  select jsonb_strip_nulls(jsonb_build_object('op_id', pg_temp.id('a', 'op', p_number), 'lane', p_number::text,
    'table', p_table, 'id', p_id, 'kind', p_kind, 'base_seq', 0, 'held', p_held))
    || jsonb_build_object(case p_kind when 'insert' then 'row' else 'set' end, p_data) $$;
create function pg_temp.push(variadic p_ops jsonb[]) returns json language sql as $$
  select public.sync_push(pg_temp.id('a', 'device'), to_jsonb(p_ops)) $$;
create function pg_temp.outcomes(p_answer json) returns text language sql as $$
  select string_agg((r ->> 'status') || coalesce(':' || (r ->> 'code'), ''), ' ' order by ord)
  from json_array_elements(p_answer -> 'results') with ordinality as x (r, ord) $$;
create function pg_temp.first_result(p_answer json) returns json language sql as $$ select p_answer -> 'results' -> 0 $$;
-- A message, told by the short form of its number.
create function pg_temp.m(p_number int) returns uuid language sql as $$ select pg_temp.id('a', 'message', p_number) $$;
create function pg_temp.message(p_content text, p_rating int default null) returns jsonb language sql as $$
  select jsonb_build_object('conversation_id', pg_temp.id('a', 'conversation'), 'role', 'user', 'content', p_content,
    'created_at', '2025-05-05T05:05:05.123456Z', 'rating', p_rating) $$;
-- The server is put back to an earlier state: as far as numbers go, that is another epoch and the same heads.
create function pg_temp.restore() returns void language sql security definer as $$
  update airi_private.sync_epoch set epoch = gen_random_uuid(); update public.sync_heads set xid = null $$;
create function pg_temp.number(p_table text, p_id uuid) returns bigint language sql security definer as $$
  select airi_private.number_of(p_table, p_id) $$;

-- ----------------------------------------------------------------------------------------------------- numbers, epochs
select is((select epoch from public.sync_heads where user_id = pg_temp.a()), pg_temp.epoch(), 'a head knows its epoch');
update public.sync_heads set epoch = null where user_id = pg_temp.b();
select pg_temp.restore();
update public.conversations set title = 'x';
select is(pg_temp.head(pg_temp.a()), 100000000000, 'the first number of an epoch by hand is the next multiple of 10^11');
select is(pg_temp.head(pg_temp.b()), 2::bigint, 'a head that knows no epoch counts as one of the present');
select is((select count(*) from public.sync_heads where user_id in (pg_temp.a(), pg_temp.b())
  and epoch = pg_temp.epoch()), 2::bigint, 'and knows it from then on');
update public.sync_heads set epoch = epoch || '0', xid = null where user_id = pg_temp.a();
update public.conversations set title = 'z' where user_id = pg_temp.a();
select is(pg_temp.head(pg_temp.a()), 1000000000000, 'that of another timeline the next multiple of 10^12');
select pg_temp.next_transaction();
update public.conversations set title = 'y' where user_id = pg_temp.a();
select is(pg_temp.head(pg_temp.a()), 1000000000001, 'from there it goes on by one');
select pg_temp.restore();
update public.chat_messages set rating = 1 where user_id = pg_temp.a();
select is(pg_temp.head(pg_temp.a()), 1100000000000, 'each epoch has its own numbers');
select pg_temp.next_transaction();
delete from public.message_attachments where user_id = pg_temp.a();
select results_eq('select change_seq from public.tombstones', 'values (1100000000001)', 'tombstones too');
select pg_temp.act_as(pg_temp.a());
select ok(not (public.sync_pull(pg_temp.epoch(), 1100000000001) ->> 'rejoin')::bool is true, 'a cursor of it is one');
select pg_temp.act_as_server();
-- From here on A's rows are as a restored server would have them: with small numbers, below 100.
alter table public.conversations disable trigger user;
alter table public.chat_messages disable trigger user;
update public.conversations set change_seq = 40, title = 'old' where user_id = pg_temp.a();
update public.chat_messages set change_seq = 40, rating = null where user_id = pg_temp.a();
alter table public.conversations enable trigger user;
alter table public.chat_messages enable trigger user;
delete from public.tombstones;
select pg_temp.next_transaction();

-- ------------------------------------------------------------------------------------------------------------- patches
select pg_temp.act_as(pg_temp.a());
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(1, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 50", "tags_add": ["t"]}', '50'))), 'applied', 'a later form is brought back');
select results_eq('select title, tags from public.conversations', $$ values ('of 50'::varchar, '{t}'::text[]) $$, 'whole');
select ok((select change_seq > 1100000000000 from public.conversations), 'with a number of the new epoch, so that it travels');
create temp table superseded as select pg_temp.push(pg_temp.op(2, 'patch', 'conversations',
  pg_temp.id('a', 'conversation'), '{"title": "of 45"}', '45')) as answer;
select is((select pg_temp.outcomes(answer) from superseded), 'applied:superseded', 'an earlier form is not');
select is((select title from public.conversations), 'of 50', 'and does nothing');
select is((select pg_temp.first_result(answer) -> 'row' ->> 'title' from superseded), 'of 50', 'it gets the row');
select is((select pg_temp.first_result(answer) ->> 'change_seq' from superseded),
  (select change_seq::text from public.conversations), 'and its number');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(3, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 50 too"}', '50'))), 'applied:superseded', 'nor is one that is as old');
select pg_temp.next_transaction();
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(4, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 60"}', '60'))), 'applied', 'the latest one is, although another was brought back before');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(5, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 60"}', '61'))), 'applied', 'one that changes nothing');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(6, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 60 and a half"}', '61'))), 'applied:superseded', 'counts all the same');
select is((select pg_temp.first_result(pg_temp.push(pg_temp.op(2, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 45"}', '45'))) -> 'row' ->> 'title'), 'of 60', 'a replay gets the same word, and the row of now');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(1, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 50"}', '50'))), 'applied', 'a replay of what took effect has no second one');
select is((select title from public.conversations), 'of 60', 'none');

-- What is written in the new epoch is later than anything lost, also in the transaction that brought the row back.
select pg_temp.next_transaction();
update public.conversations set summary = 'new';
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(7, 'patch', 'conversations', pg_temp.id('a', 'conversation'),
  '{"title": "of 99"}', '99'))), 'applied:superseded', 'a row that was written since is not changed');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(8, 'patch', 'chat_messages', pg_temp.m(1), '{"rating": 2}', '50'),
  pg_temp.op(9, 'patch', 'chat_messages', pg_temp.m(1), '{"feedback": "new"}'),
  pg_temp.op(10, 'patch', 'chat_messages', pg_temp.m(1), '{"rating": 3}', '60'))), 'applied applied applied:superseded',
  'not even if it was brought back a moment before');
select results_eq('select rating, feedback from public.chat_messages', $$ values (2, 'new'::text) $$, 'both are kept');

-- ------------------------------------------------------------------------------------------------------------- inserts
select pg_temp.next_transaction();
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(20, 'insert', 'conversations', pg_temp.id('a', 'conversation', 2),
    '{"title": "of 50", "settings": {"a": 1}, "tags": ["t"], "is_starred": true}', '50'),
  pg_temp.op(21, 'insert', 'chat_messages', pg_temp.m(2), pg_temp.message('two', 1), '50'),
  pg_temp.op(22, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 2),
    jsonb_build_object('message_id', pg_temp.m(2), 'file_name', 'f', 'storage_path', 'of 50'), '50'))),
  'applied applied applied', 'rows that are gone come back');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(23, 'insert', 'conversations', pg_temp.id('a', 'conversation', 2),
    '{"title": "of 45", "settings": {"b": 1}}', '45'),
  pg_temp.op(24, 'insert', 'chat_messages', pg_temp.m(2), pg_temp.message('two', 2), '45'),
  pg_temp.op(25, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 2),
    jsonb_build_object('message_id', pg_temp.m(2), 'file_name', 'f', 'storage_path', 'of 45'), '45'))),
  'applied:superseded applied:superseded applied:superseded', 'an earlier form of each changes nothing');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(26, 'insert', 'conversations', pg_temp.id('a', 'conversation', 2),
    '{"title": "of 60", "settings": {"c": 1}, "created_at": "2001-01-01T00:00:00Z"}', '60'),
  pg_temp.op(27, 'insert', 'chat_messages', pg_temp.m(2), pg_temp.message('two', 3), '60'),
  pg_temp.op(28, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 2),
    jsonb_build_object('message_id', pg_temp.m(2), 'file_name', 'g', 'storage_path', 'of 60'), '60'))),
  'applied applied applied', 'a later form of each is taken');
select results_eq($$select title, settings, tags, is_starred, created_at = now() from public.conversations
  where id = pg_temp.id('a', 'conversation', 2)$$,
  $$ values ('of 60'::varchar, '{"c": 1}'::jsonb, '{t}'::text[], true, true) $$,
  'as far as a patch may go, settings whole; what it does not name stays');
select results_eq($$select m.rating, a.storage_path, a.file_name::text from public.chat_messages as m
  join public.message_attachments as a on a.message_id = m.id where m.id = pg_temp.m(2)$$,
  $$ values (3, 'of 60'::text, 'f'::text) $$, 'of messages and attachments too');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(29, 'insert', 'chat_messages', pg_temp.m(2), pg_temp.message('another two'), '99'),
  pg_temp.op(30, 'insert', 'chat_messages', pg_temp.m(2), pg_temp.message('another two'), '1'),
  pg_temp.op(31, 'insert', 'chat_messages', pg_temp.id('b', 'message'), pg_temp.message('x'), '99'),
  pg_temp.op(32, 'patch', 'conversations', pg_temp.id('b', 'conversation'), '{"title": "x"}', '99'),
  pg_temp.op(33, 'patch', 'chat_messages', pg_temp.m(2), '{"content": "x"}', '99'))),
  'refused:content_conflict refused:content_conflict refused:id_taken refused:not_found refused:forbidden_field',
  'what is refused without held is refused with it');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(34, 'patch', 'chat_messages', pg_temp.m(2), '{"rating": 5}', '-1'),
  pg_temp.op(35, 'patch', 'chat_messages', pg_temp.m(2), '{"rating": 5}', '1.5'),
  pg_temp.op(36, 'patch', 'chat_messages', pg_temp.m(2), '{"rating": 5}', '"many"'),
  pg_temp.op(37, 'patch', 'chat_messages', pg_temp.m(2), '{"rating": 5}', '{}'))),
  'refused:invalid refused:invalid refused:invalid refused:invalid', 'held is the number of a row');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(38, 'insert', 'chat_messages', pg_temp.m(8), pg_temp.message('x'), '"many"'),
  pg_temp.op(39, 'insert', 'chat_messages', pg_temp.m(9), pg_temp.message('x'), '-1'))),
  'refused:invalid refused:invalid', 'also in a run of messages');

-- -------------------------------------------------------------------------------------------- many messages at once
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(40, 'insert', 'chat_messages', pg_temp.m(10), pg_temp.message('a', 1), '50'),
  pg_temp.op(41, 'insert', 'chat_messages', pg_temp.m(11), pg_temp.message('b', 1), '70'),
  pg_temp.op(42, 'insert', 'chat_messages', pg_temp.m(12), pg_temp.message('c', 1)))), 'applied applied applied',
  'a run of messages');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(43, 'insert', 'chat_messages', pg_temp.m(10), pg_temp.message('a', 2), '60'),
  pg_temp.op(44, 'insert', 'chat_messages', pg_temp.m(11), pg_temp.message('b', 2), '60'),
  pg_temp.op(45, 'insert', 'chat_messages', pg_temp.m(12), pg_temp.message('c', 2), '60'))),
  'applied applied:superseded applied', 'is noted one by one');
select results_eq($$select rating from public.chat_messages where id = any (array[pg_temp.m(10), pg_temp.m(11), pg_temp.m(12)])
  order by id$$, 'values (2), (1), (2)', 'and what was made anew yields to what was held');

-- ----------------------------------------------------------------------------------------------------------- made anew
-- A device that did not hear whether its rows had arrived sends them again; another one that had them has more to say.
select pg_temp.next_transaction();
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(70, 'insert', 'conversations', pg_temp.id('a', 'conversation', 7), '{"title": "first"}'),
  pg_temp.op(71, 'insert', 'chat_messages', pg_temp.m(70), pg_temp.message('m')),
  pg_temp.op(72, 'insert', 'chat_messages', pg_temp.m(71), pg_temp.message('n')),
  pg_temp.op(73, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 7),
    jsonb_build_object('message_id', pg_temp.m(70), 'file_name', 'f')))), 'applied applied applied applied', 'rows made anew');
insert into public.chat_messages (id, user_id, conversation_id, role, content)
  values (pg_temp.m(72), pg_temp.a(), pg_temp.id('a', 'conversation', 7), 'user', 'by a plain write');
select pg_temp.next_transaction();
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(74, 'insert', 'conversations', pg_temp.id('a', 'conversation', 7), '{"title": "renamed"}', '9'),
  pg_temp.op(75, 'patch', 'chat_messages', pg_temp.m(70), '{"rating": 4}', '9'),
  pg_temp.op(76, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 7),
    jsonb_build_object('message_id', pg_temp.m(70), 'file_name', 'f', 'storage_path', 'held'), '9'),
  pg_temp.op(77, 'patch', 'chat_messages', pg_temp.m(72), '{"rating": 3}', '9'))),
  'applied applied applied applied', 'yield to any form that was held');
select results_eq($$select c.title, m.rating, a.storage_path from public.conversations as c, public.chat_messages as m,
  public.message_attachments as a where c.id = pg_temp.id('a', 'conversation', 7) and m.id = pg_temp.m(70)
  and a.id = pg_temp.id('a', 'attachment', 7)$$, $$ values ('renamed'::varchar, 4, 'held'::text) $$, 'with all that it says');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(78, 'patch', 'chat_messages', pg_temp.m(70), '{"rating": 1}', '8'))),
  'applied:superseded', 'after that the latest wins, as ever');
update public.chat_messages set rating = 5 where id = pg_temp.m(71);
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(79, 'patch', 'chat_messages', pg_temp.m(71), '{"rating": 1}', '9'))),
  'applied:superseded', 'one that was changed since is not changed again');
select pg_temp.next_transaction();
delete from public.chat_messages where id = pg_temp.m(71);
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(80, 'insert', 'chat_messages', pg_temp.m(71), pg_temp.message('n')),
  pg_temp.op(81, 'insert', 'chat_messages', pg_temp.m(71), pg_temp.message('n', 2), '9'),
  pg_temp.op(82, 'patch', 'chat_messages', pg_temp.m(71), '{"rating": 2}', '9'))),
  'applied applied:superseded applied:superseded', 'what was erased, and made again, does not yield to what was held before');
select is((select rating from public.chat_messages where id = pg_temp.m(71)), null, 'nor says anything of it');

-- -------------------------------------------------------------------------------------------------------- every number
-- After yet another epoch a device brings back a form under the number that the server itself gave it when it took it back.
select pg_temp.act_as_server();
alter table public.chat_messages disable trigger user;
update public.chat_messages set change_seq = 40, rating = null where id = pg_temp.m(72);
alter table public.chat_messages enable trigger user;
select pg_temp.act_as(pg_temp.a());
select pg_temp.next_transaction();
select pg_temp.push(pg_temp.op(90, 'patch', 'chat_messages', pg_temp.m(72), '{"rating": 1}', '50'));
create temp table taken_back as select pg_temp.number('chat_messages', pg_temp.m(72)) as number;
select pg_temp.next_transaction();
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(91, 'patch', 'chat_messages', pg_temp.m(72), '{"rating": 2}', '60'))), 'applied', 'a later form comes');
select ok((select number > 60 from taken_back), 'the first one has a higher number by now');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(92, 'patch', 'chat_messages', pg_temp.m(72), '{"rating": 1}',
  (select to_jsonb(number) from taken_back)))), 'applied:superseded', 'and is the earlier one all the same');
select pg_temp.next_transaction();
select pg_temp.push(pg_temp.op(93, 'insert', 'chat_messages', pg_temp.m(73), pg_temp.message('made anew')));
update taken_back set number = pg_temp.number('chat_messages', pg_temp.m(73));
select pg_temp.next_transaction();
select pg_temp.push(pg_temp.op(94, 'patch', 'chat_messages', pg_temp.m(73), '{"rating": 4}', '9'));
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(95, 'insert', 'chat_messages', pg_temp.m(73), pg_temp.message('made anew'),
  (select to_jsonb(number) from taken_back)))), 'applied:superseded', 'what was made anew goes on yielding');
select pg_temp.act_as_server();
delete from public.chat_messages where id = pg_temp.m(73);
delete from public.tombstones where row_id = pg_temp.m(73);
select pg_temp.act_as(pg_temp.a());
select pg_temp.next_transaction();
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(96, 'insert', 'chat_messages', pg_temp.m(73), pg_temp.message('made anew'), (select to_jsonb(number) from taken_back)),
  pg_temp.op(97, 'insert', 'chat_messages', pg_temp.m(74), pg_temp.message('beside it'), '9'))), 'applied applied',
  'it comes back in a run of messages');
select is(pg_temp.outcomes(pg_temp.push(pg_temp.op(98, 'patch', 'chat_messages', pg_temp.m(73), '{"rating": 4}', '9'))), 'applied',
  'as what it was');

-- --------------------------------------------------------------------------------------------------------------- erased
select pg_temp.next_transaction();
delete from public.chat_messages where id = any (array[pg_temp.m(10), pg_temp.m(11)]);
delete from public.conversations where id = pg_temp.id('a', 'conversation', 2);
create temp table gone as select pg_temp.push(
  pg_temp.op(50, 'insert', 'chat_messages', pg_temp.m(10), pg_temp.message('a'), '99'),
  pg_temp.op(51, 'insert', 'chat_messages', pg_temp.m(20),
    pg_temp.message('x') || jsonb_build_object('conversation_id', pg_temp.id('a', 'conversation', 2)), '99'),
  pg_temp.op(52, 'insert', 'message_attachments', pg_temp.id('a', 'attachment', 3),
    jsonb_build_object('message_id', pg_temp.m(10), 'file_name', 'f'), '99'),
  pg_temp.op(53, 'patch', 'chat_messages', pg_temp.m(10), '{"rating": 5}', '99'),
  pg_temp.op(54, 'patch', 'chat_messages', pg_temp.m(99), '{"rating": 5}', '99')) as answer;
select is((select pg_temp.outcomes(answer) from gone), 'applied:superseded applied:superseded applied:superseded '
  'applied:superseded refused:not_found', 'what was erased in the new epoch stays erased; what is just not there is not that');
select is((select count(*) from gone, json_array_elements(answer -> 'results') as r where (r -> 'row') is not null
  and json_typeof(r -> 'row') = 'null'), 4::bigint, 'the row that they get is none');
select is((select count(*) from public.chat_messages where id = any (array[pg_temp.m(10), pg_temp.m(20)])), 0::bigint, 'none');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(56, 'insert', 'chat_messages', pg_temp.m(10), pg_temp.message('a'), '99'),
  pg_temp.op(57, 'insert', 'chat_messages', pg_temp.m(11), pg_temp.message('b'), '99'),
  pg_temp.op(58, 'insert', 'chat_messages', pg_temp.m(21), pg_temp.message('c'), '99'))),
  'applied:superseded applied:superseded applied', 'nor in a run of messages');
select is(pg_temp.outcomes(pg_temp.push(
  pg_temp.op(55, 'insert', 'chat_messages', pg_temp.m(10), pg_temp.message('a'), '3000000000000'))), 'applied',
  'what was erased before it was had is another matter');

-- --------------------------------------------------------------------------------------------------------------- whose
select is((select count(*) from airi_private.sync_restored where user_id = pg_temp.a()) > 5, true, 'A sees what it brought back');
select pg_temp.act_as(pg_temp.b());
select is((select count(*) from airi_private.sync_restored), 0::bigint, 'B does not');
select pg_temp.act_as_server();
select is((select count(*) from airi_private.sync_restored where user_id = pg_temp.b()), 0::bigint, 'and has nothing of its own');
delete from auth.users where id = pg_temp.a();
select is((select count(*) from airi_private.sync_restored), 0::bigint, 'with the account it is forgotten');
select is((select content from public.chat_messages where id = pg_temp.id('b', 'message')), 'secret of b', 'B''s message stands');

select * from finish();
rollback;
