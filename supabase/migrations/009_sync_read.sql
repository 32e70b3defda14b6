-- The reading half of docs/sync-protocol.md: what a row looks like on its way, hello, snapshot, preview, pull.
-- All run with the caller's rights under RLS, and name the caller besides, so that the planner goes by owner.
-- force_generic_plan: these queries are the same each time, and planning nine tables costs more than reading a page.

-- ----------------------------------------------------------------------------------------------- rows as they travel
-- One view per table, made from the list in 004. `parent_id` is the row's conversation or message, if it has one. A
-- view and no function: a function with a pinned search_path cannot be inlined.
do $views$
declare
  synced record;
  fields text;
begin
  for synced in select * from airi_private.sync_tables loop
    select string_agg(
      format(
        case when a.atttypid = 'timestamptz'::regtype
          then '%1$L, to_char(t.%1$I at time zone ''UTC'', ''YYYY-MM-DD"T"HH24:MI:SS.US"Z"'')' else '%1$L, t.%1$I' end,
        c.name
      ), ', ' order by c.position
    ) into fields
    from unnest(array['id', 'change_seq'] || synced.columns) with ordinality as c (name, position)
    join pg_catalog.pg_attribute as a
      on a.attrelid = ('public.' || synced.table_name)::regclass and a.attname = c.name and not a.attisdropped;

    execute format(
      'create or replace view airi_private.%I with (security_invoker = true) as
        select t.%I as user_id, t.change_seq, t.id, %s as parent_id, json_build_object(%s) as row from public.%I as t',
      'sync_rows_' || synced.table_name, synced.owner_column,
      case synced.table_name
        when 'chat_messages' then 't.conversation_id' when 'message_attachments' then 't.message_id' else 'null::uuid' end,
      fields, synced.table_name
    );
    execute format('revoke all on airi_private.%I from public, anon', 'sync_rows_' || synced.table_name);
    execute format('grant select on airi_private.%I to authenticated', 'sync_rows_' || synced.table_name);
  end loop;
end
$views$;

-- ----------------------------------------------------------------------------------------------------------- the head
-- The stored id comes back unchanged from a point-in-time restore; the timeline does not. The timeline is read from the
-- write-ahead log and not from the control file, which a promoted server updates only at its next checkpoint. A host
-- that keeps these functions from clients leaves that part empty, the same for all.
create or replace function airi_private.epoch() returns text
language plpgsql stable set search_path = '' as $$
declare
  v_epoch text;
  v_system text := '';
  v_timeline text := '';
begin
  select e.epoch::text into strict v_epoch from airi_private.sync_epoch as e;
  if has_function_privilege('pg_catalog.pg_control_system()', 'execute') then
    v_system := (select c.system_identifier::text from pg_control_system() as c);
  end if;
  if not pg_is_in_recovery() then
    v_timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int::text;
  elsif has_function_privilege('pg_catalog.pg_control_checkpoint()', 'execute') then
    v_timeline := (select c.timeline_id::text from pg_control_checkpoint() as c);
  end if;
  return v_epoch || ':' || v_system || ':' || v_timeline;
end
$$;

create or replace function airi_private.caller() returns uuid
language plpgsql stable set search_path = '' as $$
begin
  if auth.uid() is null then
    raise exception 'not signed in' using errcode = '28000';
  end if;
  return auth.uid();
end
$$;

create or replace function airi_private.head() returns bigint
language sql stable set search_path = '' as $$
  select coalesce((select h.seq from public.sync_heads as h where h.user_id = auth.uid()), 0)
$$;

revoke all on function airi_private.epoch(), airi_private.caller(), airi_private.head() from public, anon;
grant execute on function airi_private.epoch(), airi_private.caller(), airi_private.head()
  to authenticated, service_role;

create or replace function public.sync_hello() returns json
language sql stable set search_path = '' as $$
  select json_build_object(
    'epoch', airi_private.epoch(), 'head', airi_private.head(), 'schema', 1, 'user_id', airi_private.caller(),
    'now', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  )
$$;

-- ----------------------------------------------------------------------------------------------------------- snapshot
-- Rows are made one by one and the loop stops at 4 MB, so a page of long messages is never built whole to be cut.
create or replace function public.sync_snapshot(p_table text, p_after uuid default null, p_limit int default 1000)
returns json
language plpgsql stable set search_path = '' as $$
declare
  v_user_id uuid := airi_private.caller();
  v_limit int := least(greatest(coalesce(p_limit, 1000), 1), 1000);
  v_id uuid;
  v_row json;
  v_rows json[] := array[]::json[];
  v_bytes bigint := 0;
  v_more boolean := false;
  v_next uuid;
begin
  if not exists (select from airi_private.sync_tables as t where t.table_name = p_table) then
    raise exception 'no such table: %', p_table using errcode = '22023';
  end if;
  for v_id, v_row in execute format(
    'select v.id, v.row from airi_private.%I as v
     where v.user_id = $1 and v.id > $2 order by v.id limit $3', 'sync_rows_' || p_table
  ) using v_user_id, coalesce(p_after, '00000000-0000-0000-0000-000000000000'), v_limit + 1
  loop
    v_bytes := v_bytes + octet_length(v_row::text);
    if cardinality(v_rows) > 0 and (cardinality(v_rows) = v_limit or v_bytes > 4000000) then
      v_more := true;
      exit;
    end if;
    v_rows := array_append(v_rows, v_row);
    v_next := v_id;
  end loop;
  return json_build_object(
    'epoch', airi_private.epoch(), 'head', airi_private.head(), 'table', p_table, 'rows', v_rows,
    'has_more', v_more, 'next', coalesce(v_next, p_after)
  );
end
$$;

-- ------------------------------------------------------------------------------------------------------------ preview
create or replace function public.sync_preview(p_conversations int default 50, p_messages int default 40)
returns json
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_user_id uuid := airi_private.caller();
  v_conversations int := least(greatest(coalesce(p_conversations, 50), 0), 200);
  v_messages int := least(greatest(coalesce(p_messages, 40), 0), 200);
  v_item record;
  v_totals jsonb := jsonb '{}';
  v_count bigint;
  v_conversation_rows json[] := array[]::json[];
  v_message_rows json[] := array[]::json[];
  v_message_ids uuid[] := array[]::uuid[];
  v_bytes bigint := 0;
begin
  for v_item in select t.table_name, t.owner_column from airi_private.sync_tables as t where t.rank <= 8 loop
    execute format('select count(*) from public.%I where %I = $1', v_item.table_name, v_item.owner_column)
      into v_count using v_user_id;
    v_totals := v_totals || jsonb_build_object(v_item.table_name, v_count);
  end loop;

  for v_item in
    select v.row as conversation, m.ids, m.rows, m.bytes
    from (
      select c.id, c.last_message_at from public.conversations as c
      where c.user_id = v_user_id and c.deleted_at is null
      order by c.last_message_at desc, c.id limit v_conversations
    ) as recent
    join airi_private.sync_rows_conversations as v on v.id = recent.id
    cross join lateral (
      select coalesce(array_agg(n.id), '{}') as ids, coalesce(array_agg(n.row), '{}') as rows,
        coalesce(sum(octet_length(n.row::text)), 0) as bytes
      from (
        select r.id, r.row from (
          select cm.id from public.chat_messages as cm
          where cm.conversation_id = recent.id and cm.user_id = v_user_id and cm.deleted_at is null
          order by cm.created_at desc, cm.id desc limit v_messages
        ) as newest
        join airi_private.sync_rows_chat_messages as r on r.id = newest.id
      ) as n
    ) as m
    order by recent.last_message_at desc, recent.id
  loop
    v_bytes := v_bytes + octet_length(v_item.conversation::text);
    exit when v_bytes > 4000000 and cardinality(v_conversation_rows) > 0;
    v_conversation_rows := array_append(v_conversation_rows, v_item.conversation);
    -- One with very long messages is listed without them; the snapshot brings them.
    if v_bytes + v_item.bytes <= 4000000 then
      v_bytes := v_bytes + v_item.bytes;
      v_message_rows := v_message_rows || v_item.rows;
      v_message_ids := v_message_ids || v_item.ids;
    end if;
  end loop;

  return json_build_object(
    'epoch', airi_private.epoch(), 'head', airi_private.head(), 'totals', v_totals,
    'conversations', v_conversation_rows, 'chat_messages', v_message_rows,
    'message_attachments', (
      select coalesce(json_agg(a.row order by a.id), '[]') from airi_private.sync_rows_message_attachments as a
      where a.user_id = v_user_id and a.parent_id = any (v_message_ids)
    )
  );
end
$$;

revoke all on function public.sync_hello(), public.sync_snapshot(text, uuid, int), public.sync_preview(int, int)
  from public, anon, authenticated;
grant execute on function public.sync_hello(), public.sync_snapshot(text, uuid, int), public.sync_preview(int, int)
  to authenticated;
