-- Puts the old search_path back. Only functions and views: no row is touched.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '031' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '031';
end
$restore$;
drop view if exists airi_visible.chat_messages, airi_visible.conversations;
drop schema if exists airi_visible;
