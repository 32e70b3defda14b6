-- Drops the functions; suspensions stay rows of user_violations and bite again when 027 returns, unless they are over.
delete from airi_private.jobs where name = 'expire_suspensions';
select airi_private.schedule_jobs();
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '027' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '027';
end
$restore$;
drop function if exists
  public.lift_suspension(uuid, text), public.suspend_user(uuid, timestamptz, text),
  public.record_moderation(uuid, text, jsonb, uuid, timestamptz),
  public.record_violation(uuid, text, text, text, timestamptz), airi_private.expire_suspensions(timestamptz),
  airi_private.assert_not_suspended(uuid);
