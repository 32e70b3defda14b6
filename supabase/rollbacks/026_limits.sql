-- Drops the functions and views; what was used today and in this hour is kept in rollback_keep. What was written into
-- profiles and histories are the tables' own rows and stay.
drop view if exists airi_private.revenue_by_month, airi_private.subscriptions;
drop function if exists
  public.record_subscription(timestamptz, text, text, text, timestamptz, timestamptz, text, uuid, timestamptz, text, numeric, text),
  public.record_payment(text, numeric, text, text, uuid, text, text, text, timestamptz),
  public.get_my_limits(), public.reserve_generation(uuid, timestamptz), public.release_generation(uuid, timestamptz);
drop function if exists
  airi_private.customer(uuid, text), airi_private.suspended_until(uuid, timestamptz), airi_private.rate_limits(),
  airi_private.plan_limit(jsonb, text, text),
  airi_private.plan_at(text, text, timestamptz, timestamptz, timestamptz);
alter table airi_private.generations set schema rollback_keep;
