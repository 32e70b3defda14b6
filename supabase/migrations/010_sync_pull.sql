-- sync_pull of docs/sync-protocol.md: the caller's changes after a cursor, in order of (number, table's rank, id).
--
-- Each table gives at most one page of keys from its index (user_id, change_seq, id); they are merged and cut, and only
-- then are rows made, one by one, until the page is full. So a page costs the same at the start and the end of a long
-- history.
create or replace function public.sync_pull(
  p_epoch text, p_seq bigint, p_rank int default 0, p_id uuid default null, p_limit int default 1000
) returns json
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  c_tables constant text[] := array['user_profiles', 'conversations', 'chat_messages', 'message_attachments',
    'usage_logs', 'usage_daily_aggregates', 'subscription_history', 'payment_history', 'tombstones'];
  c_last constant uuid := uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  v_user_id uuid := airi_private.caller();
  v_epoch text := airi_private.epoch();
  v_head bigint := airi_private.head();
  v_limit int := least(greatest(coalesce(p_limit, 1000), 1), 1000);
  v_rank int := coalesce(p_rank, 0);
  v_id uuid := coalesce(p_id, uuid '00000000-0000-0000-0000-000000000000');
  v_seqs bigint[] := array[]::bigint[];
  v_ids uuid[] := array[]::uuid[];
  v_item record;
  v_parent record;
  v_conversation_id uuid;
  v_rows json[] := array[]::json[];
  v_page_ids uuid[] := array[]::uuid[]; -- conversations and messages on the page
  v_conversation_ids uuid[] := array[]::uuid[];
  v_conversations json[] := array[]::json[];
  v_message_ids uuid[] := array[]::uuid[];
  v_messages json[] := array[]::json[];
  v_bytes bigint := 0;
  v_more boolean := false;
  v_next json;
begin
  if p_epoch is distinct from v_epoch or p_seq > v_head then
    return json_build_object('epoch', v_epoch, 'head', v_head, 'rejoin', true);
  end if;
  if p_seq is null then
    raise exception 'p_seq is missing' using errcode = '22004';
  end if;
  v_next := json_build_object('seq', p_seq, 'rank', v_rank, 'id', v_id);

  -- The cursor as each table sees it: "after (seq, id)". A table of lower rank is through with the cursor's number, one
  -- of higher rank has it still before it.
  for i in 1..9 loop
    v_seqs := v_seqs || case when i > v_rank then p_seq - 1 else p_seq end;
    v_ids := v_ids || case when i = v_rank then v_id else c_last end;
  end loop;

  for v_item in
    select k.rank, k.change_seq, k.id, r.parent_id, r.row
    from (
      (select 1 as rank, change_seq, id from airi_private.sync_rows_user_profiles
        where user_id = v_user_id and (change_seq, id) > (v_seqs[1], v_ids[1])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 2 as rank, change_seq, id from airi_private.sync_rows_conversations
        where user_id = v_user_id and (change_seq, id) > (v_seqs[2], v_ids[2])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 3 as rank, change_seq, id from airi_private.sync_rows_chat_messages
        where user_id = v_user_id and (change_seq, id) > (v_seqs[3], v_ids[3])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 4 as rank, change_seq, id from airi_private.sync_rows_message_attachments
        where user_id = v_user_id and (change_seq, id) > (v_seqs[4], v_ids[4])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 5 as rank, change_seq, id from airi_private.sync_rows_usage_logs
        where user_id = v_user_id and (change_seq, id) > (v_seqs[5], v_ids[5])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 6 as rank, change_seq, id from airi_private.sync_rows_usage_daily_aggregates
        where user_id = v_user_id and (change_seq, id) > (v_seqs[6], v_ids[6])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 7 as rank, change_seq, id from airi_private.sync_rows_subscription_history
        where user_id = v_user_id and (change_seq, id) > (v_seqs[7], v_ids[7])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 8 as rank, change_seq, id from airi_private.sync_rows_payment_history
        where user_id = v_user_id and (change_seq, id) > (v_seqs[8], v_ids[8])
        order by change_seq, id limit v_limit + 1)
      union all
      (select 9 as rank, change_seq, id from airi_private.sync_rows_tombstones
        where user_id = v_user_id and (change_seq, id) > (v_seqs[9], v_ids[9])
        order by change_seq, id limit v_limit + 1)
      order by change_seq, rank, id
      limit v_limit + 1
    ) as k
    cross join lateral (
      select v.parent_id, v.row from airi_private.sync_rows_user_profiles as v where k.rank = 1 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_conversations as v where k.rank = 2 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_chat_messages as v where k.rank = 3 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_message_attachments as v where k.rank = 4 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_usage_logs as v where k.rank = 5 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_usage_daily_aggregates as v where k.rank = 6 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_subscription_history as v where k.rank = 7 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_payment_history as v where k.rank = 8 and v.id = k.id
      union all
      select v.parent_id, v.row from airi_private.sync_rows_tombstones as v where k.rank = 9 and v.id = k.id
    ) as r
    order by k.change_seq, k.rank, k.id
  loop
    v_bytes := v_bytes + octet_length(v_item.row::text);
    if cardinality(v_rows) > 0 and (cardinality(v_rows) = v_limit or v_bytes > 4000000) then
      v_more := true;
      exit;
    end if;
    v_rows := array_append(v_rows, json_build_object('table', c_tables[v_item.rank], 'row', v_item.row));
    v_next := json_build_object('seq', v_item.change_seq, 'rank', v_item.rank, 'id', v_item.id);

    -- A row's parent can have a later number and then comes on a later page: it goes along. A message that goes along
    -- brings its conversation, for the same reason.
    v_conversation_id := null;
    if v_item.rank = 4 and v_item.parent_id <> all (v_message_ids) and v_item.parent_id <> all (v_page_ids) then
      select v.parent_id, v.row into v_parent from airi_private.sync_rows_chat_messages as v
      where v.id = v_item.parent_id and v.user_id = v_user_id;
      if found then
        v_message_ids := array_append(v_message_ids, v_item.parent_id);
        v_messages := array_append(v_messages, v_parent.row);
        v_bytes := v_bytes + octet_length(v_parent.row::text);
        v_conversation_id := v_parent.parent_id;
      end if;
    elsif v_item.rank = 3 then
      v_conversation_id := v_item.parent_id;
    end if;
    if v_conversation_id <> all (v_conversation_ids) and v_conversation_id <> all (v_page_ids) then
      select v.row into v_parent from airi_private.sync_rows_conversations as v
      where v.id = v_conversation_id and v.user_id = v_user_id;
      if found then
        v_conversation_ids := array_append(v_conversation_ids, v_conversation_id);
        v_conversations := array_append(v_conversations, v_parent.row);
        v_bytes := v_bytes + octet_length(v_parent.row::text);
      end if;
    end if;
    if v_item.rank in (2, 3) then
      v_page_ids := array_append(v_page_ids, v_item.id);
    end if;
  end loop;

  return json_build_object(
    'epoch', v_epoch, 'head', v_head, 'rows', v_rows,
    'parents', (
      select coalesce(json_agg(json_build_object('table', p.table_name, 'row', p.row) order by p.ord), '[]')
      from (
        select 'conversations' as table_name, c.row, c.id, c.ord
        from unnest(v_conversations, v_conversation_ids) with ordinality as c (row, id, ord)
        union all
        select 'chat_messages', m.row, m.id, 10000 + m.ord
        from unnest(v_messages, v_message_ids) with ordinality as m (row, id, ord)
      ) as p
      where p.id <> all (v_page_ids)
    ),
    'next', v_next, 'has_more', v_more
  );
end
$$;

revoke all on function public.sync_pull(text, bigint, int, uuid, int) from public, anon, authenticated;
grant execute on function public.sync_pull(text, bigint, int, uuid, int) to authenticated;
