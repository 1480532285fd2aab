# Holds an application's releases for the SSH connection that this runs in, until that ends: each step of a deploy is a
# command of its own, so no lock of a process lasts from one to the next. Given: unit
# However the connection ends (a kill, a power cut over there), the hold ends with it.

# started PID: when that process began; nothing where it is gone. A PID that is used again has another start time.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

hold() {
  below=$$ connection=$$
  until case $(cat "/proc/$connection/comm") in sshd*) true ;; *) false ;; esac do
    below=$connection connection=$(sed 's/.*) //' "/proc/$below/stat" | cut -d ' ' -f 2)
    [ "$connection" -gt 1 ] || return 0 # run on the host itself
  done
  me="$connection $(started "$connection")"
  from=$(tr '\0' '\n' <"/proc/$below/environ" | sed -n 's/^SSH_CLIENT=\([^ ]*\).*/\1/p')
  exec 8>>"/run/lock/pipeline-$unit" && flock -w 10 8 || { echo "/run/lock/pipeline-$unit cannot be had" >&2; exit 1; }
  tries=0
  while read -r pid start who since <"/run/lock/pipeline-$unit" &&
    [ "$pid $start" != "$me" ] && [ "$(started "$pid")" = "$start" ]; do
    tries=$((tries + 1)) # that of a deploy that was just killed takes a moment to end
    [ "$tries" -lt 20 ] || { echo "another deploy, from $who, is installing here since $since" >&2; exit 1; }
    sleep 0.2
  done
  echo "$me $from $(date -u +%H:%M:%S) UTC" >"/run/lock/pipeline-$unit"
  exec 8>&-
}
