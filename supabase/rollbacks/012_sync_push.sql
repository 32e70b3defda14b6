-- A function only: nothing to keep. What was pushed before stays remembered in sync_ops until 004 is rolled back too,
-- which keeps it in rollback_keep.
drop function if exists public.sync_push(uuid, jsonb);
