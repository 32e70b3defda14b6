-- Pages of the documented functions that cost the same wherever they are: the list by an index in its own order, a page of
-- messages by a bound that the index can use. (`p_before is null or …` is none, so a page far back read all that is newer.)
-- Planned with its bound known, or the index over all messages by time looks as good as the thread's.

-- A conversation has one owner, so both columns together select what one alone does. Unless it knows, the planner expects next to
-- nothing and reads whole threads, by two indexes at once, for one page of each. Found by `cargo xtask bench server`.
create statistics if not exists public.chat_messages_one_owner (dependencies)
  on conversation_id, user_id from public.chat_messages;
analyze public.chat_messages (conversation_id, user_id);

create index if not exists idx_conversations_list on public.conversations (user_id, is_starred desc, last_message_at desc, id)
  where not is_archived;

-- A definer, since under row level security the page of a long thread is taken for a few rows, and all of the thread is read by
-- two indexes at once to find them. It takes the user from the token: the conversation is theirs, or there is nothing.
create or replace function airi_private.thread_page(
  p_conversation_id uuid, p_limit int, p_before timestamptz, p_before_id uuid
) returns setof public.chat_messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if not exists (
    select from public.conversations as c where c.id = p_conversation_id and c.user_id = auth.uid()
  ) then
    return;
  end if;
  if p_before is null then
    return query
    select m.* from public.chat_messages as m
    where m.conversation_id = p_conversation_id and m.deleted_at is null
    order by m.created_at desc, m.id desc
    limit least(greatest(p_limit, 0), 1000);
  else
    return query
    select m.* from public.chat_messages as m
    where m.conversation_id = p_conversation_id and m.deleted_at is null
      and (m.created_at, m.id) < (p_before, coalesce(p_before_id, '00000000-0000-0000-0000-000000000000'))
    order by m.created_at desc, m.id desc
    limit least(greatest(p_limit, 0), 1000);
  end if;
end
$$;
revoke all on function airi_private.thread_page(uuid, int, timestamptz, uuid) from public, anon, authenticated;
grant execute on function airi_private.thread_page(uuid, int, timestamptz, uuid) to authenticated, service_role;

do $messages$
begin
  if to_regprocedure('public.get_conversation_messages(uuid, int, timestamptz, uuid)') is null then
    return; -- A deployment's own.
  end if;
  insert into rollback_keep.statements (migration, statement) values ('030', pg_catalog.pg_get_functiondef(
    'public.get_conversation_messages(uuid, int, timestamptz, uuid)'::regprocedure));
  create or replace function public.get_conversation_messages(
    p_conversation_id uuid, p_limit int default 50, p_before timestamptz default null, p_before_id uuid default null
  ) returns table (
    id uuid, role varchar, content text, content_type varchar, model_id varchar, total_tokens int, rating int,
    metadata jsonb, created_at timestamptz
  )
  language sql stable set search_path = '' as $f$
    select m.id, m.role, m.content, m.content_type, m.model_id, m.total_tokens, m.rating, m.metadata, m.created_at
    from airi_private.thread_page(p_conversation_id, p_limit, p_before, p_before_id) as m
    order by m.created_at desc, m.id desc
  $f$;
end
$messages$;
