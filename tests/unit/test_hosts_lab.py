"""The bookkeeping of the lab: what is found, reused, refused and removed. No Vagrant, no containers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import LabError
from pipeline.hosts import lxc, record
from pipeline.hosts.vagrant import Lab
from pipeline.inventory import Host


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: no containers, no leases."""
    monkeypatch.setattr(lxc, "CONTAINERS", tmp_path / "lxc")
    monkeypatch.setattr(lxc, "LEASES", tmp_path / "leases")
    monkeypatch.setattr(lxc, "SHARED", tmp_path / "run")
    (tmp_path / "lxc").mkdir()
    return tmp_path


def container(machine: Path, name: str, address: str = "") -> None:
    folder = machine / "lxc" / name
    folder.mkdir()
    (folder / "config").write_text(f"lxc.net.0.ipv4.address={address}/24\n" if address else "")


def test_a_lab_that_was_never_up_has_no_hosts(machine: Path) -> None:
    lab = Lab(machine / "checkout", None, pytest.fail)
    assert not lab.is_up()
    assert lab.status() == [(name, "not_created", "") for name in ("proxy", "blue", "green")]
    with pytest.raises(LabError, match="not up") as caught:
        lab.inventory()
    assert caught.value.hint == "pipeline lab up"
    with pytest.raises(LabError, match="no host 'blue'"):
        lab.ssh_command("blue")


def test_down_without_a_lab_calls_nothing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine / "empty"))
    Lab(machine / "checkout", None, pytest.fail).down()


def test_a_lab_on_one_provider_is_not_taken_for_another(machine: Path) -> None:
    state = machine / ".pipeline"
    state.mkdir()
    record.write(state / "lab.json", "lxc", {}, [Host("blue", "192.0.2.1", key=Path("k"))])
    with pytest.raises(LabError, match="already") as caught:
        Lab(machine, "virtualbox", pytest.fail).up()
    assert caught.value.hint == "pipeline lab down"


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    hosts = [Host("blue", "127.0.0.1", 2201, "vagrant", Path("/k"), "192.168.56.17")]
    record.write(tmp_path / "lab.json", "virtualbox", {"PIPELINE_LAB_CPUS": "0.5"}, hosts)
    assert record.read(tmp_path / "lab.json") == record.Record(
        "virtualbox", {"PIPELINE_LAB_CPUS": "0.5"}, tuple(hosts)
    )


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"format": 99}), json.dumps({"format": 1})])
def test_a_record_of_another_format_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text)
    assert record.read(tmp_path / "lab.json") is None


def test_two_checkouts_have_different_container_names(tmp_path: Path) -> None:
    assert lxc.prefix(tmp_path / "a") != lxc.prefix(tmp_path / "b")
    assert lxc.prefix(tmp_path / "a") == lxc.prefix(tmp_path / "a" / ".." / "a")


def test_a_lab_takes_addresses_that_no_container_and_no_lease_has(machine: Path) -> None:
    first = lxc.free_slot(machine)
    container(machine, "another", f"10.0.3.{first + 2}")
    second = lxc.free_slot(machine)
    assert abs(second - first) >= 3
    (machine / "leases").write_text(f"0 00:16:3e:00:00:01 10.0.3.{second} somebody *\n")
    assert lxc.free_slot(machine) not in (first, second)


def test_a_labs_own_containers_do_not_drive_it_from_its_addresses(machine: Path) -> None:
    first = lxc.free_slot(machine)
    container(machine, f"{lxc.prefix(machine)}proxy", f"10.0.3.{first}")
    assert lxc.free_slot(machine) == first


def test_a_full_bridge_is_one_clear_error(machine: Path) -> None:
    (machine / "leases").write_text("".join(f"0 mac 10.0.3.{last} name *\n" for last in range(2, 255)))
    with pytest.raises(LabError, match="no three free addresses"):
        lxc.free_slot(machine)


def test_half_made_containers_are_found_and_removed(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine / "empty"))  # lxc-destroy does not know them anyway
    half = machine / "lxc" / f"{lxc.prefix(machine)}blue"
    (half / "rootfs").mkdir(parents=True)
    container(machine, "somebody-elses")
    lxc.destroy(lxc.containers(lxc.prefix(machine)))
    assert [path.name for path in (machine / "lxc").iterdir()] == ["somebody-elses"]


def test_anyone_but_root_is_told_what_needs_root(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="only root can") as caught:
        lxc.acquire(machine)
    assert "sudo" in (caught.value.hint or "")
    assert not (machine / "run").exists()
