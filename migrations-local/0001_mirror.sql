-- The mirror: the user's conversations on this machine. Integer keys inside; `uuid` (16 bytes) is the identity that
-- everyone sees. Times are microseconds since 1970 in UTC. JSON is canonical text (sorted keys, no white space).

create table meta (
  key text primary key not null,
  value text not null
) strict, without rowid;

-- One row: the number of the last change of the mirror. Every row that the index must read again carries the number
-- of the change that touched it last, so "what is new since N" is one index range, never a scan.
create table head (
  one integer primary key not null check (one = 1),
  seq integer not null
) strict;
insert into head values (1, 0);

create table conversations (
  id integer primary key,
  uuid blob not null unique check (length(uuid) = 16),
  title text,
  summary text,
  model_id text,
  provider_id text,
  avatar_id text,
  voice_id text,
  personality_template text,
  system_prompt text,
  temperature real not null,
  max_tokens integer not null,
  settings text not null,
  tags text not null,
  is_archived integer not null check (is_archived in (0, 1)),
  is_starred integer not null check (is_starred in (0, 1)),
  metadata text not null,
  deleted_at integer,
  current_message_id blob,
  created_at integer not null,
  -- what follows is of this device alone
  last_message_at integer not null,
  message_count integer not null default 0,
  total_tokens_used integer not null default 0,
  hidden_count integer not null default 0,
  view_stale integer not null default 0,
  -- the server's change_seq of the row as last seen; null: never seen there; -1: awaiting word after a re-join
  server_seq integer,
  seq integer not null
) strict;

create index conversations_by_seq on conversations (seq);
create index conversations_active on conversations (last_message_at, id) where deleted_at is null and is_archived = 0;
create index conversations_starred on conversations (last_message_at, id) where deleted_at is null and is_starred = 1;
create index conversations_archived on conversations (last_message_at, id) where deleted_at is null and is_archived = 1;
create index conversations_kept on conversations (last_message_at, id) where deleted_at is null;
create index conversations_trash on conversations (last_message_at, id) where deleted_at is not null;
create index conversations_tagged on conversations (id) where tags <> '[]';
create index conversations_stale on conversations (id) where view_stale = 1;

create table messages (
  id integer primary key,
  uuid blob not null unique check (length(uuid) = 16),
  conversation_id integer not null references conversations (id) on delete cascade,
  parent_id blob,
  role text not null,
  content text not null,
  content_type text not null,
  attachments text not null,
  prompt_tokens integer not null,
  completion_tokens integer not null,
  total_tokens integer not null,
  model_id text,
  provider_id text,
  response_time_ms integer,
  finish_reason text,
  function_call text,
  tool_calls text,
  rating integer check (rating between 1 and 5),
  feedback text,
  metadata text not null,
  created_at integer not null,
  edited_at integer,
  deleted_at integer,
  -- what follows is of this device alone: the place on the branch in view. `view_pos` counts the messages that are
  -- shown (1, 2, …); a hidden one has the place of the shown one before it and `view_sub` 1, 2, …; null: not in view.
  view_pos integer,
  view_sub integer not null default 0,
  -- where the thread forks: the row (0: the thread's start) that this message and its siblings answer
  fork integer,
  hidden integer not null check (hidden in (0, 1)),
  server_seq integer,
  seq integer not null
) strict;

create index messages_in_time on messages (conversation_id, created_at, uuid);
create index messages_in_view on messages (conversation_id, view_pos, view_sub) where view_pos is not null;
create index messages_forks on messages (conversation_id, fork) where fork is not null;
create index messages_by_seq on messages (seq);

create table attachments (
  id integer primary key,
  uuid blob not null unique check (length(uuid) = 16),
  message_id integer not null references messages (id) on delete cascade,
  file_name text not null,
  file_type text,
  file_size integer,
  storage_path text not null,
  sha256 text,
  mime_type text,
  width integer,
  height integer,
  duration_seconds integer,
  metadata text not null,
  created_at integer not null,
  server_seq integer
) strict;

create index attachments_of_message on attachments (message_id);
create index attachments_by_hash on attachments (sha256) where sha256 is not null;

-- What was erased for good, for the index to forget. `message_id` 0: the whole conversation.
create table erased (
  seq integer not null,
  conversation_id integer not null,
  message_id integer not null,
  primary key (seq, conversation_id, message_id)
) strict, without rowid;

-- Conversations of an import that could not be understood, kept as they came.
create table unreadable_imports (
  key text primary key not null,
  reason text not null,
  raw text not null,
  kept_at integer not null
) strict, without rowid;

-- How long each list is, so that a list tells its length without counting.
create table list_counts (
  list text primary key not null,
  n integer not null
) strict, without rowid;
insert into list_counts values ('active', 0), ('starred', 0), ('archived', 0), ('trash', 0);

create trigger list_counts_insert after insert on conversations begin
  update list_counts set n = n + 1 where list = 'active' and new.deleted_at is null and new.is_archived = 0;
  update list_counts set n = n + 1 where list = 'archived' and new.deleted_at is null and new.is_archived = 1;
  update list_counts set n = n + 1 where list = 'starred' and new.deleted_at is null and new.is_starred = 1;
  update list_counts set n = n + 1 where list = 'trash' and new.deleted_at is not null;
end;
create trigger list_counts_delete after delete on conversations begin
  update list_counts set n = n - 1 where list = 'active' and old.deleted_at is null and old.is_archived = 0;
  update list_counts set n = n - 1 where list = 'archived' and old.deleted_at is null and old.is_archived = 1;
  update list_counts set n = n - 1 where list = 'starred' and old.deleted_at is null and old.is_starred = 1;
  update list_counts set n = n - 1 where list = 'trash' and old.deleted_at is not null;
end;
create trigger list_counts_update after update of deleted_at, is_archived, is_starred on conversations
when old.deleted_at is not new.deleted_at or old.is_archived <> new.is_archived or old.is_starred <> new.is_starred
begin
  update list_counts set n = n + (new.deleted_at is null and new.is_archived = 0)
                               - (old.deleted_at is null and old.is_archived = 0) where list = 'active';
  update list_counts set n = n + (new.deleted_at is null and new.is_archived = 1)
                               - (old.deleted_at is null and old.is_archived = 1) where list = 'archived';
  update list_counts set n = n + (new.deleted_at is null and new.is_starred = 1)
                               - (old.deleted_at is null and old.is_starred = 1) where list = 'starred';
  update list_counts set n = n + (new.deleted_at is not null) - (old.deleted_at is not null) where list = 'trash';
end;
