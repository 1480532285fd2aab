"""libvirt without a libvirtd: what is started, reused, refused and ended; commands are stand-ins on PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import LabError
from pipeline.lab import box, box_libvirt, libvirt, provider

VIRSH_ANSWERS = 'echo "$@" >>"$0.log"; [ "$3" = list ] && printf "%s\\n" pipeline-0-blue other; exit 0\n'
VIRSH_FAILS = "exit 1\n"


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without systemd, seen by root; nothing is installed."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(libvirt, "DAEMONS", "")
    monkeypatch.setattr(libvirt, "SHARED", tmp_path / "run")
    monkeypatch.setattr(libvirt, "SYSTEMD", tmp_path / "systemd")
    monkeypatch.setattr(libvirt, "KVM", tmp_path / "kvm")
    monkeypatch.setattr(libvirt, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return tmp_path / "bin"


def install(commands: Path, name: str, script: str) -> None:
    (commands / name).write_text(f"#!/bin/sh\n{script}")
    (commands / name).chmod(0o755)


@pytest.mark.parametrize(
    ("virsh", "daemons", "systemd", "user", "reason"),
    [
        (VIRSH_ANSWERS, False, True, 1000, None),
        (VIRSH_FAILS, True, False, 0, None),
        (VIRSH_FAILS, True, True, 0, "does not answer"),
        (VIRSH_FAILS, False, False, 0, "not installed"),
        (VIRSH_FAILS, True, False, 1000, "only root can start it"),
    ],
    ids=["it answers", "we can start it", "systemd's does not answer", "no daemon", "not root"],
)
def test_libvirt_works_where_it_answers_or_can_be_started(
    commands: Path,
    monkeypatch: pytest.MonkeyPatch,
    virsh: str,
    daemons: bool,
    systemd: bool,
    user: int,
    reason: str | None,
) -> None:
    install(commands, "virsh", virsh)
    for name in ("libvirtd", "virtlogd") if daemons else ():
        install(commands, name, "exit 0\n")
    if systemd:
        libvirt.SYSTEMD.mkdir()
    monkeypatch.setattr("os.geteuid", lambda: user)
    found = libvirt.why_not()
    assert (found is None) if reason is None else (reason in (found or ""))


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("device", "flags", "refuses"),
    [
        (True, "fpu vmx sse", False),
        (True, "fpu svm sse", False),
        (True, "fpu sse", True),
        (False, "vmx", True),
    ],
)
def test_kvm_is_expected_only_with_device_and_processor(device: bool, flags: str, refuses: bool) -> None:
    libvirt.CPUINFO.write_text(f"model name\t: vmx\nflags\t\t: {flags}\n")
    if device:
        libvirt.KVM.touch()
    assert libvirt.kvm_refuses() is refuses


def test_without_kvm_the_box_is_our_own_and_with_it_the_public_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_DEBIAN_MIRROR", "https://mirror.example/debian")
    monkeypatch.setattr(box, "has_kvm", lambda: False)
    assert box.box_for("libvirt") == box_libvirt.box_name()
    assert box.box_for("virtualbox") == "debian/bookworm64"
    monkeypatch.setattr(box, "has_kvm", lambda: True)
    assert box.box_for("libvirt") == "debian/bookworm64"


def test_the_boxs_vagrantfile_names_the_kernel_that_the_build_puts_down() -> None:
    kernel, initrd = box_libvirt.kernel_files("pipeline/debian12-libvirt-0123456789")
    text = (box_libvirt.OWN / "Vagrantfile").read_text()
    assert str(kernel) == "/var/lib/libvirt/boot/debian12-libvirt-0123456789-vmlinuz"
    assert str(kernel).replace("debian12-libvirt-0123456789", "#{name}") in text
    assert str(initrd).replace("debian12-libvirt-0123456789", "#{name}") in text


def test_a_libvirtd_that_is_not_ours_is_used_and_left_alone(commands: Path, tmp_path: Path) -> None:
    install(commands, "virsh", VIRSH_ANSWERS)
    libvirt.acquire("pipeline-0-", tmp_path)
    libvirt.release("pipeline-0-")
    assert not libvirt.SHARED.exists()
    assert "net-destroy" not in (commands / "virsh.log").read_text()


def test_the_daemons_we_started_stay_while_another_lab_uses_them(commands: Path) -> None:
    install(commands, "virsh", VIRSH_ANSWERS)
    libvirt.SHARED.mkdir()
    for name in ("libvirtd.pid", "user-pipeline-0-", "user-another"):
        (libvirt.SHARED / name).write_text("999999999\n")
    assert libvirt.in_use("pipeline-0-")
    libvirt.release("pipeline-0-")
    assert not libvirt.in_use("pipeline-0-")
    assert {path.name for path in libvirt.SHARED.iterdir()} == {"libvirtd.pid", "user-another", "lock"}


def test_a_process_that_took_a_daemons_number_is_not_ended(commands: Path) -> None:
    install(commands, "virsh", 'echo "$@" >>"$0.log"\n')
    libvirt.SHARED.mkdir()
    (libvirt.SHARED / "libvirtd.pid").write_text(
        "1\n"
    )  # process 1: to end it is refused, or ends the whole container
    libvirt.release("pipeline-0-")
    assert [path.name for path in libvirt.SHARED.iterdir()] == ["lock"]
    assert "net-destroy vagrant-libvirt" in (commands / "virsh.log").read_text()


def test_hosts_are_found_by_the_beginning_of_their_names(commands: Path) -> None:
    install(commands, "virsh", VIRSH_ANSWERS)
    assert libvirt.domains("pipeline-0-") == ["pipeline-0-blue"]


def test_a_host_that_stays_is_one_line_with_the_next_command(commands: Path) -> None:
    install(commands, "virsh", 'echo "error: busy" >&2; exit 1\n')
    with pytest.raises(LabError, match="pipeline-0-blue cannot be removed: error: busy") as caught:
        libvirt.destroy(["pipeline-0-blue"])
    assert "virsh" in (caught.value.hint or "")


def test_a_stopped_libvirtd_that_root_can_start_counts_as_libvirt_without_kvm(
    commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libvirt.CPUINFO.write_text("flags\t\t: fpu\n")
    install(commands, "vagrant", "echo vagrant-libvirt\n")
    install(commands, "virsh", VIRSH_FAILS)
    for name in ("libvirtd", "virtlogd"):
        install(commands, name, "exit 0\n")
    monkeypatch.setattr(provider, "GEMS", commands / "gems")
    assert provider.missing("libvirt") == provider.NO_KVM
    assert provider.choose_provider("libvirt") == "libvirt"
