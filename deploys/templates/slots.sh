# What is known and done about one slot. Given: app identifier fingerprint port_a port_b environment_a environment_b
# health public listen patience
base=/srv/$app
upstream=/etc/nginx/pipeline/$app.upstream

other() { if [ "$1" = "$port_a" ]; then echo "$port_b"; else echo "$port_a"; fi; }

environment_of() { if [ "$1" = "$port_a" ]; then printf %s "$environment_a"; else printf %s "$environment_b"; fi; }

# The slot that the upstream file names, if it names one.
directed() {
  for port in "$port_a" "$port_b"; do
    [ "$(cat "$upstream" 2>/dev/null)" = "server 127.0.0.1:$port;" ] && echo "$port"
  done
}

# link TARGET NAME: in one step, whatever is there.
link() { [ -d "$2" ] && [ ! -L "$2" ] && rm -rf "$2"; ln -sfn "$1" "$2.new" && mv -T "$2.new" "$2"; }

status() { curl -s -o /dev/null --noproxy '*' -m "$2" -w '%{http_code}' "http://127.0.0.1:$1"; }

alive() { [ "$(status "$1$health" 5)" = 200 ]; }

answered() { [ "$(status "$listen$public" 5)" = 200 ]; }

# gave ADDRESS: says what it answered instead of 200.
gave() {
  code=$(status "$1" 5)
  [ "$code" = 000 ] && code="no answer"
  echo "http://127.0.0.1:$1 gave $code"
}

# Whether what was started in a slot is what is wanted. The fingerprint is written once it was healthy.
as_wanted() {
  slot=$base/slots/$1
  [ "$(readlink "$slot/release")" = "$base/releases/$identifier" ] &&
    [ "$(cat "$slot/fingerprint" 2>/dev/null)" = "$fingerprint" ] &&
    [ "$(stat -c '%a %U %G' "$slot/environment" 2>/dev/null)" = "640 root $app" ] &&
    environment_of "$1" | cmp -s - "$slot/environment" &&
    [ "$(systemctl show -P ActiveState -P NeedDaemonReload "$app@$1.service" | tr '\n' ' ')" = "active no " ]
}

# The line of the log that most likely says why: what Java's first exception came from, which all later ones only
# repeat; else the application's last complaint, else its last word. What is told as information is no complaint.
last_words() {
  journalctl -u "$app@$1.service" --since "@$2" -o cat --no-pager -n 5000 |
    grep -vE "^(Started|Starting|Stopped|Stopping|Failed to start) |^$app@[0-9]+\.service: (Deactivated|Scheduled|Consumed|Main process|Failed with|Control|start-post operation|State .* timed out)|^[[:space:]]*(at |$)|^Node\.js v|^\}?$" |
    awk '{ last = $0 }
      /^Caused by: / { if (!another) cause = substr($0, 12); next }
      /^(Exception in thread "[^"]*" )?[a-z][A-Za-z0-9_]*(\.[A-Za-z0-9_$]+)+(Exception|Error)(:|$)/ {
        if (cause == "") { cause = $0; sub(/^Exception in thread "[^"]*" /, "", cause) } else another = 1
      }
      / (INFO|DEBUG|TRACE) |^(INFO|DEBUG|TRACE|FINE) / { next }
      /[Ee]rror|[Ee]xception|Cannot|cannot|[Ff]ailed|[Dd]enied|refused|No such|not found/ { bad = $0 }
      END { if (cause != "") print cause; else if (bad != "") print bad; else if (last != "") print last; else print "its log is empty" }' | cut -c 1-300
}

stop() {
  systemctl disable --quiet "$app@$1.service" 2>/dev/null
  systemctl stop "$app@$1.service" 2>/dev/null
  systemctl reset-failed "$app@$1.service" 2>/dev/null
  return 0
}

# Starts the release in a slot that has no traffic; 1, with the reason said and the slot stopped, where it is not
# healthy in time.
start() {
  slot=$base/slots/$1
  stop "$1"
  taken=$(ss -Hltnp "sport = :$1" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (process \2)/p' | head -n 1)
  [ -z "$taken" ] || { echo "port $1 is taken by $taken" >&2; return 1; }
  install -d -m 755 "$base/slots" "$slot" && rm -f "$slot/fingerprint" &&
    environment_of "$1" | install -m 640 -g "$app" /dev/stdin "$slot/environment.new" &&
    mv -T "$slot/environment.new" "$slot/environment" &&
    link "$base/releases/$identifier" "$slot/release" && systemctl daemon-reload || return 1
  began=$(date +%s)
  if ! timeout "$patience" systemctl start "$app@$1.service" >/dev/null 2>&1; then
    why="it does not start"
    # The unit has the same limit, and what it says then is only that.
    [ $(($(date +%s) - began)) -lt $((patience - 2)) ] || why="it is not up after $patience s"
  else
    until alive "$1"; do
      why=""
      [ $(($(date +%s) - began)) -lt "$patience" ] ||
        why="not healthy after $patience s ($(gave "$1$health"))"
      [ "$(systemctl show -P NRestarts "$app@$1.service")" -lt 5 ] || why="it ends again and again"
      [ -z "$why" ] || break
      sleep 0.2
    done
  fi
  if [ -n "${why:-}" ]; then
    words=$(last_words "$1" "$began")
    stop "$1"
    echo "$why: $words" >&2
    return 1
  fi
  echo "$fingerprint" >"$slot/fingerprint.new" && mv -T "$slot/fingerprint.new" "$slot/fingerprint"
}
