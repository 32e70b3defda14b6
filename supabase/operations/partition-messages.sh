#!/usr/bin/env bash
# Moves chat_messages to partitions by month, beside its readers and writers, and back. Run it as `postgres` of the database,
# one step after the other; docs/operations.md, "Partitions", says when it is worth it and what each step asks of you.
#
#     PGHOST=… PGPORT=… PGUSER=… PGPASSWORD=… PGDATABASE=… partition-messages.sh STEP
#
#     prepare [FIRST]   makes the months aside, from FIRST (2024-01-01), and begins to mirror every write
#     copy              copies what is there; may be stopped at any time and goes on where it was
#     connect           foreign keys, looked through beside everyone
#     verify            both tables hold the same rows
#     switch            the name chat_messages goes to the other table; everything that hangs on it goes along
#     status            how far it is
#     finish            drops the table that is not in use. Before the switch: gives the move up
#
# The way back, until `finish`: connect, verify, switch.
#
# Promise: no step loses a row or refuses a write. No step keeps a writer waiting longer than one batch of the copy or 0.4 s for
# a lock; one that cannot get a lock so fast is tried again, TRIES (600) times at most, once a second.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) step=${1:-} first=${2:-}
export PGOPTIONS="-c client_min_messages=warning -c statement_timeout=0 -c search_path= ${PGOPTIONS:-}"
pages=${PAGES:-100}
if ! [[ $first =~ ^([0-9]{4}-[0-9]{2}-[0-9]{2})?$ && $pages =~ ^[0-9]+$ ]]; then
  echo "partition-messages: FIRST is a date (2024-01-01), PAGES a number" >&2
  exit 2
fi
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@"; }

. "$here/patiently.sh"
moving() { [[ $(ask -c "select to_regclass('airi_aside.chat_messages') is not null") == t ]]; }
must_be_moving() {
  if ! moving; then
    echo "partition-messages: nothing is being moved; prepare comes first" >&2
    exit 1
  fi
}

case $step in
  prepare)
    ask -f "$here/partition-tables.sql" -f "$here/partition-switch.sql"
    patiently -c "select airi_partitions.prepare(nullif('$first', '')::date)"
    ;;
  copy)
    must_be_moving
    left=all
    while [[ $left != 0 ]]; do
      left=$(patiently -c "select airi_partitions.copy_batch($pages)")
    done
    echo copied
    ;;
  connect)
    must_be_moving
    patiently -c "set lock_timeout = '400ms'" -c 'call airi_partitions.connect()'
    echo connected
    ;;
  verify)
    must_be_moving
    patiently -c 'begin isolation level repeatable read' -c 'select * from airi_partitions.verify()' -c commit
    ;;
  switch)
    must_be_moving
    patiently -c 'select airi_partitions.switch()'
    # What the switch left empty, and what the planner should know of the table.
    ask <<<"select format('refresh materialized view %I.%I', n.nspname, c.relname) from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace where c.relkind = 'm' and not c.relispopulated \gexec"
    ask -c 'analyze public.chat_messages'
    ;;
  status)
    if moving; then
      ask -c "select case when airi_partitions.parent() = to_regclass('public.chat_messages') then 'months are in use, the former table lies aside'
        else format('%s of %s pages are copied, %s rows were busy', m.done, m.pages, (select count(*) from airi_partitions.skipped)) end
        || case when m.verified_at is null then '' else ', verified' end from airi_partitions.move as m"
    else
      ask -c "select case relkind when 'p' then 'months are in use' else 'one table is in use' end
        from pg_class where oid = to_regclass('public.chat_messages')"
    fi
    ;;
  finish)
    must_be_moving
    in_use=$(patiently -c 'select airi_partitions.finish()')
    patiently -c 'drop schema airi_aside'
    [[ $in_use == months ]] || patiently -c 'drop schema airi_partitions cascade'
    echo "$in_use"
    ;;
  *)
    sed -n '2,24p' "$0" >&2
    exit 2
    ;;
esac
