#!/usr/bin/env bash
# PostgreSQL's archive_command: keeps one finished file of the write-ahead log.
#
#     archive_command = '/opt/airi/archive-wal.sh "%p" "%f" /backups'
#
# Promise: when this says yes, the file lies whole and flushed in BACKUPS/wal under its name. A file that is there already
# with other content is never overwritten: two clusters that archive into one folder would destroy each other's past.
set -euo pipefail
from=$1 name=$2 wal=$3/wal

mkdir -p "$wal"
if [[ -e $wal/$name ]]; then
  # Asked again after a crash between our yes and PostgreSQL's note of it.
  cmp -s "$from" "$wal/$name" && exit 0
  echo "archive-wal: $wal/$name is there with other content" >&2
  exit 1
fi
cp "$from" "$wal/$name.partial"
sync "$wal/$name.partial"
mv "$wal/$name.partial" "$wal/$name"
sync "$wal"
