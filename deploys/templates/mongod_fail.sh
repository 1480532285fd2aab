main() { echo "$reason" >&2; exit 1; }
