# MongoDB's server from MongoDB's own repository, with the one key that signs this series.
main() {
    set -eu
    # A deploy that was cut short may still be at it here.
    exec 9>/run/lock/pipeline-mongod
    flock -w 300 9 || { echo "another deploy is still at work on MongoDB" >&2; exit 1; }
    # A connection that breaks must not break dpkg.
    trap '' HUP PIPE
    . /etc/os-release
    ring=/usr/share/keyrings/mongodb-org-$series.gpg
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo apt | install -D -m 644 /dev/stdin "$way_file"
    /usr/lib/apt/apt-helper download-file "$key" "$work/key" >/dev/null
    # Whatever else the file holds, only the key with this fingerprint is taken.
    gpg --quiet --batch --homedir "$work" --import "$work/key" 2>/dev/null || true
    gpg --quiet --batch --homedir "$work" --export "$fingerprint" > "$work/ring" 2>/dev/null || true
    [ -s "$work/ring" ] || { echo "$key does not hold the key $fingerprint" >&2; exit 1; }
    install -m 644 "$work/ring" "$ring"
    echo "deb [signed-by=$ring] $repository $VERSION_CODENAME/mongodb-org/$series main" \
        > "/etc/apt/sources.list.d/mongodb-org-$series.list"
    export DEBIAN_FRONTEND=noninteractive
    # A package manager that works in the background has its turn first.
    set -- -q -o DPkg::Lock::Timeout=120
    apt-get "$@" update >/dev/null
    # /etc/mongod.conf may be ours already: it stays.
    apt-get "$@" -y -o Dpkg::Options::=--force-confold --no-install-recommends install mongodb-org-server >/dev/null
}
