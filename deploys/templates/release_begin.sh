# Makes room for a release. Given: what hold.sh is given; app base tree marker packed needed (bytes)
# reader (the group that will read the tree, where root is to own it)
# What serves this release keeps its files: the tree gets another name, and the links follow it.
set_aside() {
  for link in "$base/current" "$base"/slots/*/release; do
    [ "$(readlink "$link")" = "$tree" ] || continue
    [ ! -d "$tree" ] || { rm -rf "$tree.replaced" && mv -T "$tree" "$tree.replaced"; }
    ln -sfn "$tree.replaced" "$link.new" && mv -T "$link.new" "$link"
  done
}

main() {
  hold
  # An install that was cut short may still run, and would write into the new tree.
  systemctl stop "$unit.service" 2>/dev/null
  rm -f "$marker" "$packed"
  set_aside
  [ -z "$reader" ] || rm -rf "$base/home"
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
