-- What holds after one restore holds after two of them (docs/decisions/0007). The simulation found both.
--
-- Each number under which a form of a row was taken back is remembered, not the last one alone (docs/decisions/0007). After
-- another epoch a device may bring that number as its `held`: of a form which it brought back itself, or had from the server.
-- By the number it would be later than one that a third device held all along, and it may be the older one.
--
-- And an epoch that an operator calls for by hand goes on from the next multiple of 10^11, of 10^12 only one with a timeline or
-- a system of its own. Else a restore to before the one by hand would give its numbers a second time.

insert into rollback_keep.statements (migration, statement)
select '038', pg_catalog.pg_get_functiondef(f::regprocedure)
from unnest(array[
  'airi_private.bump(uuid, boolean)',
  'airi_private.note_restored(uuid, text, uuid[], bigint[], bigint[])',
  'airi_private.note_made_anew()',
  'airi_private.restore_row(uuid, text, uuid, text, jsonb, bigint)']) as f;

-- As in 014, but for the step by hand.
create or replace function airi_private.bump(p_user_id uuid, p_again boolean default false) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  c_step constant bigint := 1000000000000;
  c_step_by_hand constant bigint := 100000000000;
  v_seq bigint;
  v_epoch text;
  v_floor bigint;
begin
  -- Writers without a caller (service role, jobs) come here without the locks; same order for them.
  perform airi_private.lock_user(p_user_id);
  if not p_again then
    select h.seq into v_seq from public.sync_heads as h
    where h.user_id = p_user_id and h.xid = pg_current_xact_id() and h.moved_at = now();
    if found then
      return v_seq;
    end if;
  end if;

  v_epoch := airi_private.epoch();
  v_floor := (coalesce(nullif(split_part(v_epoch, ':', 3), '')::bigint, 1) - 1) * c_step;
  insert into public.sync_heads as h (user_id, seq, epoch, xid, moved_at)
  values (p_user_id, v_floor + 1, v_epoch, pg_current_xact_id(), now())
  on conflict (user_id) do update set
    seq = case
      -- Another stored id alone: `stored id:system:timeline`.
      when h.epoch <> excluded.epoch
        and substr(h.epoch, strpos(h.epoch, ':')) = substr(excluded.epoch, strpos(excluded.epoch, ':'))
        then (h.seq / c_step_by_hand + 1) * c_step_by_hand
      when h.epoch <> excluded.epoch then greatest((h.seq / c_step + 1) * c_step, v_floor)
      when h.epoch is null and h.seq = 0 then v_floor + 1
      else h.seq + 1
    end,
    epoch = excluded.epoch, xid = excluded.xid, moved_at = excluded.moved_at
  returning h.seq into v_seq;
  if not p_again then
    perform airi_private.ring(p_user_id, v_seq);
  end if;
  return v_seq;
end
$$;

alter table airi_private.sync_restored drop constraint sync_restored_pkey;
alter table airi_private.sync_restored add primary key (user_id, table_name, row_id, change_seq);

-- The number that a form with the number `p_seq` is measured by: the one that it was held under before it was taken back, 0
-- when it was made anew, else its own.
create or replace function airi_private.form_of(p_user_id uuid, p_table text, p_id uuid, p_seq bigint) returns bigint
language sql stable set search_path = '' as $$
  select coalesce((
    select r.held from airi_private.sync_restored as r
    where r.user_id = p_user_id and r.table_name = p_table and r.row_id = p_id and r.change_seq = p_seq
  ), p_seq)
$$;
revoke all on function airi_private.form_of from public, anon;
grant execute on function airi_private.form_of to authenticated;

-- After two restores from before one moment a number may be given a second time: the one that a row gets now says nothing of
-- what a device held under it.
create or replace function airi_private.note_restored(
  p_user_id uuid, p_table text, p_ids uuid[], p_held bigint[], p_seqs bigint[]
) returns void
language sql set search_path = '' as $$
  insert into airi_private.sync_restored (user_id, table_name, row_id, held, change_seq)
  select p_user_id, p_table, u.id,
    case when u.held = u.seq then u.held else airi_private.form_of(p_user_id, p_table, u.id, u.held) end, u.seq
  from unnest(p_ids, p_held, p_seqs) as u (id, held, seq)
  where u.held is not null
  on conflict (user_id, table_name, row_id, change_seq) do update set held = excluded.held
$$;

-- Numbers of this size are of an epoch after the first one.
create or replace function airi_private.note_made_anew() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into airi_private.sync_restored (user_id, table_name, row_id, held, change_seq)
  select a.user_id, tg_table_name, a.id, 0, a.change_seq from added as a where a.change_seq >= 100000000000
  on conflict (user_id, table_name, row_id, change_seq) do update set held = excluded.held;
  return null;
end
$$;

-- As in 036, but that `p_held` may be a number under which the server itself took a form back: that form is measured by its
-- own. A tombstone is measured by `p_held` as it is: a form that was taken back after it outlives it.
create or replace function airi_private.restore_row(
  p_user_id uuid, p_table text, p_id uuid, p_kind text, p_data jsonb, p_held bigint, out code text, out seq bigint
)
language plpgsql set search_path = '' as $$
declare
  v_found bigint := airi_private.number_of(p_table, p_id);
  -- The number of the form that is there: null when there is none.
  v_form bigint := airi_private.form_of(p_user_id, p_table, p_id, v_found);
  v_rank bigint := airi_private.form_of(p_user_id, p_table, p_id, p_held);
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
    if v_rank <= v_form then
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
