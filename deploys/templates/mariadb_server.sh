# MariaDB runs with our configuration. Given: file content patience mode ("check" says "same" where nothing is to do)
# The configuration that it was last started with: tells of a deploy cut short between the file and the restart.
started=/var/lib/mysql/.pipeline-started

main() {
  if [ "$mode" = check ]; then
    printf %s "$content" | cmp -s - "$file" && cmp -s "$file" "$started" &&
      [ "$(systemctl show -P ActiveState -P UnitFileState mariadb.service | tr '\n' ' ')" = "active enabled " ] &&
      echo same
    return 0
  fi
  trap '' HUP PIPE
  rm -f "$started"
  printf %s "$content" >"$file.new" && chmod 644 "$file.new" && mv -T "$file.new" "$file" || exit 1
  systemctl enable --quiet mariadb.service 2>/dev/null
  systemctl reset-failed mariadb.service 2>/dev/null
  timeout "$patience" systemctl restart mariadb.service >/dev/null 2>&1 || {
    journalctl -u mariadb.service -o cat --no-pager -n 50 |
      awk '{ last = $0 } /ERROR/ { bad = $0 } END { print "MariaDB does not start: " (bad ? bad : last) }' | cut -c 1-300 >&2
    exit 1
  }
  cp "$file" "$started"
}
