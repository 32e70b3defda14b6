-- Puts the function back that 016 replaced.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '016' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '016';
end
$restore$;
