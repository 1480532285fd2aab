# Marks a release as installed and removes old ones. Given: app base tree reader marker identifier
# fingerprint kept
# What installed it has ended with its unit. chown takes set-id bits away, too, but not from directories.
close() {
  chmod -R g=u,go-w,ug-s "$tree" && chown -R -h "root:$reader" "$tree" && rm -rf "$base/home"
}

main() {
  [ -z "$reader" ] || close || exit 1
  # To the disk first: after a power cut there must be no marker of a tree whose files are empty.
  sync -f "$base"
  echo "$fingerprint" >"$marker.new" && mv "$marker.new" "$marker" || exit 1
  cd "$base/releases" || exit 1
  served() {
    [ "$(readlink -f ../current)" = "$PWD/$1" ] && return
    for slot in ../slots/*; do
      [ "$(readlink -f "$slot/release")" = "$PWD/$1" ] && return
    done
    return 1
  }
  # Those that served come first, the latest first: releases that never served must not push out the one to go back to.
  { echo "$identifier"; tac ../history 2>/dev/null; ls -1t -- *.installed | sed 's/\.installed$//'; } |
    awk '!seen[$0]++' | while read -r release; do [ ! -e "$release.installed" ] || echo "$release"; done |
    tail -n +$((kept + 1)) | while read -r old; do served "$old" || rm -rf "$old.installed" "$old"; done
}
