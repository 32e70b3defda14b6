-- Drops the runner; the list with what an operator changed in it, and what was noted of the runs, are kept in rollback_keep.
select airi_private.unschedule_jobs();
drop procedure if exists airi_private.run_job(text, timestamptz);
drop function if exists
  airi_private.crontab(), airi_private.schedule_jobs(), airi_private.unschedule_jobs(), airi_private.job_statement(text),
  airi_private.last_whole_run(text, timestamptz);
alter table airi_private.jobs set schema rollback_keep;
alter table airi_private.job_runs set schema rollback_keep;
