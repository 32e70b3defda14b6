-- The private bucket, the private topic, and the bell. Fails where storage or realtime is missing: run it on a database
-- that has Supabase's schemas.
begin;
\ir fixtures/people.sql
select no_plan();

select results_eq($$select public, file_size_limit from storage.buckets where id = 'attachments'$$,
  $$values (false, 209715200::bigint)$$, 'the bucket is private and bounded');
select set_eq($$select cmd || ' ' || policyname from pg_policies where schemaname = 'storage' and policyname ~ 'airi'$$,
  array['SELECT airi_attachments_select', 'INSERT airi_attachments_insert', 'UPDATE airi_attachments_update',
    'DELETE airi_attachments_delete'], 'with a policy for each verb');
select is_empty($$select policyname from pg_policies where schemaname in ('storage', 'realtime')
  and policyname ~ 'airi' and roles <> '{authenticated}'$$, 'for signed-in users');

create function pg_temp.tries(p_statement text) returns text language plpgsql as $$
declare
  v_count bigint;
begin
  execute p_statement;
  get diagnostics v_count = row_count;
  return v_count::text;
exception when others then
  return sqlstate;
end $$;
set local storage.allow_delete_query = 'true';
insert into storage.objects (bucket_id, name) values ('attachments', pg_temp.b() || '/00');

select pg_temp.act_as(pg_temp.a());
select is(pg_temp.tries(format($$insert into storage.objects (bucket_id, name) values ('attachments', %L)$$, n)), o, d) from (values
  (pg_temp.a() || '/01', '1', 'A uploads into its folder'),
  (pg_temp.b() || '/01', '42501', 'not into B''s'),
  ('01', '42501', 'not beside the folders'),
  ('x/' || pg_temp.a() || '/01', '42501', 'not below another'),
  (pg_temp.a() || 'x/01', '42501', 'not into one that begins alike')) as x (n, o, d);
select is((select string_agg(name, ' ') from storage.objects where bucket_id = 'attachments'), pg_temp.a() || '/01',
  'A sees its own');
-- Without a filter, which would bring in the rule for reading: only the one for changing stands in between.
select is(pg_temp.tries($$update storage.objects set metadata = '{}'$$), '1', 'changes its own, and no other');
select is(pg_temp.tries(format($$update storage.objects set name = %L$$, pg_temp.b() || '/02')), '42501', 'does not give it away');
select is(pg_temp.tries(format($$delete from storage.objects where name = %L$$, pg_temp.b() || '/00')), '0',
  'does not delete B''s');
select is(pg_temp.tries($$delete from storage.objects$$), '1', 'deletes its own');
select pg_temp.act_as_anon();
select is(pg_temp.tries($$select from storage.objects where bucket_id = 'attachments'$$), '0', 'strangers see nothing');
select is(pg_temp.tries(format($$insert into storage.objects (bucket_id, name) values ('attachments', %L)$$,
  pg_temp.a() || '/03')), '42501', 'and upload nothing');

-- ------------------------------------------------------------------------------------------------------------ the bell
select pg_temp.act_as_server();
delete from realtime.messages;
select pg_temp.next_transaction();
select pg_temp.act_as(pg_temp.a());
update public.conversations set title = 'x';
update public.conversations set title = 'y';
insert into public.chat_messages (conversation_id, user_id, role, content)
values (pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'x');
select pg_temp.act_as_server();
select results_eq($$select topic, event, (payload ->> 'head')::bigint, private from realtime.messages$$,
  $$select 'sync:' || pg_temp.a(), 'changed', pg_temp.head(pg_temp.a()), true$$, 'one transaction rings once, privately');

create function pg_temp.hears(p_user uuid, p_topic text) returns bigint language plpgsql as $$
declare
  v_count bigint;
begin
  perform pg_temp.act_as(p_user);
  perform set_config('realtime.topic', p_topic, true);
  select count(*) into v_count from realtime.messages;
  return v_count;
end $$;
select is(pg_temp.hears(pg_temp.a(), 'sync:' || pg_temp.a()), 1::bigint, 'A may listen to its own topic');
select is(pg_temp.hears(pg_temp.b(), 'sync:' || pg_temp.a()), 0::bigint, 'B may not');
select is(pg_temp.hears(pg_temp.b(), 'sync:' || pg_temp.b()), 1::bigint, 'B has its own');
select is(pg_temp.tries($$insert into realtime.messages (topic, extension, event, private)
  values ('sync:x', 'broadcast', 'changed', true)$$), '42501', 'and nobody but the server rings');

-- A bell that breaks does not stop the write.
select pg_temp.act_as_server();
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql as $$ begin raise exception 'the bell is broken'; end $$;
select pg_temp.next_transaction();
select pg_temp.act_as(pg_temp.a());
select lives_ok($$update public.conversations set title = 'z'$$, 'a failure to ring never fails the write');
select is((select title from public.conversations), 'z', 'which is done');

select * from finish();
rollback;
