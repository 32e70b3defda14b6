-- Only triggers and functions: no row of a user is touched. Forms held under 0 mean nothing to what stood before.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '036' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '036';
end
$restore$;

drop trigger if exists zz_sync_made_anew on public.conversations;
drop trigger if exists zz_sync_made_anew on public.chat_messages;
drop trigger if exists zz_sync_made_anew on public.message_attachments;
drop function if exists airi_private.note_made_anew();
