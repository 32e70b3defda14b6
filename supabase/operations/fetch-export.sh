#!/usr/bin/env bash
# Brings one user's last export back from the bucket, for `airi import FILE` on the user's device.
#
#     S3_…=… AWS_…=… fetch-export.sh USER FILE [conversations|account]
#
# Promise: FILE is whole, as its hash in latest.json says, or it is not there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/s3.sh"
user=$1 file=$2 part=${3:-conversations}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
s3_get "exports/$user/latest.json" "$work/latest" || { echo "fetch-export: there is no export of $user" >&2 && exit 1; }
field() { sed -n "s/.*\"$part\":{[^}]*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/latest"; }
s3_get "$(field name)" "$work/part.gz"
if ! echo "$(field sha256)  $work/part.gz" | sha256sum --check --status; then
  echo "fetch-export: $(field name) is not what was written" >&2
  exit 1
fi
gzip -dc "$work/part.gz" >"$file.partial"
sync "$file.partial"
mv "$file.partial" "$file"
