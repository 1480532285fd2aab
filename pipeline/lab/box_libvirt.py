"""The lab's own base box for libvirt without KVM: the recipe of the lxc box, a kernel, a disk image.

The disk holds one ext4 file system and no boot loader: QEMU loads the kernel itself, which saves the emulated
firmware and boot loader several seconds. Source: vagrant-libvirt's box format, version 1.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pipeline.lab.boxstore import add_box, box_directory
from pipeline.lab.children import run
from pipeline.lab.rootfs import KEY, RECIPE, Say, make_rootfs, recipe_digest, recipe_lines

__all__ = ["box_name", "build", "is_there", "kernel_files"]

OWN = Path(__file__).with_name("box_libvirt")
# QEMU runs as a user of its own, who cannot read a box in /root: the kernel is put where libvirt keeps kernels.
_BOOT = Path("/var/lib/libvirt/boot")
_KERNEL = ("vmlinuz", "initrd.img")
_IMAGE = "box.img"
_NAMESERVER = "192.168.121.1"  # libvirt's dnsmasq on vagrant-libvirt's own network
_DISK_GB = 4


def box_name() -> str:
    """The box's name; it ends in a hash of the recipe and of what it takes from this machine."""
    return f"pipeline/debian12-libvirt-{recipe_digest([RECIPE, OWN])}"


def is_there(name: str) -> bool:
    """Whether Vagrant has the box `name`, and QEMU its kernel."""
    return (box_directory(name, "libvirt") / _IMAGE).is_file() and all(
        path.is_file() for path in kernel_files(name)
    )


def build(folder: Path, name: str, say: Say, log: Path) -> None:
    """Makes the box in the empty `folder` and adds it; all output to `log`. Raises LabError."""
    packages = recipe_lines(OWN / "packages.txt")
    make_rootfs(folder, "root", _NAMESERVER, say, log, packages=packages, scripts=[OWN / "customize.sh"])
    for part in _KERNEL:
        # Debian's two symbolic links in / name the newest kernel
        shutil.copy((folder / "root" / part).resolve(), folder / part)
    say("  making the disk image")
    _make_image(folder, log)
    shutil.copy(OWN / "Vagrantfile", folder)
    metadata = {"provider": "libvirt", "format": "qcow2", "virtual_size": _DISK_GB}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    _BOOT.mkdir(parents=True, exist_ok=True)
    for part, path in zip(_KERNEL, kernel_files(name), strict=True):
        shutil.copyfile(folder / part, path)
        path.chmod(0o644)
    add_box(folder, ["metadata.json", "Vagrantfile", KEY, *_KERNEL, _IMAGE], name, "libvirt", log)


def _make_image(folder: Path, log: Path) -> None:
    raw = folder / "disk.raw"
    with raw.open("wb") as disk:
        disk.truncate(_DISK_GB << 30)
    run(["mke2fs", "-q", "-t", "ext4", "-d", "root", str(raw)], log=log, cwd=folder)
    shutil.rmtree(folder / "root")
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(folder / _IMAGE)], log=log)
    raw.unlink()


def kernel_files(name: str) -> list[Path]:
    """Where QEMU finds the kernel and the initial RAM disk; the box's Vagrantfile derives the same names."""
    return [_BOOT / f"{name.rpartition('/')[2]}-{part}" for part in _KERNEL]
