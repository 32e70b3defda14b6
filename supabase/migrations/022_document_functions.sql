-- The documented functions that a signed-in user calls, finished: a search that uses the full-text index and reads words
-- as the app does, an export in the app's own format, usage, topics; and the server's cache without SQL from callers.
--
-- A deployment's function of the same name and other arguments stays, or old clients' calls would become ambiguous. The
-- one exception is get_or_set_cache, which ran SQL text: it waits in rollback_keep. What is replaced is noted.

do $note$
declare
  f record;
begin
  for f in
    select p.oid, p.oid::regprocedure as signature from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.oid = any (array[
      to_regprocedure('public.search_messages(text, int, int)'),
      to_regprocedure('public.get_conversation_summary(uuid)')
    ]::oid[])
  loop
    insert into rollback_keep.statements (migration, statement)
    values ('022', pg_catalog.pg_get_functiondef(f.oid));
  end loop;
  for f in
    select p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = 'get_or_set_cache'
  loop
    insert into rollback_keep.statements (migration, statement)
    values ('022', format('alter function rollback_keep.%I(%s) set schema public', f.proname, f.arguments));
    execute format('alter function public.%I(%s) set schema rollback_keep', f.proname, f.arguments);
  end loop;
end
$note$;

-- ------------------------------------------------------------------------------------------------------------ search
-- The words of docs/search.md that PostgreSQL can mean the same by: all of them, "phrases", -not, and the last word as a
-- beginning until a blank follows. Never an error, whatever is typed; null when there is nothing to look for.
-- Words of scripts without blanks are not in it, see found_messages.
create or replace function airi_private.search_query(p_query text) returns tsquery
language plpgsql immutable set search_path = '' as $$
declare
  v_part text[];
  v_word text;
  v_term tsquery;
  v_all tsquery;
  v_open boolean := p_query ~ '[^[:space:]"]$';
  v_parts int := 0;
  v_count int;
begin
  select count(*) into v_count
  from regexp_matches(left(p_query, 1000), '(-?)(?:"([^"]*)"?|([^[:space:]"]+))', 'g');
  for v_part in
    select m from regexp_matches(left(p_query, 1000), '(-?)(?:"([^"]*)"?|([^[:space:]"]+))', 'g') as m
  loop
    v_parts := v_parts + 1;
    v_word := coalesce(v_part[2], v_part[3]);
    if v_word ~ airi_private.unspaced() then
      continue;
    end if;
    if v_part[2] is not null then
      v_term := phraseto_tsquery('pg_catalog.english', v_word);
    else
      v_term := plainto_tsquery('pg_catalog.english', v_word);
      if v_open and v_parts = v_count and v_part[1] = '' then
        v_term := v_term || to_tsquery('pg_catalog.simple',
          '''' || replace(replace(v_word, '\', '\\'), '''', '''''') || ''':*');
      end if;
    end if;
    if numnode(v_term) = 0 then
      continue;
    end if;
    if v_part[1] = '-' then
      v_term := !!v_term;
    end if;
    v_all := coalesce(v_all && v_term, v_term);
  end loop;
  return v_all;
end
$$;

-- Scripts without blanks: Thai to Khmer, kana, Han, Hangul. The parser takes a run of them for one word.
create or replace function airi_private.unspaced() returns text
language sql immutable parallel safe set search_path = '' as $$
  select '[' || chr(3584) || '-' || chr(3839) || chr(6016) || '-' || chr(6143) || chr(12352) || '-' || chr(12543)
    || chr(13312) || '-' || chr(40959) || chr(44032) || '-' || chr(55203) || chr(63744) || '-' || chr(64255) || ']'
$$;

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
    select f.id, f.conversation_id, c.title, f.role, left(f.content, 500), f.created_at,
      ts_rank(to_tsvector('pg_catalog.english', left(f.content, 100000)), v_words) as rank
    from (
      select m.* from public.chat_messages as m
      where m.user_id = v_user_id and m.deleted_at is null
        and to_tsvector('pg_catalog.english', left(m.content, 100000)) @@ v_words
        and (v_with is null or m.content ilike all (v_with))
        and (v_without is null or not m.content ilike any (v_without))
      order by m.created_at desc, m.id limit 10000
    ) as f
    join public.conversations as c on c.id = f.conversation_id and c.user_id = v_user_id and c.deleted_at is null
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

do $search$
begin
  if to_regprocedure('public.search_messages(text, int, int)') is null
    and exists (select from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = 'search_messages')
  then
    return;
  end if;
  create or replace function public.search_messages(p_query text, p_limit int default 20, p_offset int default 0)
  returns table (
    id uuid, conversation_id uuid, conversation_title varchar, role varchar, content text, created_at timestamptz,
    rank real
  )
  language sql stable set search_path = '' as $f$
    select * from airi_private.found_messages(p_query, p_limit, p_offset)
  $f$;
  revoke all on function public.search_messages(text, int, int) from public, anon;
  grant execute on function public.search_messages(text, int, int) to authenticated, service_role;
end
$search$;

-- ------------------------------------------------------------------------------------------------------------- lists
do $summary$
begin
  if to_regprocedure('public.get_conversation_summary(uuid)') is null and exists (
    select from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = 'get_conversation_summary'
  ) then
    return;
  end if;
  create or replace function public.get_conversation_summary(p_conversation_id uuid)
  returns table (
    id uuid, title varchar, summary text, message_count bigint, total_tokens bigint, first_message_at timestamptz,
    last_message_at timestamptz
  )
  language sql stable set search_path = '' as $f$
    select c.id, c.title, c.summary, count(m.id), coalesce(sum(m.total_tokens), 0), min(m.created_at), max(m.created_at)
    from public.conversations as c
    left join public.chat_messages as m on m.conversation_id = c.id and m.deleted_at is null
    where c.id = p_conversation_id and c.user_id = (select auth.uid()) and c.deleted_at is null
    group by c.id
  $f$;
  revoke all on function public.get_conversation_summary(uuid) from public, anon;
  grant execute on function public.get_conversation_summary(uuid) to authenticated, service_role;
end
$summary$;

-- ------------------------------------------------------------------------------------------------------------ export
-- One conversation as a whole file of docs/export-format.md: keys in order, deleted rows left out, counters and the
-- place of files not in it. Null when the conversation is not the caller's. Read with the caller's rights.
create or replace function airi_private.as_time(p_time timestamptz) returns text
language sql stable set search_path = '' as $$
  select to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
create or replace function airi_private.as_object(p_value jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select case when jsonb_typeof(p_value) = 'object' then p_value
    when p_value is null or jsonb_typeof(p_value) = 'null' then '{}' else jsonb_build_object('raw', p_value) end
$$;

create or replace function public.export_conversation_json(p_conversation_id uuid) returns json
language sql stable set search_path = '' as $$
  select json_build_object('format', 'airi-export', 'version', 1, 'conversations', json_build_array(json_build_object(
    'attachments', coalesce((
      select json_agg(json_build_object(
        'created_at', airi_private.as_time(a.created_at), 'duration_seconds', a.duration_seconds,
        'file_name', a.file_name, 'file_size', a.file_size, 'file_type', a.file_type, 'height', a.height, 'id', a.id,
        'message_id', a.message_id, 'metadata', airi_private.as_object(a.metadata) - 'sha256',
        'mime_type', a.mime_type,
        'sha256', case when a.metadata ->> 'sha256' ~ '^[0-9a-f]{64}$' then a.metadata ->> 'sha256' end,
        'width', a.width
      ) order by a.created_at, a.id)
      from public.message_attachments as a
      join public.chat_messages as m on m.id = a.message_id
      where m.conversation_id = c.id and m.user_id = c.user_id and m.deleted_at is null and a.user_id = c.user_id
    ), '[]'),
    'conversation', json_build_object(
      'avatar_id', c.avatar_id, 'created_at', airi_private.as_time(c.created_at),
      'current_message_id', c.current_message_id, 'deleted_at', null, 'id', c.id, 'is_archived', c.is_archived,
      'is_starred', c.is_starred, 'max_tokens', c.max_tokens, 'metadata', airi_private.as_object(c.metadata),
      'model_id', c.model_id, 'personality_template', c.personality_template, 'provider_id', c.provider_id,
      'settings', airi_private.as_object(c.settings), 'summary', c.summary, 'system_prompt', c.system_prompt,
      'tags', array(
        select t.tag from unnest(c.tags) with ordinality as t (tag, place) where t.tag <> ''
        group by t.tag order by min(t.place)
      ),
      'temperature', trim_scale(c.temperature), 'title', c.title, 'voice_id', c.voice_id
    ),
    'messages', coalesce((
      select json_agg(json_build_object(
        'attachments', case when jsonb_typeof(m.attachments) = 'array' then m.attachments else '[]' end,
        'completion_tokens', m.completion_tokens, 'content', m.content, 'content_type', m.content_type,
        'conversation_id', m.conversation_id, 'created_at', airi_private.as_time(m.created_at), 'deleted_at', null,
        'edited_at', airi_private.as_time(m.edited_at), 'feedback', m.feedback, 'finish_reason', m.finish_reason,
        'function_call', m.function_call, 'id', m.id, 'metadata', airi_private.as_object(m.metadata),
        'model_id', m.model_id, 'parent_id', m.parent_id, 'prompt_tokens', m.prompt_tokens,
        'provider_id', m.provider_id, 'rating', m.rating, 'response_time_ms', m.response_time_ms, 'role', m.role,
        'tool_calls', to_json(m.tool_calls), 'total_tokens', m.total_tokens
      ) order by m.created_at, m.id)
      from public.chat_messages as m
      where m.conversation_id = c.id and m.user_id = c.user_id and m.deleted_at is null
    ), '[]')
  )))
  from public.conversations as c
  where c.id = p_conversation_id and c.user_id = (select auth.uid()) and c.deleted_at is null
$$;

-- ------------------------------------------------------------------------------------------------------------- usage
-- What the caller used in the last so many days: messages as they stand, calls, tokens and costs as they were logged.
create or replace function public.get_user_usage_stats(p_days int default 30)
returns table (
  since timestamptz, messages bigint, messages_sent bigint, conversations bigint, calls bigint, failed_calls bigint,
  prompt_tokens bigint, completion_tokens bigint, total_tokens bigint, estimated_cost numeric, active_days bigint
)
language sql stable set search_path = '' as $$
  with span as (
    select now() - make_interval(days => least(greatest(coalesce(p_days, 30), 1), 3660)) as since
  ), said as (
    select count(*) as messages, count(*) filter (where m.role = 'user') as sent,
      count(distinct m.conversation_id) as conversations,
      count(distinct date_trunc('day', m.created_at, 'UTC')) as days
    from public.chat_messages as m, span
    where m.user_id = (select auth.uid()) and m.deleted_at is null and m.created_at >= span.since
  ), called as (
    select count(*) as calls, count(*) filter (where u.status_code >= 400) as failed,
      coalesce(sum(u.prompt_tokens), 0) as prompt, coalesce(sum(u.completion_tokens), 0) as completion,
      coalesce(sum(u.total_tokens), 0) as total, coalesce(sum(u.estimated_cost), 0) as cost
    from public.usage_logs as u, span
    where u.user_id = (select auth.uid()) and u.created_at >= span.since
  )
  select span.since, said.messages, said.sent, said.conversations, called.calls, called.failed, called.prompt,
    called.completion, called.total, called.cost, said.days
  from span, said, called
$$;

-- What the caller has written about: words by how many of their newest 2,000 messages hold them, forms of a word
-- together under the commonest, without English stop words and numbers.
create or replace function public.get_popular_topics(p_days int default 30, p_limit int default 10)
returns table (topic text, messages bigint, conversations bigint, last_at timestamptz)
language sql stable set search_path = '' as $$
  with mine as (
    select m.id, m.conversation_id, m.created_at, left(m.content, 10000) as content
    from public.chat_messages as m
    where m.user_id = (select auth.uid()) and m.role = 'user' and m.deleted_at is null
      and m.created_at >= now() - make_interval(days => least(greatest(coalesce(p_days, 30), 1), 3660))
    order by m.created_at desc limit 2000
  ), words as (
    select mine.id, mine.conversation_id, mine.created_at, w.lexeme as word,
      (ts_lexize('pg_catalog.english_stem', w.lexeme))[1] as stem
    from mine, unnest(to_tsvector('pg_catalog.simple', mine.content)) as w
    where length(w.lexeme) between 3 and 40 and w.lexeme !~ '[0-9/@:]'
  )
  select mode() within group (order by words.word), count(distinct words.id), count(distinct words.conversation_id),
    max(words.created_at)
  from words where words.stem is not null
  group by words.stem
  order by 2 desc, 4 desc, 1
  limit least(greatest(coalesce(p_limit, 10), 0), 100)
$$;

-- ------------------------------------------------------------------------------------------------------------- cache
-- The live value of the key, or the given one, which is then kept so many seconds. A value, and never SQL to run.
create or replace function public.get_or_set_cache(p_key text, p_value jsonb, p_seconds int default 300) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_value jsonb;
begin
  loop
    select c.value into v_value from public.cache_entries as c where c.key = p_key and c.expires_at > now();
    exit when found or p_value is null;
    insert into public.cache_entries as c (key, value, expires_at)
    values (p_key, p_value, now() + make_interval(secs => greatest(p_seconds, 1)))
    on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at, created_at = now()
      where c.expires_at <= now()
    returning c.value into v_value;
    exit when found;
    -- Another was quicker: theirs is read next.
  end loop;
  return v_value;
end
$$;

revoke all on function
  airi_private.search_query(text), airi_private.unspaced(), airi_private.found_messages(text, int, int),
  airi_private.as_time(timestamptz), airi_private.as_object(jsonb), public.export_conversation_json(uuid),
  public.get_user_usage_stats(int), public.get_popular_topics(int, int), public.get_or_set_cache(text, jsonb, int)
  from public, anon, authenticated;
grant execute on function
  airi_private.found_messages(text, int, int), airi_private.as_time(timestamptz), airi_private.as_object(jsonb),
  public.export_conversation_json(uuid), public.get_user_usage_stats(int), public.get_popular_topics(int, int)
  to authenticated, service_role;
grant execute on function public.get_or_set_cache(text, jsonb, int) to service_role;

-- The newest of a user's messages, for usage and topics.
create index if not exists idx_chat_messages_owner_time on public.chat_messages (user_id, created_at desc);
