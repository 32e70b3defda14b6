-- The snapshot's rows are kept as the text that they are sent as, and the answer is put together once: a third of the time
-- for the same answer. What was there before is noted for the rollback.
insert into rollback_keep.statements (migration, statement)
values ('020', pg_catalog.pg_get_functiondef('public.sync_snapshot(text, uuid, int)'::regprocedure));

create or replace function public.sync_snapshot(p_table text, p_after uuid default null, p_limit int default 1000)
returns json
language plpgsql stable set search_path = '' as $$
declare
  v_user_id uuid := airi_private.caller();
  v_limit int := least(greatest(coalesce(p_limit, 1000), 1), 1000);
  v_id uuid;
  v_row text;
  v_rows text[] := array[]::text[];
  v_count int := 0;
  v_bytes bigint := 0;
  v_more boolean := false;
  v_next uuid;
begin
  if not exists (select from airi_private.sync_tables as t where t.table_name = p_table) then
    raise exception 'no such table: %', p_table using errcode = '22023';
  end if;
  -- Rows are made one by one and the loop stops at 4 MB, so a page of long messages is never built whole to be cut.
  for v_id, v_row in execute format(
    'select v.id, v.row::text from airi_private.%I as v
     where v.user_id = $1 and v.id > $2 order by v.id limit $3', 'sync_rows_' || p_table
  ) using v_user_id, coalesce(p_after, '00000000-0000-0000-0000-000000000000'), v_limit + 1
  loop
    v_bytes := v_bytes + octet_length(v_row);
    if v_count > 0 and (v_count = v_limit or v_bytes > 4000000) then
      v_more := true;
      exit;
    end if;
    v_count := v_count + 1;
    v_rows[v_count] := v_row;
    v_next := v_id;
  end loop;
  return (
    '{"epoch":' || to_json(airi_private.epoch()) || ',"head":' || airi_private.head() || ',"table":' || to_json(p_table)
    || ',"rows":[' || array_to_string(v_rows, ',') || '],"has_more":' || v_more
    || ',"next":' || coalesce(to_json(coalesce(v_next, p_after))::text, 'null') || '}'
  )::json;
end
$$;

-- The plans of the reading half do not hang on statistics. Before the first ANALYZE of tables that somebody has just filled
-- with a first push, the planner gathered a user's whole history in bitmaps for every conversation of the preview: a
-- million buffers at 10,000 messages. What these functions need is always an index in its own order, and rows by key.
do $plans$
declare
  v_function text;
  v_setting text;
begin
  foreach v_function in array array[
    'public.sync_preview(int, int)', 'public.sync_snapshot(text, uuid, int)',
    'public.sync_pull(text, bigint, int, uuid, int)', 'public.sync_audit(text, uuid, int)'
  ] loop
    foreach v_setting in array array['enable_bitmapscan', 'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'] loop
      execute format('alter function %s set %I = off', v_function, v_setting);
    end loop;
  end loop;
end
$plans$;
