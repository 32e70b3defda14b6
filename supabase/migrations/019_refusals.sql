-- Who may not sync at the moment, although signed in: a session that was ended from another device (HTTP 401), and everyone
-- during maintenance (503, with the operator's words as details). And hello's revision 2: what 014 to 018 added is there.

insert into rollback_keep.statements (migration, statement)
select '019', pg_catalog.pg_get_functiondef(f::regprocedure)
from unnest(array['airi_private.caller()', 'public.sync_hello()']) as f;

-- Every function for clients begins with it. A definer, since a client may read neither the ended sessions nor, on some
-- deployments, the setting; it takes no argument and tells nobody anything of another. The service role has no subject
-- and does not come here.
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

create or replace function public.sync_hello() returns json
language sql stable set search_path = '' as $$
  select json_build_object(
    'epoch', airi_private.epoch(), 'head', airi_private.head(), 'schema', 1, 'revision', 2,
    'user_id', airi_private.caller(), 'now', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  )
$$;
