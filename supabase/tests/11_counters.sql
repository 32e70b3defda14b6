-- The counters after a long random workload, against a recount: inserting (of today, of long ago, already deleted), soft
-- deleting, restoring, changing tokens, erasing messages and whole conversations; as a signed-in user and as the server.
begin;
\ir fixtures/people.sql
select no_plan();

-- The dice are the same each time; which rows they fall on hangs on the plan and on ids, and so does how many are left.
select setseed(0.42);
create temp table sent (user_id uuid, today boolean);
grant all on sent to authenticated;
insert into public.conversations (id, user_id, model_id, provider_id)
select pg_temp.id('a', 'conversation', n), pg_temp.a(), 'm', 'p' from generate_series(2, 6) as n;

-- Statements of many rows over several conversations: that is how sync and imports write.
create function pg_temp.work(p_steps int, p_server boolean) returns void language plpgsql as $$
declare
  v_dice float8;
begin
  for step in 1 .. p_steps loop
    v_dice := random();
    if v_dice < 0.4 then
      with added as (
        insert into public.chat_messages (conversation_id, user_id, role, content, total_tokens, created_at, deleted_at)
        select c.id, c.user_id, (array['user', 'assistant', 'tool'])[1 + floor(random() * 3)::int], 'x', floor(random() * 100)::int,
          case when random() < 0.3 then now() - interval '400 days' else now() end, case when random() < 0.2 then now() end
        from (select * from public.conversations where user_id = pg_temp.a() order by random() limit 3) as c,
          generate_series(1, 1 + floor(random() * 4)::int)
        returning user_id, role, created_at
      )
      insert into sent select user_id, created_at >= date_trunc('day', now(), 'UTC') from added where role = 'user';
    elsif v_dice < 0.6 then
      update public.chat_messages set deleted_at = clock_timestamp() where user_id = pg_temp.a() and random() < 0.1;
    elsif v_dice < 0.75 then
      update public.chat_messages set deleted_at = null where user_id = pg_temp.a() and random() < 0.2;
    elsif v_dice < 0.85 then
      update public.chat_messages set deleted_at = case when deleted_at is null then now() end, rating = 1
      where user_id = pg_temp.a() and random() < 0.1;
    elsif v_dice < 0.93 then
      delete from public.chat_messages where user_id = pg_temp.a() and random() < 0.05;
    elsif v_dice < 0.97 and p_server then
      update public.chat_messages set total_tokens = floor(random() * 100)::int,
        deleted_at = case when random() < 0.5 then deleted_at end
      where user_id = pg_temp.a() and random() < 0.1;
    elsif v_dice >= 0.99 then
      delete from public.conversations where id = (
        select id from public.conversations where user_id = pg_temp.a() and id <> pg_temp.id('a', 'conversation') order by random() limit 1);
      insert into public.conversations (user_id, model_id, provider_id) values (pg_temp.a(), 'm', 'p');
    end if;
  end loop;
end $$;
create function pg_temp.wrong() returns table (id uuid, counted int, there bigint, counted_tokens bigint, tokens_there bigint)
language sql as $$
  select c.id, c.message_count, count(m.id), c.total_tokens_used, coalesce(sum(m.total_tokens), 0)
  from public.conversations as c left join public.chat_messages as m on m.conversation_id = c.id and m.deleted_at is null
  group by c.id having (c.message_count, c.total_tokens_used) is distinct from (count(m.id)::int, coalesce(sum(m.total_tokens), 0)) $$;

create temp table before as select daily_message_count as daily, total_message_count as total
from public.user_profiles where id = pg_temp.a();
select pg_temp.act_as(pg_temp.a());
select pg_temp.work(120, false);
select is_empty('select * from pg_temp.wrong()', 'a user''s work is counted as it stands');
select pg_temp.act_as_server();
select pg_temp.work(120, true);
select is_empty('select * from pg_temp.wrong()', 'and so is the server''s');
select cmp_ok((select count(*) from public.chat_messages where user_id = pg_temp.a() and deleted_at is not null), '>', 0::bigint,
  'there are deleted ones');
select cmp_ok((select count(*) from public.chat_messages where user_id = pg_temp.a() and deleted_at is null), '>', 0::bigint,
  'and others');
select results_eq(
  $$ select total_message_count, daily_message_count from public.user_profiles where id = pg_temp.a() $$,
  $$ select b.total + (select count(*) from sent), (b.daily + (select count(*) from sent where today))::int from before as b $$,
  'what was sent is counted once, deleted later or not, and today''s apart');
select results_eq($$ select message_count from public.conversations where user_id = pg_temp.b() $$, $$ values (1) $$,
  'nobody else''s count has moved');

-- The control: without one of the triggers the same work is counted wrong.
select pg_temp.act_as_server();
alter table public.chat_messages disable trigger zz_count_updated;
select pg_temp.work(30, true);
select isnt_empty('select * from pg_temp.wrong()', 'the recount would notice');

select * from finish();
rollback;
