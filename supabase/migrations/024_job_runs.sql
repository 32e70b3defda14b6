-- Housekeeping: the list of jobs, how one runs, and what is noted of each run. What they do is in 025.
--
-- A job over users runs for one user a transaction, so that nobody waits for another's work and no run holds many heads. It
-- may run twice at a time or break off anywhere: who comes second leaves, and the next run finds what is left to do.

do $returned$
declare
  v_name text;
begin
  foreach v_name in array array['jobs', 'job_runs'] loop
    if to_regclass('rollback_keep.' || v_name) is not null and to_regclass('airi_private.' || v_name) is null then
      execute format('alter table rollback_keep.%I set schema airi_private', v_name);
    end if;
  end loop;
end
$returned$;

-- A job is a function in airi_private: of (moment), or, with `users`, of (user, moment), called for each user that the
-- function `users` of (moment) names, and again until it did less than `batch`. Or it is a statement that knows no
-- transaction (VACUUM), which the scheduler runs as it stands. Schedule and enabled are the operator's to change.
create table if not exists airi_private.jobs (
  name text primary key,
  about text not null,
  schedule text not null,
  enabled boolean not null default true,
  does text,
  users text,
  batch bigint,
  statement text,
  check ((does is null) <> (statement is null))
);
create table if not exists airi_private.job_runs (
  id bigint generated always as identity primary key,
  job text not null,
  moment timestamptz not null,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  -- `overtaken`: it was running already. `failed`: for the users that `failed` counts, or as a whole, `error` being the first.
  status text not null default 'running' check (status in ('running', 'done', 'failed', 'overtaken')),
  users bigint not null default 0,
  rows bigint not null default 0,
  failed bigint not null default 0,
  error text
);
create index if not exists idx_job_runs_job on airi_private.job_runs (job, started_at desc);
alter table airi_private.jobs enable row level security;
alter table airi_private.job_runs enable row level security;
revoke all on airi_private.jobs, airi_private.job_runs from public, anon, authenticated;
grant all on airi_private.jobs, airi_private.job_runs to service_role;
drop policy if exists closed on airi_private.jobs;
create policy closed on airi_private.jobs for all to anon, authenticated using (false) with check (false);
drop policy if exists closed on airi_private.job_runs;
create policy closed on airi_private.job_runs for all to anon, authenticated using (false) with check (false);

-- The moment of the job's last run before p_now that did all it had to; null if there is none.
create or replace function airi_private.last_whole_run(p_job text, p_now timestamptz) returns timestamptz
language sql stable set search_path = '' as $$
  select max(r.moment) from airi_private.job_runs as r
  where r.job = p_job and r.status = 'done' and r.moment <= p_now
$$;

-- Runs a job: `call airi_private.run_job('…')`, outside of a transaction, since it commits after each user. It ends with an
-- error if anything failed, after all the rest was done and noted.
--
-- A procedure that commits cannot have a search_path of its own; so it empties the session's first and puts it back last.
create or replace procedure airi_private.run_job(p_job text, p_now timestamptz default pg_catalog.now())
language plpgsql as $$
declare
  v_path text;
  v_job record;
  v_run bigint;
  v_users uuid[];
  v_user uuid;
  v_rows bigint;
  v_seen bigint;
  v_all bigint;
  v_failed bigint;
  v_error text;
begin
  v_path := pg_catalog.current_setting('search_path');
  perform pg_catalog.set_config('search_path', '', false);
  select * into v_job from airi_private.jobs as j where j.name = p_job;
  if v_job.does is null then
    raise exception 'no job of this name can be called: %', p_job using errcode = '22023',
      detail = coalesce('run it as it stands: ' || v_job.statement, '');
  end if;
  if not pg_try_advisory_lock(hashtextextended('airi job ' || p_job, 0)) then
    insert into airi_private.job_runs (job, moment, finished_at, status)
    values (p_job, p_now, clock_timestamp(), 'overtaken');
    perform set_config('search_path', v_path, false);
    return;
  end if;
  -- Whoever has the lock is the only run there is.
  update airi_private.job_runs as r set status = 'failed', finished_at = clock_timestamp(), error = 'it broke off'
  where r.job = p_job and r.status = 'running';
  insert into airi_private.job_runs (job, moment) values (p_job, p_now) returning id into v_run;
  commit;

  v_seen := 0;
  v_all := 0;
  v_failed := 0;
  begin
    if v_job.users is null then
      execute format('select airi_private.%I($1)', v_job.does) into v_all using p_now;
    else
      execute format('select array_agg(u) from airi_private.%I($1) as u', v_job.users) into v_users using p_now;
    end if;
  exception when others then
    v_failed := 1;
    v_error := sqlerrm;
  end;
  commit;

  foreach v_user in array coalesce(v_users, '{}') loop
    v_seen := v_seen + 1;
    loop
      v_rows := 0;
      begin
        -- A user who is busy for so long is left to the next run.
        perform set_config('lock_timeout', '5s', true);
        execute format('select airi_private.%I($1, $2)', v_job.does) into v_rows using v_user, p_now;
      exception when others then
        v_rows := 0;
        v_failed := v_failed + 1;
        v_error := coalesce(v_error, sqlerrm);
      end;
      commit;
      v_all := v_all + coalesce(v_rows, 0);
      exit when v_job.batch is null or coalesce(v_rows, 0) < v_job.batch;
    end loop;
  end loop;

  update airi_private.job_runs as r set finished_at = clock_timestamp(), users = v_seen, rows = coalesce(v_all, 0),
    failed = v_failed, error = v_error, status = case when v_failed = 0 then 'done' else 'failed' end
  where r.id = v_run;
  perform set_config('search_path', v_path, false);
  commit;
  perform pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('airi job ' || p_job, 0));
  if v_failed > 0 then
    raise exception 'job % failed % times, first with: %', p_job, v_failed, v_error;
  end if;
end
$$;

-- ---------------------------------------------------------------------------------------------------------- scheduling
create or replace function airi_private.job_statement(p_job text) returns text
language sql stable set search_path = '' as $$
  select coalesce(j.statement, format('call airi_private.run_job(%L)', j.name)) from airi_private.jobs as j
  where j.name = p_job
$$;

-- Gives all enabled jobs to pg_cron and takes the others from it; without pg_cron does nothing. Returns how many it has.
-- To be called again after a change of the list, and when pg_cron was installed later.
create or replace function airi_private.schedule_jobs() returns int
language plpgsql set search_path = '' as $$
declare
  v_count int;
begin
  if to_regclass('cron.job') is null then
    return 0;
  end if;
  perform airi_private.unschedule_jobs();
  -- By name, since the linter looks for what stands here as it is, also where there is no pg_cron.
  execute format($cron$
    select count(%1$I.schedule('airi ' || j.name, j.schedule, airi_private.job_statement(j.name)))
    from airi_private.jobs as j where j.enabled
  $cron$, 'cron') into v_count;
  return v_count;
end
$$;
create or replace function airi_private.unschedule_jobs() returns void
language plpgsql set search_path = '' as $$
begin
  if to_regclass('cron.job') is not null then
    execute format($cron$
      select count(%1$I.unschedule(j.jobid)) from %1$I.job as j
      where j.jobname like 'airi %%' and j.database = current_database()
    $cron$, 'cron');
  end if;
end
$$;

-- The same for any other scheduler: lines of a crontab, for a user who reaches the database by psql's own settings.
create or replace function airi_private.crontab() returns setof text
language sql stable set search_path = '' as $$
  select format('%s  psql -X -q -v ON_ERROR_STOP=1 -c "%s"', j.schedule, airi_private.job_statement(j.name))
  from airi_private.jobs as j where j.enabled order by j.name
$$;

revoke all on procedure airi_private.run_job(text, timestamptz) from public, anon, authenticated;
revoke all on function
  airi_private.last_whole_run(text, timestamptz), airi_private.job_statement(text), airi_private.schedule_jobs(),
  airi_private.unschedule_jobs(), airi_private.crontab()
  from public, anon, authenticated;
grant execute on procedure airi_private.run_job(text, timestamptz) to service_role;
grant execute on function airi_private.last_whole_run(text, timestamptz), airi_private.crontab() to service_role;
