# Serves a release. Given: what slots.sh and mark.sh are given; drain; back (yes: a rollback);
# mode ("check" says what is to be done, and does nothing).
# Each step leaves something that the next run understands, wherever this one is cut short.

to_do() {
  [ "$(cat "$base/releases/$identifier.installed" 2>/dev/null)" ] || { echo "it is to be installed"; return; }
  live=$(cat "$base/live" 2>/dev/null)
  now=${live%% *}
  case $now in "$port_a" | "$port_b") ;; *) echo "none is live"; return ;; esac
  spare=$(other "$now")
  [ "$live" = "$now $identifier $fingerprint" ] || { echo "another is live"; return; }
  [ "$(directed)" = "$now" ] || { echo "nginx is to send its traffic to port $now"; return; }
  as_wanted "$now" || { echo "what runs in slot $now is not what is wanted"; return; }
  [ "$(readlink "$base/current")" = "$base/releases/$identifier" ] || { echo "current is to be set"; return; }
  states=$(systemctl show -P UnitFileState -P ActiveState "$app@$now.service" "$app@$spare.service" | tr '\n' ' ')
  case $states in
  "active enabled  inactive disabled "|"enabled active  disabled inactive ") ;;
  *) echo "exactly slot $now is to run and to be enabled"; return ;;
  esac
  grep -qxF "$identifier" "$base/history" 2>/dev/null || { echo "the history is to be written"; return; }
  marked "$identifier" || { echo "the monitor's mark is to be written"; return; }
  alive "$now" || alive "$now" || echo "slot $now does not answer"
}

# Sends nginx's traffic to a slot; where nginx refuses, what was there stays.
direct() {
  cp "$upstream" "$upstream.old" 2>/dev/null
  echo "server 127.0.0.1:$1;" >"$upstream.new" && mv -T "$upstream.new" "$upstream" || return 1
  reload_nginx && return 0
  mv -T "$upstream.old" "$upstream"
  return 1
}

# Asks the public address while the file `watching` is there; notes the time and status of each answer.
watch() {
  while [ -e "$work/watching" ] && kill -0 $$ 2>/dev/null; do
    at=$(date +%s.%N)
    echo "$at $(status "$listen$public" 2)" >>"$work/probes"
    sleep 0.2
  done
}

# The numbers of the probes, as JSON: how many, how many without a 200, for how long.
measured() {
  awk '$2 != 200 { bad++; if (!since) since = $1 } $2 == 200 && since { lost += $1 - since; since = 0 } { last = $1 }
    END { if (since) lost += last - since
      printf "\"probes\": %d, \"unanswered\": %d, \"seconds\": %.1f", NR, bad, lost }' "$work/probes"
}

# Sets `old` to the slot that serves, or to nothing. nginx is reloaded: a deploy that was cut short may have written a
# file that nginx has not read.
serving() {
  old=$(directed)
  if [ -n "$old" ] && alive "$old"; then
    reload_nginx
  elif alive "$port_a"; then
    old=$port_a && direct "$old"
  elif alive "$port_b"; then
    old=$port_b && direct "$old"
  else
    old=""
  fi
}

finish() {
  current=$(basename "$(readlink "$base/current")" .replaced)
  # A deployed release comes right after the current one, wherever it stood before; one that is rolled back to keeps its
  # place. Those after the current one were rolled back: they are dropped, so that no later rollback leads to them.
  if ! grep -qxF "$identifier" "$base/history" 2>/dev/null || { [ "$back" = no ] && [ "$current" != "$identifier" ]; }; then
    { awk -v current="$current" -v new="$identifier" '$0 != new { print } $0 == current { exit }' "$base/history" 2>/dev/null
      echo "$identifier"; } >"$base/history.new" && mv -T "$base/history.new" "$base/history"
  fi
  rm -f "$base/history.new"
  link "$base/releases/$identifier" "$base/current"
  systemctl enable --quiet "$app@$1.service" 2>/dev/null
  stop "$(other "$1")"
  rm -rf "$base"/releases/*.replaced
  echo "$1 $identifier $fingerprint" >"$base/live.new" && mv -T "$base/live.new" "$base/live"
}

switch() {
  serving || return 1
  if [ -n "$old" ] && as_wanted "$old"; then
    finish "$old"
    marked "$identifier" || mark "$identifier" "$(date +%s)"
    echo "report: {\"name\": \"switch\", \"release\": \"$identifier\", \"port\": $old," \
      "\"probes\": null, \"unanswered\": null, \"seconds\": null}"
    return
  fi
  if [ -n "$old" ]; then new=$(other "$old"); else new=$port_a && stop "$port_b"; fi
  numbers='"probes": null, "unanswered": null, "seconds": null'
  if [ -n "$old" ] && answered; then
    : >"$work/watching"
    watch 9>&- &
  fi
  start "$new" || return 1
  # Until `live` says again which of the two serves, both are enabled: a reboot now starts both.
  systemctl enable --quiet "$app@$new.service" 2>/dev/null
  was=$(cat "$base/live" 2>/dev/null)
  rm -f "$base/live"
  failed=""
  if direct "$new"; then
    tries=0
    until answered; do
      tries=$((tries + 1))
      [ "$tries" -lt 20 ] || { failed="not healthy through nginx: $(gave "$listen$public")"; break; }
      sleep 0.3
    done
  else
    failed="nginx does not take the new port"
  fi
  if [ -n "$failed" ]; then
    if [ -n "$old" ] && direct "$old"; then
      [ -z "$was" ] || { echo "$was" >"$base/live.new" && mv -T "$base/live.new" "$base/live"; }
    fi
    stop "$new"
    echo "$failed" >&2
    return 1
  fi
  finish "$new"
  mark "$identifier" "$(date +%s)"
  if [ -e "$work/watching" ]; then
    rm -f "$work/watching"
    wait
    numbers=$(measured)
  fi
  echo "report: {\"name\": \"switch\", \"release\": \"$identifier\", \"port\": $new, $numbers}"
}

main() {
  if [ "$mode" = check ]; then
    to_do
    return
  fi
  # If the connection breaks, this still runs to its end, and the next deploy waits for it.
  trap '' HUP PIPE
  exec 9>"/run/lock/pipeline-$app" && flock -w $((patience + 120)) 9 ||
    { echo "another deploy is still activating $app" >&2; exit 1; }
  # That one may have done it.
  [ -n "$(to_do)" ] || exit 0
  # Made under the lock: a directory that is there already is one that a deploy cut short has left.
  work=/run/pipeline-$app
  rm -rf "$work" && mkdir -m 700 "$work" || exit 1
  # If the connection broke, nobody reads what this prints.
  switch
  result=$?
  # Else the watch of a failed switch would print the last line: that its directory is gone.
  rm -f "$work/watching"
  wait
  rm -rf "$work"
  exit "$result"
}
