-- sync_push of docs/sync-protocol.md, as in 012, for operations with `held` too (015). A run of new messages is tried as one
-- statement also when they are brought back: after a restore that may be a whole history.

insert into rollback_keep.statements (migration, statement)
select '016', pg_catalog.pg_get_functiondef('public.sync_push(uuid, jsonb)'::regprocedure);

create or replace function public.sync_push(p_device uuid, p_ops jsonb) returns json
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  c_uuid constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  v_user_id uuid := airi_private.caller();
  v_columns jsonb; -- table → the fields an insert may name
  v_message_columns text[];
  v_run record;
  v_ids uuid[];
  v_rows jsonb[];
  v_held bigint[];
  v_seqs bigint[];
  v_op jsonb;
  v_op_id uuid;
  v_lane text;
  v_refused_lanes text[] := array[]::text[];
  v_result record;
  v_results json[] := array[]::json[];
begin
  if jsonb_typeof(p_ops) is distinct from 'array' then
    raise exception 'p_ops must be an array' using errcode = '22023';
  end if;
  -- 54000 reaches the client as 413, which halves the batch. The bytes are those of the compressed form, hence
  -- generous.
  if jsonb_array_length(p_ops) > 500 or pg_column_size(p_ops) > 8000000 then
    raise exception 'too much for one push' using errcode = '54000';
  end if;

  -- An account from before our trigger on auth.users may have no profile, to which everything points.
  if not exists (select from public.user_profiles as p where p.id = v_user_id) then
    begin
      insert into public.user_profiles (id) values (v_user_id) on conflict do nothing;
    exception when foreign_key_violation then
      raise exception 'this account does not exist any more' using errcode = '28000';
    end;
  end if;
  -- Before looking up what was pushed before: a second copy of this call waits here until the first has committed.
  perform airi_private.lock_caller();

  select jsonb_object_agg(t.table_name, to_jsonb(array_remove(t.columns, 'user_id') || array['id'])) into v_columns
  from airi_private.sync_tables as t where t.rank between 2 and 4;
  v_message_columns := array(select jsonb_array_elements_text(v_columns -> 'chat_messages'));

  for v_run in
    select array_agg(r.op order by r.ord) as ops, array_agg(r.op_id order by r.ord) as op_ids,
      array_agg(r.lane order by r.ord) as lanes, bool_and(r.bulk) as bulk
    from (
      -- A new run wherever the kind changes from one operation to the next.
      select b.*, b.ord - row_number() over (partition by b.bulk order by b.ord) as run
      from (
        select e.op, e.ord, i.op_id, coalesce(e.op ->> 'lane', e.op ->> 'id', '') as lane,
          coalesce(
            i.op_id is not null and i.id is not null and e.op ->> 'table' = 'chat_messages'
            and e.op ->> 'kind' = 'insert' and jsonb_typeof(e.op -> 'row') = 'object'
            and (e.op -> 'row') - v_message_columns = '{}'
            and coalesce(e.op #>> '{row,id}', e.op ->> 'id') = e.op ->> 'id'
            and coalesce(e.op ->> 'held', '0') ~ '^[0-9]{1,18}$'
            and row_number() over (partition by i.op_id order by e.ord) = 1
            and not exists (select from public.sync_ops as s where s.user_id = v_user_id and s.op_id = i.op_id),
            false
          ) as bulk
        from jsonb_array_elements(p_ops) with ordinality as e (op, ord)
        cross join lateral (
          select case when e.op ->> 'op_id' ~ c_uuid then (e.op ->> 'op_id')::uuid end as op_id,
            case when e.op ->> 'id' ~ c_uuid then (e.op ->> 'id')::uuid end as id
        ) as i
      ) as b
    ) as r
    group by r.bulk, r.run
    order by min(r.ord)
  loop
    v_seqs := null;
    if v_run.bulk and cardinality(v_run.ops) > 1 and not v_run.lanes && v_refused_lanes then
      v_ids := array(select (o.op ->> 'id')::uuid from unnest(v_run.ops) with ordinality as o (op, ord) order by o.ord);
      v_rows := array(select o.op -> 'row' from unnest(v_run.ops) with ordinality as o (op, ord) order by o.ord);
      v_held := array(
        select (o.op ->> 'held')::bigint from unnest(v_run.ops) with ordinality as o (op, ord) order by o.ord
      );
      if array_remove(v_held, null) = '{}' then
        v_seqs := airi_private.insert_messages(v_user_id, v_ids, v_rows);
      else
        v_seqs := airi_private.restore_messages(v_user_id, v_ids, v_rows, v_held);
      end if;
    end if;
    if v_seqs is not null then
      insert into public.sync_ops (user_id, op_id, device_id, status, change_seq)
      select v_user_id, u.op_id, p_device, 'applied', u.seq from unnest(v_run.op_ids, v_seqs) as u (op_id, seq);
      v_results := v_results || array(
        select json_build_object('op_id', u.op_id, 'status', 'applied', 'code', null, 'message', null,
          'change_seq', u.seq)
        from unnest(v_run.op_ids, v_seqs) with ordinality as u (op_id, seq, ord) order by u.ord
      );
      continue;
    end if;

    for i in 1..cardinality(v_run.ops) loop
      v_op := v_run.ops[i];
      v_op_id := v_run.op_ids[i];
      v_lane := v_run.lanes[i];
      -- Pushed before, or earlier in this call: what it got then it gets again.
      select s.status, s.code, s.message, s.change_seq as seq into v_result
      from public.sync_ops as s where s.user_id = v_user_id and s.op_id = v_op_id;
      if not found then
        if v_lane = any (v_refused_lanes) then
          select 'skipped' as status, null::text as code, null::text as message, null::bigint as seq into v_result;
        elsif v_op_id is null then
          select 'refused' as status, 'invalid' as code, 'op_id is no uuid' as message, null::bigint as seq
          into v_result;
        else
          select a.status, a.code, a.message, a.seq into v_result
          from airi_private.apply_op(v_user_id, v_op, v_columns) as a;
          insert into public.sync_ops (user_id, op_id, device_id, status, code, message, change_seq)
          values (v_user_id, v_op_id, p_device, v_result.status, v_result.code, v_result.message, v_result.seq);
        end if;
      end if;
      if v_result.status = 'refused' then
        v_refused_lanes := array_append(v_refused_lanes, v_lane);
      end if;
      if v_result.code = 'superseded' then
        -- The row as it is now, also when the result is an old one: it is what the client takes.
        v_results := array_append(v_results, json_build_object('op_id', v_op -> 'op_id', 'status', v_result.status,
          'code', v_result.code, 'message', v_result.message, 'change_seq', v_result.seq,
          'row', airi_private.row_of(v_user_id, v_op ->> 'table', (v_op ->> 'id')::uuid)));
      else
        v_results := array_append(v_results, json_build_object('op_id', v_op -> 'op_id', 'status', v_result.status,
          'code', v_result.code, 'message', v_result.message, 'change_seq', v_result.seq));
      end if;
    end loop;
  end loop;

  return json_build_object('epoch', airi_private.epoch(), 'head', airi_private.head(), 'results', v_results);
end
$$;

revoke all on function public.sync_push(uuid, jsonb) from public, anon, authenticated;
grant execute on function public.sync_push(uuid, jsonb) to authenticated;
