-- The files of a conversation are paged through by themselves, the newest first, without walking its messages. Rows that are
-- given ids of this account may move to another conversation, and their files go along.
alter table attachments add column conversation_id integer;
update attachments set conversation_id = (select conversation_id from messages where id = message_id);
create trigger attachments_conversation after insert on attachments begin
  update attachments set conversation_id = (select conversation_id from messages where id = new.message_id)
  where id = new.id;
end;
create trigger attachments_moved after update of message_id on attachments begin
  update attachments set conversation_id = (select conversation_id from messages where id = new.message_id)
  where id = new.id;
end;
create trigger messages_moved after update of conversation_id on messages
when new.conversation_id is not old.conversation_id begin
  update attachments set conversation_id = new.conversation_id where message_id = new.id;
end;
create index attachments_of_conversation on attachments (conversation_id, created_at, uuid);

-- What the user said about a file of this device: 1: stays here whatever the settings say; 0: goes, until it is asked for.
create table file_keep (
  attachment_id integer primary key references attachments (id) on delete cascade,
  keep integer not null check (keep in (0, 1))
) strict;

-- Conversations whose files all stay here, those still to come included.
create table conversation_keep (
  conversation_id integer primary key references conversations (id) on delete cascade
) strict;
