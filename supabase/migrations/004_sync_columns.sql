-- What sync needs to know of every row, and where it keeps its own state. Applies on 001–003 and on a deployment with
-- tables, rows and defects of its own: only additions, and a constant default so that no legacy row is rewritten.

create schema if not exists airi_private;
revoke all on schema airi_private from public, anon;
grant usage on schema airi_private to authenticated, service_role;

-- Where rollbacks put what they take away, and where migrations note how to undo what they replace.
create schema if not exists rollback_keep;
revoke all on schema rollback_keep from public, anon, authenticated;
create table if not exists rollback_keep.statements (
  id bigint generated always as identity primary key,
  migration text not null,
  statement text not null
);
create table if not exists rollback_keep.added_columns (
  table_name text,
  column_name text,
  primary key (table_name, column_name)
);

-- -------------------------------------------------------------------------------------------------- what travels
-- The one list of docs/sync-protocol.md: the triggers of 005, the views of 009 and the tests are made from it. Columns
-- besides id and change_seq. `written` are those whose change bumps the sequence: immutable ones need no comparison.
create table if not exists airi_private.sync_tables (
  rank smallint primary key,
  table_name text not null unique,
  owner_column text not null default 'user_id',
  columns text[] not null,
  immutable text[] not null default '{id,user_id}'
);
alter table airi_private.sync_tables enable row level security;

insert into airi_private.sync_tables (rank, table_name, owner_column, columns, immutable) values
  (1, 'user_profiles', 'id', '{username,display_name,avatar_url,bio,subscription_tier,subscription_status,
    trial_ends_at,subscription_ends_at,daily_message_count,total_message_count,last_message_reset_at,preferences,
    created_at}', '{id}'),
  (2, 'conversations', 'user_id', '{user_id,title,summary,model_id,provider_id,avatar_id,voice_id,
    personality_template,system_prompt,temperature,max_tokens,settings,tags,is_archived,is_starred,metadata,deleted_at,
    current_message_id,created_at}', '{id,user_id}'),
  (3, 'chat_messages', 'user_id', '{conversation_id,user_id,parent_id,role,content,content_type,attachments,
    prompt_tokens,completion_tokens,total_tokens,model_id,provider_id,response_time_ms,finish_reason,function_call,
    tool_calls,rating,feedback,metadata,created_at,edited_at,deleted_at}',
    '{id,user_id,conversation_id,role,content,created_at}'),
  (4, 'message_attachments', 'user_id', '{message_id,user_id,file_name,file_type,file_size,storage_path,mime_type,
    width,height,duration_seconds,metadata,created_at}', '{id,user_id,message_id}'),
  (5, 'usage_logs', 'user_id', '{user_id,endpoint,method,status_code,prompt_tokens,completion_tokens,total_tokens,
    provider_id,model_id,estimated_cost,response_time_ms,error_code,created_at}', '{id,user_id}'),
  (6, 'usage_daily_aggregates', 'user_id', '{user_id,date,message_count,conversation_count,total_prompt_tokens,
    total_completion_tokens,total_tokens,total_estimated_cost,provider_usage,model_usage,voice_minutes_used,
    image_generations,function_calls}', '{id,user_id}'),
  (7, 'subscription_history', 'user_id', '{user_id,tier,status,amount,currency,period_start,period_end,created_at}',
    '{id,user_id}'),
  (8, 'payment_history', 'user_id', '{user_id,amount,currency,status,description,created_at}', '{id,user_id}'),
  (9, 'tombstones', 'user_id', '{user_id,table_name,row_id,created_at}', '{id,user_id}')
on conflict (rank) do update
  set table_name = excluded.table_name, owner_column = excluded.owner_column, columns = excluded.columns,
    immutable = excluded.immutable;

-- ------------------------------------------------------------------------------------------------- sync's own tables
-- None points to users: erasing an account must not wait for, or fail on, what sync remembers. 005 clears them then.
do $returned$
declare
  name text;
begin
  foreach name in array array['sync_heads', 'tombstones', 'sync_ops'] loop
    if to_regclass('rollback_keep.' || name) is not null and to_regclass('public.' || name) is null then
      execute format('alter table rollback_keep.%I set schema public', name);
    end if;
  end loop;
end
$returned$;

-- One row per user: the number of the last transaction that changed something that travels. Its row lock makes commit
-- order equal number order. (xid, moved_at) name the transaction that moved it last, so that it moves once in each; the
-- time is there because a dump restored elsewhere brings transaction numbers that will come again.
create table if not exists public.sync_heads (
  user_id uuid primary key,
  seq bigint not null default 0,
  xid xid8,
  moved_at timestamptz
) with (fillfactor = 50);

create table if not exists public.tombstones (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  table_name text not null,
  row_id uuid not null,
  change_seq bigint not null default 0,
  created_at timestamptz not null default now()
);

-- What became of each pushed operation, so that a repeated push takes effect once.
create table if not exists public.sync_ops (
  user_id uuid not null,
  op_id uuid not null,
  device_id uuid,
  status text not null check (status in ('applied', 'refused')),
  code text,
  message text,
  change_seq bigint,
  created_at timestamptz not null default now(),
  primary key (user_id, op_id)
);
create index if not exists idx_sync_ops_created_at on public.sync_ops (created_at);

-- A new row here tells every client to compare all it holds with the server (docs/sync-protocol.md, "Epoch").
create table if not exists airi_private.sync_epoch (
  only_row boolean primary key default true check (only_row),
  epoch uuid not null default gen_random_uuid()
);
insert into airi_private.sync_epoch default values on conflict do nothing;

alter table public.sync_heads enable row level security;
alter table public.tombstones enable row level security;
alter table public.sync_ops enable row level security;
alter table airi_private.sync_epoch enable row level security;
revoke all on public.sync_heads, public.tombstones, public.sync_ops from public, anon, authenticated;
revoke all on airi_private.sync_epoch, airi_private.sync_tables from public, anon, authenticated;
grant all on public.sync_heads, public.tombstones, public.sync_ops to service_role;
grant select on airi_private.sync_epoch, airi_private.sync_tables to authenticated, service_role;
grant select on public.sync_heads, public.tombstones to authenticated;
grant select, insert on public.sync_ops to authenticated;

drop policy if exists own_select on public.sync_heads;
create policy own_select on public.sync_heads for select to authenticated using ((select auth.uid()) = user_id);
drop policy if exists own_select on public.tombstones;
create policy own_select on public.tombstones for select to authenticated using ((select auth.uid()) = user_id);
drop policy if exists own_select on public.sync_ops;
create policy own_select on public.sync_ops for select to authenticated using ((select auth.uid()) = user_id);
drop policy if exists own_insert on public.sync_ops;
create policy own_insert on public.sync_ops for insert to authenticated with check ((select auth.uid()) = user_id);
drop policy if exists readable on airi_private.sync_epoch;
create policy readable on airi_private.sync_epoch for select to authenticated using (true);
drop policy if exists readable on airi_private.sync_tables;
create policy readable on airi_private.sync_tables for select to authenticated using (true);

-- --------------------------------------------------------------------------------------------------------- columns
-- What is added is noted, so that the rollback takes away exactly that; what a rollback kept is put back.
do $columns$
declare
  wanted record;
  assignments text;
begin
  for wanted in
    select * from (
      select table_name, 'change_seq' as column_name, 'bigint not null default 0' as definition
      from airi_private.sync_tables where table_name <> 'tombstones'
      union all values
        ('conversations', 'metadata', 'jsonb not null default ''{}'''),
        ('conversations', 'deleted_at', 'timestamptz'),
        ('conversations', 'current_message_id', 'uuid'),
        ('chat_messages', 'parent_id', 'uuid'),
        ('message_attachments', 'user_id', 'uuid')
    ) as w
  loop
    if not exists (
      select from pg_catalog.pg_attribute
      where attrelid = ('public.' || wanted.table_name)::regclass and attname = wanted.column_name and not attisdropped
    ) then
      execute format('alter table public.%I add column %I %s', wanted.table_name, wanted.column_name, wanted.definition);
      insert into rollback_keep.added_columns values (wanted.table_name, wanted.column_name) on conflict do nothing;
    end if;
  end loop;

  for wanted in
    select a.table_name, array_agg(a.column_name) as names
    from rollback_keep.added_columns as a
    where to_regclass('rollback_keep.columns_of_' || a.table_name) is not null
    group by a.table_name
  loop
    select string_agg(format('%1$I = k.%1$I', name), ', ') into assignments from unnest(wanted.names) as name;
    -- Without triggers: putting values back is no change, and must not look like one (updated_at).
    execute format('alter table public.%I disable trigger user', wanted.table_name);
    execute format('update public.%1$I as t set %2$s from rollback_keep.%3$I as k where k.id = t.id',
      wanted.table_name, assignments, 'columns_of_' || wanted.table_name);
    execute format('alter table public.%I enable trigger user', wanted.table_name);
    execute format('drop table rollback_keep.%I', 'columns_of_' || wanted.table_name);
  end loop;
end
$columns$;

-- An attachment gets its message's owner: in a cascade no trigger could find it through the message any more.
alter table public.message_attachments disable trigger user;
update public.message_attachments as a set user_id = m.user_id
from public.chat_messages as m
where m.id = a.message_id and a.user_id is distinct from m.user_id;
alter table public.message_attachments enable trigger user;
do $owner$
begin
  if not exists (select from public.message_attachments where user_id is null) then
    alter table public.message_attachments alter column user_id set not null;
  end if;
end
$owner$;

-- --------------------------------------------------------------------------------------------------------- indexes
-- Pull reads by (owner, number, id), snapshot by (owner, id).
do $indexes$
declare
  synced record;
begin
  for synced in select table_name from airi_private.sync_tables where owner_column = 'user_id' loop
    execute format('create index if not exists %I on public.%I (user_id, change_seq, id)',
      'idx_' || synced.table_name || '_sync', synced.table_name);
    if synced.table_name <> 'tombstones' then
      execute format('create index if not exists %I on public.%I (user_id, id)',
        'idx_' || synced.table_name || '_owner', synced.table_name);
    end if;
  end loop;
end
$indexes$;
create index if not exists idx_conversations_activity on public.conversations (user_id, last_message_at desc, id)
  where deleted_at is null;
create index if not exists idx_chat_messages_thread on public.chat_messages (conversation_id, created_at, id);
create index if not exists idx_message_attachments_message_id on public.message_attachments (message_id);
create unique index if not exists idx_tombstones_row on public.tombstones (user_id, table_name, row_id);
