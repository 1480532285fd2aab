"""The sets of hosts: names, addresses and sizes; the Vagrantfiles and the program agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pipeline.base.places import ROOT
from pipeline.lab import lxc
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY, MONITOR, PRODUCTION, SETS, set_of


def test_checkouts_and_sets_have_different_names_and_addresses_of_their_own(tmp_path: Path) -> None:
    labs = [(tmp_path / name, host_set) for name in "ab" for host_set in (*SETS.values(), MONITOR)]
    assert len({host_set.prefix(root) for root, host_set in labs}) == len(labs)
    assert CANARY.prefix(tmp_path / "a") == CANARY.prefix(tmp_path / "a" / ".." / "a")
    places = [host_set.place(tmp_path) % len(lxc.SLOTS) for host_set in (*SETS.values(), MONITOR)]
    assert len({*places}) == len(places)


def test_sets_of_one_checkout_share_no_file_and_no_host(tmp_path: Path) -> None:
    labs = [Lab(tmp_path, None, pytest.fail, host_set) for host_set in (*SETS.values(), MONITOR)]
    for name in ("state", "log", "known_hosts"):
        assert len({getattr(lab, name) for lab in labs}) == len(labs)
    assert set(CANARY.hosts).isdisjoint(PRODUCTION.hosts)


def test_the_vagrantfiles_read_what_the_program_reads_and_repeat_none_of_it() -> None:
    known = yaml.safe_load((ROOT / "Vagrantfile.hosts.yml").read_text())
    assert (
        'YAML.load_file(File.join(__dir__, "Vagrantfile.hosts.yml"))'
        in (ROOT / "Vagrantfile.common.rb").read_text()
    )
    for host_set in (*SETS.values(), MONITOR):
        text = (ROOT / host_set.vagrantfile).read_text()
        assert 'LabMachines.new(config, __dir__, set["beginning"], set["apart"])' in text
        assert (list(host_set.hosts), host_set.beginning, host_set.apart) == tuple(
            known[host_set.name][key] for key in ("hosts", "beginning", "apart")
        )
        code = text.partition("Vagrant.configure")[2]
        assert not any(
            re.search(rf"\b{size}\b", code) for sizes in host_set.memory.values() for size in sizes
        )


def test_the_sizes_are_those_that_the_labs_were_measured_with() -> None:
    assert CANARY.memory == {"PIPELINE_LAB_MEMORY": (512, 1024)}
    assert MONITOR.memory.items() <= PRODUCTION.memory.items()
    assert [host_set.cpus for host_set in (CANARY, PRODUCTION, MONITOR)] == ["0.5", "1", "1"]


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
