"""`prod up` goes on to the monitor: what it hands to the deploy, and what it says of it. Against moto's HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import Exit, HostError
from pipeline.cli.root import run
from pipeline.inventory.hosts import Inventory
from pipeline.prod import inventory, monitor
from pipeline.prod.inventory import last_inventory
from pipeline.remote.provision import ProvisionResult
from tests.support.aws_server import HERE, World

PROOF = {
    "proof": "every host is seen",
    "url": "http://x/dashboard",
    "targets": 9,
    "up": 7,
    "down": ["itrust-1 jmx"],
}


class Deploy:
    """Stands for pyinfra, whose hosts are nowhere. `given` are the inventories it was run on."""

    def __init__(self) -> None:
        self.given: list[Inventory] = []
        self.error: HostError | None = None

    def __call__(self, inventory: Inventory, file: Path, _data: object, **_: Any) -> ProvisionResult:
        assert file.name == "monitor.py"
        self.given.append(inventory)
        if self.error:
            raise self.error
        return ProvisionResult({"monitor": ["Make the key"], "itrust-1": []}, 2.0, {"monitor": [PROOF]})


@pytest.fixture
def deploy(world: World, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """A working directory with a prod.yml that wants a monitor, and an ssh to which every host answers."""
    (world.directory / "bin").mkdir()
    (ssh := world.directory / "bin" / "ssh").write_text("#!/bin/sh\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:/usr/bin:/bin")
    monkeypatch.chdir(world.directory)
    Path("prod.yml").write_text(json.dumps({"region": "eu-central-1", "ssh_from": HERE}))
    stands_in = Deploy()
    monkeypatch.setattr(monitor, "provision", stands_in)
    for module in (inventory, monitor):
        monkeypatch.setattr(module, "state_directory", lambda: world.directory)
    monkeypatch.setattr(monitor, "log_file", lambda *_: world.directory / "log")
    return stands_in


def test_the_monitor_reaches_a_clouds_hosts_at_their_private_addresses(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prod", "up", "--yes", "--json"]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    (inventory,) = deploy.given
    assert list(inventory.groups) == ["checkbox", "itrust", "monitor"]
    assert all(host.private_address.startswith("10.83.0.") for host in inventory)
    assert all(host.address != host.private_address for host in inventory)
    assert told["monitor"] == {
        "changes": {"monitor": ["Make the key"], "itrust-1": []},
        "seconds": 2.0, "targets": 9, "up": 7, "down": ["itrust-1 jmx"],
    }  # fmt: skip
    assert last_inventory() == Path("inventory.ini").resolve()


def test_a_monitor_that_does_not_come_up_leaves_the_inventory_for_the_next_up(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy.error = HostError("monitor", "no space left")
    assert run(["prod", "up", "--yes"]) == Exit.ENVIRONMENT
    assert "pipeline: monitor: no space left" in capsys.readouterr().err
    assert Path("inventory.ini").exists()
    deploy.error = None
    assert run(["prod", "up"]) == Exit.OK
    assert "1 change, 2 s; 7 of 9 targets answer; not yet: itrust-1 jmx" in capsys.readouterr().out
