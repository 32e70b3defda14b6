#!/usr/bin/env bash
# Copies the running cluster into BACKUPS. Run it as the user of PostgreSQL; the server archives with archive-wal.sh there.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… base-backup.sh BACKUPS
#
# Promise: a folder in BACKUPS/base is a whole backup whose every file was read back and compared with its checksum; it is
# named by the moment at which it was done, the earliest that it can be restored to. A run that breaks off leaves the older
# ones as they were. What no moment of the last KEEP_DAYS (7) needs any more is removed.
set -euo pipefail
export LC_ALL=C
backups=$1 keep_days=${KEEP_DAYS:-7}

mkdir -p "$backups/base" "$backups/wal"
partial=$(mktemp -d "$backups/base/.partial-XXXXXX")
trap 'rm -rf "$partial"' EXIT
pg_basebackup --pgdata "$partial/data" --wal-method stream --checkpoint fast
pg_verifybackup --quiet "$partial/data"
done_at=$(date -u +%Y%m%dT%H%M%S.%NZ)
mv "$partial/data" "$backups/base/$done_at"

# The newest backup older than the window stays: the window's first moments are restored from it.
horizon=$(date -u -d "-$keep_days days" +%Y%m%dT%H%M%S.%NZ)
oldest=''
while IFS= read -r backup; do
  if [[ -n $oldest && $oldest < $horizon ]]; then
    rm -rf "${backups:?}/base/$backup"
  else
    oldest=$backup
  fi
done < <(find "$backups/base" -mindepth 1 -maxdepth 1 -name '2*Z' -printf '%f\n' | sort -r)
first=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p' "$backups/base/$oldest/backup_label")
pg_archivecleanup "$backups/wal" "$first"
echo "$backups/base/$done_at"
