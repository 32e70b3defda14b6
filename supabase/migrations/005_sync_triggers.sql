-- How every change gets its number, whoever makes it: the app's push, a web client that writes tables, a job.
--
-- One lock order: the caller's profile, then the caller's head, then any other row. A BEFORE STATEMENT trigger takes
-- the first two, so a rename (conversation, then head) and a message insert (head, then the conversation's counter)
-- cannot wait for each other. The profile comes before the head because billing webhooks write it with the service
-- role: they hold the profile when its row trigger asks for the head. Other writers for many users take the head first
-- by airi_private.lock_user(), one user per transaction.
--
-- All functions here are definers, because clients may not write sync_heads and tombstones; as trigger functions nobody
-- can call them. `airi.head` holds whom this transaction has locked; it is an optimisation and no safeguard: setting it
-- falsely costs only oneself.

-- ---------------------------------------------------------------------------------------------------------- the head
create or replace function airi_private.lock_user(p_user_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_mark text := p_user_id::text || ':' || pg_current_xact_id()::text;
begin
  if current_setting('airi.head', true) = v_mark then
    return;
  end if;
  perform from public.user_profiles where id = p_user_id for no key update;
  if not found then
    -- No account, or one that is being erased: nothing of it must come into being.
    return;
  end if;
  perform from public.sync_heads where user_id = p_user_id for no key update;
  if not found then
    insert into public.sync_heads (user_id) values (p_user_id) on conflict do nothing;
    perform from public.sync_heads where user_id = p_user_id for no key update;
  end if;
  perform set_config('airi.head', v_mark, true);
end
$$;

-- For sync_push, which must hold the head before it looks up what was pushed before.
create or replace function airi_private.lock_caller() returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is null then
    raise exception 'not signed in' using errcode = '28000';
  end if;
  perform airi_private.lock_user(v_user_id);
end
$$;

create or replace function airi_private.lock_head() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is not null then
    perform airi_private.lock_user(v_user_id);
  end if;
  return null;
end
$$;

-- Tells the owner's devices that there is something to pull. Part of the transaction, so it rings after the commit or
-- not at all; a device that misses it pulls within a minute, so a failure here is no reason to refuse the write.
create or replace function airi_private.ring(p_user_id uuid, p_head bigint) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is null then
    return;
  end if;
  execute 'select realtime.send($1, $2, $3, $4)'
    using jsonb_build_object('head', p_head), 'changed', 'sync:' || p_user_id::text, true;
exception when others then
  raise log 'sync doorbell failed: %', sqlerrm;
end
$$;

-- Moves the head, once per transaction unless told otherwise, and returns it.
create or replace function airi_private.bump(p_user_id uuid, p_again boolean default false) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  v_seq bigint;
begin
  -- Writers without a caller (service role, jobs) come here without the locks; same order for them.
  perform airi_private.lock_user(p_user_id);
  update public.sync_heads set seq = seq + 1, xid = pg_current_xact_id(), moved_at = now()
  where user_id = p_user_id and (p_again or (xid, moved_at) is distinct from (pg_current_xact_id(), now()))
  returning seq into v_seq;
  if not found then
    select seq into v_seq from public.sync_heads
    where user_id = p_user_id and xid = pg_current_xact_id() and moved_at = now();
    if found then
      return v_seq;
    end if;
    insert into public.sync_heads (user_id, seq, xid, moved_at) values (p_user_id, 1, pg_current_xact_id(), now())
    on conflict (user_id) do update set seq = sync_heads.seq + 1, xid = excluded.xid, moved_at = excluded.moved_at
    returning seq into v_seq;
  end if;
  if not p_again then
    perform airi_private.ring(p_user_id, v_seq);
  end if;
  return v_seq;
end
$$;

-- The number of this transaction for a new or changed row. A row that comes back in the very transaction that erased it
-- needs a later number than its tombstone, which pull would otherwise deliver after it.
-- The message trigger, the one that runs by the thousand, has the first look at the head in its own body.
create or replace function airi_private.number_row(p_user_id uuid, p_id uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  v_seq bigint;
begin
  select seq into v_seq from public.sync_heads
  where user_id = p_user_id and xid = pg_current_xact_id() and moved_at = now();
  if not found then
    return airi_private.bump(p_user_id);
  end if;
  if exists (
    select from public.tombstones where user_id = p_user_id and change_seq = v_seq and row_id = p_id
  ) then
    return airi_private.bump(p_user_id, p_again => true);
  end if;
  return v_seq;
end
$$;

-- -------------------------------------------------------------------------------------------------------------- rows
create or replace function airi_private.number_owned() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.change_seq := airi_private.number_row(new.user_id, new.id);
  return new;
end
$$;

create or replace function airi_private.number_profile() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.change_seq := airi_private.number_row(new.id, new.id);
  return new;
end
$$;

-- Deleting archives too, so that clients which do not know deleted_at hide the conversation.
create or replace function airi_private.number_conversation() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.deleted_at is not null and (tg_op = 'INSERT' or old.deleted_at is null) then
    new.is_archived := true;
  end if;
  new.change_seq := airi_private.number_row(new.user_id, new.id);
  return new;
end
$$;

-- A row must not point to another user's parent. Whether the parent is missing or another's is not told: both are the
-- same error, else ids could be probed. The parent's owner never changes, so looking once at insert is enough.
create or replace function airi_private.number_message() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' and not exists (
    select from public.conversations where id = new.conversation_id and user_id = new.user_id
  ) then
    raise exception 'conversation % does not exist', new.conversation_id using errcode = '23503';
  end if;
  select h.seq into new.change_seq from public.sync_heads as h
  where h.user_id = new.user_id and h.xid = pg_current_xact_id() and h.moved_at = now() and not exists (
    select from public.tombstones as t where t.user_id = h.user_id and t.change_seq = h.seq and t.row_id = new.id
  );
  if not found then
    new.change_seq := airi_private.number_row(new.user_id, new.id);
  end if;
  return new;
end
$$;

create or replace function airi_private.number_attachment() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_owner uuid;
begin
  if tg_op = 'INSERT' then
    select user_id into v_owner from public.chat_messages where id = new.message_id;
    -- A client that does not know the column leaves it out and gets the message's owner, if that is itself.
    new.user_id := coalesce(new.user_id, auth.uid(), v_owner);
    if v_owner is distinct from new.user_id then
      raise exception 'message % does not exist', new.message_id using errcode = '23503';
    end if;
  end if;
  new.change_seq := airi_private.number_row(new.user_id, new.id);
  return new;
end
$$;

create or replace function airi_private.check_session() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.conversation_id is not null and not exists (
    select from public.conversations where id = new.conversation_id and user_id = new.user_id
  ) then
    raise exception 'conversation % does not exist', new.conversation_id using errcode = '23503';
  end if;
  return new;
end
$$;

-- Refuses another value in the columns named by the trigger. Nobody is excepted: what must vanish is deleted.
create or replace function airi_private.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
declare
  v_old jsonb := to_jsonb(old);
  v_new jsonb := to_jsonb(new);
  v_column text;
begin
  foreach v_column in array tg_argv loop
    if v_old -> v_column is distinct from v_new -> v_column then
      raise exception '%.% cannot be changed', tg_table_name, v_column using errcode = '23514';
    end if;
  end loop;
  return new;
end
$$;

-- One tombstone per deleted root. In a cascade the parent is gone already, and the parent's tombstone says it all; when
-- the account itself is erased, nothing may stay behind.
create or replace function airi_private.bury() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_root boolean;
  v_seq bigint;
begin
  case tg_table_name
    when 'conversations' then
      v_root := exists (select from public.user_profiles where id = old.user_id);
    when 'chat_messages' then
      v_root := exists (select from public.conversations where id = old.conversation_id);
    else
      v_root := exists (select from public.chat_messages where id = old.message_id);
  end case;
  if v_root then
    v_seq := airi_private.bump(old.user_id);
    insert into public.tombstones (user_id, table_name, row_id, change_seq)
    values (old.user_id, tg_table_name, old.id, v_seq)
    on conflict (user_id, table_name, row_id) do update
      set change_seq = excluded.change_seq, created_at = excluded.created_at;
  end if;
  return null;
end
$$;

create or replace function airi_private.forget_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.tombstones where user_id = old.id;
  delete from public.sync_ops where user_id = old.id;
  delete from public.sync_heads where user_id = old.id;
  return null;
end
$$;

revoke all on all functions in schema airi_private from public, anon, authenticated;
grant execute on function airi_private.lock_caller() to authenticated, service_role;
grant execute on function airi_private.lock_user(uuid) to service_role;

-- ---------------------------------------------------------------------------------------------------------- triggers
-- Names begin with zz: row triggers fire in order of name, and the number must see what all others made of the row.
do $triggers$
declare
  synced record;
  numbering text;
  old_columns text;
  new_columns text;
begin
  for synced in select * from airi_private.sync_tables where table_name <> 'tombstones' loop
    numbering := case synced.table_name
      when 'user_profiles' then 'number_profile'
      when 'conversations' then 'number_conversation'
      when 'chat_messages' then 'number_message'
      when 'message_attachments' then 'number_attachment'
      else 'number_owned'
    end;
    execute format('create or replace trigger zz_sync_insert before insert on public.%I
      for each row execute function airi_private.%I()', synced.table_name, numbering);

    -- Only a change in what travels moves the head; an immutable column needs no look, and content is long.
    select string_agg(format('old.%I', c), ', '), string_agg(format('new.%I', c), ', ')
    into old_columns, new_columns
    from unnest(synced.columns || array['change_seq']) as c where c <> all (synced.immutable);
    execute format('create or replace trigger zz_sync_update before update on public.%I
      for each row when ((%s) is distinct from (%s)) execute function airi_private.%I()',
      synced.table_name, old_columns, new_columns, numbering);

    execute format('create or replace trigger aa_sync_immutable before update of %s on public.%I
      for each row execute function airi_private.refuse_change(%s)',
      (select string_agg(quote_ident(c), ', ') from unnest(synced.immutable) as c), synced.table_name,
      (select string_agg(quote_literal(c), ', ') from unnest(synced.immutable) as c));
  end loop;

  for synced in select * from airi_private.sync_tables where rank between 1 and 4 loop
    execute format('create or replace trigger aa_sync_lock before insert or update or delete on public.%I
      for each statement when (pg_trigger_depth() = 0) execute function airi_private.lock_head()', synced.table_name);
  end loop;
  for synced in select * from airi_private.sync_tables where rank between 2 and 4 loop
    execute format('create or replace trigger zz_sync_bury after delete on public.%I
      for each row execute function airi_private.bury()', synced.table_name);
  end loop;
end
$triggers$;

create or replace trigger zz_sync_forget after delete on public.user_profiles
  for each row execute function airi_private.forget_account();
create or replace trigger aa_own_conversation
  before insert or update of conversation_id, user_id on public.chat_sessions
  for each row execute function airi_private.check_session();
create or replace trigger aa_sync_immutable before update of id, user_id on public.chat_sessions
  for each row execute function airi_private.refuse_change('id', 'user_id');
