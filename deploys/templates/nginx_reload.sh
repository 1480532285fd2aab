# reload_nginx: 0 once nginx uses its files and its old workers have ended; it waits up to `drain` seconds for these: they
# finish the requests in flight. 1, with the reason printed, where nginx refuses the files.
reload_nginx() {
  systemctl unmask --runtime --quiet nginx.service
  systemctl unmask --quiet nginx.service
  if ! refused=$(nginx -t -q 2>&1); then
    printf '%s\n' "$refused" | tail -n 3 >&2
    return 1
  fi
  if ! systemctl is-active --quiet nginx.service; then
    # "activating" or "failed": a fresh start, whatever it was.
    systemctl reset-failed nginx.service 2>/dev/null
    systemctl restart nginx.service >/dev/null 2>&1 && return 0
    journalctl -u nginx.service -n 20 -o cat --no-pager | grep emerg | head -n 1 >&2
    return 1
  fi
  master=$(systemctl show -P MainPID nginx.service)
  before=" $(pgrep -P "$master" | tr '\n' ' ')"
  systemctl reload nginx.service || return 1
  waited=0
  until pgrep -P "$master" | while read -r worker; do
    case "$before" in *" $worker "*) ;; *) echo new && break ;; esac
  done | grep -q new; do
    # The files are valid, but nginx cannot use them: another program has the port, for example.
    waited=$((waited + 1))
    if [ "$waited" -gt 50 ]; then
      grep emerg /var/log/nginx/error.log | grep -v 'still could not' | tail -n 1 >&2
      return 1
    fi
    sleep 0.1
  done
  waited=0
  for worker in $before; do
    while [ "$(ps -o ppid= -p "$worker" | tr -d ' ')" = "$master" ] && [ "$waited" -lt $((drain * 10)) ]; do
      waited=$((waited + 1))
      sleep 0.1
    done
  done
  return 0
}
