-- Drops the policies of 002. RLS stays on and nothing is granted back: without its policies a table is closed to
-- clients, never open to all.
do $policies$
declare
  policy record;
begin
  for policy in
    select tablename, policyname from pg_catalog.pg_policies
    where schemaname = 'public'
      and policyname in ('own_select', 'own_insert', 'own_update', 'own_delete', 'public_select', 'closed')
  loop
    execute format('drop policy %I on public.%I', policy.policyname, policy.tablename);
  end loop;
end
$policies$;
