-- Repairs in place who may do what: RLS on every table in `public`, one policy per verb, grants by name. On our own
-- 001–003 this adds the columns of 004; on other deployments it closes the known holes (missing RLS and policies,
-- missing WITH CHECK, ALL granted to authenticated). What was there before is noted as statements for the rollback.

-- ------------------------------------------------------------------------------------------------- note what was there
do $note$
declare
  relation record;
  found_item record;
begin
  for relation in
    select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relacl, c.reloptions
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
      and c.relname not in ('sync_heads', 'tombstones', 'sync_ops')
      and not exists (select from pg_catalog.pg_depend where objid = c.oid and deptype = 'e')
  loop
    for found_item in
      select p.* from pg_catalog.pg_policies as p where p.schemaname = 'public' and p.tablename = relation.relname
    loop
      insert into rollback_keep.statements (migration, statement) values ('007', format(
        'create policy %I on public.%I as %s for %s to %s%s%s', found_item.policyname, relation.relname,
        found_item.permissive, found_item.cmd,
        (select string_agg(case role when 'public' then 'public' else quote_ident(role) end, ', ')
          from unnest(found_item.roles) as role),
        ' using (' || found_item.qual || ')', ' with check (' || found_item.with_check || ')'
      ));
    end loop;
    for found_item in
      select case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end as grantee,
        acl.privilege_type as privilege, null::text as column_name
      from aclexplode(relation.relacl) as acl
      union all
      select case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end,
        acl.privilege_type, quote_ident(a.attname)
      from pg_catalog.pg_attribute as a, aclexplode(a.attacl) as acl
      where a.attrelid = relation.oid and not a.attisdropped
    loop
      if found_item.grantee in ('public', 'anon', 'authenticated') then
        insert into rollback_keep.statements (migration, statement) values ('007', format(
          'grant %s%s on public.%I to %s', found_item.privilege, ' (' || found_item.column_name || ')',
          relation.relname, found_item.grantee
        ));
      end if;
    end loop;
    if relation.relkind in ('r', 'p') and not relation.relrowsecurity then
      insert into rollback_keep.statements (migration, statement) values
        ('007', format('alter table public.%I disable row level security', relation.relname));
    end if;
    if relation.relkind = 'v' and not coalesce('security_invoker=true' = any (relation.reloptions), false) then
      insert into rollback_keep.statements (migration, statement) values
        ('007', format('alter view public.%I reset (security_invoker)', relation.relname));
    end if;
  end loop;
end
$note$;

-- ------------------------------------------------------------------------------------------------------------- close
-- Everything, also what is not ours: a table without RLS is open to all. Tables of the documented base lose all
-- policies and grants and get new ones below; unknown ones keep their policies and what they grant to signed-in users.
-- A view reads with its reader's rights; a materialized one cannot, so clients do not read it.
do $close$
declare
  documented constant text[] := array[
    'user_profiles', 'conversations', 'chat_messages', 'message_attachments', 'chat_sessions', 'usage_logs',
    'usage_daily_aggregates', 'subscription_history', 'payment_history', 'moderation_logs', 'user_violations',
    'system_settings', 'provider_health', 'cache_entries', 'query_performance_logs', 'chat_messages_partitioned'
  ];
  relation record;
  policy record;
begin
  for relation in
    select c.oid, c.relname, c.relkind,
      c.relname = any (documented) or exists (
        select from pg_catalog.pg_inherits
        where inhrelid = c.oid and inhparent = to_regclass('public.chat_messages_partitioned')
      ) as known
    from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
      and c.relname not in ('sync_heads', 'tombstones', 'sync_ops')
      and not exists (select from pg_catalog.pg_depend where objid = c.oid and deptype = 'e')
  loop
    execute format('revoke all on public.%I from public, anon', relation.relname);
    if relation.relkind = 'v' then
      execute format('alter view public.%I set (security_invoker = true)', relation.relname);
    elsif relation.relkind = 'm' then
      execute format('revoke all on public.%I from authenticated', relation.relname);
    else
      execute format('alter table public.%I enable row level security', relation.relname);
      if relation.known then
        execute format('revoke all on public.%I from authenticated', relation.relname);
        execute format('grant all on public.%I to service_role', relation.relname);
        for policy in select polname from pg_catalog.pg_policy where polrelid = relation.oid loop
          execute format('drop policy %I on public.%I', policy.polname, relation.relname);
        end loop;
      end if;
    end if;
  end loop;
end
$close$;

-- -------------------------------------------------------------------------------------------------------------- open
do $open$
declare
  rule record;
  verb text;
begin
  for rule in
    select * from (values
      ('user_profiles', 'id', array['select', 'insert', 'update']),
      ('conversations', 'user_id', array['select', 'insert', 'update', 'delete']),
      ('chat_messages', 'user_id', array['select', 'insert', 'update', 'delete']),
      ('message_attachments', 'user_id', array['select', 'insert', 'update', 'delete']),
      ('chat_sessions', 'user_id', array['select', 'insert', 'update', 'delete']),
      ('usage_logs', 'user_id', array['select']),
      ('usage_daily_aggregates', 'user_id', array['select']),
      ('subscription_history', 'user_id', array['select']),
      ('payment_history', 'user_id', array['select']),
      ('user_violations', 'user_id', array['select'])
    ) as r (table_name, owner_column, verbs)
    where to_regclass('public.' || table_name) is not null
  loop
    foreach verb in array rule.verbs loop
      execute format(
        'create policy %I on public.%I for %s to authenticated %s %s',
        'own_' || verb, rule.table_name, verb,
        case when verb <> 'insert' then format('using ((select auth.uid()) = %I)', rule.owner_column) end,
        case when verb in ('insert', 'update') then
          format('with check ((select auth.uid()) = %I)', rule.owner_column) end
      );
    end loop;
    execute format('grant select on public.%I to authenticated', rule.table_name);
  end loop;

  -- Closed on purpose, and said so: otherwise it would look forgotten.
  for rule in
    select c.relname as table_name from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and (
      c.relname in ('moderation_logs', 'cache_entries', 'query_performance_logs', 'chat_messages_partitioned')
      or exists (
        select from pg_catalog.pg_inherits
        where inhrelid = c.oid and inhparent = to_regclass('public.chat_messages_partitioned')
      )
    )
  loop
    execute format('create policy closed on public.%I for all to anon, authenticated using (false) with check (false)',
      rule.table_name);
  end loop;

  if to_regclass('public.system_settings') is not null then
    create policy public_select on public.system_settings for select to anon, authenticated using (is_public);
    grant select on public.system_settings to anon, authenticated;
  end if;
  if to_regclass('public.provider_health') is not null then
    create policy public_select on public.provider_health for select to anon, authenticated using (true);
    grant select on public.provider_health to anon, authenticated;
  end if;
  if to_regclass('public.chat_sessions') is not null then
    grant insert, update, delete on public.chat_sessions to authenticated;
  end if;
end
$open$;

grant insert, delete on public.conversations, public.chat_messages, public.message_attachments to authenticated;
-- By column where a row has parts that are not the user's to write: tier, billing, counters, content, numbers.
grant insert (id, username, display_name, avatar_url, bio, preferences) on public.user_profiles to authenticated;
grant update (username, display_name, avatar_url, bio, preferences) on public.user_profiles to authenticated;
grant update (id, user_id, title, summary, model_id, provider_id, avatar_id, voice_id, personality_template,
  system_prompt, temperature, max_tokens, settings, tags, is_archived, is_starred, last_message_at, created_at,
  updated_at, metadata, deleted_at, current_message_id) on public.conversations to authenticated;
grant update (rating, feedback, deleted_at, metadata) on public.chat_messages to authenticated;
grant update (storage_path, metadata) on public.message_attachments to authenticated;
