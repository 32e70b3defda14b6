-- Only an index, statistics and a function: no row is touched.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '030' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '030';
end
$restore$;
drop index if exists public.idx_conversations_list;
drop statistics if exists public.chat_messages_one_owner;
drop function if exists airi_private.thread_page(uuid, int, timestamptz, uuid);
