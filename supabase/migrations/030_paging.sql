-- Pages of the documented functions that cost the same wherever they are: the list by an index in its own order, a page of
-- messages by a bound that the index can use. (`p_before is null or …` is none, so a page far back read all that is newer.)
-- Planned with its bound known, or the index over all messages by time looks as good as the thread's.

create index if not exists idx_conversations_list on public.conversations (user_id, is_starred desc, last_message_at desc, id)
  where not is_archived;

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
  language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan as $f$
  begin
    return query
    select m.id, m.role, m.content, m.content_type, m.model_id, m.total_tokens, m.rating, m.metadata, m.created_at
    from public.chat_messages as m
    where m.conversation_id = p_conversation_id and m.user_id = (select auth.uid()) and m.deleted_at is null
      and (m.created_at, m.id) < (
        coalesce(p_before, 'infinity'),
        case when p_before is null then 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
          else coalesce(p_before_id, '00000000-0000-0000-0000-000000000000') end
      )
    order by m.created_at desc, m.id desc
    limit least(greatest(p_limit, 0), 1000);
  end
  $f$;
end
$messages$;
