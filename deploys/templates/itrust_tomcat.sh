# Tomcat's configuration of both slots. Given: base server logging mode ("check" says "same" where nothing is to do)
holds() { printf %s "$2" | cmp -s - "$1" && [ "$(stat -c '%a %U %G' "$1")" = "644 root root" ]; }

put() { printf %s "$2" >"$1.new" && chmod 644 "$1.new" && mv -T "$1.new" "$1"; }

# Whether Debian's Tomcat or Java was upgraded after what runs was started.
upgraded() {
  upgrade=$(stat -c %Y /var/lib/dpkg/info/libtomcat10-java.list /var/lib/dpkg/info/openjdk-*-jre-headless*.list 2>/dev/null |
    sort -n | tail -n 1)
  for slot in /srv/itrust/slots/*/; do
    pid=$(systemctl show -P MainPID "itrust@$(basename "$slot").service" 2>/dev/null)
    [ "${pid:-0}" -gt 0 ] && [ "$(stat -c %Y "/proc/$pid")" -lt "${upgrade:-0}" ] && return 0
  done
  return 1
}

main() {
  if [ "$mode" = check ]; then
    [ -d "$base/webapps" ] && [ -z "$(ls -A "$base/webapps")" ] && holds "$base/conf/server.xml" "$server" &&
      holds "$base/conf/logging.properties" "$logging" && ! upgraded && echo same
    return 0
  fi
  # A slot that runs the old one is started anew by the activation.
  ! upgraded || rm -f /srv/itrust/live /srv/itrust/slots/*/fingerprint
  # Tomcat needs the directory webapps, and is to find nothing in it.
  rm -rf "$base/webapps"
  install -d -m 755 "$base" "$base/conf" "$base/webapps" && put "$base/conf/server.xml" "$server" &&
    put "$base/conf/logging.properties" "$logging"
}
