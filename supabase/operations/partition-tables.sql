-- The tables and functions by which partition-messages.sh moves chat_messages; partition-switch.sql has the rest. May be run at
-- any time again. As `postgres`, with psql. Why it is done like this: docs/decisions/0011.
--
-- airi_partitions is what stays: the list of all ids, which keeps them unique over all months and which what refers to a
-- message points to. airi_aside is where the table lies that clients do not use: first the one with months, while it is
-- filled, and after the switch the former one, until it is dropped.
begin;
create schema if not exists airi_partitions;
create schema if not exists airi_aside;
revoke all on schema airi_partitions, airi_aside from public, anon, authenticated, service_role;

-- The key's name is the one by which clients and sync_push know that an id is taken.
create table if not exists airi_partitions.message_ids (
  id uuid constraint chat_messages_pkey primary key
);
-- How far the copy is: pages of the table, by the file that they are in. A table that was written anew has other pages.
create table if not exists airi_partitions.move (
  only_row boolean primary key default true check (only_row),
  file oid not null,
  pages bigint not null,
  done bigint not null default 0,
  verified_at timestamptz
);
-- Rows that someone was changing when their pages were copied.
create table if not exists airi_partitions.skipped (
  id uuid primary key
);
do $closed$
declare
  v_table text;
begin
  foreach v_table in array array['message_ids', 'move', 'skipped'] loop
    execute format('alter table airi_partitions.%I enable row level security', v_table);
    execute format('revoke all on airi_partitions.%I from public, anon, authenticated, service_role', v_table);
    execute format('drop policy if exists closed on airi_partitions.%I', v_table);
    execute format('create policy closed on airi_partitions.%I for all to anon, authenticated using (false) with check (false)', v_table);
  end loop;
end
$closed$;

-- The table with months, wherever it is.
create or replace function airi_partitions.parent() returns regclass
language sql stable set search_path = '' as $$
  select p.partrelid::regclass from pg_catalog.pg_partitioned_table as p
  where p.partrelid in (to_regclass('public.chat_messages'), to_regclass('airi_aside.chat_messages'))
$$;

-- ---------------------------------------------------------------------------------------------------------------- ids
-- Once a statement, and not a row. Definers, because clients see nothing of the list.
create or replace function airi_partitions.note_ids() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into airi_partitions.message_ids (id) select a.id from added as a;
  return null;
end
$$;
create or replace function airi_partitions.forget_ids() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'TRUNCATE' then
    delete from airi_partitions.message_ids;
  else
    delete from airi_partitions.message_ids as i using removed as r where i.id = r.id;
  end if;
  return null;
end
$$;

-- -------------------------------------------------------------------------------------------------------------- months
-- A table that can become a partition, closed to everyone: what is written to it straight is neither counted nor listed.
create or replace function airi_partitions.make_table(p_name text, p_like regclass) returns void
language plpgsql set search_path = '' as $$
declare
  v_options text;
begin
  execute format('create table public.%I (like %s including defaults including generated including constraints
    including storage including compression including statistics including comments)', p_name, p_like);
  select array_to_string(c.reloptions, ', ') into v_options from pg_catalog.pg_class as c where c.oid = p_like;
  if v_options <> '' then
    execute format('alter table public.%I set (%s)', p_name, v_options);
  end if;
  execute format('alter table public.%I enable row level security', p_name);
  execute format('revoke all on public.%I from public, anon, authenticated, service_role', p_name);
  execute format('create policy closed on public.%I for all to anon, authenticated using (false) with check (false)', p_name);
end
$$;

-- Makes the months that are missing up to and with that of p_until, out of the table for all that is later; returns how many.
-- Rows that waited there move in. That table is no partition while they do, so no trigger takes it for a change.
create or replace function airi_partitions.make_months(p_until date) returns bigint
language plpgsql set search_path = '' set lock_timeout = '2s' as $$
declare
  v_parent constant regclass := airi_partitions.parent();
  v_later constant regclass := to_regclass('public.chat_messages_later');
  v_columns text;
  v_from timestamp;
  v_name text;
  v_made bigint := 0;
begin
  if v_parent is null or p_until >= '2200-01-01' then
    return 0;
  end if;
  select (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz at time zone 'UTC' into v_from
  from pg_catalog.pg_class as c where c.oid = v_later;
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into v_columns
  from pg_catalog.pg_attribute as a
  where a.attrelid = v_parent and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
  while v_from <= date_trunc('month', p_until::timestamp) loop
    v_name := to_char(v_from, '"chat_messages_"YYYY"_"MM');
    if v_made = 0 then
      execute format('alter table %s detach partition %s', v_parent, v_later);
    end if;
    perform airi_partitions.make_table(v_name, v_later);
    execute format('with moved as (delete from %s where created_at < $1 returning %s) insert into public.%I (%2$s) select %2$s from moved',
      v_later, v_columns, v_name) using (v_from + interval '1 month') at time zone 'UTC';
    execute format('alter table %s attach partition public.%I for values from (%L) to (%L)', v_parent, v_name,
      v_from at time zone 'UTC', (v_from + interval '1 month') at time zone 'UTC');
    v_from := v_from + interval '1 month';
    v_made := v_made + 1;
  end loop;
  if v_made > 0 then
    execute format('alter table %s attach partition %s for values from (%L) to (maxvalue)', v_parent, v_later,
      v_from at time zone 'UTC');
  end if;
  return v_made;
end
$$;

-- ------------------------------------------------------------------------------------------------------------- mirror
-- What is written to the table in use is written to the one aside, in the same transaction. The same three functions serve
-- both ways. Definers, because clients see nothing of what lies aside.
create or replace function airi_partitions.make_mirror() returns void
language plpgsql set search_path = '' as $$
declare
  v_all text;
  v_set text;
begin
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum),
    string_agg(format('%1$I = c.%1$I', a.attname), ', ' order by a.attnum) filter (where a.attname not in ('id', 'created_at'))
  into v_all, v_set
  from pg_catalog.pg_attribute as a
  where a.attrelid = 'public.chat_messages'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
  execute format($f$
    create or replace function airi_partitions.mirror() returns trigger
    language plpgsql security definer set search_path = '' as $m$
    begin
      case tg_op
        when 'INSERT' then
          insert into airi_aside.chat_messages (%1$s) select %1$s from added;
        when 'UPDATE' then
          -- One that was not copied yet is now.
          update airi_aside.chat_messages as m set %2$s from changed as c where m.id = c.id and m.created_at = c.created_at;
          insert into airi_aside.chat_messages (%1$s) select %1$s from changed on conflict do nothing;
        when 'DELETE' then
          delete from airi_aside.chat_messages as m using removed as r where m.id = r.id and m.created_at = r.created_at;
        else
          raise exception 'chat_messages is being moved and cannot be emptied now' using errcode = '55006';
      end case;
      return null;
    end
    $m$
  $f$, v_all, v_set);
  execute 'revoke all on function airi_partitions.mirror() from public, anon, authenticated, service_role';
  execute 'create trigger zzz_mirror_insert after insert on public.chat_messages referencing new table as added
    for each statement execute function airi_partitions.mirror()';
  execute 'create trigger zzz_mirror_update after update on public.chat_messages referencing new table as changed
    for each statement execute function airi_partitions.mirror()';
  execute 'create trigger zzz_mirror_delete after delete on public.chat_messages referencing old table as removed
    for each statement execute function airi_partitions.mirror()';
  execute 'create trigger zzz_mirror_truncate before truncate on public.chat_messages
    for each statement execute function airi_partitions.mirror()';
end
$$;

-- ------------------------------------------------------------------------------------------------------------- prepare
-- What would not go over is refused here, before anything is made.
create or replace function airi_partitions.refuse_what_cannot_go() returns void
language plpgsql set search_path = '' as $$
declare
  v_live constant regclass := 'public.chat_messages';
  v_why text;
begin
  select string_agg(w.why, '; ') into v_why from (
    select 'it has partitions or parents' as why from pg_catalog.pg_inherits where v_live in (inhrelid, inhparent)
    union all
    select 'its key is not (id)' where not exists (
      select from pg_catalog.pg_constraint as c where c.conrelid = v_live and c.contype = 'p'
        and pg_get_constraintdef(c.oid) = 'PRIMARY KEY (id)')
    union all
    select format('%s keeps something unique beside the id', i.indexrelid::regclass) from pg_catalog.pg_index as i
    where i.indrelid = v_live and i.indisunique and not i.indisprimary
    union all
    select format('it has the rule %s', r.rulename) from pg_catalog.pg_rewrite as r where r.ev_class = v_live
    union all
    select format('its trigger %s is of rows and wants whole tables of them', t.tgname) from pg_catalog.pg_trigger as t
    where t.tgrelid = v_live and t.tgtype & 1 = 1 and coalesce(t.tgoldtable, t.tgnewtable) is not null
    union all
    select format('%s refers to more than its id', c.conrelid::regclass) from pg_catalog.pg_constraint as c
    where c.confrelid = v_live and c.contype = 'f' and pg_get_constraintdef(c.oid) !~ ' REFERENCES public\.chat_messages\(id\)'
    union all
    select format('a column is of its row type: %s', d.objid::regclass) from pg_catalog.pg_depend as d
    join pg_catalog.pg_class as t on t.oid = v_live
    where d.refclassid = 'pg_type'::regclass and d.refobjid = t.reltype and d.classid = 'pg_class'::regclass
  ) as w;
  if v_why is not null then
    raise exception 'chat_messages cannot be moved: %', v_why;
  end if;
  for v_why in
    select format('the trigger %s of %s looks at the name of its table, and will see that of a month', t.tgname, p.oid::regprocedure)
    from pg_catalog.pg_trigger as t join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    where t.tgrelid = v_live and t.tgtype & 1 = 1 and not t.tgisinternal and p.prosrc ~* '\mtg_(table_name|relname)\M'
      and p.pronamespace <> 'airi_private'::regnamespace
  loop
    raise warning '%', v_why;
  end loop;
end
$$;

-- Makes the table with months aside, from p_first (by default the oldest message's month, 36 months back at most) to three
-- months ahead, with a partition for all that is earlier and one for all that is later; and from here on mirrors.
create or replace function airi_partitions.prepare(p_first date default null) returns text
language plpgsql set search_path = '' set lock_timeout = '400ms' as $$
declare
  v_live constant regclass := 'public.chat_messages';
  v_now constant timestamp := date_trunc('month', now() at time zone 'UTC');
  v_first timestamp;
  v_from timestamptz;
  v_statement text;
begin
  if airi_partitions.parent() is not null then
    return 'prepared before';
  end if;
  perform airi_partitions.refuse_what_cannot_go();
  v_first := least(v_now, date_trunc('month', coalesce(p_first::timestamp,
    greatest(coalesce((select min(m.created_at) from public.chat_messages as m), now()) at time zone 'UTC', v_now - interval '36 months'))));
  v_from := v_first at time zone 'UTC';

  execute 'create table airi_aside.chat_messages (like public.chat_messages including all excluding indexes excluding statistics)
    partition by range (created_at)';
  execute 'alter table airi_aside.chat_messages enable row level security';
  execute 'revoke all on airi_aside.chat_messages from public, anon, authenticated, service_role';
  -- Indexes by the same names: they are in another schema until the switch.
  for v_statement in
    select 'alter table airi_aside.chat_messages add constraint ' || quote_ident(c.conname) || ' primary key (id, created_at)'
    from pg_catalog.pg_constraint as c where c.conrelid = v_live and c.contype = 'p'
    union all
    select replace(pg_get_indexdef(i.indexrelid), ' ON public.chat_messages ', ' ON airi_aside.chat_messages ')
    from pg_catalog.pg_index as i where i.indrelid = v_live and not i.indisprimary and i.indisvalid
  loop
    execute v_statement;
  end loop;
  -- No default partition: with one, no page could be read month by month until it is full.
  perform airi_partitions.make_table('chat_messages_earlier', v_live);
  execute format('alter table airi_aside.chat_messages attach partition public.chat_messages_earlier
    for values from (minvalue) to (%L)', v_from);
  perform airi_partitions.make_table('chat_messages_later', v_live);
  execute format('alter table airi_aside.chat_messages attach partition public.chat_messages_later
    for values from (%L) to (maxvalue)', v_from);
  perform airi_partitions.make_months((v_now + interval '3 months')::date);

  execute 'create trigger zz_ids_noted after insert on airi_aside.chat_messages referencing new table as added
    for each statement execute function airi_partitions.note_ids()';
  execute 'create trigger zz_ids_forgotten after delete on airi_aside.chat_messages referencing old table as removed
    for each statement execute function airi_partitions.forget_ids()';
  execute 'create trigger zz_ids_emptied after truncate on airi_aside.chat_messages
    for each statement execute function airi_partitions.forget_ids()';
  -- Last, since this is what waits for writers, and writers for it.
  perform airi_partitions.make_mirror();
  insert into airi_partitions.move (file, pages)
  values (pg_relation_filenode(v_live), pg_relation_size(v_live) / current_setting('block_size')::bigint);
  return format('prepared from %s', v_first::date);
end
$$;

-- ---------------------------------------------------------------------------------------------------------------- copy
-- Copies the next pages, or one of the rows that were skipped; returns how much is left. It takes no row that anyone is
-- changing and holds those that it takes, so it waits for nobody, and nobody for it longer than a batch. What the mirror has
-- brought already stays.
create or replace function airi_partitions.copy_batch(p_pages int default 100) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_move airi_partitions.move;
  v_columns text;
  v_id uuid;
  v_left bigint;
begin
  select * into strict v_move from airi_partitions.move for update;
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into v_columns
  from pg_catalog.pg_attribute as a
  where a.attrelid = 'public.chat_messages'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
  if v_move.file <> pg_relation_filenode('public.chat_messages') then
    -- Written anew (vacuum full): from the start, past what is there.
    v_move.file := pg_relation_filenode('public.chat_messages');
    v_move.pages := pg_relation_size('public.chat_messages') / current_setting('block_size')::bigint;
    v_move.done := 0;
  end if;
  if v_move.done < v_move.pages then
    execute format($q$
      with here as materialized (
        select m.id from public.chat_messages as m where m.ctid >= $1 and m.ctid < $2
      ), held as materialized (
        select %1$s from public.chat_messages as m where m.ctid >= $1 and m.ctid < $2 for share skip locked
      ), copied as (
        insert into airi_aside.chat_messages (%1$s) select %1$s from held on conflict do nothing
      )
      insert into airi_partitions.skipped (id)
      select h.id from here as h where not exists (select from held where held.id = h.id) on conflict do nothing
    $q$, v_columns) using format('(%s,0)', v_move.done)::tid, format('(%s,0)', v_move.done + greatest(p_pages, 1))::tid;
    v_move.done := least(v_move.done + greatest(p_pages, 1), v_move.pages);
    update airi_partitions.move set file = v_move.file, pages = v_move.pages, done = v_move.done, verified_at = null;
  else
    -- One alone: waiting for its writer, this holds nothing that anyone waits for.
    delete from airi_partitions.skipped where id = (select s.id from airi_partitions.skipped as s limit 1) returning id into v_id;
    execute format('with held as materialized (select %1$s from public.chat_messages as m where m.id = $1 for share)
      insert into airi_aside.chat_messages (%1$s) select %1$s from held on conflict do nothing', v_columns) using v_id;
  end if;
  select v_move.pages - v_move.done + count(*) into v_left from airi_partitions.skipped;
  return v_left;
end
$$;

-- -------------------------------------------------------------------------------------------------------------- verify
-- Both tables hold the same rows, and the list the same ids: of one moment, so no writer has to wait. Rows and hash.
create or replace function airi_partitions.verify(out rows bigint, out hash numeric)
language plpgsql set search_path = '' set timezone = 'UTC' set extra_float_digits = 1 as $$
declare
  v_columns text;
  v_rows bigint;
  v_hash numeric;
begin
  if current_setting('transaction_isolation') <> 'repeatable read' then
    raise exception 'verify compares two tables of one moment: begin isolation level repeatable read';
  end if;
  if exists (select from airi_partitions.move as m where m.done < m.pages) or exists (select from airi_partitions.skipped) then
    raise exception 'not everything is copied';
  end if;
  select string_agg('m.' || quote_ident(a.attname), ', ' order by a.attnum) into v_columns
  from pg_catalog.pg_attribute as a
  where a.attrelid = 'public.chat_messages'::regclass and a.attnum > 0 and not a.attisdropped;
  execute format('select count(*), coalesce(sum(hashtextextended(row(%s)::text, 0)::numeric), 0) from public.chat_messages as m',
    v_columns) into rows, hash;
  execute format('select count(*), coalesce(sum(hashtextextended(row(%s)::text, 0)::numeric), 0) from airi_aside.chat_messages as m',
    v_columns) into v_rows, v_hash;
  if (rows, hash) is distinct from (v_rows, v_hash) then
    raise exception 'the tables differ: % rows (%) and % rows (%)', rows, hash, v_rows, v_hash;
  end if;
  select count(*) into v_rows from airi_partitions.message_ids;
  if v_rows <> rows or exists (
    select from public.chat_messages as m where not exists (select from airi_partitions.message_ids as i where i.id = m.id)
  ) then
    raise exception 'the list of ids differs: % ids of % messages', v_rows, rows;
  end if;
  update airi_partitions.move set verified_at = now();
end
$$;
commit;
