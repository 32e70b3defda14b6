-- Repairs in place the functions of other deployments: definers that take the user's id from the caller, without a
-- pinned search_path, executable by everyone. Our own functions of 003 pass through unchanged.
--
-- A definer of `public` becomes an invoker, so RLS binds it. One with a p_user_id moves, body and all, to airi_legacy,
-- and a function of the same signature takes its place that first compares p_user_id with the caller: old clients go
-- on, and asking for another's data is an error instead of an answer. Every step is noted for the rollback.

create schema if not exists airi_legacy;
revoke all on schema airi_legacy from public, anon;
grant usage on schema airi_legacy to authenticated, service_role;

create or replace function airi_private.assert_caller(p_user_id uuid) returns void
language plpgsql stable set search_path = '' as $$
begin
  if p_user_id is distinct from auth.uid() and (auth.uid() is not null or current_user in ('anon', 'authenticated'))
  then
    raise exception 'p_user_id must be the caller' using errcode = '42501';
  end if;
end
$$;
revoke all on function airi_private.assert_caller(uuid) from public, anon;
grant execute on function airi_private.assert_caller(uuid) to authenticated, service_role;

do $repair$
declare
  -- Work over everybody's rows or the server's own tables: no client calls these.
  server_only constant text[] := array[
    'cleanup_old_messages', 'update_daily_usage_aggregate', 'refresh_recent_conversations', 'create_monthly_partition',
    'cleanup_inactive_sessions', 'get_or_set_cache', 'cleanup_expired_cache', 'log_query_performance'
  ];
  -- Unqualified names in old bodies must resolve; pg_temp last, so that nobody's temporary table stands in for a real
  -- one.
  pinned constant text := 'public, extensions, pg_temp';
  f record;
  grantee text;
  position_of_user int;
begin
  -- So that the catalog prints every type and default with its schema.
  perform set_config('search_path', '', true);
  for f in
    select p.oid, p.proname, p.prosecdef, p.proconfig, coalesce(p.proacl, acldefault('f', p.proowner)) as proacl,
      p.proargnames, p.proargmodes, p.proargtypes,
      p.prorettype, p.provariadic, p.pronargs, p.provolatile, p.proretset,
      format('%I(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) as signature,
      format('%I(%s)', p.proname, pg_catalog.pg_get_function_arguments(p.oid)) as declaration,
      pg_catalog.pg_get_function_result(p.oid) as result
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and p.proname !~ '^sync_'
      and pg_catalog.pg_has_role(p.proowner, 'MEMBER')
      and not exists (select from pg_catalog.pg_depend where objid = p.oid and deptype = 'e')
  loop
    position_of_user := null;
    if f.prosecdef and f.prorettype <> 'trigger'::regtype and f.provariadic = 0
      and (f.prorettype <> 'record'::regtype or f.proargmodes is not null)
    then
      select i into position_of_user from generate_subscripts(f.proargnames, 1) as i
      where f.proargnames[i] = 'p_user_id' and coalesce(f.proargmodes[i], 'i') = 'i'
        and i <= f.pronargs and f.proargtypes[i - 1] = 'uuid'::regtype;
    end if;

    if position_of_user is not null then
      insert into rollback_keep.statements (migration, statement) values
        ('008', format('drop function public.%s', f.signature)),
        ('008', format('alter function airi_legacy.%s set schema public', f.signature));
    end if;
    if f.prosecdef and f.prorettype <> 'trigger'::regtype then
      insert into rollback_keep.statements (migration, statement)
      values ('008', format('alter function public.%s security definer', f.signature));
      execute format('alter function public.%s security invoker', f.signature);
    end if;
    if not exists (select from unnest(f.proconfig) as setting where setting like 'search_path=%') then
      insert into rollback_keep.statements (migration, statement)
      values ('008', format('alter function public.%s reset search_path', f.signature));
      execute format('alter function public.%s set search_path = %s', f.signature, pinned);
    end if;
    for grantee in
      select case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
      from aclexplode(f.proacl) as acl
      where acl.grantee = 0 or pg_get_userbyid(acl.grantee) in ('anon', 'authenticated')
    loop
      insert into rollback_keep.statements (migration, statement)
      values ('008', format('grant execute on function public.%s to %s', f.signature, grantee));
    end loop;

    execute format('revoke all on function public.%s from public, anon', f.signature);
    execute format('grant execute on function public.%s to service_role', f.signature);
    if f.prorettype = 'trigger'::regtype or f.proname = any (server_only) then
      execute format('revoke all on function public.%s from authenticated', f.signature);
    elsif exists (
      select from aclexplode(f.proacl) as acl
      where acl.grantee = 0 or pg_get_userbyid(acl.grantee) = 'authenticated'
    ) then
      execute format('grant execute on function public.%s to authenticated', f.signature);
    end if;

    if position_of_user is not null then
      execute format('alter function public.%s set schema airi_legacy', f.signature);
      execute format(
        'create function public.%s returns %s language sql %s set search_path = '''' as %L',
        f.declaration, f.result,
        case f.provolatile when 'v' then 'volatile' else 'stable' end,
        format('select airi_private.assert_caller($%s); select * from airi_legacy.%I(%s)', position_of_user, f.proname,
          (select string_agg('$' || i, ', ') from generate_series(1, f.pronargs) as i))
      );
      execute format('revoke all on function public.%s from public, anon, authenticated', f.signature);
      execute format('grant execute on function public.%s to service_role', f.signature);
      if f.proname <> all (server_only) then
        execute format('grant execute on function public.%s to authenticated', f.signature);
      end if;
    end if;
  end loop;
end
$repair$;
