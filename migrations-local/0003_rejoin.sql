-- After the server was restored to an older moment, devices bring back what it lost. For that a row keeps, while it awaits
-- word, the number that it had (`held_seq`), and an operation that brings something back carries it (`held`).
alter table conversations add column held_seq integer;
alter table messages add column held_seq integer;
alter table attachments add column held_seq integer;
alter table outbox add column held integer;
create index outbox_held on outbox (row_id) where held is not null;

-- Rows that may be another form here than on the server, to be fetched again: an operation was answered with a number that
-- pulling had passed already, so what others did to the row since then lies hidden.
create table refetch (
  table_name text not null,
  row_id blob not null,
  primary key (table_name, row_id)
) strict, without rowid;

-- Whether every parent in the conversation stands before its children in time, so that a message that comes last can be
-- placed without looking at the rest. 0: not known, or not so.
alter table conversations add column view_plain integer not null default 0;
