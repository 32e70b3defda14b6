-- The devices of docs/sync-protocol.md, "sync_device" and "sync_sign_out_device": which ones sync, and ending the session of
-- one of them from another. The list does not travel, so it numbers nothing.
--
-- Clients only read the table. It is written by two definers that take the user and the session from the token: a device
-- that was signed out must not be able to undo that with the session it had.

insert into rollback_keep.statements (migration, statement)
select '018', pg_catalog.pg_get_functiondef('airi_private.forget_account()'::regprocedure);

-- What comes back from a rollback comes without those whose account was erased in between.
do $returned$
begin
  if to_regclass('rollback_keep.sync_devices') is not null and to_regclass('public.sync_devices') is null then
    alter table rollback_keep.sync_devices set schema public;
    delete from public.sync_devices as d where d.user_id not in (select p.id from public.user_profiles as p);
  end if;
  if to_regclass('rollback_keep.ended_sessions') is not null and to_regclass('airi_private.ended_sessions') is null then
    alter table rollback_keep.ended_sessions set schema airi_private;
    delete from airi_private.ended_sessions as e where e.user_id not in (select p.id from public.user_profiles as p);
  end if;
end
$returned$;
create table if not exists public.sync_devices (
  user_id uuid not null,
  id uuid not null,
  name text not null default '',
  platform text not null default '',
  app_version text not null default '',
  session_id text,
  first_seen_at timestamptz not null default now(),
  last_sync_at timestamptz not null default now(),
  signed_out_at timestamptz,
  primary key (user_id, id)
);
-- The sessions that were ended from another device. They stay refused after the device has signed in again with a new one:
-- their access tokens live on for a while, and on a server where a session cannot be deleted for ever.
create table if not exists airi_private.ended_sessions (
  user_id uuid not null,
  session_id text not null,
  ended_at timestamptz not null default now(),
  primary key (user_id, session_id)
);
alter table public.sync_devices enable row level security;
alter table airi_private.ended_sessions enable row level security;
revoke all on public.sync_devices, airi_private.ended_sessions from public, anon, authenticated;
grant all on public.sync_devices, airi_private.ended_sessions to service_role;
grant select on public.sync_devices to authenticated;
drop policy if exists own_select on public.sync_devices;
create policy own_select on public.sync_devices for select to authenticated using ((select auth.uid()) = user_id);
drop policy if exists closed on airi_private.ended_sessions;
create policy closed on airi_private.ended_sessions for all to anon, authenticated using (false) with check (false);

create or replace function airi_private.forget_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.tombstones where user_id = old.id;
  delete from public.sync_ops where user_id = old.id;
  delete from public.sync_heads where user_id = old.id;
  delete from public.sync_devices where user_id = old.id;
  delete from airi_private.sync_restored where user_id = old.id;
  delete from airi_private.ended_sessions where user_id = old.id;
  return null;
end
$$;

-- What a client says of itself, fit to be shown: without control characters and those that turn the direction of writing.
create or replace function airi_private.shown(p_text text, p_length int) returns text
language sql immutable set search_path = '' as $$
  select left(btrim(regexp_replace(
    p_text, '[\u0001-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]', '', 'g')), p_length)
$$;

-- ------------------------------------------------------------------------------------------------------------ noting
create or replace function airi_private.note_device(p_device uuid, p_name text, p_platform text, p_version text)
returns void
language plpgsql security definer set search_path = '' as $$
declare
  c_most constant int := 100;
  v_user_id uuid := airi_private.caller();
  v_session text := auth.jwt() ->> 'session_id';
  v_name text := airi_private.shown(p_name, 100);
  v_platform text := airi_private.shown(p_platform, 50);
  v_version text := airi_private.shown(p_version, 50);
begin
  update public.sync_devices as d set
    name = coalesce(v_name, d.name), platform = coalesce(v_platform, d.platform),
    app_version = coalesce(v_version, d.app_version), last_sync_at = now(),
    -- It has signed in again. (Who calls with a session that was ended does not get here.)
    signed_out_at = case when d.session_id is null or v_session <> d.session_id then null else d.signed_out_at end,
    session_id = coalesce(v_session, d.session_id)
  where d.user_id = v_user_id and d.id = p_device;
  if found then
    return;
  end if;

  perform airi_private.lock_user(v_user_id);
  if not exists (select from public.user_profiles as p where p.id = v_user_id) then
    -- No account, or one that is being erased: nothing of it must come into being. Or one without a profile: its first
    -- push makes it.
    return;
  end if;
  delete from public.sync_devices as d
  where d.user_id = v_user_id and d.id in (
    select o.id from public.sync_devices as o
    where o.user_id = v_user_id and (o.signed_out_at is not null or o.last_sync_at < now() - interval '1 year')
    order by o.last_sync_at, o.id
    limit (select greatest(count(*) - c_most + 1, 0) from public.sync_devices as a where a.user_id = v_user_id)
  );
  if (select count(*) from public.sync_devices as d where d.user_id = v_user_id) >= c_most then
    raise exception 'this account syncs with % devices already; sign out one of them first', c_most
      using errcode = '22023';
  end if;
  insert into public.sync_devices (user_id, id, name, platform, app_version, session_id)
  values (v_user_id, p_device, coalesce(v_name, ''), coalesce(v_platform, ''), coalesce(v_version, ''), v_session)
  on conflict do nothing;
end
$$;

-- --------------------------------------------------------------------------------------------------------- signing out
-- Deleting a session deletes its refresh tokens with it. Where this role may not, the device is marked and its session
-- refused all the same (airi_private.caller).
create or replace function airi_private.end_session(p_device uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_user_id uuid := airi_private.caller();
  v_session text;
begin
  select d.session_id into v_session from public.sync_devices as d
  where d.user_id = v_user_id and d.id = p_device for no key update;
  if not found then
    raise exception 'no such device' using errcode = '02000';
  end if;
  if v_session = auth.jwt() ->> 'session_id' then
    raise exception 'this is the device that asks; sign out there' using errcode = '22023';
  end if;
  update public.sync_devices as d set signed_out_at = coalesce(d.signed_out_at, now())
  where d.user_id = v_user_id and d.id = p_device;
  if v_session is null then
    return;
  end if;
  insert into airi_private.ended_sessions (user_id, session_id) values (v_user_id, v_session) on conflict do nothing;
  if to_regclass('auth.sessions') is not null then
    begin
      execute 'delete from auth.sessions as s where s.user_id = $1 and s.id::text = $2' using v_user_id, v_session;
    exception when insufficient_privilege or undefined_column then
      raise log 'the session could not be deleted: %', sqlerrm;
    end;
  end if;
end
$$;

-- ----------------------------------------------------------------------------------------------------- for clients
create or replace function airi_private.devices() returns json
language sql stable set search_path = '' as $$
  select json_build_object('devices', coalesce(json_agg(json_build_object(
    'id', d.id, 'name', d.name, 'platform', d.platform, 'app_version', d.app_version,
    'first_seen_at', to_char(d.first_seen_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'last_sync_at', to_char(d.last_sync_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'signed_out_at', to_char(d.signed_out_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  ) order by d.last_sync_at desc, d.id), '[]'))
  from public.sync_devices as d where d.user_id = auth.uid()
$$;

create or replace function public.sync_device(
  p_device uuid default null, p_name text default null, p_platform text default null, p_version text default null
) returns json
language plpgsql set search_path = '' as $$
begin
  if p_device is not null then
    perform airi_private.note_device(p_device, p_name, p_platform, p_version);
  elsif coalesce(p_name, p_platform, p_version) is not null then
    raise exception 'p_device is missing' using errcode = '22004';
  else
    perform airi_private.caller();
  end if;
  return airi_private.devices();
end
$$;

create or replace function public.sync_sign_out_device(p_device uuid) returns json
language plpgsql set search_path = '' as $$
begin
  perform airi_private.end_session(p_device);
  return airi_private.devices();
end
$$;

revoke all on function airi_private.note_device, airi_private.end_session, airi_private.devices, airi_private.shown
  from public, anon;
revoke all on function public.sync_device, public.sync_sign_out_device from public, anon, authenticated;
grant execute on function airi_private.note_device, airi_private.end_session, airi_private.devices,
  public.sync_device, public.sync_sign_out_device
  to authenticated;
