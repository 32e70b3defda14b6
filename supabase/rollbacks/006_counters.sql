-- Puts the counting triggers back that 006 found. The numbers themselves stay as they are.
drop trigger if exists zz_count_inserted on public.chat_messages;
drop trigger if exists zz_count_updated on public.chat_messages;
drop trigger if exists zz_count_deleted on public.chat_messages;
drop function if exists airi_private.count_inserted(), airi_private.count_updated(), airi_private.count_deleted();

do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '006' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '006';
end
$restore$;
