-- Drops the policies; the bucket, if it was there before, gets its settings back. Objects are never touched, and a
-- bucket that 013 made stays, private and without policies: dropping it would lose what is in it.
do $restore$
declare
  noted record;
begin
  if to_regclass('storage.objects') is not null then
    execute 'drop policy if exists airi_attachments_select on storage.objects';
    execute 'drop policy if exists airi_attachments_insert on storage.objects';
    execute 'drop policy if exists airi_attachments_update on storage.objects';
    execute 'drop policy if exists airi_attachments_delete on storage.objects';
  end if;
  if to_regclass('realtime.messages') is not null then
    execute 'drop policy if exists airi_own_topic on realtime.messages';
  end if;
  for noted in select statement from rollback_keep.statements where migration = '013' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '013';
end
$restore$;
