# The archive becomes the directory in one step: what is there is whole. Another deploy may have been faster.
main() {
    set -eu
    umask 077
    new=$(mktemp -d "$directory.XXXXXX")
    trap 'rm -rf "$new" "$packed"' EXIT
    tar -xzf "$packed" -C "$new" --no-same-owner
    mv -T "$new" "$directory" 2>/dev/null || [ -d "$directory" ]
}
