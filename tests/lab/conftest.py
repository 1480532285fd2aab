"""The real hosts: a set is booted once for all lab tests that ask for it, and removed afterwards unless it was up.

`lab` is the canary's three hosts (tests/conftest.py, for the suite of faults as well); the folder `production` has the
hosts of the two applications. A test that asks for neither waits for neither.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.base.places import ROOT
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab
from tests.support.lab import (
    Command,
    Ended,
    seen_by_testinfra,
)

ENVIRONMENT: Final = "lab-tests"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory needs the lab, and runs after everything that does not."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.fixture(scope="session")
def inventory(lab: Lab) -> Inventory:
    """The lab's hosts."""
    return lab.inventory()


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


@pytest.fixture(scope="module")
def deployed(pipeline: Command, samples: Path) -> dict[str, str]:
    """The commits that a run has just left on blue and green."""
    arguments = ("--schedule", "concurrent", "--duration", "5s", "--warmup", "1s", "--json")
    ended = pipeline("canary", "master", "slow", "--repo", str(samples), *arguments)
    run = json.loads((Path(ended.json["run"]["directory"]) / "run.json").read_text())
    return {"blue": run["baseline"]["sha"], "green": run["canary"]["sha"]}


@pytest.fixture(scope="session")
def hosts(inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each host of the lab as testinfra sees it, by name."""
    return seen_by_testinfra(inventory, tmp_path_factory.mktemp("ssh") / "config")
