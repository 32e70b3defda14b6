-- Drops the triggers and functions of 003. The rows of system_settings stay: they may have been edited since.
drop function if exists
  public.get_conversations_with_last_message(uuid, int, int),
  public.get_conversation_messages(uuid, int, timestamptz, uuid),
  public.search_messages(text, int, int),
  public.get_conversation_summary(uuid),
  public.archive_old_conversations(int),
  public.refresh_recent_conversations(),
  public.cleanup_inactive_sessions(),
  public.cleanup_expired_cache(),
  public.log_query_performance(text, int, int);

drop trigger if exists airi_create_profile on auth.users;
drop function if exists airi_private.create_profile();
drop function if exists airi_private.count_new_message() cascade;
drop function if exists airi_private.set_updated_at() cascade;
drop schema if exists airi_private;
