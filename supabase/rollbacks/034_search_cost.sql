-- Puts the former search back. Only a function and an index: no row is touched.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '034' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '034';
end
$restore$;
drop index if exists public.idx_chat_messages_user;
