-- What an operator does with one account: find, export, erase. (Suspend and lift are in 027.) For the server only;
-- docs/operations.md has the runbook.

-- Definers, because the server's role owns nothing in auth. Neither is granted to anyone who signs in.
create or replace function airi_private.accounts_like(p_query text) returns table (
  id uuid, email text, created_at timestamptz, last_sign_in_at timestamptz
)
language sql stable security definer set search_path = '' as $$
  select u.id, u.email::text, u.created_at, u.last_sign_in_at from auth.users as u
  left join public.user_profiles as p on p.id = u.id
  where u.id::text = lower(p_query) or lower(u.email) = lower(p_query) or lower(p.username) = lower(p_query)
    or p.stripe_customer_id = p_query
    or length(p_query) >= 3 and (
      starts_with(lower(u.email), lower(p_query)) or starts_with(lower(p.username), lower(p_query)))
  order by u.created_at, u.id limit 100
$$;
create or replace function airi_private.delete_account(p_user_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  delete from auth.users as u where u.id = p_user_id;
  return found;
end
$$;

-- By id, e-mail, user name or Stripe customer, the first two also by their first three characters or more.
create or replace function public.find_users(p_query text) returns table (
  id uuid, email text, username varchar, plan text, tier varchar, status varchar, stripe_customer_id varchar,
  created_at timestamptz, last_sign_in_at timestamptz, last_sync_at timestamptz, conversations bigint, violations bigint,
  suspended_until timestamptz
)
language sql stable set search_path = '' as $$
  select a.id, a.email, p.username,
    airi_private.plan_at(p.subscription_tier, p.subscription_status, p.trial_ends_at, p.subscription_ends_at, now()),
    p.subscription_tier, p.subscription_status, p.stripe_customer_id, a.created_at, a.last_sign_in_at,
    (select max(d.last_sync_at) from public.sync_devices as d where d.user_id = a.id),
    (select count(*) from public.conversations as c where c.user_id = a.id),
    (select count(*) from public.user_violations as v where v.user_id = a.id),
    airi_private.suspended_until(a.id, now())
  from airi_private.accounts_like(p_query) as a
  left join public.user_profiles as p on p.id = a.id
$$;

-- A user's conversations, one file of the app's own format each, as the user would get them.
create or replace function public.export_user_conversations(p_user_id uuid)
returns table (conversation_id uuid, updated_at timestamptz, file json)
language plpgsql set search_path = '' as $$
declare
  v_claims text := current_setting('request.jwt.claims', true);
begin
  -- export_conversation_json reads the caller's own; here the caller acts as the user, and not a line longer.
  for conversation_id, updated_at in
    select c.id, c.updated_at from public.conversations as c
    where c.user_id = p_user_id and c.deleted_at is null order by c.created_at, c.id
  loop
    perform set_config('request.jwt.claims', jsonb_build_object('sub', p_user_id)::text, true);
    file := public.export_conversation_json(conversation_id);
    perform set_config('request.jwt.claims', coalesce(v_claims, ''), true);
    return next;
  end loop;
end
$$;

-- The rest of what is kept of a user, as rows of the tables.
create or replace function public.export_user_account(p_user_id uuid) returns json
language sql stable set search_path = '' as $$
  select json_build_object(
    'format', 'airi-account', 'version', 1,
    'profile', to_jsonb(p) - 'change_seq',
    'usage_logs', (select coalesce(jsonb_agg(to_jsonb(u) - 'change_seq' order by u.created_at, u.id), '[]')
      from public.usage_logs as u where u.user_id = p.id),
    'usage_daily_aggregates', (select coalesce(jsonb_agg(to_jsonb(u) - 'change_seq' order by u.date), '[]')
      from public.usage_daily_aggregates as u where u.user_id = p.id),
    'subscription_history', (select coalesce(jsonb_agg(to_jsonb(h) - 'change_seq' order by h.created_at, h.id), '[]')
      from public.subscription_history as h where h.user_id = p.id),
    'payment_history', (select coalesce(jsonb_agg(to_jsonb(h) - 'change_seq' order by h.created_at, h.id), '[]')
      from public.payment_history as h where h.user_id = p.id),
    'user_violations', (select coalesce(jsonb_agg(to_jsonb(v) order by v.created_at, v.id), '[]')
      from public.user_violations as v where v.user_id = p.id),
    'devices', (select coalesce(jsonb_agg(to_jsonb(d) - 'session_id' order by d.first_seen_at, d.id), '[]')
      from public.sync_devices as d where d.user_id = p.id)
  )
  from public.user_profiles as p where p.id = p_user_id
$$;

-- Erases an account with all its rows, for good. The answer names the objects of storage that were its: their bytes are
-- deleted by Storage's API, which is the only one that may.
create or replace function public.erase_user(p_user_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_objects jsonb;
  v_erased boolean;
begin
  perform airi_private.lock_user(p_user_id);
  if to_regclass('storage.objects') is not null then
    execute 'select coalesce(jsonb_agg(jsonb_build_object(''bucket'', o.bucket_id, ''name'', o.name) order by o.name), ''[]'')
      from storage.objects as o where starts_with(o.name, $1 || ''/'')' into v_objects using p_user_id::text;
  end if;
  v_erased := airi_private.delete_account(p_user_id);
  return jsonb_build_object('erased', v_erased, 'objects', coalesce(v_objects, '[]'));
end
$$;

revoke all on function
  airi_private.accounts_like(text), airi_private.delete_account(uuid), public.find_users(text),
  public.export_user_conversations(uuid), public.export_user_account(uuid), public.erase_user(uuid)
  from public, anon, authenticated;
grant execute on function
  airi_private.accounts_like(text), airi_private.delete_account(uuid), public.find_users(text),
  public.export_user_conversations(uuid), public.export_user_account(uuid), public.erase_user(uuid)
  to service_role;
