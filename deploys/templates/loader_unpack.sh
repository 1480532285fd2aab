# The archive becomes the directory in one step: what is there is whole. Another deploy may have been faster.
main() {
    set -eu
    umask 077
    new=$(mktemp -d "$directory.XXXXXX")
    trap 'rm -rf "$new" "$packed"' EXIT
    tar -xzf "$packed" -C "$new" --no-same-owner
    mv -T "$new" "$directory" 2>/dev/null || [ -d "$directory" ]
    # Releases of before, but for the two newest: another control machine may be using one.
    touch "$directory"
    cd "$(dirname "$directory")"
    find . -mindepth 1 -maxdepth 1 -type d ! -name '*.*' -printf '%T@ %f\n' | sort -rn | tail -n +4 |
        while read -r _ old; do rm -rf "$old"; done
}
