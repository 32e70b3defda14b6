-- A deployment's own functions that read, and stay because old clients call them with other arguments, knew nothing of soft
-- deletion: they showed a user their own deleted messages. They resolve the tables' bare names by their search_path (008);
-- from here on that leads first to views of what is not deleted. Their bodies stay as they are. A body that writes
-- `public.chat_messages` is not reached by this, and is named in a notice.

do $visible$
declare
  reading constant text[] := array[
    'get_conversations_with_last_message', 'get_conversation_messages', 'search_messages', 'get_conversation_summary',
    'export_conversation_json', 'get_popular_topics'
  ];
  f record;
begin
  for f in
    select p.oid, p.prosrc, format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) as signature
    from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname in ('public', 'airi_legacy') and p.proname = any (reading) and not p.prosecdef
      and exists (select from unnest(p.proconfig) as c where c = 'search_path=public, extensions, pg_temp')
  loop
    if to_regclass('airi_visible.chat_messages') is null then
      create schema if not exists airi_visible;
      revoke all on schema airi_visible from public, anon;
      grant usage on schema airi_visible to authenticated, service_role;
      create view airi_visible.chat_messages with (security_invoker = true) as
        select * from public.chat_messages where deleted_at is null;
      create view airi_visible.conversations with (security_invoker = true) as
        select * from public.conversations where deleted_at is null;
      revoke all on airi_visible.chat_messages, airi_visible.conversations from public, anon, authenticated;
      grant select on airi_visible.chat_messages, airi_visible.conversations to authenticated, service_role;
    end if;
    insert into rollback_keep.statements (migration, statement) values
      ('031', format('alter function %s set search_path = public, extensions, pg_temp', f.signature));
    execute format('alter function %s set search_path = airi_visible, public, extensions, pg_temp', f.signature);
    if f.prosrc ~* '\mpublic"?\."?(chat_messages|conversations)\M' then
      raise notice '% names its tables with their schema: it still shows deleted rows to their owner', f.signature;
    end if;
  end loop;
end
$visible$;
