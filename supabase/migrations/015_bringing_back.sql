-- What a pushed operation with `held` does (docs/sync-protocol.md, "sync_push"): it brings back a form of a row that a
-- restore of the server lost, unless the row has a later one. All with the caller's rights, as in 011.

insert into rollback_keep.statements (migration, statement)
select '015', pg_catalog.pg_get_functiondef(f::regprocedure)
from unnest(array['airi_private.apply_op(uuid, jsonb, jsonb)', 'airi_private.forget_account()']) as f;

-- Which form of a row was brought back, for as long as the row is as that operation left it: it then has this number.
-- Points to nobody, as sync's other tables.
do $returned$
begin
  if to_regclass('rollback_keep.sync_restored') is not null and to_regclass('airi_private.sync_restored') is null then
    alter table rollback_keep.sync_restored set schema airi_private;
    delete from airi_private.sync_restored as r where r.user_id not in (select p.id from public.user_profiles as p);
  end if;
end
$returned$;
create table if not exists airi_private.sync_restored (
  user_id uuid not null,
  table_name text not null,
  row_id uuid not null,
  held bigint not null,
  change_seq bigint not null,
  primary key (user_id, table_name, row_id)
);
alter table airi_private.sync_restored enable row level security;
revoke all on airi_private.sync_restored from public, anon, authenticated;
grant all on airi_private.sync_restored to service_role;
grant select, insert, update, delete on airi_private.sync_restored to authenticated;
do $policies$
declare
  verb text;
begin
  foreach verb in array array['select', 'insert', 'update', 'delete'] loop
    execute format('drop policy if exists %I on airi_private.sync_restored', 'own_' || verb);
    execute format('create policy %I on airi_private.sync_restored for %s to authenticated %s %s', 'own_' || verb, verb,
      case when verb <> 'insert' then 'using ((select auth.uid()) = user_id)' end,
      case when verb in ('insert', 'update') then 'with check ((select auth.uid()) = user_id)' end);
  end loop;
end
$policies$;

create or replace function airi_private.forget_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.tombstones where user_id = old.id;
  delete from public.sync_ops where user_id = old.id;
  delete from public.sync_heads where user_id = old.id;
  delete from airi_private.sync_restored where user_id = old.id;
  return null;
end
$$;

-- ------------------------------------------------------------------------------------------------------- parts of it
-- The current row as it travels; null: the caller has none.
create or replace function airi_private.row_of(p_user_id uuid, p_table text, p_id uuid) returns json
language plpgsql stable set search_path = '' as $$
begin
  case p_table
    when 'conversations' then
      return (select v.row from airi_private.sync_rows_conversations as v where v.id = p_id and v.user_id = p_user_id);
    when 'chat_messages' then
      return (select v.row from airi_private.sync_rows_chat_messages as v where v.id = p_id and v.user_id = p_user_id);
    else
      return (
        select v.row from airi_private.sync_rows_message_attachments as v where v.id = p_id and v.user_id = p_user_id
      );
  end case;
end
$$;

create or replace function airi_private.number_of(p_table text, p_id uuid) returns bigint
language plpgsql stable set search_path = '' as $$
begin
  case p_table
    when 'conversations' then return (select c.change_seq from public.conversations as c where c.id = p_id);
    when 'chat_messages' then return (select m.change_seq from public.chat_messages as m where m.id = p_id);
    else return (select a.change_seq from public.message_attachments as a where a.id = p_id);
  end case;
end
$$;

-- Whether the row, or what it hangs on, was erased after the form that would be brought back.
create or replace function airi_private.erased_since(p_user_id uuid, p_table text, p_id uuid, p_row jsonb, p_held bigint)
returns boolean
language sql stable set search_path = '' as $$
  select exists (
    select from public.tombstones as t
    where t.user_id = p_user_id and t.change_seq > p_held and (
      t.table_name = p_table and t.row_id = p_id
      or p_table = 'chat_messages' and t.table_name = 'conversations'
        and t.row_id = (p_row ->> 'conversation_id')::uuid
      or p_table = 'message_attachments' and t.table_name = 'chat_messages'
        and t.row_id = (p_row ->> 'message_id')::uuid
    )
  )
$$;

create or replace function airi_private.note_restored(
  p_user_id uuid, p_table text, p_ids uuid[], p_held bigint[], p_seqs bigint[]
) returns void
language sql set search_path = '' as $$
  insert into airi_private.sync_restored (user_id, table_name, row_id, held, change_seq)
  select p_user_id, p_table, u.id, u.held, u.seq from unnest(p_ids, p_held, p_seqs) as u (id, held, seq)
  where u.held is not null
  on conflict (user_id, table_name, row_id) do update set held = excluded.held, change_seq = excluded.change_seq
$$;

-- ------------------------------------------------------------------------------------------------- one operation
-- The caller holds the head, so nobody else brings back a form of this row at the same time. `superseded`: nothing was
-- done, the row has a later form or was erased after this one.
create or replace function airi_private.restore_row(
  p_user_id uuid, p_table text, p_id uuid, p_kind text, p_data jsonb, p_held bigint, out code text, out seq bigint
)
language plpgsql set search_path = '' as $$
declare
  v_found bigint := airi_private.number_of(p_table, p_id);
  v_set jsonb := p_data;
  v public.conversations;
begin
  if v_found is null and airi_private.erased_since(p_user_id, p_table, p_id, p_data, p_held) then
    code := 'superseded';
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
    if p_held <= coalesce((
      select r.held from airi_private.sync_restored as r
      where r.user_id = p_user_id and r.table_name = p_table and r.row_id = p_id and r.change_seq = v_found
    ), v_found) then
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

-- Many messages at once, of which those with a number in `p_held` are brought back. All or nothing, as insert_messages:
-- null means that each must be tried alone.
create or replace function airi_private.restore_messages(
  p_user_id uuid, p_ids uuid[], p_rows jsonb[], p_held bigint[]
) returns bigint[]
language plpgsql set search_path = '' as $$
declare
  v_seqs bigint[];
begin
  if exists (select from public.tombstones as t where t.user_id = p_user_id and t.change_seq > (
      select min(h) from unnest(p_held) as h
    )) and exists (
      select from unnest(p_ids, p_rows, p_held) as u (id, data, held)
      where u.held is not null and airi_private.erased_since(p_user_id, 'chat_messages', u.id, u.data, u.held)
    )
  then
    return null;
  end if;
  v_seqs := airi_private.insert_messages(p_user_id, p_ids, p_rows);
  if v_seqs is not null then
    perform airi_private.note_restored(p_user_id, 'chat_messages', p_ids, p_held, v_seqs);
  end if;
  return v_seqs;
exception when others then
  if airi_private.is_passing(sqlstate) then
    raise;
  end if;
  return null;
end
$$;

-- As in 011, and with `held`.
create or replace function airi_private.apply_op(
  p_user_id uuid, p_op jsonb, p_columns jsonb, out status text, out code text, out message text, out seq bigint
)
language plpgsql set search_path = '' as $$
declare
  v_table text := p_op ->> 'table';
  v_kind text := coalesce(p_op ->> 'kind', '');
  v_data jsonb := p_op -> case p_op ->> 'kind' when 'insert' then 'row' when 'patch' then 'set' end;
  v_held text := p_op ->> 'held';
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
    elsif v_held !~ '^[0-9]{1,18}$' then
      code := 'invalid';
      message := 'held is not the number of a row';
    elsif v_kind = 'insert' and v_data - array(select jsonb_array_elements_text(p_columns -> v_table)) <> '{}' then
      code := 'forbidden_field';
    elsif v_kind = 'insert' and (v_data ->> 'id')::uuid <> v_id then
      code := 'invalid';
      message := 'the row has another id than the operation';
    elsif v_held is not null then
      select a.code, a.seq into code, seq
      from airi_private.restore_row(p_user_id, v_table, v_id, v_kind, v_data, v_held::bigint) as a;
    elsif v_kind = 'patch' then
      case v_table
        when 'conversations' then
          select a.code, a.seq into code, seq from airi_private.patch_conversation(v_id, v_data) as a;
        when 'chat_messages' then
          select a.code, a.seq into code, seq from airi_private.patch_message(v_id, v_data) as a;
        else
          select a.code, a.seq into code, seq from airi_private.patch_attachment(v_id, v_data) as a;
      end case;
      -- Brought back earlier in this transaction, so that the number is the same: the row is now of the new epoch.
      delete from airi_private.sync_restored as r
      where r.user_id = p_user_id and r.table_name = v_table and r.row_id = v_id and r.change_seq = seq;
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
  status := case when code is null or code = 'superseded' then 'applied' else 'refused' end;
  if status = 'refused' then
    seq := null;
  end if;
end
$$;

revoke all on function
  airi_private.row_of, airi_private.number_of, airi_private.erased_since, airi_private.note_restored,
  airi_private.restore_row, airi_private.restore_messages
  from public, anon;
grant execute on function
  airi_private.row_of, airi_private.number_of, airi_private.erased_since, airi_private.note_restored,
  airi_private.restore_row, airi_private.restore_messages
  to authenticated;
