-- Whoever signs in may erase their own account, with all its rows, for good. (028 has what an operator does.)

insert into rollback_keep.statements (migration, statement)
select '035', pg_catalog.pg_get_functiondef('airi_private.caller()'::regprocedure);

-- The account's other devices are told at once, as those are whose session was ended, and keep what they hold.
create or replace function airi_private.caller() returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_user_id uuid := auth.uid();
  v_session text := auth.jwt() ->> 'session_id';
  v_setting jsonb;
begin
  if v_user_id is null then
    raise exception 'not signed in' using errcode = '28000';
  end if;
  -- A token outlives its account by up to an hour.
  if not exists (select from auth.users as u where u.id = v_user_id) then
    raise exception 'this account does not exist any more' using errcode = 'PT401';
  end if;
  if v_session is not null and exists (
    select from airi_private.ended_sessions as e where e.user_id = v_user_id and e.session_id = v_session
  ) then
    -- PostgREST makes PTxyz the HTTP status xyz.
    raise exception 'this session was ended from another device' using errcode = 'PT401';
  end if;
  if to_regclass('public.system_settings') is not null then
    select s.value into v_setting from public.system_settings as s where s.key = 'maintenance_mode';
    if v_setting = 'true' or v_setting ->> 'enabled' = 'true' then
      raise exception 'maintenance' using errcode = 'PT503', detail = coalesce(v_setting ->> 'message', '');
    end if;
  end if;
  return v_user_id;
end
$$;

-- A definer, because nobody who signs in owns anything in auth. It takes the user from the token. The e-mail address is
-- typed by the user once more, so that no call by accident, and none by a program that only repeats what it saw, erases
-- anything. The answer names the objects of storage that were the account's: their bytes are deleted by Storage's API,
-- which is the only one that may, with the token that the caller still holds.
create or replace function airi_private.erase_caller(p_email text) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '120s' as $$
declare
  v_id uuid := airi_private.caller();
  v_email text;
  v_objects jsonb;
begin
  select u.email into v_email from auth.users as u where u.id = v_id;
  if lower(btrim(coalesce(p_email, ''))) <> lower(coalesce(v_email, '')) then
    raise exception 'this is not the e-mail address of the account' using errcode = '22023';
  end if;
  perform airi_private.lock_user(v_id);
  if to_regclass('storage.objects') is not null then
    execute 'select coalesce(jsonb_agg(jsonb_build_object(''bucket'', o.bucket_id, ''name'', o.name) order by o.name), ''[]'')
      from storage.objects as o where starts_with(o.name, $1 || ''/'')' into v_objects using v_id::text;
  end if;
  return jsonb_build_object('erased', airi_private.delete_account(v_id), 'objects', coalesce(v_objects, '[]'));
end
$$;

create or replace function public.delete_my_account(p_email text) returns jsonb
language sql set search_path = '' set statement_timeout = '120s' as $$
  select airi_private.erase_caller(p_email)
$$;

revoke all on function airi_private.erase_caller(text), public.delete_my_account(text) from public, anon, authenticated;
grant execute on function airi_private.erase_caller(text), public.delete_my_account(text) to authenticated;
