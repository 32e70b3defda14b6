-- Puts the function back that 014 replaced, and keeps what the column held, where a new 014 finds it: a server that was
-- restored in between is then still seen as another one.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '014' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '014';
end
$restore$;

create table rollback_keep.epochs_of_heads as select user_id, epoch from public.sync_heads where epoch is not null;
alter table rollback_keep.epochs_of_heads add primary key (user_id);
alter table public.sync_heads drop column epoch;
