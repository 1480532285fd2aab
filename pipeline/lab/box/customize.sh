#!/bin/sh
# Turns a fresh root file system into the lab's box: customize.sh ROOT KEY.pub NAMESERVER [CERTIFICATE.crt ...]
set -eu
root=$1 key=$2 nameserver=$3
shift 3

# The machine's own certificate authorities: without them npm and apt cannot reach a registry behind a TLS proxy.
mkdir -p "$root/usr/local/share/ca-certificates"
for certificate in "$@"; do
    cp "$certificate" "$root/usr/local/share/ca-certificates/"
done
chroot "$root" update-ca-certificates >/dev/null 2>&1
# For login sessions and for services: a Node that is not Debian's brings its own list of authorities.
echo NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt >>"$root/etc/environment"
mkdir -p "$root/etc/systemd/system.conf.d"
cat >"$root/etc/systemd/system.conf.d/certificates.conf" <<EOF
[Manager]
DefaultEnvironment=NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
EOF

# Vagrant's user.
chroot "$root" useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
chmod 440 "$root/etc/sudoers.d/vagrant"
mkdir -m 700 "$root/home/vagrant/.ssh"
cp "$key" "$root/home/vagrant/.ssh/authorized_keys"
chmod 600 "$root/home/vagrant/.ssh/authorized_keys"
chroot "$root" chown -R vagrant:vagrant /home/vagrant/.ssh

# Network: LXC gives eth0 its address and the host its name (so no /etc/hostname) before init starts: DHCP would take
# 8 s. systemd-networkd only keeps what it finds; with ifupdown, Vagrant's setting of the hostname fails.
echo "nameserver $nameserver" >"$root/etc/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
rm -f "$root/etc/hostname"
cat >"$root/etc/systemd/network/eth0.network" <<EOF
[Match]
Name=eth0
[Network]
DHCP=no
LinkLocalAddressing=no
KeepConfiguration=yes
EOF

# SSH: one host key, made at the first start. The package's own ExecStartPre (sshd -t) fails before there is a key.
rm -f "$root"/etc/ssh/ssh_host_*
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<EOF
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
PasswordAuthentication no
EOF
mkdir -p "$root/etc/systemd/system/ssh.service.d"
cat >"$root/etc/systemd/system/ssh.service.d/host-key.conf" <<EOF
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'test -e /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
EOF

# The journal on disk: in memory it would count as the host's used memory.
mkdir -p "$root/var/log/journal" "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=persistent\nSystemMaxUse=64M\n' >"$root/etc/systemd/journald.conf.d/lab.conf"

# Nothing may run by itself and disturb a measurement; the deploys enable what a run needs.
systemctl --root="$root" --quiet enable systemd-networkd ssh
systemctl --root="$root" --quiet disable haproxy prometheus-node-exporter prometheus-process-exporter
systemctl --root="$root" --quiet mask systemd-networkd-wait-online.service systemd-resolved.service console-getty.service \
    getty.target systemd-logind.service systemd-timesyncd.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    logrotate.timer systemd-tmpfiles-clean.timer
: >"$root/etc/machine-id"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/*.log "$root"/var/log/apt \
    "$root"/usr/lib/udev/hwdb.bin "$root"/usr/lib/udev/hwdb.d "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale "$root"/usr/share/info
mkdir -p "$root/usr/share/man/man1"
