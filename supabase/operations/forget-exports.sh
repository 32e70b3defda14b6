#!/usr/bin/env bash
# Removes all that the bucket holds of one user: the last step of erasing an account.
#
#     S3_…=… AWS_…=… forget-exports.sh USER
#
# Promise: it says yes once nothing of the user is listed. A bucket that keeps versions keeps those until its own rule ends.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/s3.sh"
user=$1
[[ $user =~ ^[0-9a-f-]{36}$ ]] || { echo "forget-exports: '$user' is no user's id" >&2 && exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for place in exports archive; do
  s3_list "$place/$user/" "$work/names"
  while IFS= read -r name; do s3_delete "$name" "$work/answer"; done <"$work/names"
  s3_list "$place/$user/" "$work/names"
  [[ ! -s $work/names ]] || { echo "forget-exports: some of $place is left" >&2 && exit 1; }
done
