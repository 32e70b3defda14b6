-- Plans, what the service may spend, and what a webhook of Stripe writes.
begin;
\ir fixtures/people.sql
select no_plan();

insert into public.system_settings (key, value) values ('rate_limits', '{}'), ('maintenance_mode', '{"enabled": false}') on conflict do nothing;
update public.system_settings set is_public = true, value = '{"messages_per_day": {"free": 3, "plus": 5, "pro": -1}, "requests_per_hour": {"free": 2, "plus": 9, "pro": -1}}'
where key = 'rate_limits';
create function pg_temp.at(p_time text) returns timestamptz language sql as $$ select '2031-05-01 00:00+00'::timestamptz + p_time::interval $$;
create function pg_temp.reserve(p_time text) returns text language sql as $$
  select concat_ws(' ', case when r.a ->> 'allowed' = 'true' then 'yes' else r.a ->> 'reason' end, r.a ->> 'plan', r.a ->> 'used', r.a ->> 'limit')
  from (select public.reserve_generation(pg_temp.a(), pg_temp.at(p_time)) as a offset 0) as r $$;

-- ---------------------------------------------------------------------------------------------------------------- plans
select is(airi_private.plan_at('pro', s, t, e, pg_temp.at('12:00')), p, format('%s, trial %s, until %s', s, t, e))
from (values ('active', null::timestamptz, null::timestamptz, 'pro'), ('active', null, pg_temp.at('11:00'), 'pro'),
  ('trialing', pg_temp.at('13:00'), null, 'pro'), ('trialing', pg_temp.at('12:00'), null, 'free'), ('trialing', null, null, 'pro'),
  ('canceled', null, pg_temp.at('13:00'), 'pro'), ('canceled', null, pg_temp.at('11:00'), 'free'), ('canceled', null, null, 'free'),
  ('past_due', null, pg_temp.at('13:00'), 'pro'), ('past_due', null, pg_temp.at('11:00'), 'free'), ('paused', null, pg_temp.at('13:00'), 'free'))
  as x (s, t, e, p);
select is(airi_private.plan_limit('{"m":{"free":3,"pro":-1,"plus":"x"}}', k, p), l, format('%s of %s', k, p))
from (values ('m', 'free', 3), ('m', 'pro', null), ('m', 'plus', null), ('m', 'enterprise', 3), ('other', 'free', null)) as x (k, p, l);

-- ------------------------------------------------------------------------------------------------------------- spending
set local role service_role;
select is(pg_temp.reserve('10:00'), 'yes free 1 3', 'a place of the day');
select is(pg_temp.reserve('10:59:59'), 'yes free 2 3', 'another');
select is(pg_temp.reserve('10:59:59'), 'limit_hour free 2 2', 'the hour is full');
select is(public.reserve_generation(pg_temp.a(), pg_temp.at('10:30')) ->> 'resets_at', to_jsonb(pg_temp.at('11:00')) #>> '{}', 'until the next');
select is(pg_temp.reserve('11:00'), 'yes free 3 3', 'which has begun');
select is(pg_temp.reserve('12:00'), 'limit_day free 3 3', 'the day is full, and refusals count for nothing');
select lives_ok($$select public.release_generation(pg_temp.a(), pg_temp.at('12:10'))$$, 'a place that nothing came of');
select is(pg_temp.reserve('12:20'), 'yes free 3 3', 'is free again');
select is(pg_temp.reserve('24:00'), 'yes free 1 3', 'the next day has all');
select lives_ok($$select public.release_generation(pg_temp.a(), pg_temp.at('12:10'))$$, 'giving back one of yesterday''s');
select is(pg_temp.reserve('24:01'), 'yes free 2 3', 'adds none to today''s');
select is(public.reserve_generation(gen_random_uuid()) ->> 'reason', 'no_account', 'nobody has nothing');
select is(public.reserve_generation(pg_temp.b(), pg_temp.at('12:00')) ->> 'used', '1', 'everyone has their own');
reset role;
update public.user_profiles set subscription_tier = 'pro' where id = pg_temp.a();
select is(pg_temp.reserve('24:02'), 'yes pro 3', 'a plan without a limit has none');
update public.system_settings set value = '{"enabled": true}' where key = 'maintenance_mode';
select is(pg_temp.reserve('24:03'), 'maintenance pro', 'nothing is generated during maintenance');
update public.system_settings set value = '{"enabled": false}' where key = 'maintenance_mode';
update public.user_profiles set subscription_tier = 'free' where id = pg_temp.a();
delete from airi_private.generations;

-- What is stored, synced, imported or made with one's own key is never refused and counts for nothing.
select public.reserve_generation(pg_temp.a(), now()) from generate_series(1, 9);
select pg_temp.act_as(pg_temp.a());
insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
select pg_temp.id('a', 'conversation'), pg_temp.a(), 'user', 'x', now() from generate_series(1, 600);
select is((select count(*) from public.chat_messages), 601::bigint, 'messages beyond any limit are stored');
select is(public.get_my_limits() #>> '{day,used}', '2', 'and count for nothing');
select results_eq($$ select l ->> 'plan', l #>> '{day,limit}', l #>> '{day,left}', l #>> '{hour,left}', l ->> 'suspended'
  from public.get_my_limits() as l $$, $$ values ('free', '3', '1', '0', 'false') $$, 'a user sees what is left');
select throws_ok('select public.reserve_generation(pg_temp.a())', '42501', null, 'takes no place by themselves');
select throws_ok('select public.release_generation(pg_temp.a())', '42501', null, 'nor gives one back');
select throws_ok('update airi_private.generations set of_day = 0', '42501', null, 'nor counts anew');
select pg_temp.act_as(pg_temp.b());
select is(public.get_my_limits() #>> '{day,used}', '0', 'B sees B''s');
select pg_temp.act_as(null);
select is(public.get_my_limits()::text, null, 'and nobody nothing');

-- -------------------------------------------------------------------------------------------------------------- billing
select pg_temp.act_as_server();
update public.user_profiles set stripe_customer_id = 'cus_a' where id = pg_temp.a();
select pg_temp.next_transaction();
create temp table before as select pg_temp.head(pg_temp.a()) as seq;
grant select on before to service_role;
set local role service_role;
select is(public.record_subscription(pg_temp.at('10:00'), 'plus', 'active', 'sub_1', pg_temp.at('10:00'), pg_temp.at('10:00') + interval '1 month',
  p_customer => 'cus_a', p_invoice => 'in_1', p_amount => 9.99, p_currency => 'eur'), true, 'a subscription begins');
select is(public.record_subscription(pg_temp.at('10:00'), 'plus', 'active', 'sub_1', pg_temp.at('10:00'), pg_temp.at('10:00') + interval '1 month',
  p_customer => 'cus_a', p_invoice => 'in_1', p_amount => 9.99), true, 'told twice');
select is(public.record_subscription(pg_temp.at('12:00'), 'plus', 'canceled', 'sub_1', pg_temp.at('10:00'), pg_temp.at('10:00') + interval '1 month',
  p_customer => 'cus_a'), true, 'it is canceled');
select is(public.record_subscription(pg_temp.at('11:00'), 'pro', 'active', 'sub_1', pg_temp.at('10:00'), pg_temp.at('10:00') + interval '1 month',
  p_customer => 'cus_a'), false, 'what happened earlier and comes later');
reset role;
select results_eq('select tier::text, status::text from public.subscription_history order by created_at',
  $$ values ('plus', 'active'), ('pro', 'active'), ('plus', 'canceled') $$, 'is history');
select results_eq($$ select subscription_tier::text, subscription_status::text, subscription_ends_at from public.user_profiles where id = pg_temp.a() $$,
  $$ values ('plus', 'canceled', pg_temp.at('10:00') + interval '1 month') $$, 'and changes nothing');
select is(pg_temp.head(pg_temp.a()) - seq, 1::bigint, 'all of it travels') from before;
set local role service_role;
select throws_ok($$select public.record_payment('pi_0', 1, 'paid', p_customer => 'cus_x')$$, '02000', null, 'a customer that nobody is');
select is(public.record_payment('pi_1', 9.99, 'pending', p_customer => 'cus_a'), public.record_payment('pi_1', 9.99, 'paid', p_customer => 'cus_a',
  p_paid_at => pg_temp.at('10:00')), 'a payment is one row, however often it is told');
select throws_ok($$select public.record_payment('pi_1', 1, 'paid', p_user_id => pg_temp.b())$$, '23505', null, 'and of one account');
select lives_ok($$select public.record_payment('pi_2', 5, 'refunded', p_user_id => pg_temp.b(), p_paid_at => pg_temp.at('10:00'))$$, 'by account');
reset role;
select results_eq('select status::text from public.payment_history order by amount desc', array['paid', 'refunded'], 'in its last state');
set local role service_role;
select results_eq($$ select sum(paid), sum(refunded) from airi_private.revenue_by_month $$, $$ values (9.99, 5.00) $$, 'revenue by month');
select is((select users from airi_private.subscriptions where tier = 'plus'), 1::bigint, 'and who pays what');
reset role;
select pg_temp.act_as(pg_temp.a());
select throws_ok(format('select public.%s', f), '42501', null, 'not by a user: ' || f) from unnest(array[
  'record_payment(''pi_3'', 1, ''paid'', p_user_id => pg_temp.a())',
  'record_subscription(now(), ''pro'', ''active'', ''s'', now(), now(), p_user_id => pg_temp.a())']) as f;
select throws_ok('select * from airi_private.revenue_by_month', '42501', null, 'nor does one see the revenue');
select throws_ok($$update public.user_profiles set stripe_customer_id = 'cus_b'$$, '42501', null, 'nor say whom one is at Stripe');
select throws_ok($$insert into public.payment_history (user_id, amount, status) values (pg_temp.a(), 1, 'paid')$$, '42501', null, 'nor what was paid');

select * from finish();
rollback;
