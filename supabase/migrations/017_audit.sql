-- sync_audit of docs/sync-protocol.md: the caller's rows of one table as counts and hashes of (id, number), so that a client
-- can tell where what it holds differs, without fetching it. With the caller's rights under RLS.

create or replace function public.sync_audit(p_table text, p_after uuid default null, p_ranges int default 64)
returns json
language plpgsql stable set search_path = '' as $$
declare
  v_user_id uuid := airi_private.caller();
  v_limit int := least(greatest(coalesce(p_ranges, 64), 1), 64);
  v_ranges json;
  v_rows bigint;
  v_next uuid;
begin
  if not exists (select from airi_private.sync_tables as t where t.table_name = p_table and t.rank <= 8) then
    raise exception 'no such table: %', p_table using errcode = '22023';
  end if;
  -- One row more than asked for tells whether there is more. The last range reaches to the last id there can be.
  execute format(
    $query$
      with numbered as (
        select v.id, v.change_seq, row_number() over (order by v.id) - 1 as place from airi_private.%I as v
        where v.user_id = $1 and v.id > $2 order by v.id limit $3 * 1000 + 1
      ), taken as (
        select n.place / 1000 as range, count(*) as rows, (array_agg(n.id order by n.place desc))[1] as last_id,
          bit_xor(('x' || encode(substr(sha256(convert_to(n.id || ':' || n.change_seq, 'UTF8')), 1, 8), 'hex'))
            ::bit(64)::bigint) as hash
        from numbered as n group by 1
      ), whole as (
        select count(*) as rows from numbered
      )
      select w.rows, json_agg(json_build_object(
        'upto', case when w.rows <= $3 * 1000 and r.range = (greatest(w.rows, 1) - 1) / 1000
          then uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff' else t.last_id end,
        'count', coalesce(t.rows, 0), 'hash', lpad(to_hex(coalesce(t.hash, 0)), 16, '0')) order by r.range),
        max(t.last_id::text)::uuid
      from whole as w
      cross join lateral generate_series(0, least((greatest(w.rows, 1) - 1) / 1000, $3 - 1)) as r (range)
      left join taken as t on t.range = r.range
      group by w.rows
    $query$, 'sync_rows_' || p_table
  ) into v_rows, v_ranges, v_next using v_user_id, coalesce(p_after, '00000000-0000-0000-0000-000000000000'), v_limit;
  return json_build_object(
    'epoch', airi_private.epoch(), 'head', airi_private.head(), 'table', p_table, 'ranges', v_ranges,
    'has_more', v_rows > v_limit * 1000, 'next', case when v_rows > v_limit * 1000 then v_next end
  );
end
$$;

revoke all on function public.sync_audit(text, uuid, int) from public, anon, authenticated;
grant execute on function public.sync_audit(text, uuid, int) to authenticated;
