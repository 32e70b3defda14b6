-- Puts the function back that 035 replaced. No row is touched.
drop function if exists public.delete_my_account(text), airi_private.erase_caller(text);
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '035' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '035';
end
$restore$;
