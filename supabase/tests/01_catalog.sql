-- What the catalogs say about access, against what was decided. A new table, view, function, grant or policy without a
-- decision here fails.
begin;
\ir fixtures/people.sql
select no_plan();

-- ------------------------------------------------------------------------------------------------------------ tables
select set_eq(
  $$ select c.relname::text from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
     and not exists (select from pg_depend where objid = c.oid and deptype = 'e') $$,
  array['user_profiles', 'conversations', 'chat_messages', 'message_attachments', 'chat_sessions',
    'chat_messages_partitioned', 'chat_messages_ydefault', 'usage_logs', 'usage_daily_aggregates',
    'subscription_history', 'payment_history', 'moderation_logs', 'user_violations', 'system_settings',
    'provider_health', 'cache_entries', 'query_performance_logs', 'sync_heads', 'tombstones', 'sync_ops', 'sync_devices'],
  'every table in public is one that was decided upon');
select set_eq(
  $$ select c.relname::text from pg_class as c where c.relnamespace = 'airi_private'::regnamespace and c.relkind in ('r', 'p') $$,
  array['sync_tables', 'sync_epoch', 'sync_restored', 'ended_sessions', 'jobs', 'job_runs', 'generations', 'query_samples'],
  'and so is every table beside it');
select is_empty(
  $$ select c.relname from pg_class as c where c.relnamespace in ('public'::regnamespace, 'airi_private'::regnamespace)
     and c.relkind in ('r', 'p') and not c.relrowsecurity
     and not exists (select from pg_depend where objid = c.oid and deptype = 'e') $$,
  'every table has row level security');
select is_empty(
  $$ select c.relname from pg_class as c where c.relnamespace in ('public'::regnamespace, 'airi_private'::regnamespace)
     and c.relkind in ('r', 'p') and not exists (select from pg_policy where polrelid = c.oid)
     and not exists (select from pg_depend where objid = c.oid and deptype = 'e') $$,
  'every table has a policy, be it one that says no');
select is_empty(
  $$ select c.relname from pg_class as c where c.relnamespace in ('public'::regnamespace, 'airi_private'::regnamespace)
     and c.relkind = 'v' and not coalesce('security_invoker=true' = any (c.reloptions), false)
     and not exists (select from pg_depend where objid = c.oid and deptype = 'e') $$,
  'every view reads with its reader''s rights');

select is_empty(
  $$ select c.relname from pg_class as c where c.relnamespace = 'airi_private'::regnamespace and c.relkind in ('v', 'm')
     and c.relname !~ '^sync_rows_' and (has_table_privilege('authenticated', c.oid, 'select')
       or has_table_privilege('anon', c.oid, 'select')) $$,
  'clients read none of them but those that rows travel through');

-- ---------------------------------------------------------------------------------------------------------- policies
select set_eq(
  $$ select tablename || ' ' || cmd || ' ' || policyname from pg_policies where schemaname = 'public' $$,
  $$ select t || ' ' || upper(v) || ' own_' || v from (values
       ('user_profiles', array['select', 'insert', 'update']),
       ('conversations', array['select', 'insert', 'update', 'delete']),
       ('chat_messages', array['select', 'insert', 'update', 'delete']),
       ('message_attachments', array['select', 'insert', 'update', 'delete']),
       ('chat_sessions', array['select', 'insert', 'update', 'delete']),
       ('usage_logs', array['select']), ('usage_daily_aggregates', array['select']),
       ('subscription_history', array['select']), ('payment_history', array['select']),
       ('user_violations', array['select']), ('sync_heads', array['select']), ('tombstones', array['select']),
       ('sync_ops', array['select', 'insert']), ('sync_devices', array['select'])) as x (t, verbs), unnest(verbs) as v
     union all select t || ' ALL closed' from unnest(array['moderation_logs', 'cache_entries', 'query_performance_logs',
       'chat_messages_partitioned', 'chat_messages_ydefault']) as t
     union all values ('system_settings SELECT public_select'), ('provider_health SELECT public_select') $$,
  'the policies are the ones decided upon');
select set_eq(
  $$ select tablename || ' ' || cmd || ' ' || policyname || ' ' || coalesce(qual, '') from pg_policies
     where schemaname = 'airi_private' and policyname !~ '^own_' $$,
  array['sync_tables SELECT readable true', 'sync_epoch SELECT readable true', 'ended_sessions ALL closed false',
    'jobs ALL closed false', 'job_runs ALL closed false', 'query_samples ALL closed false'],
  'beside it too');
select set_eq(
  $$ select tablename || ' ' || cmd || ' ' || policyname from pg_policies
     where schemaname = 'airi_private' and policyname ~ '^own_' $$,
  array['generations SELECT own_select', 'sync_restored SELECT own_select', 'sync_restored INSERT own_insert', 'sync_restored UPDATE own_update',
    'sync_restored DELETE own_delete'],
  'and the owner''s');
select is_empty(
  $$ select tablename, policyname from pg_policies where schemaname in ('public', 'airi_private') and policyname ~ '^own_' and (
       cmd <> 'INSERT' and qual !~ '^\(\( SELECT auth\.uid\(\) AS uid\) = (user_id|id)\)$'
       or cmd <> 'INSERT' and qual is null
       or cmd in ('INSERT', 'UPDATE') and with_check is null
       or with_check !~ '^\(\( SELECT auth\.uid\(\) AS uid\) = (user_id|id)\)$'
       or roles <> '{authenticated}' or permissive <> 'PERMISSIVE') $$,
  'an own_ policy compares the owner with the caller, once per statement, when reading and when writing');
select is_empty(
  $$ select tablename from pg_policies where schemaname in ('public', 'airi_private') and policyname = 'closed'
     and (qual <> 'false' or with_check <> 'false') $$,
  'closed is closed');
select is(
  (select qual from pg_policies where schemaname = 'public' and tablename = 'system_settings'), 'is_public',
  'of the settings only the public ones are shown');

-- ------------------------------------------------------------------------------------------------------------ grants
create temp view granted as
select c.relname::text as table_name, acl.privilege_type as privilege, null::text as column_name,
  case acl.grantee when 0 then 'public' else pg_get_userbyid(acl.grantee)::text end as grantee
from pg_class as c, aclexplode(c.relacl) as acl
where c.relnamespace = 'public'::regnamespace and not exists (select from pg_depend where objid = c.oid and deptype = 'e')
union all
select c.relname, acl.privilege_type, a.attname,
  case acl.grantee when 0 then 'public' else pg_get_userbyid(acl.grantee)::text end
from pg_class as c join pg_attribute as a on a.attrelid = c.oid, aclexplode(a.attacl) as acl
where c.relnamespace = 'public'::regnamespace;

select set_eq(
  $$ select table_name || ' ' || privilege from granted where grantee in ('anon', 'public') $$,
  array['system_settings SELECT', 'provider_health SELECT'],
  'strangers read public settings and provider health, nothing else');
select set_eq(
  $$ select table_name || ' ' || string_agg(privilege, ' ' order by privilege) from granted
     where grantee = 'authenticated' and column_name is null group by table_name $$,
  array['user_profiles SELECT', 'conversations DELETE INSERT SELECT', 'chat_messages DELETE INSERT SELECT',
    'message_attachments DELETE INSERT SELECT', 'chat_sessions DELETE INSERT SELECT UPDATE', 'usage_logs SELECT',
    'usage_daily_aggregates SELECT', 'subscription_history SELECT', 'payment_history SELECT', 'user_violations SELECT',
    'system_settings SELECT', 'provider_health SELECT', 'sync_heads SELECT', 'tombstones SELECT',
    'sync_ops INSERT SELECT', 'sync_devices SELECT'],
  'signed-in users have the grants decided upon');
select set_eq(
  $$ select c.relname || ' ' || case acl.grantee when 0 then 'public' else pg_get_userbyid(acl.grantee)::text end
       || ' ' || string_agg(acl.privilege_type, ' ' order by acl.privilege_type)
     from pg_class as c, aclexplode(c.relacl) as acl
     where c.relnamespace = 'airi_private'::regnamespace and c.relkind in ('r', 'p')
       and (acl.grantee = 0 or pg_get_userbyid(acl.grantee) in ('anon', 'authenticated')) group by c.relname, acl.grantee $$,
  array['generations authenticated SELECT', 'sync_tables authenticated SELECT', 'sync_epoch authenticated SELECT',
    'sync_restored authenticated DELETE INSERT SELECT UPDATE'],
  'beside the API''s schema as well');
select set_eq(
  $$ select table_name || ' ' || privilege || ' ' || column_name from granted
     where grantee = 'authenticated' and column_name is not null $$,
  $$ select t || ' ' || p || ' ' || c from (values
       ('user_profiles', 'INSERT', '{id,username,display_name,avatar_url,bio,preferences}'::text[]),
       ('user_profiles', 'UPDATE', '{username,display_name,avatar_url,bio,preferences}'),
       ('conversations', 'UPDATE', '{id,user_id,title,summary,model_id,provider_id,avatar_id,voice_id,
         personality_template,system_prompt,temperature,max_tokens,settings,tags,is_archived,is_starred,last_message_at,
         created_at,updated_at,metadata,deleted_at,current_message_id}'),
       ('chat_messages', 'UPDATE', '{rating,feedback,deleted_at,metadata}'),
       ('message_attachments', 'UPDATE', '{storage_path,metadata}')) as x (t, p, cs), unnest(cs) as c $$,
  'and write only the columns that are theirs');

-- --------------------------------------------------------------------------------------------------------- functions
create temp view ours as
select p.oid, n.nspname || '.' || p.proname as name, p.prokind, p.prosrc, p.prosecdef, p.proconfig, p.prorettype
from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
where n.nspname in ('public', 'airi_private', 'airi_legacy')
  and not exists (select from pg_depend where objid = p.oid and deptype = 'e');

select set_eq(
  $$ select name from ours where prosecdef $$,
  $$ select 'airi_private.' || f from unnest(array['lock_user', 'lock_caller', 'lock_head', 'ring', 'bump', 'number_row',
     'number_owned', 'number_profile', 'number_conversation', 'number_message', 'number_attachment', 'check_session',
     'bury', 'forget_account', 'count_inserted', 'count_updated', 'count_deleted', 'create_profile',
     'count_new_message', 'note_made_anew', 'caller', 'note_device', 'end_session', 'found_messages',
     'make_partition', 'refresh_views', 'accounts_like', 'delete_account', 'erase_caller',
     'thread_page']) as f $$,
  'the definer functions are the ones decided upon, and none is where the API looks');
select is_empty(
  $$ select name from ours where prokind <> 'p'
     and not exists (select from unnest(proconfig) as c where c = 'search_path=""') $$,
  'every function pins an empty search_path');
-- Nor may a definer commit. What a procedure does before its first line, and after its last, names its schema.
select set_eq(
  $$ select name from ours where prokind = 'p' and not prosecdef and prosrc ~ ('\mbegin\s+v_path := '
       || 'pg_catalog\.current_setting\(''search_path''\);\s+perform pg_catalog\.set_config\(''search_path'', '''', false\);')
     and split_part(prosrc, 'begin', 1) !~ ':=|\mdefault\M' $$,
  array['airi_private.run_job'],
  'the one procedure, which could not commit then, empties it before anything else');
select is_empty(
  $$ select name from ours where prokind = 'p' and (name <> 'airi_private.run_job' or exists (
       select from pg_proc as p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
       where p.oid = ours.oid and acl.grantee not in (p.proowner, 'service_role'::regrole))) $$,
  'there is no other, and only the server and its owner run it');
select set_eq(
  $$ select name from ours where prosecdef and has_function_privilege('authenticated', oid, 'execute') $$,
  $$ select 'airi_private.' || f from unnest(array['lock_caller', 'caller', 'note_device', 'end_session', 'found_messages',
     'thread_page', 'erase_caller']) as f $$,
  'the definers that a signed-in user can call are the ones decided upon');
select is_empty(
  $$ select o.name from ours as o join pg_proc as p using (oid)
     where o.prosecdef and has_function_privilege('authenticated', o.oid, 'execute')
       and (p.prosrc !~ 'auth\.uid\(\)|airi_private\.caller\(\)' or p.proargnames::text ~ 'user') $$,
  'they take the user from the token and not from their arguments');
select is_empty(
  $$ select name from ours where has_function_privilege('anon', oid, 'execute') $$, 'strangers call nothing');
select set_eq(
  $$ select name from ours where name ~ '^public' and has_function_privilege('authenticated', oid, 'execute') $$,
  $$ select 'public.' || f from unnest(array['sync_hello', 'sync_snapshot', 'sync_preview', 'sync_pull', 'sync_push',
     'sync_audit', 'sync_device', 'sync_sign_out_device',
     'get_conversations_with_last_message', 'get_conversation_messages', 'search_messages', 'get_conversation_summary',
     'archive_old_conversations', 'export_conversation_json', 'get_user_usage_stats', 'get_popular_topics', 'get_my_limits',
     'search_messages_hybrid', 'delete_my_account']) as f $$,
  'signed-in users call what was decided');
select set_eq(
  $$ select name from ours where name ~ '^airi_private' and has_function_privilege('authenticated', oid, 'execute') $$,
  $$ select 'airi_private.' || f from unnest(array['lock_caller', 'assert_caller', 'epoch', 'caller', 'head', 'is_passing',
     'settings_with', 'tags_with', 'insert_conversation', 'patch_conversation', 'insert_message', 'insert_messages',
     'patch_message', 'insert_attachment', 'patch_attachment', 'delete_row', 'apply_op',
     'row_of', 'number_of', 'erased_since', 'form_of', 'note_restored', 'restore_row', 'restore_messages', 'note_device',
     'end_session', 'devices', 'found_messages', 'as_time', 'as_object', 'plan_at', 'plan_limit', 'rate_limits',
     'suspended_until', 'thread_page', 'embedding_type', 'check_embedding', 'nearest_by_index', 'nearest_by_owner',
     'nearest_messages', 'erase_caller', 'may_upload']) as f $$,
  'and through them what sync is made of, by their own rights');
select is_empty(
  $$ select p.proname from pg_proc as p where p.pronamespace = 'public'::regnamespace and p.proname ~ '^sync_'
     and p.prosrc !~ 'airi_private\.(caller|note_device|end_session)\(' $$,
  'every function of sync asks first whether its caller may sync at the moment');
select is(
  (select provolatile::text from pg_proc where oid = 'public.sync_pull'::regproc), 's', 'a pull sees one moment: it is STABLE');

-- ---------------------------------------------------------------------------------------------------------- the list
-- The API never shows what must not travel.
select is_empty(
  $$ select t.table_name, c from airi_private.sync_tables as t, unnest(t.columns) as c
     where c in ('embedding', 'flagged_for_moderation', 'moderation_results', 'request_headers', 'request_body',
       'response_headers', 'ip_address', 'user_agent', 'stripe_customer_id', 'stripe_subscription_id', 'change_seq') $$,
  'no embeddings, moderation results, headers, bodies, addresses travel');
select is_empty(
  $$ select t.table_name, c from airi_private.sync_tables as t, unnest(t.columns) as c
     where not exists (select from pg_attribute where attrelid = ('public.' || t.table_name)::regclass and attname = c) $$,
  'every column that travels exists');
select is_empty(
  $$ select t.table_name, wanted from airi_private.sync_tables as t,
       unnest(array['zz_sync_insert', 'zz_sync_update', 'aa_sync_immutable']) as wanted
     where t.rank < 9 and not exists (
       select from pg_trigger where tgrelid = ('public.' || t.table_name)::regclass and tgname = wanted
         and tgenabled = 'O') $$,
  'every table that travels is numbered');

select * from finish();
rollback;
