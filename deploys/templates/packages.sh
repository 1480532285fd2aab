# Installs Debian packages. Given: packages, hold (units not to be started), patience (seconds for another's lock)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# apt waits for dpkg's lock, but not for that of the lists; dpkg waits for none.
waiting() {
  until "$@" >"$log" 2>&1; do
    grep -qiE 'could not get lock|unable to lock|locked by another process' "$log" &&
      [ $(($(date +%s) - began)) -lt "$patience" ] || return 1
    sleep 1
  done
}

failed() {
  grep -vE '^(W|N): |^$|^(Reading|Building) .*\.\.\.' "$log" | tail -n 5 >&2
  # The reason comes last: the last line is what the user is shown.
  grep -E '^(E|dpkg: error): ?' "$log" | tail -n 1 >&2
  rm -f "$log"
  exit 1
}

main() {
  # A connection that breaks must not break dpkg: it goes on to its end, and the next deploy waits for it.
  trap '' HUP
  began=$(date +%s)
  log=$(mktemp /run/pipeline-packages.XXXXXX) || exit 1
  # Masked in /run: a reboot forgets it, should all this be cut short.
  [ -z "$hold" ] || systemctl mask --runtime --quiet $hold 2>/dev/null
  waiting dpkg --configure -a --force-confdef --force-confold || failed
  waiting apt-get -q update || failed
  waiting apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout="$patience" -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold --fix-broken install $packages || failed
  [ -z "$hold" ] || systemctl unmask --runtime --quiet $hold
  rm -f "$log"
}
