#!/usr/bin/env bash
# Writes conversations that were archived and have lain untouched for MONTHS (12) into a bucket: the monthly archive. Run it as
# `postgres` of the database. It removes nothing from the database: conversations are archived, never deleted.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… S3_…=… AWS_…=… archive-conversations.sh [MONTHS]
#
# Promise: archive/USER/CONVERSATION.NUMBER.json.gz is a file of the app's own format, whole, as the conversation stood at that
# number of its owner. One that has not changed since is not written again; one that has takes the place of the older. A run
# may break off anywhere and be repeated.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
. "$here/s3.sh"
months=${1:-12}
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ask -F ' ' -v months="$months" >wanted <<'SQL'
select c.user_id, c.id, greatest(c.change_seq,
  (select max(m.change_seq) from public.chat_messages as m where m.conversation_id = c.id),
  (select max(a.change_seq) from public.message_attachments as a join public.chat_messages as m on m.id = a.message_id
    where m.conversation_id = c.id))
from public.conversations as c
where c.is_archived and c.deleted_at is null
  and greatest(c.last_message_at, c.updated_at) < now() - make_interval(months => :months)
order by c.user_id, c.id;
SQL

owner='' written=0 kept=0
: >names
while read -r user conversation number; do
  if [[ $user != "$owner" ]]; then
    s3_list "archive/$user/" names
    owner=$user
  fi
  name=archive/$user/$conversation.$number.json.gz
  if grep -qxF "$name" names; then
    kept=$((kept + 1))
    continue
  fi
  ask -v user="$user" -v conversation="$conversation" >conversation.json <<'SQL'
begin read only;
select set_config('request.jwt.claims', json_build_object('sub', :'user')::text, true) \g /dev/null
select public.export_conversation_json(:'conversation');
SQL
  gzip -nc conversation.json >conversation.json.gz
  s3_put conversation.json.gz "$name"
  written=$((written + 1))
  { grep -F "archive/$user/$conversation." names || true; } | while IFS= read -r old; do s3_delete "$old" answer; done
done <wanted
echo "archive-conversations: $written written, $kept there already"
