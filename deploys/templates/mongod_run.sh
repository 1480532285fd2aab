# The configuration, the unit where the package brings none, and a server that runs with exactly these.
main() {
    set -eu
    # A deploy that was cut short may still be at it here.
    exec 9>/run/lock/pipeline-mongod
    flock -w 300 9 || { echo "another deploy is still at work on MongoDB" >&2; exit 1; }
    rm -f "$started_file"
    install -d -m 750 -o mongodb -g mongodb /var/lib/mongodb
    printf %s "$conf" | install -m 644 /dev/stdin /etc/mongod.conf
    if [ -n "$unit" ]; then
        printf %s "$unit" | install -m 644 /dev/stdin /etc/systemd/system/mongod.service
    fi
    systemctl daemon-reload
    systemctl enable --quiet mongod.service
    systemctl reset-failed mongod.service 2>/dev/null || true
    began=$(date +%s)
    systemctl "$action" mongod.service
    while ! answers; do
        if [ $(($(date +%s) - began)) -ge "$patience" ] || ! systemctl is-active --quiet mongod.service; then
            journalctl -u mongod.service --since "@$began" -o cat --no-pager |
                sed -n 's/.*"s":"[EF]".*"msg":"\([^"]*\)".*/\1/p' | tail -n 3 >&2
            echo "mongod does not answer on 127.0.0.1:27017 (more: journalctl -u mongod)" >&2
            exit 1
        fi
        sleep 0.2
    done
    echo "$started" | install -D -m 644 /dev/stdin "$started_file"
}
answers() { python3 -c 'import socket; socket.create_connection(("127.0.0.1", 27017), 1)' 2>/dev/null; }
