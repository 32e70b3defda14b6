-- Monthly partitions of chat_messages_partitioned, for any month, also one whose rows already lie in the default partition:
-- they move into it. Making one that exists does nothing, so a schedule may call it as often as it likes.

-- A definer, because the service role owns no table. Closed to clients like the parent: a partition is a table of its own
-- to the API.
create or replace function airi_private.make_partition(p_month date) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_from timestamptz := date_trunc('month', p_month::timestamp) at time zone 'UTC';
  v_to timestamptz := (date_trunc('month', p_month::timestamp) + interval '1 month') at time zone 'UTC';
  v_name text := to_char(p_month, '"chat_messages_y"YYYY"m"MM');
  v_parent constant regclass := 'public.chat_messages_partitioned'::regclass;
  v_default regclass;
  v_columns text;
begin
  if p_month is null or p_month < '2000-01-01' or p_month >= '2200-01-01' then
    raise exception 'no month to make a partition for: %', p_month using errcode = '22023';
  end if;
  -- Whoever comes second finds it made. The parent's lock, because rows of the default must not arrive meanwhile.
  execute format('lock table %s in share row exclusive mode', v_parent);
  if exists (
    select from pg_catalog.pg_inherits where inhparent = v_parent and inhrelid = to_regclass('public.' || v_name)
  ) then
    return v_name;
  end if;
  execute format('create table public.%I (like %s including defaults including constraints)', v_name, v_parent);
  execute format('alter table public.%I enable row level security', v_name);
  execute format('revoke all on public.%I from public, anon, authenticated', v_name);
  execute format('grant all on public.%I to service_role', v_name);
  execute format('create policy closed on public.%I for all to anon, authenticated using (false) with check (false)', v_name);

  select nullif(p.partdefid, 0)::regclass into v_default
  from pg_catalog.pg_partitioned_table as p where p.partrelid = v_parent;
  if v_default is not null then
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into v_columns
    from pg_catalog.pg_attribute as a
    where a.attrelid = v_parent and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
    execute format(
      'with moved as (delete from %s where created_at >= $1 and created_at < $2 returning %s)
       insert into public.%I (%s) select %s from moved', v_default, v_columns, v_name, v_columns, v_columns
    ) using v_from, v_to;
  end if;
  execute format('alter table %s attach partition public.%I for values from (%L) to (%L)', v_parent, v_name, v_from, v_to);
  return v_name;
end
$$;
revoke all on function airi_private.make_partition(date) from public, anon, authenticated;
grant execute on function airi_private.make_partition(date) to service_role;

-- Next month's, unless another is named. A deployment's own function of this name stays.
do $partition$
begin
  if to_regprocedure('public.create_monthly_partition(date)') is null and exists (
    select from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = 'create_monthly_partition'
  ) then
    return;
  end if;
  if to_regprocedure('public.create_monthly_partition(date)') is not null then
    insert into rollback_keep.statements (migration, statement) values
      ('023', pg_catalog.pg_get_functiondef('public.create_monthly_partition(date)'::regprocedure));
    drop function public.create_monthly_partition(date);
  end if;
  create function public.create_monthly_partition(
    p_month date default ((now() at time zone 'UTC') + interval '1 month')::date
  ) returns text
  language sql set search_path = '' as $f$
    select airi_private.make_partition(p_month)
  $f$;
  revoke all on function public.create_monthly_partition(date) from public, anon, authenticated;
  grant execute on function public.create_monthly_partition(date) to service_role;
end
$partition$;
