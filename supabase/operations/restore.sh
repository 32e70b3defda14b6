#!/usr/bin/env bash
# Makes a cluster's folder out of BACKUPS that, when started, goes on to a moment. Run it as the user of PostgreSQL.
#
#     restore.sh BACKUPS DATA latest
#     restore.sh BACKUPS DATA '2026-11-27 08:45:00+00'
#     restore.sh BACKUPS DATA point:NAME           (pg_create_restore_point)
#
# Promise: DATA is written only if nothing is there; a backup that does not match its checksums is not restored; a moment
# that the log does not reach stops the server (it never comes up quietly at an earlier one). Coming up gives a new timeline
# and with it a new epoch (docs/decisions/0007). Keep the API closed until reopen.sh has said yes.
set -euo pipefail
export LC_ALL=C
backups=$(cd "$1" && pwd) data=$2 target=$3

if [[ -e $data && -n $(ls -A "$data") ]]; then
  echo "restore: $data is not empty; move it away first (it may be all that is left of the last minutes)" >&2
  exit 1
fi
until=''
case $target in
  latest) setting='' ;;
  point:*) setting="recovery_target_name = '${target#point:}'" ;;
  *)
    setting="recovery_target_time = '$target'"
    until=$(date -u -d "$target" +%Y%m%dT%H%M%S.%NZ)
    ;;
esac
base=''
while IFS= read -r backup; do
  if [[ -z $until || $backup < $until ]]; then base=$backup; fi
done < <(find "$backups/base" -mindepth 1 -maxdepth 1 -name '2*Z' -printf '%f\n' | sort)
if [[ -z $base ]]; then
  echo "restore: no backup in $backups/base was done before $target" >&2
  exit 1
fi
pg_verifybackup --quiet "$backups/base/$base"
mkdir -p "$data"
cp -a "$backups/base/$base/." "$data/"
chmod 700 "$data"
# A target of an earlier restore may be in the backup, and there may be one only.
settings=$data/postgresql.auto.conf
sed -i '/^recovery_target/d; /^restore_command/d' "$settings"
{
  echo "restore_command = 'cp \"$backups/wal/%f\" \"%p\"'"
  echo "recovery_target_action = 'promote'"
  [[ -z $setting ]] || echo "$setting"
} >>"$settings"
touch "$data/recovery.signal"
