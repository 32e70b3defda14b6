-- Takes the columns and tables of 004 away and keeps their contents in rollback_keep, where a new 004 finds them. The
-- epoch goes: what changes until then is numbered by nobody, so clients must compare everything afterwards.
do $columns$
declare
  kept record;
begin
  for kept in
    select table_name, array_agg(column_name) as names from rollback_keep.added_columns group by table_name
  loop
    execute format('create table rollback_keep.%I as select id, %s from public.%I',
      'columns_of_' || kept.table_name,
      (select string_agg(quote_ident(name), ', ') from unnest(kept.names) as name), kept.table_name);
    execute format('alter table rollback_keep.%I add primary key (id)', 'columns_of_' || kept.table_name);
    execute format('alter table public.%I %s', kept.table_name,
      (select string_agg(format('drop column %I', name), ', ') from unnest(kept.names) as name));
  end loop;
  delete from rollback_keep.added_columns;
end
$columns$;

drop index if exists
  public.idx_conversations_sync, public.idx_conversations_owner, public.idx_conversations_activity,
  public.idx_chat_messages_sync, public.idx_chat_messages_owner, public.idx_chat_messages_thread,
  public.idx_message_attachments_sync, public.idx_message_attachments_owner,
  public.idx_usage_logs_sync, public.idx_usage_logs_owner,
  public.idx_usage_daily_aggregates_sync, public.idx_usage_daily_aggregates_owner,
  public.idx_subscription_history_sync, public.idx_subscription_history_owner,
  public.idx_payment_history_sync, public.idx_payment_history_owner;

alter table public.sync_heads set schema rollback_keep;
alter table public.tombstones set schema rollback_keep;
alter table public.sync_ops set schema rollback_keep;
drop table airi_private.sync_epoch;
drop table airi_private.sync_tables;
