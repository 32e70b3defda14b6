-- Drops what 033 added, and gives the policies of storage their former form. No row is touched.
delete from airi_private.jobs where name = 'prune_usage_details';
select airi_private.schedule_jobs();
do $uploads$
declare
  own constant text := '(bucket_id = ''attachments'' and split_part(name, ''/'', 1) = (select auth.uid())::text)';
begin
  if to_regclass('storage.objects') is not null then
    execute 'alter policy airi_attachments_insert on storage.objects with check (' || own || ')';
    execute 'alter policy airi_attachments_update on storage.objects using (' || own || ') with check (' || own || ')';
  end if;
exception when insufficient_privilege or undefined_object then
  raise warning 'the policies of storage.objects could not be changed by this role: %', sqlerrm;
end
$uploads$;
drop view airi_private.replication_lag;
drop function airi_private.log_position(), airi_private.may_upload(), airi_private.prune_usage_details(timestamptz);
