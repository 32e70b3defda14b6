-- The counters that the server keeps for its other clients: of a conversation (message_count, total_tokens_used,
-- last_message_at) and of a profile (messages today and in all). Deployed triggers count per row and only upwards.
-- These count per statement, so 500 messages of one conversation update it once, and follow soft deletion, restoring
-- and erasing. Definers, because clients may not write a profile's counters.

-- Other triggers that count would count a second time. Their definitions are noted for the rollback.
do $replace$
declare
  counting record;
begin
  for counting in
    select t.tgname, pg_catalog.pg_get_triggerdef(t.oid) as definition
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    where t.tgrelid = 'public.chat_messages'::regclass and not t.tgisinternal
      and t.tgtype & 2 = 0 -- after
      and p.prosrc ~* 'message_count\s*:?='
      and t.tgname not in ('zz_count_inserted', 'zz_count_updated', 'zz_count_deleted')
  loop
    insert into rollback_keep.statements (migration, statement) values ('006', counting.definition);
    execute format('drop trigger %I on public.chat_messages', counting.tgname);
  end loop;
end
$replace$;

create or replace function airi_private.count_inserted() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_today timestamptz := date_trunc('day', now(), 'UTC');
begin
  -- Profile before conversations: the lock order of 005. A message from an import counts among all, not among today's.
  if exists (select from added where role = 'user') then
    update public.user_profiles as p
    set total_message_count = p.total_message_count + a.sent,
      daily_message_count = case
        when a.sent_today = 0 then p.daily_message_count
        when p.last_message_reset_at < v_today then a.sent_today
        else p.daily_message_count + a.sent_today
      end,
      last_message_reset_at = case
        when a.sent_today > 0 then greatest(p.last_message_reset_at, v_today) else p.last_message_reset_at
      end
    from (
      select user_id, count(*) as sent, count(*) filter (where created_at >= v_today) as sent_today
      from added where role = 'user' group by user_id
    ) as a
    where p.id = a.user_id;
  end if;

  -- greatest(): an imported old message moves nothing back; least(): a clock in the future does not pin the list.
  update public.conversations as c
  set message_count = c.message_count + a.messages,
    total_tokens_used = c.total_tokens_used + a.tokens,
    last_message_at = greatest(c.last_message_at, least(a.latest, now()))
  from (
    select conversation_id, count(*) as messages, coalesce(sum(total_tokens), 0) as tokens, max(created_at) as latest
    from added where deleted_at is null group by conversation_id
  ) as a
  where c.id = a.conversation_id;
  return null;
end
$$;

create or replace function airi_private.count_updated() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.conversations as c
  set message_count = greatest(c.message_count + d.messages, 0),
    total_tokens_used = greatest(c.total_tokens_used + d.tokens, 0)
  from (
    select n.conversation_id,
      sum((n.deleted_at is null)::int - (o.deleted_at is null)::int) as messages,
      sum(
        case when n.deleted_at is null then coalesce(n.total_tokens, 0) else 0 end
        - case when o.deleted_at is null then coalesce(o.total_tokens, 0) else 0 end
      ) as tokens
    from changed as n
    join former as o on o.id = n.id
    where (n.deleted_at is null, n.total_tokens) is distinct from (o.deleted_at is null, o.total_tokens)
    group by n.conversation_id
  ) as d
  where c.id = d.conversation_id;
  return null;
end
$$;

-- In a cascade the conversation is gone and nothing is left to count.
create or replace function airi_private.count_deleted() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.conversations as c
  set message_count = greatest(c.message_count - r.messages, 0),
    total_tokens_used = greatest(c.total_tokens_used - r.tokens, 0)
  from (
    select conversation_id, count(*) as messages, coalesce(sum(total_tokens), 0) as tokens
    from removed where deleted_at is null group by conversation_id
  ) as r
  where c.id = r.conversation_id;
  return null;
end
$$;

revoke all on function airi_private.count_inserted(), airi_private.count_updated(), airi_private.count_deleted()
  from public, anon, authenticated;

create or replace trigger zz_count_inserted after insert on public.chat_messages
  referencing new table as added for each statement execute function airi_private.count_inserted();
create or replace trigger zz_count_updated after update on public.chat_messages
  referencing old table as former new table as changed for each statement execute function airi_private.count_updated();
create or replace trigger zz_count_deleted after delete on public.chat_messages
  referencing old table as removed for each statement execute function airi_private.count_deleted();
