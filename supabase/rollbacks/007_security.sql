-- Puts back the policies, grants and switches that 007 found, the bad ones included: after this a deployment is as open
-- as it was before. Roll this back only to go on to a better repair.
do $restore$
declare
  relation record;
  policy record;
  noted record;
begin
  for relation in
    select c.oid, c.relname from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
      and c.relname not in ('sync_heads', 'tombstones', 'sync_ops')
      and not exists (select from pg_catalog.pg_depend where objid = c.oid and deptype = 'e')
  loop
    execute format('revoke all on public.%I from public, anon, authenticated', relation.relname);
    for policy in select polname from pg_catalog.pg_policy where polrelid = relation.oid loop
      execute format('drop policy %I on public.%I', policy.polname, relation.relname);
    end loop;
  end loop;
  for noted in select statement from rollback_keep.statements where migration = '007' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '007';
end
$restore$;
