# Whether this host can take a version, looked at before any is installed. Given: base least (MB) port unit user
# environment tools (npm, pip: those that will ask their registry)
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

# As the user that installs, with the profile's environment.
as_installer() {
  runuser -u "$user" -- env HOME="$base/home" sh -c 'set -a; . "$1"; set +a; shift; exec "$@"' sh "$environment" "$@"
}

# The tool's own answer has its variable, its settings and its default in it. Of pip, those of a host that has it only
# for its virtual environments, too. Where it says none, the installation will tell.
address() {
  case $1 in
    npm) as_installer npm config get registry ;;
    pip)
      as_installer env PYTHONPATH="$(find /usr/share/python-wheels -name 'pip-*.whl' 2>/dev/null)" python3 -c '
from pip._internal.commands import create_command
print(create_command("install").parser.get_default_values().index_url)' ;;
  esac 2>/dev/null | grep -E '^https?://' | tail -n 1
}

# A proxy that the environment names counts. The address may hold a password.
registry() {
  url=$(address "$1")
  [ -n "$url" ] || return 0
  shown=$(echo "$url" | sed -E 's|(//)[^/]*@|\1|; s|[?#].*||')
  said=$(
    printf 'url = "%s"\n' "$url" | as_installer curl -K - -sSIL -o /dev/null --connect-timeout 5 -m 12 \
      --retry 1 --retry-connrefused --retry-delay 1 -w 'status %{http_code}\n' 2>&1
  ) && case ${said##*status } in
    501 | [1234]*) return 0 ;;
    *) wrong "its registry for $1, $shown, answers ${said##*status }" ;;
  esac
  why=$(echo "$said" | sed -n 's/ after [0-9]* ms//; s/^curl: ([0-9]*) //p' | tail -n 1)
  wrong "its registry for $1, $shown, cannot be reached: ${why:-curl does not say why}"
}

main() {
  ours=
  set -f # an address may hold a ? or a *
  cd /   # the user that installs must not see root's directory
  for place in "$base" /var/lib /tmp; do room "$place"; done
  port_free
  for tool in $tools; do registry "$tool"; done
}
