"""What the machine offers and what the labs on it share; commands are stand-ins on PATH."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.base.errors import LabError
from pipeline.lab import lxc, provider

BRIDGE = [str(lxc.LXC_NET), "stop"]
LXCFS = ["umount", "-l", str(lxc.LXCFS)]


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


@pytest.mark.parametrize(
    ("before", "called", "remain"),
    [
        (["user-mine", "slot-mine", "bridge", "lxcfs", "inotify"], [LXCFS, BRIDGE], []),
        (
            ["user-mine", "user-other", "bridge", "lxcfs", "inotify"],
            [],
            ["user-other", "bridge", "lxcfs", "inotify"],
        ),
        (["user-mine"], [], []),
    ],
    ids=["last out ends what we started", "another lab still needs it", "what systemd started stays"],
)
def test_what_the_labs_share_ends_with_the_last_of_them(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: list[str],
    called: list[list[str]],
    remain: list[str],
) -> None:
    calls: list[list[str]] = []

    def record(command: list[str]) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(lxc, "SHARED", tmp_path / "run")
    monkeypatch.setattr(lxc, "CONTAINERS", tmp_path / "lxc")
    monkeypatch.setattr(lxc, "call", record)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    (tmp_path / "run").mkdir()
    for name in before:
        (tmp_path / "run" / name).touch()
    monkeypatch.setattr(lxc, "INOTIFY", tmp_path / "inotify")
    lxc.release("mine")
    assert (tmp_path / "inotify").exists() == ("inotify" in before and "inotify" not in remain)
    assert calls == called
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted([*remain, "lock"])
