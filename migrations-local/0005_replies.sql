-- Replies of models that are being written. The message's row is there and grows; no operation speaks of it before the
-- reply is over. `runner` names the lock that the writing process holds: when nobody holds it, the process is gone and
-- the reply was interrupted.
create table replies (
  message_id integer primary key references messages (id) on delete cascade,
  runner text not null
) strict;
