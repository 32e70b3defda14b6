-- Puts the former functions back; no row is touched. Where chat_messages has partitions, take it out of them first
-- (partition-messages.sh: connect, verify, switch, then finish): the former functions know one table.
do $restore$
declare
  noted record;
begin
  if exists (
    select from pg_catalog.pg_partitioned_table where partrelid = to_regclass('public.chat_messages')
  ) then
    raise exception 'chat_messages has partitions: bring it back first with partition-messages.sh: connect, verify, switch, finish';
  end if;
  for noted in select statement from rollback_keep.statements where migration = '037' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '037';
end
$restore$;
