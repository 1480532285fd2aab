# Writes a template unit. Given: app path text mode ("check" says "same" where there is nothing to do)
main() {
  if [ "$mode" = check ]; then
    printf %s "$text" | cmp -s - "$path" && [ "$(stat -c '%a %U' "$path")" = "644 root" ] && echo same
    return 0
  fi
  # What runs was started by another unit; first this, so that a deploy cut short here is known to be unfinished.
  rm -f "/srv/$app/live" "/srv/$app"/slots/*/fingerprint
  printf %s "$text" >"$path.new" && chmod 644 "$path.new" && mv -T "$path.new" "$path" && systemctl daemon-reload
}
