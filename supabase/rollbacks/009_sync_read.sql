-- Functions and views only: nothing to keep.
drop function if exists public.sync_hello(), public.sync_snapshot(text, uuid, int), public.sync_preview(int, int);
drop function if exists airi_private.epoch(), airi_private.caller(), airi_private.head();
drop view if exists
  airi_private.sync_rows_user_profiles, airi_private.sync_rows_conversations, airi_private.sync_rows_chat_messages,
  airi_private.sync_rows_message_attachments, airi_private.sync_rows_usage_logs,
  airi_private.sync_rows_usage_daily_aggregates, airi_private.sync_rows_subscription_history,
  airi_private.sync_rows_payment_history, airi_private.sync_rows_tombstones;
