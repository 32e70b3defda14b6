#!/usr/bin/env bash
# Copies the files of storage from one folder into another: to the backup, and back from it.
#
#     copy-objects.sh FROM TO
#
# Promise: what FROM held at the start is in TO at the end, flushed; nothing is ever removed from TO. An object's file never
# changes (a new version is a new file), so a second run copies what is new and no more.
set -euo pipefail
from=$1 to=$2

mkdir -p "$to"
cp -a --update "$from/." "$to/"
sync -f "$to"
