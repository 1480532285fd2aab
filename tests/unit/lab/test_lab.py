"""The bookkeeping of the lab: what is found, reused, refused and removed. No Vagrant, no containers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from pipeline.base.errors import LabError
from pipeline.base.places import ROOT
from pipeline.inventory.hosts import Host
from pipeline.lab import lxc, record
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY, MONITOR, PRODUCTION, SETS, HostSet, set_of

OURS = "pipeline-0-"


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


@pytest.mark.parametrize(
    ("of", "hint"), [(CANARY, "pipeline lab up"), (PRODUCTION, "pipeline lab up production")]
)
def test_hosts_that_were_never_up_are_not_there(machine: Path, of: HostSet, hint: str) -> None:
    lab = Lab(machine / "checkout", None, pytest.fail, of)
    assert not lab.is_up()
    assert lab.status() == [(name, "not_created", "") for name in of.hosts]
    with pytest.raises(LabError, match="not up") as caught:
        lab.inventory()
    assert caught.value.hint == hint
    with pytest.raises(LabError, match=f"no host '{of.hosts[0]}'"):
        lab.ssh_command(of.hosts[0])


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


def test_checkouts_and_sets_have_different_names_and_addresses_of_their_own(tmp_path: Path) -> None:
    labs = [(tmp_path / name, of) for name in "ab" for of in (*SETS.values(), MONITOR)]
    assert len({of.prefix(root) for root, of in labs}) == len(labs)
    assert CANARY.prefix(tmp_path / "a") == CANARY.prefix(tmp_path / "a" / ".." / "a")
    places = [of.place(tmp_path) % len(lxc.SLOTS) for of in (*SETS.values(), MONITOR)]
    assert len({*places}) == len(places)


def test_sets_of_one_checkout_share_no_file_and_no_host(tmp_path: Path) -> None:
    labs = [Lab(tmp_path, None, pytest.fail, of) for of in (*SETS.values(), MONITOR)]
    for name in ("state", "log", "known_hosts"):
        assert len({getattr(lab, name) for lab in labs}) == len(labs)
    assert set(CANARY.hosts).isdisjoint(PRODUCTION.hosts)


def test_the_vagrantfiles_read_what_the_program_reads_and_repeat_none_of_it() -> None:
    known = yaml.safe_load((ROOT / "Vagrantfile.hosts.yml").read_text())
    assert (
        'YAML.load_file(File.join(__dir__, "Vagrantfile.hosts.yml"))'
        in (ROOT / "Vagrantfile.common.rb").read_text()
    )
    for of in (*SETS.values(), MONITOR):
        text = (ROOT / of.vagrantfile).read_text()
        assert 'LabMachines.new(config, __dir__, set["beginning"], set["apart"])' in text
        assert (list(of.hosts), of.beginning, of.apart) == tuple(
            known[of.name][key] for key in ("hosts", "beginning", "apart")
        )
        code = text.partition("Vagrant.configure")[2]
        assert not any(re.search(rf"\b{size}\b", code) for sizes in of.memory.values() for size in sizes)


def test_the_sizes_are_those_that_the_labs_were_measured_with() -> None:
    assert CANARY.memory == {"PIPELINE_LAB_MEMORY": (512, 1024)}
    assert MONITOR.memory.items() <= PRODUCTION.memory.items()
    assert [of.cpus for of in (CANARY, PRODUCTION, MONITOR)] == ["0.5", "1", "1"]


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({}, ("1024", "1536", "768")),
        ({"PIPELINE_LAB_MEMORY": "2048"}, ("2048", "2048", "2048")),
        ({"PIPELINE_LAB_MEMORY": "2048", "PIPELINE_LAB_MEMORY_ITRUST": "3072"}, ("2048", "3072", "2048")),
    ],
)
def test_a_hosts_own_size_counts_more_than_the_common_one(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sizes: tuple[str, str]
) -> None:
    for name in ("", "_CHECKBOX", "_ITRUST", "_MONITOR"):
        monkeypatch.delenv(f"PIPELINE_LAB_MEMORY{name}", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = PRODUCTION.settings("lxc")
    assert tuple(PRODUCTION.memory_of(host, settings) for host in PRODUCTION.hosts) == sizes


def test_a_host_is_found_in_its_set() -> None:
    assert (set_of("blue"), set_of("itrust")) == (CANARY, PRODUCTION)
    with pytest.raises(KeyError):
        set_of("red")


def test_a_killed_up_is_remembered_until_down(machine: Path) -> None:
    # It had started lxcbr0 and lxcfs, and came to no container.
    lxc.SHARED.mkdir()
    prefix = CANARY.prefix(machine)
    (lxc.SHARED / f"user-{prefix}").touch()
    (lxc.SHARED / f"slot-{prefix}").touch()
    lab = Lab(machine, None, pytest.fail)
    assert lab.provider == "lxc"
    lab.down()
    assert [path.name for path in lxc.SHARED.iterdir()] == ["lock"]


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


def test_anyone_but_root_is_told_what_needs_root(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="only root can") as caught:
        lxc.acquire(OURS, machine)
    assert "sudo" in (caught.value.hint or "")
    assert not (machine / "run").exists()
