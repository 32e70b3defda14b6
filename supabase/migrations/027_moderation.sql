-- Moderation: every check is logged, what goes too far is a violation, violations lead from a warning to suspensions that
-- grow, and a suspension bites at once and ends by itself. Who is suspended cannot write or have anything generated; they
-- still read, pull, export, and erase what is theirs.
--
-- A suspension is a row of user_violations (action_taken `suspended`, until expires_at; null: for good), which its user may
-- read. Nothing has to happen for it to end: every look compares with the clock.

insert into rollback_keep.statements (migration, statement)
select '027', pg_catalog.pg_get_functiondef(f::regprocedure)
from unnest(array['airi_private.lock_head()', 'airi_private.lock_caller()']) as f;

-- HTTP 403, the words as details.
create or replace function airi_private.assert_not_suspended(p_user_id uuid) returns void
language plpgsql stable set search_path = '' as $$
declare
  v_until timestamptz := airi_private.suspended_until(p_user_id, now());
begin
  if v_until is not null then
    raise exception 'suspended' using errcode = 'PT403', detail = format(
      'This account is suspended%s. Reading and exporting go on; what was written meanwhile stays on the device.',
      case when v_until < 'infinity' then ' until ' || to_char(v_until at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC' end);
  end if;
end
$$;

-- Before a client's statement on what is synced (005), and before a push. What is the user's they may erase at any time.
create or replace function airi_private.lock_head() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is not null then
    perform airi_private.lock_user(v_user_id);
    if tg_op <> 'DELETE' then
      perform airi_private.assert_not_suspended(v_user_id);
    end if;
  end if;
  return null;
end
$$;
create or replace function airi_private.lock_caller() returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is null then
    raise exception 'not signed in' using errcode = '28000';
  end if;
  perform airi_private.lock_user(v_user_id);
  perform airi_private.assert_not_suspended(v_user_id);
end
$$;

-- ----------------------------------------------------------------------------------------------------------- violations
-- The n-th violation within 90 days: two warnings, then a day, a week, a month; from the eighth on for good. A critical one
-- begins at a month. {action, until}: `warned` or `suspended`; until null with `suspended` is for good.
create or replace function public.record_violation(
  p_user_id uuid, p_type text, p_severity text, p_description text default null, p_now timestamptz default now()
) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_count int;
  v_for interval;
  v_action text;
  v_until timestamptz;
begin
  perform airi_private.lock_user(p_user_id);
  select count(*) + 1 into v_count from public.user_violations as v
  where v.user_id = p_user_id and v.created_at > p_now - interval '90 days' and v.action_taken is distinct from 'lifted';
  v_for := case
    when v_count >= 5 or p_severity = 'critical' then interval '30 days'
    when v_count = 4 then interval '7 days'
    when v_count = 3 then interval '1 day'
  end;
  v_action := case when v_for is null then 'warned' else 'suspended' end;
  if v_count < 8 then
    v_until := p_now + v_for;
  end if;
  insert into public.user_violations (user_id, violation_type, severity, description, action_taken, expires_at, created_at)
  values (p_user_id, p_type, p_severity, p_description, v_action, v_until, p_now);
  return jsonb_build_object('action', v_action, 'until', v_until, 'count', v_count);
end
$$;

-- One check of a text by whatever judges it, logged whatever comes of it. Scores are between 0 and 1 by category; what they
-- mean is in the setting moderation_thresholds: from `flag` on the message is marked, from `block` on it is a violation, from
-- `critical` on a critical one. {flagged, blocked, category, action, until}.
create or replace function public.record_moderation(
  p_user_id uuid, p_content text, p_scores jsonb, p_message_id uuid default null, p_now timestamptz default now()
) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_thresholds jsonb;
  v_flag numeric;
  v_block numeric;
  v_critical numeric;
  v_category text;
  v_score numeric;
  v_categories jsonb;
  v_answer jsonb;
  v_message uuid;
begin
  select s.value into v_thresholds from public.system_settings as s where s.key = 'moderation_thresholds';
  v_flag := coalesce((v_thresholds ->> 'flag')::numeric, 0.5);
  v_block := coalesce((v_thresholds ->> 'block')::numeric, 0.9);
  v_critical := (v_thresholds ->> 'critical')::numeric;
  select s.key, s.value::numeric into v_category, v_score from jsonb_each_text(p_scores) as s
  order by s.value::numeric desc, s.key limit 1;
  select coalesce(jsonb_object_agg(s.key, s.value::numeric >= v_flag), '{}') into v_categories
  from jsonb_each_text(p_scores) as s;
  v_answer := jsonb_build_object('flagged', coalesce(v_score >= v_flag, false),
    'blocked', coalesce(v_score >= v_block, false), 'category', v_category);

  perform airi_private.lock_user(p_user_id);
  update public.chat_messages as m set flagged_for_moderation = (v_answer ->> 'flagged')::boolean,
    moderation_results = jsonb_build_object('scores', p_scores, 'checked_at', airi_private.as_time(p_now))
  where m.id = p_message_id and m.user_id = p_user_id
  returning m.id into v_message;
  if v_score >= v_block then
    v_answer := v_answer || public.record_violation(p_user_id, left(v_category, 50),
      case when v_score >= v_critical then 'critical' else 'high' end, null, p_now);
  end if;
  insert into public.moderation_logs (user_id, message_id, content, flagged, categories, scores, action_taken, created_at)
  values (p_user_id, v_message, p_content, (v_answer ->> 'flagged')::boolean, v_categories, p_scores,
    v_answer ->> 'action', p_now);
  return v_answer;
end
$$;

-- By hand: until a moment, or for good. Returns the row's id.
create or replace function public.suspend_user(p_user_id uuid, p_until timestamptz, p_reason text) returns uuid
language plpgsql set search_path = '' as $$
declare
  v_id uuid;
begin
  perform airi_private.lock_user(p_user_id);
  insert into public.user_violations (user_id, violation_type, severity, description, action_taken, expires_at)
  values (p_user_id, 'by_hand', 'high', p_reason, 'suspended', p_until) returning id into v_id;
  return v_id;
end
$$;

-- Ends all suspensions of a user at once; what was lifted counts for nothing later. Returns how many there were.
create or replace function public.lift_suspension(p_user_id uuid, p_reason text default null) returns int
language plpgsql set search_path = '' as $$
declare
  v_count int;
begin
  perform airi_private.lock_user(p_user_id);
  update public.user_violations as v set action_taken = 'lifted',
    metadata = airi_private.as_object(v.metadata)
      || jsonb_build_object('lifted_at', airi_private.as_time(now()), 'lifted_because', p_reason)
  where v.user_id = p_user_id and v.action_taken = 'suspended' and coalesce(v.expires_at > now(), true);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- The job: suspensions that are over are named so, for whoever reads the list. They were over before.
create or replace function airi_private.expire_suspensions(p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  v_count bigint;
begin
  update public.user_violations as v set action_taken = 'expired'
  where v.action_taken = 'suspended' and v.expires_at <= p_now;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function
  airi_private.assert_not_suspended(uuid), airi_private.expire_suspensions(timestamptz),
  public.record_violation(uuid, text, text, text, timestamptz),
  public.record_moderation(uuid, text, jsonb, uuid, timestamptz), public.suspend_user(uuid, timestamptz, text),
  public.lift_suspension(uuid, text)
  from public, anon, authenticated;
grant execute on function
  public.record_violation(uuid, text, text, text, timestamptz),
  public.record_moderation(uuid, text, jsonb, uuid, timestamptz), public.suspend_user(uuid, timestamptz, text),
  public.lift_suspension(uuid, text)
  to service_role;

insert into airi_private.jobs (name, about, schedule, does) values
  ('expire_suspensions', 'Names suspensions that are over', '*/10 * * * *', 'expire_suspensions')
on conflict (name) do update set about = excluded.about, does = excluded.does;
select airi_private.schedule_jobs();
