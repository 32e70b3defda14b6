-- Numbers of different epochs can be compared (docs/sync-protocol.md, "Epoch"): a head remembers in which epoch it moved
-- last, and the first time that it moves in another one it goes on from the next multiple of 10^12. A restored server would
-- otherwise give numbers a second time, and nobody could tell which of two forms of a row is the later one.

insert into rollback_keep.statements (migration, statement)
select '014', pg_catalog.pg_get_functiondef('airi_private.bump(uuid, boolean)'::regprocedure);

-- Null: not known, the head has not moved since this column came. It counts as the present epoch.
alter table public.sync_heads add column if not exists epoch text;
do $returned$
begin
  if to_regclass('rollback_keep.epochs_of_heads') is not null then
    update public.sync_heads as h set epoch = k.epoch from rollback_keep.epochs_of_heads as k where k.user_id = h.user_id;
    drop table rollback_keep.epochs_of_heads;
  end if;
end
$returned$;

-- Moves the head, once per transaction unless told otherwise, and returns it.
--
-- The epoch's last part is the timeline, which grows with each restore to a point in time. It keeps apart what two
-- restores from one backup number: their heads start from the same place, their timelines differ.
create or replace function airi_private.bump(p_user_id uuid, p_again boolean default false) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  c_step constant bigint := 1000000000000;
  v_seq bigint;
  v_epoch text;
  v_floor bigint;
begin
  -- Writers without a caller (service role, jobs) come here without the locks; same order for them.
  perform airi_private.lock_user(p_user_id);
  if not p_again then
    select h.seq into v_seq from public.sync_heads as h
    where h.user_id = p_user_id and h.xid = pg_current_xact_id() and h.moved_at = now();
    if found then
      return v_seq;
    end if;
  end if;

  v_epoch := airi_private.epoch();
  v_floor := (coalesce(nullif(split_part(v_epoch, ':', 3), '')::bigint, 1) - 1) * c_step;
  insert into public.sync_heads as h (user_id, seq, epoch, xid, moved_at)
  values (p_user_id, v_floor + 1, v_epoch, pg_current_xact_id(), now())
  on conflict (user_id) do update set
    seq = case
      when h.epoch <> excluded.epoch then greatest((h.seq / c_step + 1) * c_step, v_floor)
      when h.epoch is null and h.seq = 0 then v_floor + 1
      else h.seq + 1
    end,
    epoch = excluded.epoch, xid = excluded.xid, moved_at = excluded.moved_at
  returning h.seq into v_seq;
  if not p_again then
    perform airi_private.ring(p_user_id, v_seq);
  end if;
  return v_seq;
end
$$;
