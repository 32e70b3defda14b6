-- Puts back the functions as 008 found them, the bad ones included: roll this back only to go on to a better repair.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '008' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '008';
end
$restore$;

drop function if exists airi_private.assert_caller(uuid);
drop schema if exists airi_legacy;
