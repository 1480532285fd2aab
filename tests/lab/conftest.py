"""The real lab: three hosts, booted once for all lab tests, and removed afterwards unless they were up before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra  # type: ignore[import-untyped] # testinfra publishes no types

from pipeline.hosts.vagrant import Lab
from pipeline.inventory import Inventory
from pipeline.state import ROOT

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory needs the lab, and runs after everything that does not."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
    items.sort(key=lambda item: HERE in item.path.parents)


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What it printed with --json."""
        document: dict[str, Any] = json.loads(self.out)
        return document


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this checkout, up."""
    machine = Lab(ROOT, os.environ.get("PIPELINE_TEST_PROVIDER"), lambda _: None)
    was_up = machine.is_up()
    machine.up()
    yield machine
    if not was_up:
        machine.down()


@pytest.fixture(scope="session")
def inventory(lab: Lab) -> Inventory:
    """The lab's hosts."""
    return lab.inventory()


@pytest.fixture(scope="session")
def pipeline(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Command:  # noqa: ARG001 - the lab must be up
    """Runs `python -m pipeline ...` as a user would; runs go to a temporary directory."""
    home = tmp_path_factory.mktemp("runs")

    def run(*arguments: str, seconds: float = 420) -> Ended:
        if arguments[0] == "canary" and "promote" not in arguments and "rollback" not in arguments:
            arguments = (*arguments, "--runs", str(home), "--keep")
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled sample as a git repository: a branch for each fault."""
    from pipeline.sample import make_sample_repository

    return make_sample_repository(tmp_path_factory.mktemp("sample") / "preview")


@pytest.fixture(scope="module")
def deployed(pipeline: Command, samples: Path) -> dict[str, str]:
    """The commits that a run has just left on blue and green."""
    ended = pipeline(
        "canary", "master", "slow", "--repo", str(samples), "--duration", "5s", "--warmup", "5s", "--json"
    )
    run = json.loads((Path(ended.json["run"]["directory"]) / "run.json").read_text())
    return {"blue": run["baseline"]["sha"], "green": run["canary"]["sha"]}


@pytest.fixture(scope="session")
def hosts(lab: Lab, inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each host of the lab as testinfra sees it, by name."""
    config = tmp_path_factory.mktemp("ssh") / "config"
    config.write_text(
        "".join(
            f"Host {host.name}\n  HostName {host.address}\n  Port {host.port}\n  User {host.user}\n"
            f"  IdentityFile {host.key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {lab.known_hosts}\n"
            for host in inventory
        )
    )
    return {
        host.name: testinfra.get_host(f"ssh://{host.name}?controlpersist=60", ssh_config=str(config))
        for host in inventory
    }
