-- What sync needs: changes that wait to be sent, rows of the tables that are only read, rows that could not be stored.

-- An insert sends the row as it is when it is sent (no copy here); a patch carries the changed fields only.
create table outbox (
  id integer primary key autoincrement,
  op_id blob not null unique check (length(op_id) = 16),
  lane blob not null,
  table_name text not null check (table_name in ('conversations', 'chat_messages', 'message_attachments')),
  row_id blob not null,
  kind text not null check (kind in ('insert', 'patch', 'delete')),
  patch text,
  base_seq integer not null,
  state text not null default 'pending' check (state in ('pending', 'wedged')),
  attempts integer not null default 0,
  error_code text,
  error text,
  created_at integer not null
) strict;

create index outbox_by_lane on outbox (lane, id);
create index outbox_by_row on outbox (row_id, id);
create index outbox_wedged on outbox (id) where state = 'wedged';

-- Tables that are only pulled (profile, usage, billing), as the server's rows.
create table server_rows (
  table_name text not null,
  id blob not null,
  server_seq integer not null,
  row text not null,
  primary key (table_name, id)
) strict, without rowid;

-- Rows of the server that could not be stored, kept whole, with the reason.
create table parked (
  table_name text not null,
  id text not null,
  reason text not null,
  row text not null,
  parked_at integer not null,
  primary key (table_name, id)
) strict, without rowid;
