-- No row of a user is touched. Of the forms of one row that were taken back, the last one alone is remembered again.
delete from airi_private.sync_restored as r using airi_private.sync_restored as later
where later.user_id = r.user_id and later.table_name = r.table_name and later.row_id = r.row_id
  and later.change_seq > r.change_seq;
alter table airi_private.sync_restored drop constraint sync_restored_pkey;
alter table airi_private.sync_restored add primary key (user_id, table_name, row_id);

-- What stood before knows steps of 10^12 alone: a head that was moved by less goes on from there. Devices see a number that
-- is higher, as after any change.
update public.sync_heads set seq = (seq / 1000000000000 + 1) * 1000000000000 where seq % 1000000000000 >= 100000000000;

do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '038' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '038';
end
$restore$;

drop function if exists airi_private.form_of(uuid, text, uuid, bigint);
