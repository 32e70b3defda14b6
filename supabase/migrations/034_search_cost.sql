-- A search looks each conversation up once, however many of its messages were found, and learns which messages are the
-- caller's from an index of nothing else: equal keys lie together there, six bytes a message, where (user_id, id) takes forty.
-- What was there before is noted for the rollback.
insert into rollback_keep.statements (migration, statement)
values ('034', pg_catalog.pg_get_functiondef('airi_private.found_messages(text, int, int)'::regprocedure));

-- A definer, because under RLS the planner keeps `@@` (not leakproof) from the index. It takes the user from the token.
-- The query is planned with its words known; the 10,000 newest matches are ranked, where the app stops counting too.
create or replace function airi_private.found_messages(p_query text, p_limit int, p_offset int)
returns table (id uuid, conversation_id uuid, title varchar, role varchar, content text, created_at timestamptz, rank real)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  v_user_id uuid := auth.uid();
  v_words tsquery := airi_private.search_query(p_query);
  v_with text[];
  v_without text[];
begin
  if v_user_id is null then
    return;
  end if;
  select
    array_agg(like_it) filter (where sign = ''), array_agg(like_it) filter (where sign = '-')
  into v_with, v_without
  from (
    select m[1] as sign, '%' || regexp_replace(coalesce(m[2], m[3]), '([\\%_])', '\\\1', 'g') || '%' as like_it
    from regexp_matches(left(p_query, 1000), '(-?)(?:"([^"]*)"?|([^[:space:]"]+))', 'g') as m
    where coalesce(m[2], m[3]) ~ airi_private.unspaced()
  ) as parts;
  -- Only what to leave out is no question.
  if v_with is null and (v_words is null or querytree(v_words) in ('', 'T')) then
    return;
  end if;
  if v_words is not null and querytree(v_words) not in ('', 'T') then
    return query
    with f as materialized (
      select m.* from public.chat_messages as m
      where m.user_id = v_user_id and m.deleted_at is null
        and to_tsvector('pg_catalog.english', left(m.content, 100000)) @@ v_words
        and (v_with is null or m.content ilike all (v_with))
        and (v_without is null or not m.content ilike any (v_without))
      order by m.created_at desc, m.id limit 10000
    ), c as materialized (
      select o.id, o.title from public.conversations as o
      where o.id in (select f.conversation_id from f) and o.user_id = v_user_id and o.deleted_at is null
    )
    select f.id, f.conversation_id, c.title, f.role, left(f.content, 500), f.created_at,
      ts_rank(to_tsvector('pg_catalog.english', left(f.content, 100000)), v_words) as rank
    from f join c on c.id = f.conversation_id
    order by 7 desc, f.created_at desc, f.id
    limit least(greatest(coalesce(p_limit, 20), 0), 1000) offset greatest(coalesce(p_offset, 0), 0);
  else
    -- Nothing here that the index knows: the caller's own messages, by their owner's index.
    return query
    select m.id, m.conversation_id, c.title, m.role, left(m.content, 500), m.created_at, 0::real
    from public.chat_messages as m
    join public.conversations as c on c.id = m.conversation_id and c.user_id = v_user_id and c.deleted_at is null
    where m.user_id = v_user_id and m.deleted_at is null and m.content ilike all (v_with)
      and (v_without is null or not m.content ilike any (v_without))
      and (v_words is null or to_tsvector('pg_catalog.english', left(m.content, 100000)) @@ v_words)
    order by m.created_at desc, m.id
    limit least(greatest(coalesce(p_limit, 20), 0), 1000) offset greatest(coalesce(p_offset, 0), 0);
  end if;
end
$$;

-- A small table is indexed at once; a large one is not held for as long as that takes.
do $index$
begin
  if to_regclass('public.idx_chat_messages_user') is not null then
    return;
  elsif pg_table_size('public.chat_messages') < 64 * 1024 * 1024 then
    create index idx_chat_messages_user on public.chat_messages (user_id);
  else
    raise notice 'to be run by hand, outside of a transaction: create index concurrently idx_chat_messages_user on public.chat_messages (user_id)';
  end if;
end
$index$;
