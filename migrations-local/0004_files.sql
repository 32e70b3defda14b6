-- Files of this device alone. `attachments` says what the server's rows say; here is what was found out about the bytes.

-- When a content was opened last: what nobody opens leaves the disk first.
create table file_use (
  sha256 text primary key not null,
  used_at integer not null
) strict, without rowid;

-- The hash of an object whose row tells none, found when it came. Good for as long as the row names that object.
create table file_found (
  attachment_id integer primary key references attachments (id) on delete cascade,
  storage_path text not null,
  sha256 text not null
) strict;

-- Objects that could not be had although the server was reached; nobody asks for them again by the minute.
create table file_faults (
  attachment_id integer primary key references attachments (id) on delete cascade,
  storage_path text not null,
  -- 1: the server does not have it; 0: what it has is not what it should be
  gone integer not null check (gone in (0, 1)),
  reason text not null,
  noted_at integer not null
) strict;

create index attachments_without_place on attachments (id) where storage_path = '';
