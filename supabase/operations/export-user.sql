-- One user's export, in the folder where psql stands: `state` (epoch and number), conversations.json, account.json. All of one
-- moment, and as the user would get it: the functions read the caller's own.
begin isolation level repeatable read read only;
\o /dev/null
select set_config('request.jwt.claims', json_build_object('sub', :'user')::text, true);
\o state
select (select e.epoch from airi_private.sync_epoch as e) || ':' || coalesce(
  (select h.seq from public.sync_heads as h where h.user_id = :'user'), 0);
\o conversations.json
\qecho '{"format":"airi-export","version":1,"conversations":['
-- A few at a time: a user may have a million messages.
\set FETCH_COUNT 10
select case when row_number() over (order by c.created_at, c.id) > 1 then ',' else '' end
  || (public.export_conversation_json(c.id) #>> '{conversations,0}')
from public.conversations as c where c.user_id = :'user' and c.deleted_at is null
order by c.created_at, c.id;
\unset FETCH_COUNT
\qecho ']}'
\o account.json
select public.export_user_account(:'user');
\o
commit;
