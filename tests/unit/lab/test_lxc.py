"""Containers and their addresses, and what the labs of one machine share. No containers are made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.base.errors import LabError
from pipeline.lab import lxc

OURS = "pipeline-0-"
BRIDGE = [str(lxc.LXC_NET), "stop"]
LXCFS = ["umount", "-l", str(lxc.LXCFS)]


def container(machine: Path, name: str, address: str = "") -> None:
    folder = machine / "lxc" / name
    folder.mkdir()
    (folder / "config").write_text(f"lxc.net.0.ipv4.address={address}/24\n" if address else "")


def test_a_lab_takes_addresses_that_no_container_and_no_lease_and_no_other_lab_has(machine: Path) -> None:
    first = lxc.free_slot(OURS, 5)
    lxc.release(OURS)
    container(machine, "another", f"10.0.3.{first + 2}")
    second = lxc.free_slot(OURS, 5)
    assert abs(second - first) >= 3
    # This one has booted nothing yet, so only its word counts.
    third = lxc.free_slot("pipeline-1-", 5)
    (machine / "leases").write_text(f"0 00:16:3e:00:00:01 10.0.3.{second} somebody *\n")
    assert lxc.free_slot(OURS, 5) not in (first, second, third)


def test_a_labs_own_containers_do_not_drive_it_from_its_addresses(machine: Path) -> None:
    first = lxc.free_slot(OURS, 5)
    container(machine, f"{OURS}proxy", f"10.0.3.{first}")
    assert lxc.free_slot(OURS, 5) == first


def test_a_full_bridge_is_one_clear_error(machine: Path) -> None:
    (machine / "leases").write_text("".join(f"0 mac 10.0.3.{last} name *\n" for last in range(2, 255)))
    with pytest.raises(LabError, match="no three free addresses"):
        lxc.free_slot(OURS, 5)


def test_half_made_containers_are_found_and_removed(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine / "empty"))  # lxc-destroy does not know them anyway
    half = machine / "lxc" / f"{OURS}blue"
    (half / "rootfs").mkdir(parents=True)
    container(machine, "somebody-elses")
    lxc.destroy(lxc.containers(OURS))
    assert [path.name for path in (machine / "lxc").iterdir()] == ["somebody-elses"]


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


def test_anyone_but_root_is_told_what_needs_root(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="only root can") as caught:
        lxc.acquire(OURS, machine)
    assert "sudo" in (caught.value.hint or "")
    assert not (machine / "run").exists()
