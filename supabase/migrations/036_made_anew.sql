-- A row that is made anew after a restore yields to every form of it that was held (docs/decisions/0007). It comes from a
-- device that had not heard whether its row had arrived, or that imports the same archive; what another device held of that
-- row, with what its user had done to it since, is the later form although its number is lower. So such a row is noted as a
-- form held under 0, for as long as nobody changes it.

insert into rollback_keep.statements (migration, statement)
select '036', pg_catalog.pg_get_functiondef(
  'airi_private.restore_row(uuid, text, uuid, text, jsonb, bigint)'::regprocedure
);

-- Numbers of this size are of an epoch after the first one. Without a restore nothing is noted.
create or replace function airi_private.note_made_anew() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into airi_private.sync_restored (user_id, table_name, row_id, held, change_seq)
  select a.user_id, tg_table_name, a.id, 0, a.change_seq from added as a where a.change_seq >= 1000000000000
  on conflict (user_id, table_name, row_id) do update set held = excluded.held, change_seq = excluded.change_seq;
  return null;
end
$$;
revoke all on function airi_private.note_made_anew from public, anon, authenticated;

do $triggers$
declare
  v_table text;
begin
  foreach v_table in array array['conversations', 'chat_messages', 'message_attachments'] loop
    execute format('create or replace trigger zz_sync_made_anew after insert on public.%I
      referencing new table as added for each statement execute function airi_private.note_made_anew()', v_table);
  end loop;
end
$triggers$;

-- As in 015, but for the form under 0: it loses to all others, except to those that were erased before it was made.
create or replace function airi_private.restore_row(
  p_user_id uuid, p_table text, p_id uuid, p_kind text, p_data jsonb, p_held bigint, out code text, out seq bigint
)
language plpgsql set search_path = '' as $$
declare
  v_found bigint := airi_private.number_of(p_table, p_id);
  -- The number of the form that is there: null when there is none.
  v_form bigint := coalesce((
    select r.held from airi_private.sync_restored as r
    where r.user_id = p_user_id and r.table_name = p_table and r.row_id = p_id and r.change_seq = v_found
  ), v_found);
  v_set jsonb := p_data;
  v public.conversations;
begin
  if coalesce(v_form, 0) = 0 and airi_private.erased_since(p_user_id, p_table, p_id, p_data, p_held) then
    code := 'superseded';
    seq := v_found;
    return;
  end if;

  -- The insert, or the look at what is there: a message with other content is refused, whichever is the later one.
  if p_kind = 'insert' then
    case p_table
      when 'conversations' then
        seq := airi_private.insert_conversation(p_user_id, p_id, p_data);
      when 'chat_messages' then
        select a.code, a.seq into code, seq from airi_private.insert_message(p_user_id, p_id, p_data) as a;
      else
        seq := airi_private.insert_attachment(p_user_id, p_id, p_data);
    end case;
    if code is not null then
      return;
    end if;
  end if;

  if v_found is not null then
    if p_held <= v_form then
      code := 'superseded';
      seq := v_found;
      return;
    end if;
    if p_kind = 'insert' then
      v_set := (
        select coalesce(jsonb_object_agg(f.key, f.value), '{}') from jsonb_each(p_data) as f
        where f.key = any (case p_table
          when 'conversations' then array[
            'title', 'summary', 'model_id', 'provider_id', 'avatar_id', 'voice_id', 'personality_template',
            'system_prompt', 'temperature', 'max_tokens', 'is_archived', 'is_starred', 'metadata', 'deleted_at',
            'current_message_id']
          when 'chat_messages' then array['rating', 'feedback', 'deleted_at', 'metadata']
          else array['storage_path', 'metadata'] end)
      );
    end if;
  end if;

  if p_kind = 'patch' or v_found is not null then
    case p_table
      when 'conversations' then
        select a.code, a.seq into code, seq from airi_private.patch_conversation(p_id, v_set) as a;
      when 'chat_messages' then
        select a.code, a.seq into code, seq from airi_private.patch_message(p_id, v_set) as a;
      else
        select a.code, a.seq into code, seq from airi_private.patch_attachment(p_id, v_set) as a;
    end case;
    if code is not null then
      return;
    end if;
    -- A patch changes these leaf by leaf; a whole row brings them whole.
    if p_kind = 'insert' and p_table = 'conversations' and p_data ?| array['settings', 'tags'] then
      v := jsonb_populate_record(null::public.conversations, p_data);
      update public.conversations as c set
        settings = case when p_data ? 'settings' then coalesce(v.settings, '{}') else c.settings end,
        tags = case when p_data ? 'tags' then coalesce(v.tags, '{}') else c.tags end
      where c.id = p_id
      returning c.change_seq into seq;
    end if;
  end if;
  perform airi_private.note_restored(p_user_id, p_table, array[p_id], array[p_held], array[seq]);
end
$$;
