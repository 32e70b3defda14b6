-- A push that was made for one epoch must not be applied in another: after a restore its changes would count as newer than
-- everything that the restore lost, although the client has not yet brought that back. With the client's epoch as a third
-- argument the push is refused then, as a whole, and the client re-joins first.
create or replace function public.sync_push(p_device uuid, p_ops jsonb, p_epoch text) returns json
language plpgsql set search_path = '' as $$
begin
  perform airi_private.caller();
  if p_epoch is distinct from airi_private.epoch() then
    return json_build_object('epoch', airi_private.epoch(), 'head', airi_private.head(), 'rejoin', true,
      'results', json '[]');
  end if;
  return public.sync_push(p_device, p_ops);
end
$$;

revoke all on function public.sync_push(uuid, jsonb, text) from public, anon, authenticated;
grant execute on function public.sync_push(uuid, jsonb, text) to authenticated;
