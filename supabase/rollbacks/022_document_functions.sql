-- Drops the functions of 022 and puts back those that they replaced. Only functions and an index: no row is touched.
drop function if exists
  public.export_conversation_json(uuid), public.get_user_usage_stats(int), public.get_popular_topics(int, int),
  public.get_or_set_cache(text, jsonb, int);

do $restore$
declare
  noted record;
  v_name text;
begin
  -- Ours where there was none before; replaced, so that grants stay, where there was one.
  foreach v_name in array array['search_messages(text, int, int)', 'get_conversation_summary(uuid)'] loop
    if not exists (
      select from rollback_keep.statements
      where migration = '022' and statement ~* format('^create or replace function public\.%s\(', split_part(v_name, '(', 1))
    ) then
      execute 'drop function if exists public.' || v_name;
    end if;
  end loop;
  for noted in select statement from rollback_keep.statements where migration = '022' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '022';
end
$restore$;

drop function if exists
  airi_private.found_messages(text, int, int), airi_private.search_query(text), airi_private.unspaced(),
  airi_private.as_time(timestamptz), airi_private.as_object(jsonb);
drop index if exists public.idx_chat_messages_owner_time;
