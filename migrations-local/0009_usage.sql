-- Tokens and messages by day, model and provider are kept rather than summed: a view of usage looked at every message. Days are
-- counted from 1970 in UTC; '' stands for a model or provider that is not known. Deleted messages count nowhere.
create table usage_by_conversation (
  conversation_id integer not null references conversations (id) on delete cascade,
  day integer not null,
  model_id text not null,
  provider_id text not null,
  messages integer not null,
  prompt_tokens integer not null,
  completion_tokens integer not null,
  total_tokens integer not null,
  primary key (conversation_id, day, model_id, provider_id)
) without rowid;

-- Without deleted conversations.
create table usage_by_day (
  day integer not null,
  model_id text not null,
  provider_id text not null,
  messages integer not null,
  prompt_tokens integer not null,
  completion_tokens integer not null,
  total_tokens integer not null,
  primary key (day, model_id, provider_id)
) without rowid;

insert into usage_by_conversation
select conversation_id, (created_at - ((created_at % 86400000000) + 86400000000) % 86400000000) / 86400000000,
  coalesce(model_id, ''), coalesce(provider_id, ''), count(*), sum(prompt_tokens), sum(completion_tokens), sum(total_tokens)
from messages where deleted_at is null group by 1, 2, 3, 4;

insert into usage_by_day
select u.day, u.model_id, u.provider_id, sum(u.messages), sum(u.prompt_tokens), sum(u.completion_tokens), sum(u.total_tokens)
from usage_by_conversation u join conversations c on c.id = u.conversation_id
where c.deleted_at is null group by 1, 2, 3;

-- ------------------------------------------------------------------------------------------ messages come, change and go
create trigger messages_usage_insert after insert on messages when new.deleted_at is null begin
  insert into usage_by_conversation values (new.conversation_id,
    (new.created_at - ((new.created_at % 86400000000) + 86400000000) % 86400000000) / 86400000000,
    coalesce(new.model_id, ''), coalesce(new.provider_id, ''), 1, new.prompt_tokens, new.completion_tokens, new.total_tokens)
  on conflict do update set messages = messages + 1, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens;
end;
create trigger messages_usage_delete after delete on messages when old.deleted_at is null begin
  update usage_by_conversation set messages = messages - 1, prompt_tokens = prompt_tokens - old.prompt_tokens,
    completion_tokens = completion_tokens - old.completion_tokens, total_tokens = total_tokens - old.total_tokens
  where conversation_id = old.conversation_id
    and day = (old.created_at - ((old.created_at % 86400000000) + 86400000000) % 86400000000) / 86400000000
    and model_id = coalesce(old.model_id, '') and provider_id = coalesce(old.provider_id, '');
end;
create trigger messages_usage_update
after update of conversation_id, created_at, deleted_at, model_id, provider_id, prompt_tokens, completion_tokens, total_tokens
on messages when old.conversation_id <> new.conversation_id or old.created_at <> new.created_at
  or (old.deleted_at is null) <> (new.deleted_at is null) or old.model_id is not new.model_id
  or old.provider_id is not new.provider_id or old.prompt_tokens <> new.prompt_tokens
  or old.completion_tokens <> new.completion_tokens or old.total_tokens <> new.total_tokens
begin
  update usage_by_conversation set messages = messages - 1, prompt_tokens = prompt_tokens - old.prompt_tokens,
    completion_tokens = completion_tokens - old.completion_tokens, total_tokens = total_tokens - old.total_tokens
  where old.deleted_at is null and conversation_id = old.conversation_id
    and day = (old.created_at - ((old.created_at % 86400000000) + 86400000000) % 86400000000) / 86400000000
    and model_id = coalesce(old.model_id, '') and provider_id = coalesce(old.provider_id, '');
  insert into usage_by_conversation select new.conversation_id,
    (new.created_at - ((new.created_at % 86400000000) + 86400000000) % 86400000000) / 86400000000,
    coalesce(new.model_id, ''), coalesce(new.provider_id, ''), 1, new.prompt_tokens, new.completion_tokens, new.total_tokens
  where new.deleted_at is null
  on conflict do update set messages = messages + 1, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens;
end;

-- --------------------------------------------------------------------------------------------- and their days with them
create trigger usage_insert after insert on usage_by_conversation
when (select deleted_at from conversations where id = new.conversation_id) is null begin
  insert into usage_by_day values (new.day, new.model_id, new.provider_id, new.messages, new.prompt_tokens,
    new.completion_tokens, new.total_tokens)
  on conflict do update set messages = messages + excluded.messages, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens;
end;
create trigger usage_update after update on usage_by_conversation
when (select deleted_at from conversations where id = new.conversation_id) is null begin
  update usage_by_day set messages = messages + new.messages - old.messages,
    prompt_tokens = prompt_tokens + new.prompt_tokens - old.prompt_tokens,
    completion_tokens = completion_tokens + new.completion_tokens - old.completion_tokens,
    total_tokens = total_tokens + new.total_tokens - old.total_tokens
  where day = new.day and model_id = new.model_id and provider_id = new.provider_id;
end;
create trigger usage_delete after delete on usage_by_conversation
when (select deleted_at from conversations where id = old.conversation_id) is null begin
  update usage_by_day set messages = messages - old.messages, prompt_tokens = prompt_tokens - old.prompt_tokens,
    completion_tokens = completion_tokens - old.completion_tokens, total_tokens = total_tokens - old.total_tokens
  where day = old.day and model_id = old.model_id and provider_id = old.provider_id;
end;
create trigger usage_ends after update on usage_by_conversation when new.messages = 0 begin
  delete from usage_by_conversation where conversation_id = new.conversation_id and day = new.day
    and model_id = new.model_id and provider_id = new.provider_id and messages = 0;
end;
create trigger usage_day_ends after update on usage_by_day when new.messages = 0 begin
  delete from usage_by_day where day = new.day and model_id = new.model_id and provider_id = new.provider_id
    and messages = 0;
end;

create trigger conversations_usage_hidden after update of deleted_at on conversations
when (old.deleted_at is null) <> (new.deleted_at is null) begin
  insert into usage_by_day select day, model_id, provider_id, messages * (case when new.deleted_at is null then 1 else -1 end),
    prompt_tokens * (case when new.deleted_at is null then 1 else -1 end),
    completion_tokens * (case when new.deleted_at is null then 1 else -1 end),
    total_tokens * (case when new.deleted_at is null then 1 else -1 end)
  from usage_by_conversation where conversation_id = new.id
  on conflict do update set messages = messages + excluded.messages, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens;
end;
-- Before its row goes, which says whether its days count; what its messages say afterwards finds nothing.
create trigger conversations_usage_delete before delete on conversations begin
  delete from usage_by_conversation where conversation_id = old.id;
end;
