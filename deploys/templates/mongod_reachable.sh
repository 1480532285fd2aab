# Whether this host can install MongoDB from MongoDB's own repository: yes or no. Changes nothing.
main() {
    . /etc/os-release
    work=$(mktemp -d)
    if timeout 20 /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::http::Timeout=8 -o Acquire::https::Timeout=8 \
        download-file "$repository/dists/${VERSION_CODENAME:-none}/mongodb-org/$series/Release" "$work/Release" >/dev/null 2>&1
    then echo yes; else echo no; fi
    rm -rf "$work"
}
