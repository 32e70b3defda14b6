#!/usr/bin/env bash
# Writes what each user has into a bucket: the daily export. Run it as `postgres` of the database, from any machine.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… S3_…=… AWS_…=… export-users.sh [USER]
#
# Promise: exports/USER/latest.json names a whole export of one moment, by its hash: all conversations as a file of the app's
# own format, and the account (export-user.sql). Nothing is written for a user who has changed nothing since. A run may break
# off anywhere and be repeated: what is done is not done again, and latest.json never names what is not whole. A user who
# fails keeps nobody else from it, and makes the run end with an error. The last KEEP (7) exports of a user stay.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
. "$here/s3.sh"
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

if [[ $# -eq 0 ]]; then
  failed=0 users=0
  list=$(ask -c 'select id from public.user_profiles order by id')
  while IFS= read -r user; do
    [[ -n $user ]] || continue
    users=$((users + 1))
    # A process each: whatever breaks in it ends there.
    bash "$here/export-users.sh" "$user" || { failed=$((failed + 1)) && echo "export-users: $user failed" >&2; }
  done <<<"$list"
  echo "export-users: $users users, $failed failed"
  exit $((failed > 0))
fi

user=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
there=0
s3_get "exports/$user/latest.json" latest || there=$?
[[ $there -ne 1 ]] || exit 1
state_now="select (select e.epoch from airi_private.sync_epoch as e) || ':' || coalesce(
  (select h.seq from public.sync_heads as h where h.user_id = :'user'), 0)"
if [[ $there -eq 0 && $(ask -v user="$user" <<<"$state_now") == $(sed -n 's/.*"state":"\([^"]*\)".*/\1/p' latest) ]]; then
  exit 0
fi

ask -v user="$user" -f "$here/export-user.sql"
state=$(cat state)
name=exports/$user/$(date -u +%Y%m%dT%H%M%S.%NZ)
entries=''
for part in conversations account; do
  gzip -n "$part.json"
  s3_put "$part.json.gz" "$name.$part.json.gz"
  sum=$(sha256sum <"$part.json.gz")
  entries+=",\"$part\":{\"name\":\"$name.$part.json.gz\",\"sha256\":\"${sum%% *}\"}"
done
printf '{"state":"%s"%s}\n' "$state" "$entries" >latest
s3_put latest "exports/$user/latest.json"

# Times in names sort: all but the last, and latest.json comes after every one of them.
s3_list "exports/$user/2" names
head -n "-$((2 * ${KEEP:-7}))" names | while IFS= read -r old; do s3_delete "$old" answer; done
