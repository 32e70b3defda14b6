-- Puts the functions back that 019 replaced.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '019' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '019';
end
$restore$;
