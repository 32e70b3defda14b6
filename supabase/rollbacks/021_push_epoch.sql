-- A function only: nothing to keep.
drop function if exists public.sync_push(uuid, jsonb, text);
