"""The base boxes: the public one where the provider can use it, else our own, built once per machine.

A box of our own holds an SSH key of its own, so it is never shared: it belongs to the machine it was built on.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.base.places import state_directory
from pipeline.base.private import private_directory, sweep
from pipeline.lab import box_libvirt
from pipeline.lab.boxstore import add_box, box_directory, one_build_at_a_time, vagrant_home
from pipeline.lab.lxc import bridge_address, require_root
from pipeline.lab.provider import has_kvm
from pipeline.lab.rootfs import KEY, RECIPE, Say, make_rootfs, recipe_digest

__all__ = ["box_directory", "box_for", "box_name", "ensure_box", "vagrant_home"]

_ROOTFS = "rootfs.tar.gz"  # the name vagrant-lxc looks for; lxc-template says why it is a plain tar
_PUBLIC_BOX = "debian/bookworm64"
_ROOM = Path("/var/tmp")  # noqa: S108 - private below; a root file system is too large for a /tmp in memory


def box_name() -> str:
    """The lxc box's name; it ends in a hash of the recipe and of what it takes from this machine."""
    return f"pipeline/debian12-lxc-{recipe_digest([RECIPE], bridge_address())}"


def box_for(provider: str) -> str:
    """The name of the box that `provider` boots, there or not: the public one for VirtualBox and for KVM."""
    if provider == "lxc":
        return box_name()
    if provider == "libvirt" and not has_kvm():
        return box_libvirt.box_name()
    return _PUBLIC_BOX


def ensure_box(provider: str, say: Say, *, rebuild: bool = False) -> str:
    """The name of a box that `vagrant up` can use; our own is built when absent (50 s) or with `rebuild`.

    All output of the build goes to .pipeline/box.log. Raises LabError when it fails; nothing is left of it.
    """
    name = box_for(provider)
    if name == _PUBLIC_BOX:
        return name  # Vagrant fetches it
    require_root()
    log = state_directory() / "box.log"
    with one_build_at_a_time(say):
        if provider == "libvirt":
            there, build = box_libvirt.is_there(name), box_libvirt.build
        else:
            there, build = (box_directory(name) / _ROOTFS).is_file(), _build
        if rebuild or not there:
            say(f"building the base box {name} (once per machine; a minute where nothing else runs)")
            sweep(_ROOM)
            with private_directory(_ROOM) as folder:
                build(folder, name, say, log)
    return name


def _build(folder: Path, name: str, say: Say, log: Path) -> None:
    parts = ["metadata.json", "Vagrantfile", "lxc-config", "lxc-template"]
    for part in parts:
        shutil.copy(RECIPE / part, folder)
    make_rootfs(folder, "rootfs.tar", bridge_address(), say, log)
    (folder / "rootfs.tar").rename(folder / _ROOTFS)
    say("  adding it to Vagrant's boxes")
    add_box(folder, [*parts, KEY, _ROOTFS], name, "lxc", log)
