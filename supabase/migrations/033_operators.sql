-- For whoever runs the server: how far replicas are behind, no uploads by who is suspended, and an end for what calls leave
-- behind beside their numbers.

-- ---------------------------------------------------------------------------------------------------------- replication
-- Who takes the log of this server, and how far behind they are; and slots, which keep log for one who may never come back.
-- To be read as `postgres` (pg_monitor). On a replica: how far itself is.
create or replace function airi_private.log_position() returns pg_lsn
language sql stable set search_path = '' as $$
  select case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end
$$;
create or replace view airi_private.replication_lag with (security_invoker = true) as
select 'replica' as kind, r.application_name::text collate "default" as name, r.state as state, r.sync_state as sync,
  pg_wal_lsn_diff(airi_private.log_position(), r.replay_lsn)::bigint as bytes_behind, r.replay_lag as behind
from pg_catalog.pg_stat_replication as r
union all
select 'slot', s.slot_name::text collate "default", case when s.active then 'in use' else 'waiting' end, s.wal_status,
  pg_wal_lsn_diff(airi_private.log_position(), coalesce(s.confirmed_flush_lsn, s.restart_lsn))::bigint, null
from pg_catalog.pg_replication_slots as s
union all
select 'this server', '', case when pg_is_in_recovery() then 'replica' else 'primary' end, null,
  case when pg_is_in_recovery() then pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::bigint end,
  case when pg_is_in_recovery() then now() - pg_last_xact_replay_timestamp() end;

-- -------------------------------------------------------------------------------------------------------------- uploads
-- An error of its own, which Storage passes on as a fault that may pass: clients try again, and go on once the suspension is
-- over. A refusal by policy would be final for the file.
create or replace function airi_private.may_upload() returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if airi_private.suspended_until(auth.uid(), now()) is not null then
    raise exception 'suspended' using errcode = 'PT403';
  end if;
  return true;
end
$$;

do $uploads$
declare
  own constant text := '(bucket_id = ''attachments'' and split_part(name, ''/'', 1) = (select auth.uid())::text)';
begin
  if to_regclass('storage.objects') is null then
    return;
  end if;
  execute 'alter policy airi_attachments_insert on storage.objects with check ('
    || own || ' and (select airi_private.may_upload()))';
  execute 'alter policy airi_attachments_update on storage.objects using (' || own || ') with check ('
    || own || ' and (select airi_private.may_upload()))';
exception when insufficient_privilege or undefined_object then
  raise warning 'the policies of storage.objects could not be changed by this role: %', sqlerrm;
end
$uploads$;

-- ---------------------------------------------------------------------------------------------------------------- usage
-- The rows of usage_logs stay: they travel to devices, and a user's numbers are made of them. What lies beside the numbers
-- (headers, bodies, addresses) does not travel, and may hold what people said: it goes after `usage_detail_days` of the setting
-- `housekeeping`, 0 and unset is never. No number moves. Some thousands a run, so that no run is long.
create or replace function airi_private.prune_usage_details(p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_days int := airi_private.housekeeping_days('usage_detail_days', null);
  v_count bigint;
begin
  if v_days is null then
    return 0;
  end if;
  update public.usage_logs as u
  set request_headers = null, request_body = null, response_headers = null, error_details = null, ip_address = null,
    user_agent = null
  where u.id in (
    select o.id from public.usage_logs as o
    where o.created_at < p_now - make_interval(days => v_days)
      and (o.request_headers is not null or o.request_body is not null or o.response_headers is not null
        or o.error_details is not null or o.ip_address is not null or o.user_agent is not null)
    limit 20000
    for no key update skip locked
  );
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on airi_private.replication_lag from public, anon, authenticated;
grant select on airi_private.replication_lag to service_role;
revoke all on function airi_private.log_position(), airi_private.may_upload(), airi_private.prune_usage_details(timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function airi_private.log_position(), airi_private.prune_usage_details(timestamptz) to service_role;
grant execute on function airi_private.may_upload() to authenticated, service_role;

insert into airi_private.jobs (name, about, schedule, does) values
  ('prune_usage_details', 'Empties what old calls left beside their numbers', '27 3 * * *', 'prune_usage_details')
on conflict (name) do update set about = excluded.about, does = excluded.does;
select airi_private.schedule_jobs();
