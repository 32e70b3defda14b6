#!/usr/bin/env bash
# Before `supabase db push` brings a large deployment from its own 001–003 to ours: makes the columns and indexes that the
# migrations want, beside readers and writers, so that the push finds them and keeps nobody waiting while it makes them. Run it
# as `postgres` of the database. On a small one the push does the same by itself, in a moment.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… before-upgrade.sh
#
# Promise: it may be stopped and run again at any time. It waits 0.4 s at most for a lock, and tries again TRIES (600) times. What
# it makes is what the migrations make, noted for their rollback as they note it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PGOPTIONS="-c client_min_messages=warning -c statement_timeout=0 -c lock_timeout=400ms -c search_path= ${PGOPTIONS:-}"
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@"; }
. "$here/patiently.sh"

while read -r table column definition; do
  patiently -c "do \$\$ begin
    create schema if not exists rollback_keep;
    revoke all on schema rollback_keep from public, anon, authenticated;
    create table if not exists rollback_keep.added_columns (table_name text, column_name text, primary key (table_name, column_name));
    if not exists (select from pg_attribute where attrelid = 'public.$table'::regclass and attname = '$column' and not attisdropped) then
      alter table public.$table add column $column $definition;
      insert into rollback_keep.added_columns values ('$table', '$column') on conflict do nothing;
    end if;
  end \$\$"
done <<'COLUMNS'
user_profiles change_seq bigint not null default 0
conversations change_seq bigint not null default 0
chat_messages change_seq bigint not null default 0
message_attachments change_seq bigint not null default 0
usage_logs change_seq bigint not null default 0
usage_daily_aggregates change_seq bigint not null default 0
subscription_history change_seq bigint not null default 0
payment_history change_seq bigint not null default 0
conversations metadata jsonb not null default '{}'
conversations deleted_at timestamptz
conversations current_message_id uuid
chat_messages parent_id uuid
message_attachments user_id uuid
COLUMNS

# An index that a broken run left behind is made anew. Only such an index is taken away.
while read -r index table columns; do
  state=$(ask -c "select indisvalid from pg_index where indexrelid = to_regclass('public.$index')")
  if [[ $state == f ]]; then patiently -c "drop index concurrently public.$index"; fi
  # Waits for those who are writing, but nobody waits for it: no limit.
  [[ $state == t ]] || ask -c 'set lock_timeout = 0' -c "create index concurrently if not exists $index on public.$table $columns"
done <<'INDEXES'
idx_conversations_sync conversations (user_id, change_seq, id)
idx_conversations_owner conversations (user_id, id)
idx_chat_messages_sync chat_messages (user_id, change_seq, id)
idx_chat_messages_owner chat_messages (user_id, id)
idx_message_attachments_sync message_attachments (user_id, change_seq, id)
idx_message_attachments_owner message_attachments (user_id, id)
idx_usage_logs_sync usage_logs (user_id, change_seq, id)
idx_usage_logs_owner usage_logs (user_id, id)
idx_usage_daily_aggregates_sync usage_daily_aggregates (user_id, change_seq, id)
idx_usage_daily_aggregates_owner usage_daily_aggregates (user_id, id)
idx_subscription_history_sync subscription_history (user_id, change_seq, id)
idx_subscription_history_owner subscription_history (user_id, id)
idx_payment_history_sync payment_history (user_id, change_seq, id)
idx_payment_history_owner payment_history (user_id, id)
idx_conversations_activity conversations (user_id, last_message_at desc, id) where deleted_at is null
idx_conversations_list conversations (user_id, is_starred desc, last_message_at desc, id) where not is_archived
idx_chat_messages_thread chat_messages (conversation_id, created_at, id)
idx_message_attachments_message_id message_attachments (message_id)
idx_chat_messages_owner_time chat_messages (user_id, created_at desc)
idx_chat_messages_user chat_messages (user_id)
INDEXES

# Whose each file is, a thousand at a time. What is added meanwhile is left to the push.
owned=all
while [[ $owned != 0 ]]; do
  owned=$(patiently -c "with unowned as (
    select a.id, m.user_id from public.message_attachments as a join public.chat_messages as m on m.id = a.message_id
    where a.user_id is null limit 1000
  ), owned as (
    update public.message_attachments as a set user_id = s.user_id from unowned as s where a.id = s.id returning 1
  ) select count(*) from owned")
done
echo 'ready for supabase db push'
