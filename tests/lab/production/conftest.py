"""The hosts of the two applications and of their monitor, `production`, and what is deployed on them.

test_dashboard.py, test_monitor_faults.py and test_production.py come last: they share `site`, what `prod up` makes, and
test_production.py ends by removing it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

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
from tests.support.checkbox_site import KEPT, CheckboxSite
from tests.support.lab import (
    IDENTITY,
    PROVIDER,
    Command,
    Ended,
    lab_up,
    repository_of,
    seen_by_testinfra,
    write_alone,
)
from tests.support.production_site import ProductionSite

ENVIRONMENT: Final = "lab-tests"
LAST: Final = ("test_dashboard.py", "test_monitor_faults.py", "test_production.py")
HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that share `site` come last."""
    items.sort(
        key=lambda item: (
            LAST.index(item.path.name) + 1 if item.path.parent == HERE and item.path.name in LAST else 0
        )
    )


@pytest.fixture(scope="session")
def production_was_up() -> bool:
    """Whether somebody had local production up before the tests, and wants to keep it."""
    return Lab(ROOT, PROVIDER, lambda _: None, PRODUCTION).is_up()


@pytest.fixture(scope="session")
def production_lab(production_was_up: bool) -> Iterator[Lab]:
    """The hosts of the two applications, and the monitor's."""
    yield from lab_up(PRODUCTION, production_was_up)


@pytest.fixture(scope="session")
def production(production_lab: Lab) -> Inventory:
    """The groups `checkbox`, `itrust`, `monitor`: one plain Debian host each; they name their file of host keys."""
    return production_lab.inventory()


@pytest.fixture(scope="session")
def itrust_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our stand-in for iTrust as a repository: one for all tests, so that Maven builds its commit once."""
    return repository_of("itrust", tmp_path_factory.mktemp("itrust") / "repository", "v6")


@pytest.fixture(scope="session")
def host_of(production: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """A host of production as testinfra sees it: `host_of("itrust").service("nginx").is_running`."""
    return seen_by_testinfra(production, tmp_path_factory.mktemp("ssh") / "config").__getitem__


@pytest.fixture(scope="module")
def checkbox_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our site as a repository: `master`, `next` and `third` (other pages) and `broken` (does not start)."""
    path = repository_of("checkbox", tmp_path_factory.mktemp("checkbox") / "repository", "master")

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(path), *IDENTITY, *arguments], check=True, capture_output=True)

    def branch(name: str, file: str, old: str, new: str) -> None:
        git("checkout", "-q", "-b", name, "master")
        (path / file).write_text((path / file).read_text().replace(old, new, 1))
        git("commit", "-qam", name)

    branch("next", "public_html/index.html", "<h1>Studies</h1>", "<h1>Studies, next</h1>")
    branch("third", "public_html/index.html", "<h1>Studies</h1>", "<h1>Studies, third</h1>")
    branch("broken", "server-side/site/server.js", "'use strict';", "throw new Error('no such luck');")
    return path


@pytest.fixture(scope="module")
def checkbox(
    production: Inventory,
    host_of: Callable[[str], Any],
    checkbox_repository: Path,
    command: Command,
    tmp_path_factory: pytest.TempPathFactory,
) -> CheckboxSite:
    """checkbox.io, deployed on a host that had nothing of it, with one study in it; anew for each test file."""
    directory = tmp_path_factory.mktemp("deploy")
    host, inventory = write_alone("checkbox", production, directory)
    deployed = CheckboxSite(
        machine=host_of(host.name),
        url=f"http://{host.address}/",
        inventory=inventory,
        secrets=directory / "secrets",
        repository=checkbox_repository,
        command=command,
    )
    ended = deployed.deploy()
    assert ended.code == Exit.OK, ended.err
    (told,) = ended.json["hosts"]
    assert told["changed"] > 0
    assert "created, listed, loaded, answered, counted" in told["proof"]["proof"]
    study = {"invitecode": "RESEARCH", "studyKind": "survey", "name": KEPT, "markdown": "# Hello"}
    assert "admin_url" in requests.post(f"{deployed.url}api/study/create", json=study, timeout=10).json()
    return deployed


@pytest.fixture(scope="session")
def site(
    command: Command, production_was_up: bool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProductionSite]:
    """What `prod up --cloud vagrant` makes.

    By itself it begins with no hosts. After the deploys' tests it finds theirs, with the applications on them.
    """
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
        given: tuple[str, ...] = ("-f", str(settings)) if arguments[0] == "prod" else ()
        if arguments[:2] in (("prod", "up"), ("prod", "down")):
            given = (*given, "-i", str(file), "--yes")
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
    checkbox = repository_of("checkbox", tmp_path_factory.mktemp("checkbox") / "repository", "master")
    return {
        "checkbox": site.deploy("checkbox.io", checkbox),
        "itrust": site.deploy("iTrust", itrust_repository),
    }
