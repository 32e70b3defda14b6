-- What the status tells is kept rather than counted: it is asked for at every start and twice a second during a sync, and
-- counting looked at every conversation and at the message of every file.
insert into list_counts
select 'messages', coalesce(sum(message_count), 0) from conversations where deleted_at is null;

create trigger messages_total_insert after insert on conversations
when new.deleted_at is null and new.message_count <> 0 begin
  update list_counts set n = n + new.message_count where list = 'messages';
end;
create trigger messages_total_delete after delete on conversations
when old.deleted_at is null and old.message_count <> 0 begin
  update list_counts set n = n - old.message_count where list = 'messages';
end;
create trigger messages_total_update after update of deleted_at, message_count on conversations
when (old.deleted_at is null) * old.message_count <> (new.deleted_at is null) * new.message_count begin
  update list_counts set n = n + (new.deleted_at is null) * new.message_count - (old.deleted_at is null) * old.message_count
  where list = 'messages';
end;

-- Files of deleted messages. Those of deleted conversations are found by their conversation.
alter table attachments add column hidden integer not null default 0 check (hidden in (0, 1));
update attachments set hidden = 1
where (select deleted_at from messages where id = message_id) is not null;
create index attachments_hidden on attachments (conversation_id) where hidden = 1;

create trigger attachments_hidden_insert after insert on attachments
when (select deleted_at from messages where id = new.message_id) is not null begin
  update attachments set hidden = 1 where id = new.id;
end;
create trigger attachments_hidden_moved after update of message_id on attachments begin
  update attachments set hidden = (select deleted_at from messages where id = new.message_id) is not null where id = new.id;
end;
create trigger messages_deleted after update of deleted_at on messages
when (old.deleted_at is null) <> (new.deleted_at is null) begin
  update attachments set hidden = new.deleted_at is not null where message_id = new.id;
end;

-- The names of all tags, without the conversations that have them.
drop index conversations_tagged;
create index conversations_tagged on conversations (tags, deleted_at) where tags <> '[]' and deleted_at is null;
