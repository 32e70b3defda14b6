-- What one pushed operation does to one row: insert, patch, delete. Called by sync_push (012) with the caller's rights,
-- each in a savepoint of its own. They return the row's number, and the code of a refusal where there can be one; what
-- the database itself refuses, they let through as its error. Reachable by the signed-in user only inside the database:
-- the API does not expose this schema, and RLS holds all the same.

-- Not the row's fault, and perhaps over in a moment: deadlocks and serialization failures, lock and statement
-- time-outs, a full disk, a shutdown, maintenance, a schema that does not fit. With these the whole call fails and is
-- repeated.
create or replace function airi_private.is_passing(p_state text) returns boolean
language sql immutable set search_path = '' as $$
  select left(p_state, 2) in ('08', '25', '40', '53', '55', '57', '58') or p_state in ('XX001', 'XX002')
    or left(p_state, 2) = '42' and p_state <> '42501'
$$;

-- settings_set: one value per leaf, addressed as "a.b"; null removes. What is missing on the way is made.
create or replace function airi_private.settings_with(p_settings jsonb, p_changes jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
  v_settings jsonb := coalesce(p_settings, '{}');
  v_leaf record;
  v_path text[];
begin
  for v_leaf in select c.key, c.value from jsonb_each(p_changes) as c loop
    v_path := string_to_array(v_leaf.key, '.');
    if v_leaf.value = 'null' then
      v_settings := v_settings #- v_path;
      continue;
    end if;
    for i in 1..cardinality(v_path) - 1 loop
      if jsonb_typeof(v_settings #> v_path[1:i]) is distinct from 'object' then
        v_settings := jsonb_set(v_settings, v_path[1:i], '{}');
      end if;
    end loop;
    v_settings := jsonb_set(v_settings, v_path, v_leaf.value);
  end loop;
  return v_settings;
end
$$;

create or replace function airi_private.tags_with(p_tags text[], p_add jsonb, p_remove jsonb) returns text[]
language sql immutable set search_path = '' as $$
  select coalesce(array_agg(t.tag order by t.ord), '{}')
  from (
    select a.tag, min(a.ord) as ord
    from unnest(
      array(
        select k.tag from unnest(p_tags) with ordinality as k (tag, ord)
        where not coalesce(p_remove, '[]') ? k.tag order by k.ord
      ) || array(
        select n.tag from jsonb_array_elements_text(coalesce(p_add, '[]')) with ordinality as n (tag, ord) order by n.ord
      )
    ) with ordinality as a (tag, ord)
    where a.tag is not null
    group by a.tag
  ) as t
$$;

-- ----------------------------------------------------------------------------------------------------- conversations
create or replace function airi_private.insert_conversation(p_user_id uuid, p_id uuid, p_row jsonb) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_seq bigint;
  v public.conversations;
begin
  select c.change_seq into v_seq from public.conversations as c where c.id = p_id;
  if found then
    return v_seq;
  end if;
  v := jsonb_populate_record(null::public.conversations, p_row);
  -- Its last activity begins with itself, not with this push: an imported old conversation is not a recent one.
  insert into public.conversations (
    id, user_id, title, summary, model_id, provider_id, avatar_id, voice_id, personality_template, system_prompt,
    temperature, max_tokens, settings, tags, is_archived, is_starred, metadata, deleted_at, current_message_id,
    created_at, last_message_at
  ) values (
    p_id, p_user_id, v.title, v.summary, coalesce(v.model_id, ''), coalesce(v.provider_id, ''), v.avatar_id, v.voice_id,
    v.personality_template, v.system_prompt, coalesce(v.temperature, 0.7), coalesce(v.max_tokens, 2048),
    coalesce(v.settings, '{}'), coalesce(v.tags, '{}'), coalesce(v.is_archived, false), coalesce(v.is_starred, false),
    coalesce(v.metadata, '{}'), v.deleted_at, v.current_message_id, coalesce(v.created_at, now()),
    least(coalesce(v.created_at, now()), now())
  ) returning change_seq into v_seq;
  return v_seq;
end
$$;

create or replace function airi_private.patch_conversation(p_id uuid, p_set jsonb, out code text, out seq bigint)
language plpgsql set search_path = '' as $$
declare
  v public.conversations;
  c_merging constant text[] := array['settings_set', 'tags_add', 'tags_remove'];
begin
  if p_set - c_merging - array[
    'title', 'summary', 'model_id', 'provider_id', 'avatar_id', 'voice_id', 'personality_template', 'system_prompt',
    'temperature', 'max_tokens', 'is_archived', 'is_starred', 'metadata', 'deleted_at', 'current_message_id'
  ] <> '{}' then
    code := 'forbidden_field';
    return;
  end if;
  select c.* into v from public.conversations as c where c.id = p_id;
  if not found then
    code := 'not_found';
    return;
  end if;
  v := jsonb_populate_record(v, p_set - c_merging);
  if p_set ? 'settings_set' then
    v.settings := airi_private.settings_with(v.settings, p_set -> 'settings_set');
  end if;
  if p_set ?| array['tags_add', 'tags_remove'] then
    v.tags := airi_private.tags_with(v.tags, p_set -> 'tags_add', p_set -> 'tags_remove');
  end if;
  update public.conversations as c set
    title = v.title, summary = v.summary, model_id = coalesce(v.model_id, ''),
    provider_id = coalesce(v.provider_id, ''), avatar_id = v.avatar_id, voice_id = v.voice_id,
    personality_template = v.personality_template, system_prompt = v.system_prompt, temperature = v.temperature,
    max_tokens = v.max_tokens, settings = v.settings, tags = v.tags, is_archived = v.is_archived,
    is_starred = v.is_starred, metadata = coalesce(v.metadata, '{}'), deleted_at = v.deleted_at,
    current_message_id = v.current_message_id
  where c.id = p_id
  returning c.change_seq into seq;
end
$$;

-- ---------------------------------------------------------------------------------------------------------- messages
create or replace function airi_private.insert_message(
  p_user_id uuid, p_id uuid, p_row jsonb, out code text, out seq bigint
)
language plpgsql set search_path = '' as $$
declare
  v public.chat_messages;
  v_same boolean;
begin
  v := jsonb_populate_record(null::public.chat_messages, p_row);
  select m.change_seq, (m.conversation_id, m.role, m.content, m.created_at) is not distinct from
    (v.conversation_id, v.role, v.content, coalesce(v.created_at, m.created_at))
  into seq, v_same
  from public.chat_messages as m where m.id = p_id;
  if found then
    if not v_same then
      code := 'content_conflict';
    end if;
    return;
  end if;
  insert into public.chat_messages (
    id, user_id, conversation_id, parent_id, role, content, content_type, attachments, prompt_tokens,
    completion_tokens, total_tokens, model_id, provider_id, response_time_ms, finish_reason, function_call, tool_calls,
    rating, feedback, metadata, created_at, edited_at, deleted_at
  ) values (
    p_id, p_user_id, v.conversation_id, v.parent_id, v.role, v.content, coalesce(v.content_type, 'text'),
    coalesce(v.attachments, '[]'), coalesce(v.prompt_tokens, 0), coalesce(v.completion_tokens, 0),
    coalesce(v.total_tokens, 0), v.model_id, v.provider_id, v.response_time_ms, v.finish_reason, v.function_call,
    v.tool_calls, v.rating, v.feedback, coalesce(v.metadata, '{}'), coalesce(v.created_at, now()), v.edited_at,
    v.deleted_at
  ) returning change_seq into seq;
end
$$;

-- Many new messages in one statement, with one update of each counter: an import pushes by the hundred. All or nothing;
-- null means that something stands in the way and each must be tried alone.
create or replace function airi_private.insert_messages(p_user_id uuid, p_ids uuid[], p_rows jsonb[]) returns bigint[]
language plpgsql set search_path = '' as $$
declare
  v_seqs bigint[];
begin
  if exists (select from public.chat_messages as m where m.id = any (p_ids)) then
    return null;
  end if;
  with inserted as (
    insert into public.chat_messages (
      id, user_id, conversation_id, parent_id, role, content, content_type, attachments, prompt_tokens,
      completion_tokens, total_tokens, model_id, provider_id, response_time_ms, finish_reason, function_call,
      tool_calls, rating, feedback, metadata, created_at, edited_at, deleted_at
    )
    select u.id, p_user_id, v.conversation_id, v.parent_id, v.role, v.content, coalesce(v.content_type, 'text'),
      coalesce(v.attachments, '[]'), coalesce(v.prompt_tokens, 0), coalesce(v.completion_tokens, 0),
      coalesce(v.total_tokens, 0), v.model_id, v.provider_id, v.response_time_ms, v.finish_reason, v.function_call,
      v.tool_calls, v.rating, v.feedback, coalesce(v.metadata, '{}'), coalesce(v.created_at, now()), v.edited_at,
      v.deleted_at
    from unnest(p_ids, p_rows) as u (id, data)
    cross join lateral jsonb_populate_record(null::public.chat_messages, u.data) as v
    returning id, change_seq
  )
  select array_agg(i.change_seq order by u.ord) into v_seqs
  from unnest(p_ids) with ordinality as u (id, ord)
  join inserted as i on i.id = u.id;
  return v_seqs;
exception when others then
  if airi_private.is_passing(sqlstate) then
    raise;
  end if;
  return null;
end
$$;

create or replace function airi_private.patch_message(p_id uuid, p_set jsonb, out code text, out seq bigint)
language plpgsql set search_path = '' as $$
declare
  v public.chat_messages;
begin
  if p_set - array['rating', 'feedback', 'deleted_at', 'metadata'] <> '{}' then
    code := 'forbidden_field';
    return;
  end if;
  select m.* into v from public.chat_messages as m where m.id = p_id;
  if not found then
    code := 'not_found';
    return;
  end if;
  v := jsonb_populate_record(v, p_set);
  update public.chat_messages as m
  set rating = v.rating, feedback = v.feedback, deleted_at = v.deleted_at, metadata = coalesce(v.metadata, '{}')
  where m.id = p_id
  returning m.change_seq into seq;
end
$$;

-- ------------------------------------------------------------------------------------------------------- attachments
create or replace function airi_private.insert_attachment(p_user_id uuid, p_id uuid, p_row jsonb) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_seq bigint;
  v public.message_attachments;
begin
  select a.change_seq into v_seq from public.message_attachments as a where a.id = p_id;
  if found then
    return v_seq;
  end if;
  v := jsonb_populate_record(null::public.message_attachments, p_row);
  insert into public.message_attachments (
    id, user_id, message_id, file_name, file_type, file_size, storage_path, mime_type, width, height, duration_seconds,
    metadata, created_at
  ) values (
    p_id, p_user_id, v.message_id, v.file_name, v.file_type, v.file_size, coalesce(v.storage_path, ''), v.mime_type,
    v.width, v.height, v.duration_seconds, coalesce(v.metadata, '{}'), coalesce(v.created_at, now())
  ) returning change_seq into v_seq;
  return v_seq;
end
$$;

create or replace function airi_private.patch_attachment(p_id uuid, p_set jsonb, out code text, out seq bigint)
language plpgsql set search_path = '' as $$
declare
  v public.message_attachments;
begin
  if p_set - array['storage_path', 'metadata'] <> '{}' then
    code := 'forbidden_field';
    return;
  end if;
  select a.* into v from public.message_attachments as a where a.id = p_id;
  if not found then
    code := 'not_found';
    return;
  end if;
  v := jsonb_populate_record(v, p_set);
  update public.message_attachments as a
  set storage_path = coalesce(v.storage_path, ''), metadata = coalesce(v.metadata, '{}')
  where a.id = p_id
  returning a.change_seq into seq;
end
$$;

-- ---------------------------------------------------------------------------------------------------------- delete
-- What is not there counts as deleted: the wish is fulfilled, by whomever.
create or replace function airi_private.delete_row(p_table text, p_id uuid) returns bigint
language plpgsql set search_path = '' as $$
begin
  case p_table
    when 'conversations' then delete from public.conversations as c where c.id = p_id;
    when 'chat_messages' then delete from public.chat_messages as m where m.id = p_id;
    else delete from public.message_attachments as a where a.id = p_id;
  end case;
  return airi_private.head();
end
$$;

-- ------------------------------------------------------------------------------------------------- one operation
-- Its own savepoint, and the database's errors as refusals. `p_columns`: table → the fields that an insert may name.
create or replace function airi_private.apply_op(
  p_user_id uuid, p_op jsonb, p_columns jsonb, out status text, out code text, out message text, out seq bigint
)
language plpgsql set search_path = '' as $$
declare
  v_table text := p_op ->> 'table';
  v_kind text := coalesce(p_op ->> 'kind', '');
  v_data jsonb := p_op -> case p_op ->> 'kind' when 'insert' then 'row' when 'patch' then 'set' end;
  v_id uuid;
  v_constraint text;
begin
  begin
    v_id := (p_op ->> 'id')::uuid;
    if v_id is null or not coalesce(p_columns ? v_table, false) or v_kind not in ('insert', 'patch', 'delete')
      or v_kind <> 'delete' and jsonb_typeof(v_data) is distinct from 'object'
    then
      code := 'invalid';
      message := 'not an operation';
    elsif v_kind = 'delete' then
      seq := airi_private.delete_row(v_table, v_id);
    elsif v_kind = 'patch' then
      case v_table
        when 'conversations' then
          select a.code, a.seq into code, seq from airi_private.patch_conversation(v_id, v_data) as a;
        when 'chat_messages' then
          select a.code, a.seq into code, seq from airi_private.patch_message(v_id, v_data) as a;
        else
          select a.code, a.seq into code, seq from airi_private.patch_attachment(v_id, v_data) as a;
      end case;
    elsif v_data - array(select jsonb_array_elements_text(p_columns -> v_table)) <> '{}' then
      code := 'forbidden_field';
    elsif (v_data ->> 'id')::uuid <> v_id then
      code := 'invalid';
      message := 'the row has another id than the operation';
    else
      case v_table
        when 'conversations' then
          seq := airi_private.insert_conversation(p_user_id, v_id, v_data);
        when 'chat_messages' then
          select a.code, a.seq into code, seq from airi_private.insert_message(p_user_id, v_id, v_data) as a;
        else
          seq := airi_private.insert_attachment(p_user_id, v_id, v_data);
      end case;
    end if;
  exception
    when foreign_key_violation then
      code := 'missing_parent';
      message := sqlerrm;
    when unique_violation then
      -- On the primary key the row is another's: our own would have been found.
      get stacked diagnostics v_constraint = constraint_name;
      if exists (
        select from pg_catalog.pg_constraint as c
        where c.conname = v_constraint and c.contype = 'p' and c.connamespace = 'public'::regnamespace
      ) then
        code := 'id_taken';
      else
        code := 'invalid';
        message := sqlerrm;
      end if;
    when others then
      if airi_private.is_passing(sqlstate) then
        raise;
      end if;
      code := 'invalid';
      message := sqlerrm;
  end;
  status := case when code is null then 'applied' else 'refused' end;
  if code is not null then
    seq := null;
  end if;
end
$$;

revoke all on function
  airi_private.is_passing, airi_private.settings_with, airi_private.tags_with, airi_private.insert_conversation,
  airi_private.patch_conversation, airi_private.insert_message, airi_private.insert_messages,
  airi_private.patch_message, airi_private.apply_op,
  airi_private.insert_attachment, airi_private.patch_attachment, airi_private.delete_row
  from public, anon;
grant execute on function
  airi_private.is_passing, airi_private.settings_with, airi_private.tags_with, airi_private.insert_conversation,
  airi_private.patch_conversation, airi_private.insert_message, airi_private.insert_messages,
  airi_private.patch_message, airi_private.apply_op,
  airi_private.insert_attachment, airi_private.patch_attachment, airi_private.delete_row
  to authenticated;
