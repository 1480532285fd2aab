#!/bin/sh
# Turns the lxc box's root file system into a virtual machine's: customize.sh ROOT. Runs after the recipe's own script.
set -eu
root=$1

# libvirt's DHCP gives the address. By the MAC: every copy of the disk makes a machine-id of its own at its first start.
cat >"$root/etc/systemd/network/eth0.network" <<EOF
[Match]
Name=eth0
[Network]
DHCP=ipv4
[DHCPv4]
ClientIdentifier=mac
EOF

# Only what finds the disk: the default takes every driver, and an emulated CPU needs long to unpack them.
printf 'MODULES=list\nCOMPRESS=gzip\n' >"$root/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk ext4 >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u
