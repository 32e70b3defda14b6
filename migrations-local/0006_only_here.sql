-- Conversations that stay on this device: nothing of them is ever queued for the server.
create table only_here (
  conversation_id integer primary key references conversations (id) on delete cascade
) strict;

-- Whether an operation was ever on its way: the server may have it, whatever the device has heard.
alter table outbox add column offered integer not null default 0 check (offered in (0, 1));
-- What waits from before this version may have been sent.
update outbox set offered = 1;
