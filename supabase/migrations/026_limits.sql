-- What the service spends on a user is limited by the plan and counted here: its own generating, and nothing else. Messages
-- that are stored, synced, imported or made with the user's own key never come by here, and are never refused.
--
-- The service takes a place before it generates (`reserve_generation`) and gives it back if nothing came of it. Places are
-- counted by the UTC day and the UTC hour, under the user's own row, so that two requests cannot take the last one both.

do $returned$
begin
  if to_regclass('rollback_keep.generations') is not null and to_regclass('airi_private.generations') is null then
    alter table rollback_keep.generations set schema airi_private;
  end if;
end
$returned$;
create table if not exists airi_private.generations (
  user_id uuid primary key references public.user_profiles (id) on delete cascade,
  day date not null,
  of_day int not null default 0,
  hour timestamptz not null,
  of_hour int not null default 0
) with (fillfactor = 50);
alter table airi_private.generations enable row level security;
revoke all on airi_private.generations from public, anon, authenticated;
grant all on airi_private.generations to service_role;
grant select on airi_private.generations to authenticated;
drop policy if exists own_select on airi_private.generations;
create policy own_select on airi_private.generations for select to authenticated using ((select auth.uid()) = user_id);

-- The plan that counts at a moment: a trial and a canceled subscription last until they end, one whose payment is overdue
-- until the period that was paid for ends; paused is not paid for.
create or replace function airi_private.plan_at(
  p_tier text, p_status text, p_trial_ends_at timestamptz, p_subscription_ends_at timestamptz, p_now timestamptz
) returns text
language sql immutable set search_path = '' as $$
  select case
    when p_status = 'active' then p_tier
    when p_status = 'trialing' and coalesce(p_trial_ends_at > p_now, true) then p_tier
    when p_status in ('canceled', 'past_due') and p_subscription_ends_at > p_now then p_tier
    else 'free'
  end
$$;

-- A limit of a plan; null: none. A plan that the settings do not name has the limit of the free one.
create or replace function airi_private.plan_limit(p_limits jsonb, p_kind text, p_plan text) returns int
language plpgsql immutable set search_path = '' as $$
declare
  v_limit jsonb := coalesce(p_limits #> array[p_kind, p_plan], p_limits #> array[p_kind, 'free']);
begin
  if jsonb_typeof(v_limit) <> 'number' or v_limit::numeric not between 0 and 2000000000 then
    return null;
  end if;
  return v_limit::numeric::int;
end
$$;

create or replace function airi_private.rate_limits() returns jsonb
language sql stable set search_path = '' as $$
  select s.value from public.system_settings as s where s.key = 'rate_limits'
$$;

-- Until when the user may not write or have anything generated: null if they may, infinity if for good. 027 makes it real.
create or replace function airi_private.suspended_until(p_user_id uuid, p_now timestamptz) returns timestamptz
language sql stable set search_path = '' as $$
  select max(coalesce(v.expires_at, 'infinity')) from public.user_violations as v
  where v.user_id = p_user_id and v.action_taken = 'suspended' and coalesce(v.expires_at > p_now, true)
$$;

-- For the service: {allowed, reason, plan, used, limit, resets_at, until}. `reason`: no_account, maintenance, suspended,
-- limit_day, limit_hour, or null. `used` and `limit` are of the limit that stands in the way, else of the day.
create or replace function public.reserve_generation(p_user_id uuid, p_now timestamptz default now()) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_day date := (p_now at time zone 'UTC')::date;
  v_hour timestamptz := date_trunc('hour', p_now, 'UTC');
  v_limits jsonb := airi_private.rate_limits();
  v_plan text;
  v_taken airi_private.generations;
  v_per_day int;
  v_per_hour int;
  v_until timestamptz;
  v_maintenance jsonb;
begin
  select airi_private.plan_at(p.subscription_tier, p.subscription_status, p.trial_ends_at, p.subscription_ends_at, p_now)
  into v_plan from public.user_profiles as p where p.id = p_user_id;
  if not found then
    return jsonb_build_object('allowed', false, 'reason', 'no_account');
  end if;
  select s.value into v_maintenance from public.system_settings as s where s.key = 'maintenance_mode';
  if v_maintenance = 'true' or v_maintenance ->> 'enabled' = 'true' then
    return jsonb_build_object('allowed', false, 'reason', 'maintenance', 'plan', v_plan);
  end if;
  v_until := airi_private.suspended_until(p_user_id, p_now);
  if v_until is not null then
    return jsonb_build_object('allowed', false, 'reason', 'suspended', 'plan', v_plan,
      'until', nullif(v_until, 'infinity'));
  end if;

  insert into airi_private.generations as g (user_id, day, hour) values (p_user_id, v_day, v_hour)
  on conflict (user_id) do update set
    day = excluded.day, of_day = case when g.day = excluded.day then g.of_day else 0 end,
    hour = excluded.hour, of_hour = case when g.hour = excluded.hour then g.of_hour else 0 end
  returning * into v_taken;
  v_per_day := airi_private.plan_limit(v_limits, 'messages_per_day', v_plan);
  v_per_hour := airi_private.plan_limit(v_limits, 'requests_per_hour', v_plan);
  if v_taken.of_day >= v_per_day then
    return jsonb_build_object('allowed', false, 'reason', 'limit_day', 'plan', v_plan, 'used', v_taken.of_day,
      'limit', v_per_day, 'resets_at', (v_day + 1)::timestamp at time zone 'UTC');
  end if;
  if v_taken.of_hour >= v_per_hour then
    return jsonb_build_object('allowed', false, 'reason', 'limit_hour', 'plan', v_plan, 'used', v_taken.of_hour,
      'limit', v_per_hour, 'resets_at', v_hour + interval '1 hour');
  end if;
  update airi_private.generations as g set of_day = g.of_day + 1, of_hour = g.of_hour + 1 where g.user_id = p_user_id;
  return jsonb_build_object('allowed', true, 'reason', null, 'plan', v_plan, 'used', v_taken.of_day + 1,
    'limit', v_per_day, 'resets_at', (v_day + 1)::timestamp at time zone 'UTC');
end
$$;

-- Gives a place back that nothing came of. Only of the same hour and day: later the count has begun anew.
create or replace function public.release_generation(p_user_id uuid, p_reserved_at timestamptz default now()) returns void
language sql set search_path = '' as $$
  update airi_private.generations as g set
    of_day = case when g.day = (p_reserved_at at time zone 'UTC')::date then greatest(g.of_day - 1, 0) else g.of_day end,
    of_hour = case when g.hour = date_trunc('hour', p_reserved_at, 'UTC') then greatest(g.of_hour - 1, 0) else g.of_hour end
  where g.user_id = p_user_id
$$;

-- For the caller: their plan, what is used and left of today and of this hour, and whether they are suspended. Reads only
-- what they may read anyhow.
create or replace function public.get_my_limits() returns json
language sql stable set search_path = '' as $$
  select json_build_object(
    'plan', now_is.plan, 'tier', p.subscription_tier, 'status', p.subscription_status,
    'day', json_build_object('used', coalesce(g.of_day, 0), 'limit', now_is.per_day,
      'left', greatest(now_is.per_day - coalesce(g.of_day, 0), 0),
      'resets_at', airi_private.as_time(date_trunc('day', now(), 'UTC') + interval '1 day')),
    'hour', json_build_object('used', coalesce(h.of_hour, 0), 'limit', now_is.per_hour,
      'left', greatest(now_is.per_hour - coalesce(h.of_hour, 0), 0),
      'resets_at', airi_private.as_time(date_trunc('hour', now(), 'UTC') + interval '1 hour')),
    'suspended', s.until is not null, 'suspended_until', airi_private.as_time(nullif(s.until, 'infinity'))
  )
  from public.user_profiles as p
  cross join lateral (
    select plan.plan, airi_private.plan_limit(l.limits, 'messages_per_day', plan.plan) as per_day,
      airi_private.plan_limit(l.limits, 'requests_per_hour', plan.plan) as per_hour
    from airi_private.plan_at(p.subscription_tier, p.subscription_status, p.trial_ends_at, p.subscription_ends_at, now())
      as plan (plan), airi_private.rate_limits() as l (limits)
  ) as now_is
  left join airi_private.generations as g on g.user_id = p.id and g.day = (now() at time zone 'UTC')::date
  left join airi_private.generations as h on h.user_id = p.id and h.hour = date_trunc('hour', now(), 'UTC')
  cross join lateral (select airi_private.suspended_until(p.id, now()) as until) as s
  where p.id = (select auth.uid())
$$;

revoke all on function
  airi_private.plan_at(text, text, timestamptz, timestamptz, timestamptz), airi_private.plan_limit(jsonb, text, text),
  airi_private.rate_limits(), airi_private.suspended_until(uuid, timestamptz),
  public.reserve_generation(uuid, timestamptz), public.release_generation(uuid, timestamptz), public.get_my_limits()
  from public, anon, authenticated;
grant execute on function
  airi_private.plan_at(text, text, timestamptz, timestamptz, timestamptz), airi_private.plan_limit(jsonb, text, text),
  airi_private.rate_limits(), airi_private.suspended_until(uuid, timestamptz), public.get_my_limits()
  to authenticated, service_role;
grant execute on function public.reserve_generation(uuid, timestamptz), public.release_generation(uuid, timestamptz)
  to service_role;

-- ------------------------------------------------------------------------------------------------------------- billing
-- What a webhook of Stripe says, written once however often and in whatever order it comes: an event older than the last one
-- that was taken changes only the history. For the server only. Whom it is about is told by the id of Stripe's customer.
create or replace function airi_private.customer(p_user_id uuid, p_customer text) returns uuid
language plpgsql set search_path = '' as $$
declare
  v_user_id uuid := p_user_id;
begin
  if v_user_id is null then
    select p.id into v_user_id from public.user_profiles as p where p.stripe_customer_id = p_customer;
  end if;
  perform airi_private.lock_user(v_user_id);
  if not exists (select from public.user_profiles as p where p.id = v_user_id) then
    raise exception 'no account for this customer: %', coalesce(p_customer, p_user_id::text) using errcode = '02000';
  end if;
  return v_user_id;
end
$$;

create or replace function public.record_subscription(
  p_event_at timestamptz, p_tier text, p_status text, p_subscription text, p_period_start timestamptz,
  p_period_end timestamptz, p_customer text default null, p_user_id uuid default null, p_trial_ends_at timestamptz default null,
  p_invoice text default null, p_amount numeric default null, p_currency text default 'USD'
) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_user_id uuid := airi_private.customer(p_user_id, p_customer);
  v_taken boolean;
begin
  if not exists (
    select from public.subscription_history as h
    where h.user_id = v_user_id and h.stripe_subscription_id = p_subscription and h.tier = p_tier and h.status = p_status
      and h.period_start = p_period_start and h.stripe_invoice_id is not distinct from p_invoice
  ) then
    insert into public.subscription_history (user_id, stripe_subscription_id, stripe_invoice_id, tier, status, amount,
      currency, period_start, period_end, created_at)
    values (v_user_id, p_subscription, p_invoice, p_tier, p_status, p_amount, upper(p_currency), p_period_start,
      p_period_end, p_event_at);
  end if;
  update public.user_profiles as p set
    subscription_tier = p_tier, subscription_status = p_status, stripe_subscription_id = p_subscription,
    stripe_customer_id = coalesce(p_customer, p.stripe_customer_id), trial_ends_at = p_trial_ends_at,
    subscription_ends_at = p_period_end,
    metadata = airi_private.as_object(p.metadata) || jsonb_build_object('billing_event_at', airi_private.as_time(p_event_at))
  where p.id = v_user_id
    and coalesce(airi_private.as_time(p_event_at) >= p.metadata ->> 'billing_event_at', true);
  v_taken := found;
  return v_taken;
end
$$;

create or replace function public.record_payment(
  p_payment_intent text, p_amount numeric, p_status text, p_customer text default null, p_user_id uuid default null,
  p_invoice text default null, p_currency text default 'USD', p_description text default null,
  p_paid_at timestamptz default now()
) returns uuid
language plpgsql set search_path = '' as $$
declare
  v_user_id uuid := airi_private.customer(p_user_id, p_customer);
  v_id uuid;
begin
  insert into public.payment_history as h (user_id, stripe_payment_intent_id, stripe_invoice_id, amount, currency, status,
    description, created_at)
  values (v_user_id, p_payment_intent, p_invoice, p_amount, upper(p_currency), p_status, p_description, p_paid_at)
  on conflict (stripe_payment_intent_id) do update set
    status = excluded.status, amount = excluded.amount,
    stripe_invoice_id = coalesce(excluded.stripe_invoice_id, h.stripe_invoice_id),
    description = coalesce(excluded.description, h.description)
  where h.user_id = excluded.user_id
  returning h.id into v_id;
  if v_id is null then
    raise exception 'this payment is another account''s: %', p_payment_intent using errcode = '23505';
  end if;
  return v_id;
end
$$;

revoke all on function
  airi_private.customer(uuid, text),
  public.record_subscription(timestamptz, text, text, text, timestamptz, timestamptz, text, uuid, timestamptz, text, numeric, text),
  public.record_payment(text, numeric, text, text, uuid, text, text, text, timestamptz)
  from public, anon, authenticated;
grant execute on function
  airi_private.customer(uuid, text),
  public.record_subscription(timestamptz, text, text, text, timestamptz, timestamptz, text, uuid, timestamptz, text, numeric, text),
  public.record_payment(text, numeric, text, text, uuid, text, text, text, timestamptz)
  to service_role;

-- Revenue, for whoever runs the service: what was paid by month and currency, and who pays what at present.
create or replace view airi_private.revenue_by_month with (security_invoker = true) as
select date_trunc('month', h.created_at at time zone 'UTC')::date as month, h.currency,
  sum(h.amount) filter (where h.status in ('paid', 'succeeded')) as paid,
  sum(h.amount) filter (where h.status = 'refunded') as refunded,
  count(distinct h.user_id) filter (where h.status in ('paid', 'succeeded')) as payers,
  count(*) filter (where h.status not in ('paid', 'succeeded', 'refunded')) as not_paid
from public.payment_history as h
group by 1, 2;
create or replace view airi_private.subscriptions with (security_invoker = true) as
select p.subscription_tier as tier, p.subscription_status as status, count(*) as users,
  count(*) filter (where p.subscription_ends_at < now() + interval '7 days') as ending_in_a_week
from public.user_profiles as p
group by 1, 2;
revoke all on airi_private.revenue_by_month, airi_private.subscriptions from public, anon, authenticated;
grant select on airi_private.revenue_by_month, airi_private.subscriptions to service_role;
