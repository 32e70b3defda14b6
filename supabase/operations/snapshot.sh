#!/usr/bin/env bash
# Writes the whole database into one file: a local snapshot, for a copy at home or before a risky step. It holds no moment
# between two of them; that is what base-backup.sh and the archive of the log are for.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… snapshot.sh FOLDER
#
# Promise: a file in FOLDER is a whole snapshot of one moment that was read back; it is named by when it was begun. The last
# KEEP (7) stay. A run that breaks off leaves the older ones as they were.
set -euo pipefail
export LC_ALL=C
folder=$1

mkdir -p "$folder"
begun=$(date -u +%Y%m%dT%H%M%S.%NZ)
partial=$(mktemp "$folder/.partial-XXXXXX")
trap 'rm -f "$partial"' EXIT
pg_dump --format custom --file "$partial"
pg_restore --file /dev/null "$partial"
sync "$partial"
mv "$partial" "$folder/$begun.dump"
sync "$folder"
find "$folder" -mindepth 1 -maxdepth 1 -name '2*.dump' | sort | head -n "-${KEEP:-7}" | while IFS= read -r old; do rm -f "$old"; done
echo "$folder/$begun.dump"
