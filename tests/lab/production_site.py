"""Production as `prod up --cloud vagrant` makes it, with both stand-ins deployed: once for all tests that ask for it.

Its fixtures are conftest.py's. By themselves they begin with no hosts; after the deploys' tests they find theirs, with
the applications on them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import yaml

from pipeline.base.errors import Exit
from pipeline.base.places import CACHE, ROOT
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab.boxstore import vagrant_home
from pipeline.lab.lab import Lab
from pipeline.lab.sets import PRODUCTION
from tests.lab.shared import IDENTITY, PROVIDER, Command, Ended, seen_by_testinfra

__all__ = ["ENVIRONMENT", "ProductionSite", "applications", "site"]

ENVIRONMENT = "lab-tests"


@dataclass(frozen=True)
class ProductionSite:
    """What `prod up` left. `run` runs our commands, with a home that holds nothing but its secrets."""

    run: Callable[..., Ended]
    file: Path
    told: dict[str, Any]
    hosts: Inventory
    machines: dict[str, Any]
    password: str = field(repr=False)  # what fails shows its fixtures

    def deploy(self, application: str, repository: Path) -> dict[str, Any]:
        ended = self.run("deploy", application, "-i", str(self.file), "--repo", str(repository), "--json")
        assert ended.code == Exit.OK, ended.err
        (told,) = ended.json["hosts"]
        return dict(told)

    def page(self, path: str, password: str | None = None) -> requests.Response:
        url = f"http://{self.hosts.one('monitor').private_address}{path}"
        return requests.get(url, auth=("pipeline", password or self.password), timeout=10)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Prometheus's answer: the labels of each series, with its `value`."""
        answer = self.page(f"/prometheus/api/v1/query?query={quote(expression)}").json()
        return [{**found["metric"], "value": float(found["value"][1])} for found in answer["data"]["result"]]


@pytest.fixture(scope="session")
def site(
    command: Command, production_was_up: bool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProductionSite]:
    """What `prod up --cloud vagrant` makes."""
    directory = tmp_path_factory.mktemp("production")
    settings, file, home = directory / "prod.yml", directory / "inventory.ini", directory / "home"
    settings.write_text(json.dumps({"cloud": "vagrant", "name": ENVIRONMENT, "provider": PROVIDER}))
    home.mkdir()
    environment = {
        "HOME": str(home),
        "VAGRANT_HOME": str(vagrant_home()),
        "XDG_CACHE_HOME": str(CACHE.parent),
    }

    def run(*arguments: str) -> Ended:
        given = ("-f", str(settings), "-i", str(file), "--yes") if arguments[0] == "prod" else ()
        return command(*arguments, *given, environment=environment)

    try:
        ended = run("prod", "up", "--cloud", "vagrant", "--json")
        assert ended.code == Exit.OK, ended.err
        hosts = read_inventory(file)
        secrets = yaml.safe_load((home / f".config/pipeline/secrets/{ENVIRONMENT}.yml").read_text())
        machines = seen_by_testinfra(hosts, directory / "ssh")
        yield ProductionSite(run, file, ended.json, hosts, machines, secrets["monitor_password"])
    finally:
        if not production_was_up:
            Lab(ROOT, PROVIDER, lambda _: None, PRODUCTION).down()


@pytest.fixture(scope="session")
def applications(
    site: ProductionSite, itrust_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Both stand-ins, deployed after the monitor: what each deploy told."""
    checkbox = tmp_path_factory.mktemp("checkbox") / "repository"
    shutil.copytree(ROOT / "services" / "checkbox", checkbox, ignore=shutil.ignore_patterns("node_modules"))
    for arguments in (["init", "-q", "-b", "master"], ["add", "."], ["commit", "-qm", "One"]):
        subprocess.run(["git", "-C", str(checkbox), *IDENTITY, *arguments], check=True)
    return {
        "checkbox": site.deploy("checkbox.io", checkbox),
        "itrust": site.deploy("iTrust", itrust_repository),
    }
