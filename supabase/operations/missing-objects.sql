-- Objects whose files are gone (none of the versions in the temporary table `present`), and the attachments that name them,
-- are forgotten, and printed: `missing:` with the object, and with each attachment as JSON.
--
-- A device compares rows and not bytes: an attachment that is there says that its bytes are. One that is absent and has no
-- tombstone is what a restore has lost, and a device that has the bytes sends them, then the row. Hence no triggers here:
-- they would write a tombstone, which says that the user has erased it.
begin;
set local session_replication_role = replica;
with gone as (
  delete from storage.objects as o
  where not exists (select from present as p where p.version = o.version::text)
  returning o.bucket_id, o.name
), unnamed as (
  delete from public.message_attachments as a using gone as g
  where g.bucket_id = 'attachments' and g.name = a.storage_path
  returning a.*
)
select 'missing: ' || g.bucket_id || '/' || g.name || coalesce(' ' || to_jsonb(u)::text, '')
from gone as g left join unnamed as u on g.bucket_id = 'attachments' and u.storage_path = g.name
order by 1;
commit;
