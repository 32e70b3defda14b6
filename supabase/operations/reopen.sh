#!/usr/bin/env bash
# The last step of a restore, before the API is opened again: waits until the server has come up, gives it a new epoch, and
# looks whether what came up is whole. Run it as a superuser of the database.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… reopen.sh [STORAGE]
#
# Promise: it says yes only if every index of our tables agrees with its table, every reference points to a row, and no
# number is above its owner's head. With STORAGE (the folder of storage's files), objects whose bytes are not there are named
# and forgotten, so that devices bring them back (missing-objects.sql). Keep what is printed.
#
# The epoch is set also where the restore gave a new timeline: a dump, or a folder put back as it was, leaves no other trace.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) storage=${1:-}
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

for ((tries = 0; ; tries++)); do
  [[ $(ask -c 'select pg_is_in_recovery()' 2>/dev/null || true) == f ]] && break
  if ((tries >= ${PATIENCE:-14400})); then
    echo 'reopen: the server has not come up' >&2
    exit 1
  fi
  sleep 1
done

ask -c 'update airi_private.sync_epoch set epoch = gen_random_uuid()'

broken=$(ask -f "$here/whole.sql")
if [[ -n $broken ]]; then
  printf 'reopen: not whole:\n%s\n' "$broken" >&2
  exit 1
fi

if [[ -n $storage ]]; then
  # Whatever the layout of the folder, the last part of a file's path is the object's version.
  find "$storage" -type f -printf '%f\n' |
    ask -c 'create temporary table present (version text)' -c '\copy present from pstdin' -f "$here/missing-objects.sql"
fi
echo 'whole'
