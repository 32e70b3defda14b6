-- A function only: nothing to keep.
drop function if exists public.sync_pull(text, bigint, int, uuid, int);
