# Whether this host can take a version, looked at before any is installed. Given: base least (MB) port unit user
# environment registries (lines "TOOL SETTINGS USUAL [URL]")
wrong() { echo "$*" >&2; exit 1; }

room() {
  at=$1
  until [ -d "$at" ]; do at=$(dirname "$at"); done
  set -- $(df -Pk "$at" | awk 'NR == 2 {print int($4 / 1024), $6}')
  [ "$1" -ge "$least" ] || wrong "its disk is full: $2 has $1 MB free, $least MB are the least"
  set -- $(df -Pi "$at" | awk 'NR == 2 && $2 > 0 {print $4, $6}')
  [ "${1:-1000}" -ge 1000 ] || wrong "its disk is full: $2 has room for $1 more files"
}

# The service itself may hold its port: it runs here already.
port_free() {
  command -v ss >/dev/null || return 0
  held=$(ss -Hltnp "sport = :$port") && [ -n "$held" ] || return 0
  for pid in $(echo "$held" | grep -o 'pid=[0-9]*' | cut -d = -f 2) none; do
    [ "$pid" != none ] || [ -z "$ours" ] || return 0
    if grep -qs "/$unit\$" "/proc/$pid/cgroup"; then ours=yes; continue; fi
    who=$(cat "/proc/$pid/comm" 2>/dev/null) || who="a process that cannot be seen"
    wrong "its port $port, which the service needs, is held by ${who}${who:+ (pid $pid)}"
  done
}

# As the user that installs, with the profile's environment: a proxy named there counts. The address may hold a password.
registry() {
  tool=$1 settings=$2 url=${4:-}
  [ -n "$url" ] || url=$(sed -nE 's/^ *(registry|index-url) *= *//p' "$settings" 2>/dev/null | tail -n 1)
  [ -n "$url" ] || url=$3
  shown=$(echo "$url" | sed -E 's|(//)[^/]*@|\1|; s|[?#].*||')
  said=$(
    printf 'url = "%s"\n' "$url" | runuser -u "$user" -- sh -c '
      set -a; . "$1"; set +a
      exec curl -K - -sSIL -o /dev/null --connect-timeout 5 -m 12 --retry 1 --retry-connrefused --retry-delay 1 \
        -w "status %{http_code}\n" 2>&1' sh "$environment"
  ) && case ${said##*status } in
    501 | [1234]*) return 0 ;;
    *) wrong "its registry for $tool, $shown, answers ${said##*status }" ;;
  esac
  why=$(echo "$said" | sed -n 's/ after [0-9]* ms//; s/^curl: ([0-9]*) //p' | tail -n 1)
  wrong "its registry for $tool, $shown, cannot be reached: ${why:-curl does not say why}"
}

main() {
  ours=
  set -f # an address may hold a ? or a *
  for place in "$base" /var/lib /tmp; do room "$place"; done
  port_free
  echo "$registries" | while read -r line; do
    [ -z "$line" ] || registry $line
  done
}
