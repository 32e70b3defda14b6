-- Drops the triggers and functions of 005. Numbers given so far stay on their rows. From here on changes go unnumbered;
-- the rollback of 004 makes clients compare everything when sync returns, so roll both back, or call for a new epoch:
-- the line below does so in case only this one is rolled back.
do $triggers$
declare
  made record;
begin
  for made in
    select tgname, tgrelid::regclass as target from pg_catalog.pg_trigger
    where not tgisinternal and tgname in ('zz_sync_insert', 'zz_sync_update', 'zz_sync_bury', 'zz_sync_forget',
      'aa_sync_lock', 'aa_sync_immutable', 'aa_own_conversation')
  loop
    execute format('drop trigger %I on %s', made.tgname, made.target);
  end loop;
end
$triggers$;

drop function if exists
  airi_private.lock_caller(), airi_private.lock_head(), airi_private.lock_user(uuid),
  airi_private.number_owned(), airi_private.number_profile(), airi_private.number_conversation(),
  airi_private.number_message(), airi_private.number_attachment(), airi_private.check_session(),
  airi_private.refuse_change(), airi_private.bury(), airi_private.forget_account(),
  airi_private.number_row(uuid, uuid), airi_private.bump(uuid, boolean), airi_private.ring(uuid, bigint);

update airi_private.sync_epoch set epoch = gen_random_uuid();
