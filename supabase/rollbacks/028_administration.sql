-- Only functions: no row is touched.
drop function if exists
  public.find_users(text), public.export_user_conversations(uuid), public.export_user_account(uuid),
  public.erase_user(uuid);
drop function if exists airi_private.accounts_like(text), airi_private.delete_account(uuid);
