-- How the two tables of partition-tables.sql change places, either way: everything that hangs on the name chat_messages goes
-- over to the table that takes it. As `postgres`, with psql.
begin;

-- What messages point to, and what points to messages, each in a transaction of its own, so that nobody waits while rows are
-- looked through. Until the switch what points to a message is held by both tables.
create or replace procedure airi_partitions.connect() language plpgsql as $$
declare
  v_months constant boolean := airi_partitions.parent() = 'public.chat_messages'::regclass;
  v_live constant text := case when v_months then 'airi_partitions.message_ids' else 'public.chat_messages' end;
  v_aside constant text := case when v_months then 'airi_aside.chat_messages' else 'airi_partitions.message_ids' end;
  v_key record;
  v_part regclass;
begin
  for v_key in
    select c.conname, c.confrelid::regclass as parent, pg_get_constraintdef(c.oid) as definition from pg_constraint as c
    where c.conrelid = 'public.chat_messages'::regclass and c.contype = 'f' and not v_months
      and not exists (select from pg_constraint as a where a.conrelid = to_regclass('airi_aside.chat_messages') and a.conname = c.conname)
  loop
    for v_part in select i.inhrelid from pg_inherits as i where i.inhparent = to_regclass('airi_aside.chat_messages') loop
      if not exists (select from pg_constraint as c where c.conrelid = v_part and c.conname = v_key.conname) then
        execute format('alter table %s add constraint %I %s not valid', v_part, v_key.conname,
          replace(v_key.definition, ' NOT VALID', ''));
        commit;
      end if;
      execute format('alter table %s validate constraint %I', v_part, v_key.conname);
      commit;
    end loop;
    -- The months' own are taken over as they are, which takes this lock half-way: at once, it cannot meet another's.
    execute format('lock table %s, airi_aside.chat_messages in access exclusive mode', v_key.parent);
    execute format('alter table airi_aside.chat_messages add constraint %I %s', v_key.conname,
      replace(v_key.definition, ' NOT VALID', ''));
    commit;
  end loop;

  for v_key in
    select c.conrelid::regclass as child, left(c.conname, 57) || '_aside' as name,
      replace(replace(pg_get_constraintdef(c.oid), ' REFERENCES ' || v_live || '(id)', ' REFERENCES ' || v_aside || '(id)'),
        ' NOT VALID', '') as definition
    from pg_constraint as c
    where c.confrelid = v_live::regclass and c.contype = 'f' and c.conname not like '%\_aside'
  loop
    if not exists (select from pg_constraint as c where c.conrelid = v_key.child and c.conname = v_key.name) then
      execute format('alter table %s add constraint %I %s not valid', v_key.child, v_key.name, v_key.definition);
      commit;
    end if;
    execute format('alter table %s validate constraint %I', v_key.child, v_key.name);
    commit;
  end loop;
end
$$;

-- What grants of a table or function say, as statements.
create or replace function airi_partitions.grants(p_acl aclitem[], p_on text, p_column text default null) returns setof text
language sql stable set search_path = '' as $$
  select format('grant %s%s on %s to %s%s', a.privilege_type, ' (' || quote_ident(p_column) || ')', p_on,
    case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
    case when a.is_grantable then ' with grant option' else '' end)
  from aclexplode(p_acl) as a
$$;

-- The statements that take away from the table in use what hangs on it (first), and give it to the one that takes its name
-- (second). The definitions are read while they still name the former.
create or replace function airi_partitions.what_goes_over(out first text[], out second text[])
language plpgsql set search_path = '' as $$
declare
  v_live constant regclass := 'public.chat_messages';
  v_months constant boolean := airi_partitions.parent() = v_live;
  v_live_key constant regclass := case when v_months then 'airi_partitions.message_ids' else 'public.chat_messages' end;
  v_aside_key constant regclass := case when v_months then 'airi_aside.chat_messages' else 'airi_partitions.message_ids' end;
  v_item record;
begin
  first := '{}';
  second := '{}';
  -- What points to a message.
  for v_item in
    select c.conrelid::regclass as child, c.conname, a.conname as other from pg_catalog.pg_constraint as c
    left join pg_catalog.pg_constraint as a on a.conrelid = c.conrelid and a.conname = left(c.conname, 57) || '_aside'
      and a.confrelid = v_aside_key and a.convalidated
    where c.confrelid = v_live_key and c.contype = 'f'
  loop
    if v_item.other is null then
      raise exception '% is not connected yet', v_item.child;
    end if;
    first := first || format('alter table %s drop constraint %I', v_item.child, v_item.conname);
    second := second || format('alter table %s rename constraint %I to %I', v_item.child, v_item.other, v_item.conname);
  end loop;
  -- Triggers, but those of the move itself.
  for v_item in
    select t.tgname, pg_get_triggerdef(t.oid) as definition,
      case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' when 'A' then 'enable always' end as state,
      t.tgname like 'zzz\_mirror\_%' as mirror
    from pg_catalog.pg_trigger as t join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    where t.tgrelid = v_live and not t.tgisinternal
      and (p.pronamespace <> 'airi_partitions'::regnamespace or t.tgname like 'zzz\_mirror\_%')
  loop
    first := first || format('drop trigger %I on public.chat_messages', v_item.tgname);
    if not v_item.mirror then
      second := second || v_item.definition;
      if v_item.state is not null then
        second := second || format('alter table public.chat_messages %s trigger %I', v_item.state, v_item.tgname);
      end if;
    end if;
  end loop;
  -- Policies and grants.
  for v_item in
    select p.policyname, format('create policy %I on public.chat_messages as %s for %s to %s%s%s', p.policyname, p.permissive, p.cmd,
      (select string_agg(case r when 'public' then 'public' else quote_ident(r) end, ', ') from unnest(p.roles) as r),
      ' using (' || p.qual || ')', ' with check (' || p.with_check || ')') as definition
    from pg_catalog.pg_policies as p where p.schemaname = 'public' and p.tablename = 'chat_messages'
  loop
    first := first || format('drop policy %I on public.chat_messages', v_item.policyname);
    second := second || v_item.definition;
  end loop;
  for v_item in
    select c.relacl as acl, null::text as column_name from pg_catalog.pg_class as c where c.oid = v_live
    union all
    select a.attacl, a.attname from pg_catalog.pg_attribute as a
    where a.attrelid = v_live and not a.attisdropped and a.attacl is not null
  loop
    second := second || array(select airi_partitions.grants(v_item.acl, 'public.chat_messages', v_item.column_name));
  end loop;
  first := first || array(
    select distinct format('revoke all on public.chat_messages from %s',
      case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
    from pg_catalog.pg_class as c
    cross join lateral (
      select x.grantee from aclexplode(c.relacl) as x
      union select x.grantee from pg_catalog.pg_attribute as t, aclexplode(t.attacl) as x where t.attrelid = c.oid
    ) as a
    where c.oid = v_live and a.grantee <> c.relowner);
  -- Statistics over several columns.
  for v_item in
    select s.oid, format('%I.%I', n.nspname, s.stxname) as name, pg_get_statisticsobjdef(s.oid) as definition
    from pg_catalog.pg_statistic_ext as s join pg_catalog.pg_namespace as n on n.oid = s.stxnamespace where s.stxrelid = v_live
  loop
    first := first || format('drop statistics %s', v_item.name);
    second := second || v_item.definition;
  end loop;
  -- Publications that name it. Their subscribers know no months.
  for v_item in
    select p.pubname, r.prqual is not null or r.prattrs is not null as partly from pg_catalog.pg_publication_rel as r
    join pg_catalog.pg_publication as p on p.oid = r.prpubid where r.prrelid = v_live
  loop
    if v_item.partly then
      raise exception 'the publication % has a part of chat_messages; take it out first', v_item.pubname;
    end if;
    first := first || format('alter publication %I drop table public.chat_messages', v_item.pubname);
    second := second || format('alter publication %I add table public.chat_messages', v_item.pubname)
      || format('alter publication %I set (publish_via_partition_root = true)', v_item.pubname);
  end loop;
  -- Functions of its row type: the type is the table's own. Those that depend on such a function stop the switch.
  for v_item in
    select distinct p.oid, p.oid::regprocedure as signature, p.proacl, pg_get_functiondef(p.oid) as definition,
      obj_description(p.oid, 'pg_proc') = 'airi_partitions' as ours
    from pg_catalog.pg_depend as d join pg_catalog.pg_class as t on t.oid = v_live
    join pg_catalog.pg_type as y on y.oid = t.reltype
    join pg_catalog.pg_proc as p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
    where d.refclassid = 'pg_type'::regclass and d.refobjid in (y.oid, y.typarray)
  loop
    first := first || format('drop function %s', v_item.signature);
    if v_item.ours then
      continue;
    end if;
    second := second || v_item.definition;
    if v_item.proacl is not null then
      second := second || format('revoke all on function %s from public, anon, authenticated, service_role', v_item.signature)
        || array(select airi_partitions.grants(v_item.proacl, 'function ' || v_item.signature));
    end if;
  end loop;
  -- Views are made anew over the name. A materialized one is empty until it is refreshed.
  for v_item in
    select distinct v.oid, format('%I.%I', n.nspname, v.relname) as name, v.relkind, v.relacl,
      coalesce(' with (' || array_to_string(v.reloptions, ', ') || ')', '') as options,
      rtrim(pg_get_viewdef(v.oid), ';') as definition
    from pg_catalog.pg_depend as d join pg_catalog.pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_catalog.pg_class as v on v.oid = r.ev_class join pg_catalog.pg_namespace as n on n.oid = v.relnamespace
    where d.refclassid = 'pg_class'::regclass and d.refobjid = v_live and v.oid <> v_live
  loop
    if v_item.relkind = 'v' then
      second := second || format('create or replace view %s%s as %s', v_item.name, v_item.options, v_item.definition);
    else
      first := first || format('drop materialized view %s', v_item.name);
      second := second || format('create materialized view %s%s as %s with no data', v_item.name, v_item.options, v_item.definition)
        || array(select pg_get_indexdef(i.indexrelid) from pg_catalog.pg_index as i where i.indrelid = v_item.oid)
        || format('revoke all on %s from public, anon, authenticated, service_role', v_item.name)
        || array(select airi_partitions.grants(v_item.relacl, v_item.name));
    end if;
  end loop;
end
$$;

-- With months, what refers to a message points to the list of ids, by which the API cannot join the two tables. It takes such a
-- function for the missing reference: `chat_messages?select=*,message_attachments(*)`, and the other way round.
create or replace function airi_partitions.make_joins() returns void
language plpgsql set search_path = '' as $$
declare
  v_key record;
  v_signature text;
begin
  for v_key in
    select t.relname as child, a.attname as reference from pg_catalog.pg_constraint as c
    join pg_catalog.pg_class as t on t.oid = c.conrelid
    join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.confrelid = 'airi_partitions.message_ids'::regclass and c.contype = 'f'
      and t.relnamespace = 'public'::regnamespace and has_table_privilege('authenticated', t.oid, 'select')
  loop
    execute format('create function public.%1$I(public.chat_messages) returns setof public.%1$I
      language sql stable set search_path = %3$L as %2$L', v_key.child,
      format('select c.* from public.%I as c where c.%I = $1.id', v_key.child, v_key.reference), '');
    execute format('create function public.chat_messages(public.%I) returns setof public.chat_messages rows 1
      language sql stable set search_path = %3$L as %2$L', v_key.child,
      format('select m.* from public.chat_messages as m where m.id = $1.%I', v_key.reference), '');
    foreach v_signature in array array[
      format('public.%I(public.chat_messages)', v_key.child), format('public.chat_messages(public.%I)', v_key.child)
    ] loop
      execute format('revoke all on function %s from public, anon', v_signature);
      execute format('grant execute on function %s to authenticated, service_role', v_signature);
      execute format('comment on function %s is %L', v_signature, 'airi_partitions');
    end loop;
  end loop;
end
$$;

-- All tables that a step changes at once, so that no writer who has one of them waits for another; what messages point to as
-- well where those references go.
create or replace function airi_partitions.lock_all(p_parents boolean) returns void
language plpgsql set search_path = '' as $$
begin
  execute (
    select format('lock table public.chat_messages, airi_aside.chat_messages, airi_partitions.message_ids%s in access exclusive mode',
      string_agg(distinct ', ' || t.other, ''))
    from (
      select c.conrelid::regclass as other from pg_catalog.pg_constraint as c
      where c.contype = 'f' and c.confrelid in ('public.chat_messages'::regclass, 'airi_aside.chat_messages'::regclass,
        'airi_partitions.message_ids'::regclass)
      union
      select c.confrelid::regclass from pg_catalog.pg_constraint as c
      where p_parents and c.contype = 'f' and (c.conrelid = 'airi_aside.chat_messages'::regclass or c.conrelid in (
        select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = 'airi_aside.chat_messages'::regclass))
    ) as t
  );
end
$$;

-- The switch, either way: all or nothing, and nothing rather than keeping anyone waiting: whoever is in the way for 0.4 s stops
-- it, and it is tried again. Writers of the other tables' rows go on.
create or replace function airi_partitions.switch() returns text
language plpgsql set search_path = '' set lock_timeout = '400ms' as $$
declare
  v_what record;
  v_statement text;
begin
  if not exists (select from airi_partitions.move as m where m.verified_at is not null) then
    raise exception 'verify first';
  end if;
  perform airi_partitions.lock_all(false);
  select * into v_what from airi_partitions.what_goes_over();
  foreach v_statement in array v_what.first loop
    execute v_statement;
  end loop;
  -- Indexes go with their tables, so both have theirs by the same names.
  create schema airi_between;
  alter table public.chat_messages set schema airi_between;
  alter table airi_aside.chat_messages set schema public;
  alter table airi_between.chat_messages set schema airi_aside;
  drop schema airi_between;
  foreach v_statement in array v_what.second loop
    execute v_statement;
  end loop;
  if airi_partitions.parent() = 'public.chat_messages'::regclass then
    perform airi_partitions.make_joins();
  end if;
  perform airi_partitions.make_mirror();
  -- Open sessions have compiled these for the former row type: a touch makes them do so again.
  for v_statement in
    select format('alter function %s cost %s', p.oid::regprocedure, p.procost) from pg_catalog.pg_proc as p
    where p.prokind = 'f' and p.prosrc ~ 'chat_messages' and p.pronamespace not in ('pg_catalog'::regnamespace, 'airi_partitions'::regnamespace)
      and not exists (select from pg_catalog.pg_depend as d where d.objid = p.oid and d.deptype = 'e')
  loop
    execute v_statement;
  end loop;
  update airi_partitions.move set verified_at = null;
  notify pgrst, 'reload schema';
  return case when airi_partitions.parent() = 'public.chat_messages'::regclass then 'months' else 'whole' end;
end
$$;

-- Drops what lies aside. Without months in use nothing of the move is left but the schemas.
create or replace function airi_partitions.finish() returns text
language plpgsql set search_path = '' set lock_timeout = '400ms' as $$
declare
  v_key record;
begin
  perform airi_partitions.lock_all(true);
  for v_key in select c.conrelid::regclass as child, c.conname from pg_catalog.pg_constraint as c
    where c.contype = 'f' and c.conname like '%\_aside'
      and c.confrelid in (to_regclass('airi_aside.chat_messages'), 'airi_partitions.message_ids'::regclass)
  loop
    execute format('alter table %s drop constraint %I', v_key.child, v_key.conname);
  end loop;
  drop function if exists airi_partitions.mirror() cascade;
  drop table if exists airi_aside.chat_messages;
  delete from airi_partitions.move;
  delete from airi_partitions.skipped;
  return case when airi_partitions.parent() is null then 'whole' else 'months' end;
end
$$;

revoke all on all functions in schema airi_partitions from public, anon, authenticated, service_role;
revoke all on all procedures in schema airi_partitions from public, anon, authenticated, service_role;
commit;
