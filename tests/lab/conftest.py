"""The real hosts: a set is booted once for all lab tests that ask for it, and removed afterwards unless it was up.

`lab` is the canary's three hosts, `production` those of the two applications and their monitor; a test that asks for
neither waits for neither. test_dashboard.py and test_production.py come last: they share what `prod up` makes, and the
latter ends by removing it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY, PRODUCTION, HostSet
from tests.lab.production_site import applications, site
from tests.lab.shared import IDENTITY, PROVIDER, Command, Ended, seen_by_testinfra

# site and applications are fixtures; of the rest, what the tests have always taken from here.
__all__ = ["IDENTITY", "PROVIDER", "Command", "Ended", "applications", "changed", "seen_by_testinfra", "site"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory needs the lab, and runs after everything that does not."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
    last = [HERE / "test_dashboard.py", HERE / "test_production.py"]
    items.sort(
        key=lambda item: (
            HERE in item.path.parents,
            last.index(item.path) + 1 if item.path in last else 0,
        )
    )


def changed(ended: Ended) -> list[str]:
    """The operations that changed something on the one host of a deploy that ended well."""
    assert ended.code == Exit.OK, ended.err
    (told,) = ended.json["hosts"]
    operations: list[str] = told["operations"]
    return operations


def whole(of: HostSet, was_up: bool | None = None) -> Iterator[Lab]:
    """These hosts of this checkout, up."""
    machine = Lab(ROOT, PROVIDER, lambda _: None, of)
    was_up = machine.is_up() if was_up is None else was_up
    machine.up()
    yield machine
    if not was_up:
        machine.down()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The canary's hosts."""
    yield from whole(CANARY)


@pytest.fixture(scope="session")
def production_was_up() -> bool:
    """Whether somebody had local production up before the tests, and wants to keep it."""
    return Lab(ROOT, PROVIDER, lambda _: None, PRODUCTION).is_up()


@pytest.fixture(scope="session")
def production_lab(production_was_up: bool) -> Iterator[Lab]:
    """The hosts of the two applications, and the monitor's."""
    yield from whole(PRODUCTION, production_was_up)


@pytest.fixture(scope="session")
def inventory(lab: Lab) -> Inventory:
    """The lab's hosts."""
    return lab.inventory()


@pytest.fixture(scope="session")
def production(production_lab: Lab) -> Inventory:
    """The groups `checkbox`, `itrust`, `monitor`: one plain Debian host each; they name their file of host keys."""
    return production_lab.inventory()


@pytest.fixture(scope="session")
def itrust_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our stand-in for iTrust as a repository: one for all tests, so that Maven builds its commit once."""
    path = tmp_path_factory.mktemp("itrust") / "repository"
    ignored = shutil.ignore_patterns("target", ".settings")
    shutil.copytree(ROOT / "services" / "itrust", path, ignore=ignored)
    for arguments in (["init", "-q", "-b", "v6"], ["add", "."], ["commit", "-qm", "One"]):
        subprocess.run(["git", "-C", str(path), *IDENTITY, *arguments], check=True)
    return path


@pytest.fixture(scope="session")
def pipeline(lab: Lab, command: Command) -> Command:  # noqa: ARG001 - the lab must be up
    """`command`, with the canary's hosts up."""
    return command


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs `python -m pipeline ...` as a user would, whatever is up; runs go to a temporary directory."""
    home = tmp_path_factory.mktemp("runs")

    def run(*arguments: str, seconds: float = 420, environment: Mapping[str, str] | None = None) -> Ended:
        if arguments[0] == "canary" and "promote" not in arguments and "rollback" not in arguments:
            arguments = (*arguments, "--runs", str(home), "--keep")
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled sample as a git repository: a branch for each fault."""
    from pipeline.source.sample import make_sample_repository

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
def hosts(inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each host of the lab as testinfra sees it, by name."""
    return seen_by_testinfra(inventory, tmp_path_factory.mktemp("ssh") / "config")


@pytest.fixture(scope="session")
def host_of(production: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """A host of production as testinfra sees it: `host_of("itrust").service("nginx").is_running`."""
    return seen_by_testinfra(production, tmp_path_factory.mktemp("ssh") / "config").__getitem__
