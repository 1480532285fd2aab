# What there is of MongoDB on this host, and what it runs on: one `name value` a line; what is absent has no line.
main() {
    [ ! -r "$way_file" ] || echo "way $(cat "$way_file")"
    [ ! -e /proc/net/if_inet6 ] || echo "ipv6 yes"
    echo "machine $(uname -m)"
    awk '$1 == "MemTotal:" { print "memory", $2 }' /proc/meminfo
    dpkg-query -W -f 'package ${db:Status-Status}\n' mongodb-org-server 2>/dev/null
    stat -c 'program %s-%a-%U' /usr/local/bin/mongod 2>/dev/null
    stat -c 'data %U-%a' /var/lib/mongodb 2>/dev/null
    for file in /etc/mongod.conf /etc/systemd/system/mongod.service; do
        [ ! -r $file ] || echo "${file##*.} $(sha256sum < $file | cut -d' ' -f1)"
    done
    [ ! -r "$started_file" ] || echo "started $(cat "$started_file")"
    echo "active $(systemctl is-active mongod.service)"
    echo "enabled $(systemctl is-enabled mongod.service 2>/dev/null)"
}
