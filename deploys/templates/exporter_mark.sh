# Marks the deploy that is served. Given: what mark.sh is given; mode ("check" says "same" where nothing is to do)
main() {
  release=$(cut -d ' ' -f 2 "/srv/$app/live" 2>/dev/null)
  if [ -z "$release" ] || marked "$release"; then
    echo same
    return 0
  fi
  [ "$mode" = check ] || mark "$release" "$(stat -c %Y "/srv/$app/live")"
}
