"""What this machine offers; commands are stand-ins on PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import LabError
from pipeline.lab import provider


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, empty; no Vagrant plugins."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(provider, "GEMS", tmp_path / "gems")
    monkeypatch.setattr(provider, "KVM", tmp_path)  # a device that is there, which proves nothing
    return tmp_path


def install(commands: Path, name: str, prints: str = "") -> None:
    (commands / name).write_text(f"#!/bin/sh\nprintf '%s' \"{prints}\"\n")
    (commands / name).chmod(0o755)


def test_virtualbox_comes_first_where_it_works(commands: Path) -> None:
    install(commands, "vagrant", "vagrant-lxc vagrant-libvirt")
    install(commands, "VBoxManage", "7.0.20")
    install(commands, "virsh")
    assert provider.choose_provider() == "virtualbox"
    assert provider.choose_provider("libvirt") == "libvirt"


def test_a_virtualbox_without_its_kernel_module_is_not_picked(commands: Path) -> None:
    install(commands, "vagrant", "vagrant-libvirt")
    install(commands, "VBoxManage", "WARNING: The vboxdrv kernel module is not loaded.")
    install(commands, "virsh")
    assert provider.choose_provider() == "libvirt"


def test_a_libvirt_without_kvm_is_not_picked_but_can_be_forced(commands: Path) -> None:
    install(commands, "vagrant", "vagrant-libvirt")
    (commands / "virsh").write_text('#!/bin/sh\n[ "$3" != domcapabilities ]\n')  # it answers, and refuses KVM
    (commands / "virsh").chmod(0o755)
    with pytest.raises(LabError, match="libvirt: libvirtd has no KVM"):
        provider.choose_provider()
    assert provider.choose_provider("libvirt") == "libvirt"


def test_when_none_works_each_reason_and_the_next_command_are_told(commands: Path) -> None:
    install(commands, "vagrant")
    with pytest.raises(LabError, match=r"virtualbox: VBoxManage .*; libvirt: virsh .*; lxc: ") as caught:
        provider.choose_provider()
    assert "make setup" in (caught.value.hint or "")


def test_a_forced_provider_that_does_not_work_is_an_error_and_not_replaced(commands: Path) -> None:
    install(commands, "vagrant")
    with pytest.raises(LabError, match=r"\(virtualbox: VBoxManage is not installed\)"):
        provider.choose_provider("virtualbox")
    with pytest.raises(LabError, match="unknown provider 'docker'"):
        provider.choose_provider("docker")
