# Makes room for a release. Given what hold.sh is, and: app base tree marker packed needed (bytes)
# A release that is served is not taken from under what serves it: that goes on with the same tree of another name.
set_aside() {
  for link in "$base/current" "$base"/slots/*/release; do
    [ "$(readlink "$link")" = "$tree" ] || continue
    [ ! -d "$tree" ] || { rm -rf "$tree.replaced" && mv -T "$tree" "$tree.replaced"; }
    ln -sfn "$tree.replaced" "$link.new" && mv -T "$link.new" "$link"
  done
}

main() {
  hold
  # What an install that was cut short left running would write into the new one.
  systemctl stop "$unit.service" 2>/dev/null
  rm -f "$marker" "$packed"
  set_aside
  rm -rf "$tree" &&
  install -d -m 755 "$base" "$base/releases" &&
  install -d -m 750 -o "$app" -g "$app" "$base/home" || exit 1
  # Trees and uploads that nobody finished; not those of a deploy that may be under way.
  find "$base/releases" -mindepth 1 -maxdepth 1 -type d -mmin +120 | while read -r old; do
    [ -e "$old.installed" ] || rm -rf "$old"
  done
  find "$base" -maxdepth 1 -name '*.upload' -mmin +120 -delete
  free=$(df --output=avail -B1 "$base" | tail -n 1)
  if [ "$free" -lt "$needed" ]; then
    echo "no room for the release: $(df --output=target "$base" | tail -n 1) has $((free >> 20)) MB free," \
      "it needs $((needed >> 20)) MB" >&2
    exit 1
  fi
  install -d -m 755 -o "$app" -g "$app" "$tree"
}
