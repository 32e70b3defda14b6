-- The private bucket of attachments and the private topic of each user. On Supabase both schemas exist; on a plain
-- PostgreSQL this file does nothing. Where a host lets only its own role manage these tables, the policies cannot be
-- made here: then nothing is open that should not be, and a warning says what to add by hand.

-- ------------------------------------------------------------------------------------------------------------- files
-- Objects are named {user_id}/{sha256}. The path is cut with split_part and not with storage.foldername, which need not
-- exist for a policy to hold.
do $bucket$
declare
  verb text;
  own constant text :=
    '(bucket_id = ''attachments'' and split_part(name, ''/'', 1) = (select auth.uid())::text)';
begin
  if to_regclass('storage.buckets') is null or to_regclass('storage.objects') is null then
    raise notice 'no storage here: the bucket of attachments is left out';
    return;
  end if;

  insert into rollback_keep.statements (migration, statement)
  select '013', format('update storage.buckets set public = %L, file_size_limit = %L where id = %L',
    b.public, b.file_size_limit, b.id)
  from storage.buckets as b where b.id = 'attachments';
  insert into storage.buckets (id, name, public, file_size_limit) values ('attachments', 'attachments', false, 209715200)
  on conflict (id) do update set public = false, file_size_limit = excluded.file_size_limit;

  foreach verb in array array['select', 'insert', 'update', 'delete'] loop
    execute format('drop policy if exists %I on storage.objects', 'airi_attachments_' || verb);
    execute format('create policy %I on storage.objects for %s to authenticated %s %s', 'airi_attachments_' || verb, verb,
      case when verb <> 'insert' then 'using ' || own end,
      case when verb in ('insert', 'update') then 'with check ' || own end);
  end loop;
exception when insufficient_privilege then
  raise warning 'the policies of storage.objects could not be made by this role: %', sqlerrm;
end
$bucket$;

-- ---------------------------------------------------------------------------------------------------------- doorbell
-- One may listen to one's own topic and send to none: the server rings, see airi_private.ring in 005.
do $topic$
begin
  if to_regclass('realtime.messages') is null or to_regprocedure('realtime.topic()') is null then
    raise notice 'no realtime here: clients pull by the clock';
    return;
  end if;
  execute 'drop policy if exists airi_own_topic on realtime.messages';
  execute 'create policy airi_own_topic on realtime.messages for select to authenticated using (
    extension = ''broadcast'' and (select realtime.topic()) = ''sync:'' || (select auth.uid())::text)';
exception when insufficient_privilege then
  raise warning 'the policy of realtime.messages could not be made by this role: %', sqlerrm;
end
$topic$;
