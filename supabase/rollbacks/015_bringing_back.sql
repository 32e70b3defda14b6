-- Puts the functions back that 015 replaced. What was brought back, and with which number, is kept in rollback_keep.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '015' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '015';
end
$restore$;

drop function if exists
  airi_private.restore_messages(uuid, uuid[], jsonb[], bigint[]),
  airi_private.restore_row(uuid, text, uuid, text, jsonb, bigint),
  airi_private.note_restored(uuid, text, uuid[], bigint[], bigint[]),
  airi_private.erased_since(uuid, text, uuid, jsonb, bigint),
  airi_private.number_of(text, uuid), airi_private.row_of(uuid, text, uuid);
alter table airi_private.sync_restored set schema rollback_keep;
