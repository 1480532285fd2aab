# Runs statements as MariaDB's root, over its socket; its last line is the reason where that fails.
# Given: sql quiet (not empty: a failure is nothing found)
main() {
  said=$(printf '%s\n' "$sql" | mariadb --no-defaults --batch --skip-column-names 2>&1) && { printf '%s' "$said"; return 0; }
  [ -z "$quiet" ] || return 0
  echo "MariaDB: $said" | tail -n 1 >&2
  return 1
}
