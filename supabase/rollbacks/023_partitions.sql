-- Drops the functions and puts back a deployment's own. The partitions stay: rows live in them.
drop function if exists public.create_monthly_partition(date);
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '023' order by id loop
    execute noted.statement;
    -- As 008 left it.
    revoke all on function public.create_monthly_partition(date) from public, anon, authenticated;
    grant execute on function public.create_monthly_partition(date) to service_role;
  end loop;
  delete from rollback_keep.statements where migration = '023';
end
$restore$;
drop function if exists airi_private.make_partition(date);
