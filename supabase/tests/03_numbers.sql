-- Every change that travels gets a number, one per transaction; what does not travel gets none; what cannot change does
-- not.
begin;
\ir fixtures/people.sql
select no_plan();

-- Runs a statement as A in "a transaction of its own" and says how far the head moved.
create function pg_temp.moved(p_statement text) returns bigint language plpgsql as $$
declare
  v_before bigint;
begin
  perform pg_temp.next_transaction();
  v_before := pg_temp.head(pg_temp.a());
  execute p_statement;
  return pg_temp.head(pg_temp.a()) - v_before;
end $$;

select is((select seq from public.sync_heads where user_id = pg_temp.a()), 1::bigint, 'the fixture was one transaction');
select is((select array_agg(distinct change_seq) from (
  select change_seq from public.conversations where user_id = pg_temp.a()
  union all select change_seq from public.chat_messages where user_id = pg_temp.a()
  union all select change_seq from public.message_attachments where user_id = pg_temp.a()
  union all select change_seq from public.user_profiles where id = pg_temp.a()) as x), '{1}', 'and all its rows got that number');
select is((select user_id from public.message_attachments where id = pg_temp.id('a', 'attachment')), pg_temp.a(),
  'an attachment belongs to its message''s owner without being told');

select pg_temp.act_as(pg_temp.a());
select is(pg_temp.moved($$update public.conversations set title = 'x'$$), 1::bigint, 'a rename moves the head once');
select is((select change_seq from public.conversations), pg_temp.head(pg_temp.a()), 'and numbers the row');
select is(pg_temp.moved($$update public.conversations set title = 'x'$$), 0::bigint, 'the same title again moves nothing');
select is(pg_temp.moved($$update public.conversations set last_message_at = now() + interval '1 h'$$), 0::bigint,
  'what does not travel moves nothing');
select is(pg_temp.moved($$do 'begin update public.conversations set title = ''y'';
  update public.conversations set title = ''z''; update public.chat_messages set rating = 3; end'$$), 1::bigint,
  'three changes in one transaction move the head once');
select is(pg_temp.moved($$do 'begin begin update public.conversations set title = ''lost''; raise exception ''x'';
  exception when others then null; end; end'$$), 0::bigint, 'what a savepoint takes back moves nothing');
select throws_ok($$update public.conversations set change_seq = 99$$, '42501', null, 'clients do not set numbers');

select pg_temp.act_as_server();
select is(pg_temp.moved($$update public.chat_messages set moderation_results = '{"x": 1}', flagged_for_moderation = true
  where user_id = pg_temp.a()$$), 0::bigint, 'moderation moves nothing');
select is(pg_temp.moved($$update public.conversations set message_count = 7, total_tokens_used = 7
  where user_id = pg_temp.a()$$), 0::bigint, 'counters move nothing');
select is(pg_temp.moved($$insert into public.usage_logs (user_id, endpoint, method, status_code)
  values (pg_temp.a(), '/', 'GET', 200)$$), 1::bigint, 'the server''s usage rows are numbered');
select is(pg_temp.moved($$update public.user_profiles set stripe_customer_id = 'c', metadata = '{"x": 1}'
  where id = pg_temp.a()$$), 0::bigint, 'a profile''s Stripe id moves nothing');
select is(pg_temp.moved($$update public.user_profiles set subscription_tier = 'pro' where id = pg_temp.a()$$), 1::bigint,
  'its tier does');
select lives_ok($$update public.conversations set change_seq = 0 where user_id = pg_temp.a()$$,
  'even the server may try to set a number');
select is((select change_seq from public.conversations where user_id = pg_temp.a()), pg_temp.head(pg_temp.a()),
  'and gets the right one');
select is(pg_temp.head(pg_temp.b()), 1::bigint, 'B''s head stayed where it was');
do $embedding$ begin
  if exists (select from pg_attribute where attrelid = 'public.chat_messages'::regclass and attname = 'embedding') then
    execute 'update public.chat_messages set embedding = array_fill(0.1, array[1536])::extensions.vector';
  end if;
end $embedding$;
select is((select change_seq from public.chat_messages where id = pg_temp.id('b', 'message')), 1::bigint,
  'an embedding, where there are any, does not number its row');

-- ------------------------------------------------------------------------------------------------ what cannot change
select throws_ok(format('update public.%I set user_id = %L where user_id = %L', t, pg_temp.b(), pg_temp.a()), '23514', null,
  t || ': the owner cannot change, not even for the server')
from unnest(array['conversations', 'chat_messages', 'message_attachments', 'usage_logs']) as t;
select throws_ok($$update public.chat_messages set content = 'x'$$, '23514', null, 'content cannot change');
select throws_ok($$update public.chat_messages set role = 'system'$$, '23514', null, 'nor the role');
select throws_ok($$update public.chat_messages set created_at = '2020-01-01'$$, '23514', null, 'nor the time');
select throws_ok(format('update public.chat_messages set conversation_id = %L', gen_random_uuid()), '23514', null,
  'nor the conversation');
select throws_ok(format('update public.message_attachments set message_id = %L', gen_random_uuid()), '23514', null,
  'nor an attachment''s message');
select pg_temp.act_as(pg_temp.a());
select throws_ok($$update public.chat_messages set content = 'x'$$, '42501', null, 'a client may not even try');

-- -------------------------------------------------------------------------------------------------- deleting, counting
select is(pg_temp.moved($$update public.conversations set deleted_at = now(), is_archived = false$$), 1::bigint,
  'a soft delete travels');
select is((select is_archived from public.conversations), true, 'and archives');
select lives_ok($$update public.conversations set deleted_at = null, is_archived = false$$, 'restoring');
select is((select is_archived from public.conversations), false, 'can bring it back to the list');

select pg_temp.act_as_server();
update public.conversations set message_count = 1, total_tokens_used = 0, last_message_at = '2026-01-01';
update public.user_profiles set daily_message_count = 9, total_message_count = 9, last_message_reset_at = '2020-01-01';
select pg_temp.act_as(pg_temp.a());
insert into public.chat_messages (id, conversation_id, user_id, role, content, total_tokens, created_at)
select pg_temp.id('a', 'message', n), pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'x', 10, at
from (values (2, '2001-01-01'::timestamptz), (3, '2001-01-02')) as x (n, at);
select results_eq('select message_count, total_tokens_used, last_message_at from public.conversations',
  $$ values (3, 20::bigint, '2026-01-01'::timestamptz) $$, 'an import counts, and does not move the last activity');
select results_eq('select daily_message_count, total_message_count from public.user_profiles', $$ values (9, 11::bigint) $$,
  'nor today''s count');
insert into public.chat_messages (id, conversation_id, user_id, role, content, total_tokens)
values (pg_temp.id('a', 'message', 4), pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'x', 10);
select results_eq('select message_count, last_message_at = now() from public.conversations', $$ values (4, true) $$,
  'a new message is the last activity');
select results_eq('select daily_message_count, total_message_count from public.user_profiles', $$ values (1, 12::bigint) $$,
  'and the first of its day');
insert into public.chat_messages (id, conversation_id, user_id, role, content, created_at)
values (pg_temp.id('a', 'message', 5), pg_temp.id('a', 'conversation'), pg_temp.a(), 'assistant', 'x', '9999-01-01');
select is((select last_message_at from public.conversations), now(), 'a clock from the future does not pin it');
update public.chat_messages set deleted_at = now() where id = pg_temp.id('a', 'message', 2);
select results_eq('select message_count, total_tokens_used from public.conversations', $$ values (4, 20::bigint) $$,
  'a soft delete counts down');
update public.chat_messages set deleted_at = now() + interval '1 s' where id = pg_temp.id('a', 'message', 2);
select is((select message_count from public.conversations), 4, 'once');
update public.chat_messages set deleted_at = null where id = pg_temp.id('a', 'message', 2);
select results_eq('select message_count, total_tokens_used from public.conversations', $$ values (5, 30::bigint) $$,
  'restoring counts up');

-- ---------------------------------------------------------------------------------------------------------- tombstones
select is(pg_temp.moved(format('delete from public.chat_messages where id = %L', pg_temp.id('a', 'message', 5))), 1::bigint,
  'erasing a message moves the head');
select results_eq('select table_name, row_id, change_seq from public.tombstones',
  $$ select 'chat_messages', pg_temp.id('a', 'message', 5), pg_temp.head(pg_temp.a()) $$, 'and leaves one tombstone');
select is((select message_count from public.conversations), 4, 'and counts down');
delete from public.message_attachments;
select is((select count(*) from public.tombstones), 2::bigint, 'so does erasing an attachment');
insert into public.message_attachments (message_id, file_name, storage_path) values (pg_temp.id('a', 'message'), 'f', '');
select is(pg_temp.moved('delete from public.conversations'), 1::bigint, 'erasing a conversation moves the head once');
select results_eq('select table_name, row_id from public.tombstones order by change_seq desc limit 1',
  $$ select 'conversations', pg_temp.id('a', 'conversation') $$, 'and leaves its tombstone');
select is((select count(*) from public.tombstones), 3::bigint, 'and none of its messages and attachments');
select is((select count(*) from public.chat_messages), 0::bigint, 'which are gone');

-- In the transaction that erased it, the same id comes back: it must come after its tombstone.
insert into public.conversations (id, user_id, model_id, provider_id)
values (pg_temp.id('a', 'conversation'), pg_temp.a(), '', '');
select ok((select c.change_seq > t.change_seq from public.conversations as c join public.tombstones as t on t.row_id = c.id),
  'what returns in the transaction that erased it comes after its tombstone');

select pg_temp.act_as_server();
delete from auth.users where id = pg_temp.a();
select is(
  (select count(*) from public.sync_heads where user_id = pg_temp.a())
  + (select count(*) from public.tombstones where user_id = pg_temp.a())
  + (select count(*) from public.conversations where user_id = pg_temp.a()), 0::bigint,
  'an erased account leaves nothing behind');
select is((select count(*) from public.conversations where user_id = pg_temp.b()), 1::bigint, 'and B keeps all');

select * from finish();
rollback;
