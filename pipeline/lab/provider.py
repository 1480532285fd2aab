"""Which Vagrant provider works on this machine: virtualbox, else libvirt, else lxc."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from pipeline.base.errors import LabError
from pipeline.lab import libvirt
from pipeline.lab.children import call

__all__ = ["NO_KVM", "PROVIDERS", "choose_provider", "has_kvm", "missing"]

PROVIDERS = ("virtualbox", "libvirt", "lxc")  # the most like production first
GEMS = Path("/usr/share/rubygems-integration/all/gems")
NO_KVM = "libvirtd has no KVM, only emulation: slow, but --provider libvirt uses it"
KVM = Path("/dev/kvm")


def choose_provider(wanted: str | None = None) -> str:
    """The provider to use: `wanted`, or the first that works here. Raises LabError when it or none works."""
    reasons = {}
    for provider in [wanted] if wanted else PROVIDERS:
        reason = missing(provider)
        if reason is None or (wanted and reason == NO_KVM):
            return provider
        reasons[provider] = reason
    told = "; ".join(f"{provider}: {reason}" for provider, reason in reasons.items())
    raise LabError(f"no Vagrant provider works here ({told})", hint="make setup, then: pipeline doctor")


def missing(provider: str) -> str | None:
    """What keeps `provider` from working on this machine, in a few words; None when nothing does.

    Raises LabError for a name that is no provider.
    """
    checks = {"virtualbox": _virtualbox, "libvirt": _libvirt, "lxc": _lxc}
    if provider not in checks:
        raise LabError(f"unknown provider '{provider}'", hint=f"one of: {', '.join(PROVIDERS)}")
    if not shutil.which("vagrant"):
        return "vagrant is not installed"
    return checks[provider]()


def has_kvm() -> bool:
    """Whether libvirtd can use KVM. Its own answer counts (2 s): /dev/kvm may be there and of no use."""
    if not libvirt.answers():
        return not libvirt.kvm_refuses()  # it does not run yet: what it will find
    return KVM.exists() and _output([*libvirt.VIRSH, "domcapabilities", "--virttype", "kvm"])[0] == 0


def _virtualbox() -> str | None:
    if not shutil.which("VBoxManage"):
        return "VBoxManage is not installed"
    # Without its kernel module VBoxManage prints a warning and machines do not start.
    code, output = _output(["VBoxManage", "--version"])
    if code != 0 or "WARNING" in output:
        return "VirtualBox is installed, but its kernel module is not loaded"
    return None


def _libvirt() -> str | None:
    if not shutil.which("virsh"):
        return "virsh is not installed"
    if not _plugin("vagrant-libvirt"):
        return "the plugin vagrant-libvirt is not installed"
    if (reason := libvirt.why_not()) is not None:
        return reason
    # Emulation is some seven times slower: it works, but has to be asked for.
    return None if has_kvm() else NO_KVM


def _lxc() -> str | None:
    if platform.system() != "Linux":
        return "only Linux has containers"
    for command in ("lxc-create", "mmdebstrap", "lxcfs", "sudo", "dnsmasq"):
        if not shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
            return f"{command} is not installed"
    if not _plugin("vagrant-lxc"):
        return "the plugin vagrant-lxc is not installed"
    return None


def _plugin(name: str) -> bool:
    """Whether Vagrant has the plugin, as a Debian package (`vagrant plugin list` costs 1.5 s) or as a gem."""
    return bool(list(GEMS.glob(f"{name}-[0-9]*"))) or name in _output(["vagrant", "plugin", "list"])[1]


def _output(command: list[str]) -> tuple[int, str]:
    """The exit code of a short command, and all that it prints."""
    done = call(command, seconds=20)
    return done.returncode, done.stdout + done.stderr
