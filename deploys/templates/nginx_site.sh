# Makes nginx serve a site. Given: app content drain mode ("check" says what is to be done, and does nothing)
file=/etc/nginx/conf.d/$app.conf
directory=/etc/nginx/pipeline
# The site that nginx last loaded: a deploy cut short before the reload leaves a file that nginx has not read.
loaded=$directory/$app.loaded
default=/etc/nginx/sites-enabled/default

# The site's own log, where it has one: it is made before nginx would make it, which lets everybody read it.
log=/var/log/nginx/$app.access.log
log_closed() {
  case $content in *"access_log $log "*) [ "$(stat -c '%a %U %G' "$log" 2>/dev/null)" = "640 www-data adm" ] ;; esac
}

to_do() {
  command -v nginx >/dev/null || { echo "nginx is to be installed"; return; }
  [ ! -L "$default" ] && [ ! -e "$default" ] || { echo "the default site is to go"; return; }
  [ -s "$directory/$app.upstream" ] || { echo "the upstream is to be made"; return; }
  printf %s "$content" | cmp -s - "$file" || { echo "the site is to be written"; return; }
  cmp -s "$file" "$loaded" || { echo "nginx is to be reloaded"; return; }
  log_closed || { echo "the log is to be closed to others"; return; }
  [ "$(systemctl is-active nginx.service)" = active ] || { echo "nginx is to be started"; return; }
  [ "$(systemctl is-enabled nginx.service)" = enabled ] || { echo "nginx is to be enabled"; return; }
}

main() {
  if [ "$mode" = check ]; then
    to_do
    return
  fi
  trap '' HUP PIPE
  exec 9>"/run/lock/pipeline-nginx" && flock -w 120 9 || { echo "another deploy holds nginx" >&2; exit 1; }
  install -d -m 755 "$directory"
  rm -f "$default" "$loaded"
  # Nothing is there to be served yet; the first activation writes the port.
  [ -s "$directory/$app.upstream" ] || echo "server 127.0.0.1:1 down;" >"$directory/$app.upstream"
  log_closed || { touch "$log" && chown www-data:adm "$log" && chmod 640 "$log" || exit 1; }
  [ ! -e "$file" ] || cp -p "$file" "$file.old"
  printf %s "$content" >"$file.new" && chmod 644 "$file.new" && mv -T "$file.new" "$file" || exit 1
  if ! reload_nginx; then
    # One that nginx refuses never stays: it would keep nginx from starting after a reboot.
    if [ -e "$file.old" ]; then mv -T "$file.old" "$file"; else rm -f "$file"; fi
    exit 1
  fi
  rm -f "$file.old"
  systemctl enable --quiet nginx.service 2>/dev/null
  cp "$file" "$loaded"
}
