#!/usr/bin/env bash
# Brings a snapshot into an empty database of a cluster that has the project's roles. Run it as a superuser of it.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… restore-snapshot.sh FILE
#
# Promise: all of it or nothing, and never over tables that are there. The database gets a new epoch, so that devices compare
# all they hold and bring back what came later. It says `whole` as reopen.sh does, and prints the manifest (manifest.sql).
# pg_cron is left out: it lives in one database of a cluster; `select airi_private.schedule_jobs()` once it is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

if [[ $(ask -c "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'") != 0 ]]; then
  echo "restore-snapshot: $PGDATABASE has tables already" >&2
  exit 1
fi
list=$(mktemp)
trap 'rm -f "$list"' EXIT
pg_restore --list "$1" | grep -Ev ' (EXTENSION|COMMENT) - (EXTENSION )?pg_cron | cron | SCHEMA - (public|cron) ' >"$list"
pg_restore --exit-on-error --single-transaction --use-list "$list" --dbname "$PGDATABASE" "$1"
bash "$here/reopen.sh"
ask -f "$here/manifest.sql"
