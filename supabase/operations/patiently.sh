# For scripts that change a database in use: runs `ask` with these arguments again, once a second and TRIES (600) times at most,
# while someone else holds the lock that it wants. To be sourced; `ask` is psql with `VERBOSITY=verbose`.
patiently() {
  local errors tries
  errors=$(mktemp)
  for ((tries = 1; ; tries++)); do
    if ask "$@" 2>"$errors"; then
      cat "$errors" >&2
      rm -f "$errors"
      return
    fi
    if ! grep -Eq '(55P03|40P01):' "$errors" || ((tries >= ${TRIES:-600})); then
      cat "$errors" >&2
      rm -f "$errors"
      exit 1
    fi
    sleep 1
  done
}
