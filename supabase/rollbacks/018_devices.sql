-- Drops the functions; the devices and the sessions that were ended are kept in rollback_keep. Until they return an ended
-- session is refused only where it was deleted.
drop function if exists public.sync_device(uuid, text, text, text), public.sync_sign_out_device(uuid);
drop function if exists
  airi_private.note_device(uuid, text, text, text), airi_private.end_session(uuid), airi_private.devices(),
  airi_private.shown(text, int);

do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '018' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '018';
end
$restore$;

alter table public.sync_devices set schema rollback_keep;
alter table airi_private.ended_sessions set schema rollback_keep;
