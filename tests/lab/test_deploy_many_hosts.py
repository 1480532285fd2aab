"""`pipeline deploy` before it changes anything, on real hosts: what is wrong with them, and a dry run of a bare one."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import Exit
from pipeline.inventory.file import read_inventory, write_inventory
from pipeline.inventory.hosts import Host, Inventory
from tests.support.lab import Command, repository_of


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A repository: its commits are never installed here."""
    return repository_of("checkbox", tmp_path / "repository", "master")


@pytest.fixture
def bare(inventory: Inventory, hosts: dict[str, Any]) -> Host:
    """A host of the lab with nothing of a deploy on it."""
    host = inventory.one("proxy")
    assert not hosts[host.name].file("/srv/checkbox").exists
    return host


def test_all_that_is_wrong_with_the_hosts_is_told_at_once_with_the_inventorys_lines(
    bare: Host, hosts: dict[str, Any], sources: Path, tmp_path: Path, command: Command
) -> None:
    other_key = tmp_path / "other_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other_key)], check=True)
    machine = hosts[bare.name]
    with machine.sudo():
        assert (
            machine.run("useradd -m plain && cp -r ~vagrant/.ssh ~plain/ && chown -R plain: ~plain/.ssh").rc
            == 0
        )
    wrong = [
        replace(bare, name="wrong-key", key=other_key),
        replace(bare, name="no-sudo", user="plain"),
        replace(bare, name="shut", port=2222),
        replace(bare, name="fine"),
    ]
    path = tmp_path / "hosts.ini"
    write_inventory(Inventory({"checkbox": tuple(wrong)}), path)
    where = {host.name: host.where for host in read_inventory(path)}
    try:
        ended = command("deploy", "checkbox.io", "-i", str(path), "--repo", str(sources))
    finally:
        with machine.sudo():
            machine.run("userdel -r plain")
    assert ended.code == Exit.ENVIRONMENT
    lines = [
        line.removeprefix("pipeline: ") for line in ended.err.splitlines() if line.startswith("pipeline: ")
    ]
    address = f"{bare.address}:{bare.port}"
    assert lines[:2] == [
        f"{where['wrong-key']}: wrong-key: {bare.user}@{address} does not take the key {other_key}: "
        "Permission denied (publickey).",
        f"{where['no-sudo']}: no-sudo: sudo asks plain for a password, or is not there: it must work without one",
    ]
    # Once a canary ran on it, the lab's firewall drops what comes to any port but SSH's.
    (shut,) = lines[2:]
    assert shut.startswith(f"{where['shut']}: shut: cannot be reached by SSH at {bare.address}:2222: ")
    assert shut.endswith(("Connection refused", "timed out"))
    assert not machine.file("/srv/checkbox").exists


def test_a_dry_run_on_a_bare_host_names_what_would_change_and_changes_nothing(
    bare: Host, hosts: dict[str, Any], sources: Path, tmp_path: Path, command: Command
) -> None:
    path = tmp_path / "hosts.ini"
    data = {"secrets_directory": str(tmp_path / "secrets")}
    write_inventory(Inventory({"checkbox": (replace(bare, data=data),)}), path)
    find = "find /etc /srv /usr/bin /var/lib/dpkg/status -newer /tmp/before -not -type d"
    assert hosts[bare.name].run("touch /tmp/before").rc == 0
    ended = command("deploy", "checkbox.io", "-i", str(path), "--repo", str(sources), "--dry-run", "--json")
    assert ended.code == Exit.OK, ended.err
    (told,) = ended.json["hosts"]
    assert "service install: unpack and install the commit" in told["operations"]
    with hosts[bare.name].sudo():
        assert hosts[bare.name].check_output(find) == ""
