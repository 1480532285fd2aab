"""The walls of docs/architecture.md: which room may import which. Read from the imports of every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipeline.base.places import ROOT

# From the ground up. A room imports only from floors below its own, so there are no circles.
FLOORS: Final = (
    ("loadgen", "dashboard"),
    ("deploys", "pipeline.base"),
    ("pipeline.judge", "pipeline.inventory", "pipeline.source"),
    ("pipeline.remote", "pipeline.runs", "pipeline.series"),
    ("pipeline.lab", "pipeline.deploy", "pipeline.report", "pipeline.loadtests", "pipeline.backtest"),
    ("pipeline.canary", "pipeline.prod", "pipeline.gate", "pipeline.kayenta", "pipeline.load"),
    ("pipeline.cli",),
    ("pipeline.__main__",),
)
FLOOR: Final = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# All that a room may import besides the standard library.
ONLY: Final = {
    "pipeline.judge": ("pipeline.judge", "numpy", "scipy", "pydantic"),
    "pipeline.judge.stats": ("pipeline.judge.stats", "numpy", "scipy"),
}
# What a room must not know, although it may stand on a lower floor.
NEVER: Final = {
    "loadgen": ("pipeline", "deploys"),
    "deploys": ("pipeline", "loadgen"),
    "pipeline.prod": ("pipeline.canary",),
    "pipeline.canary": ("pipeline.prod", "pipeline.deploy"),
    "pipeline.deploy": ("pipeline.canary", "pipeline.prod"),
    "pipeline.gate": ("pipeline.inventory", "pipeline.remote", "pipeline.lab", "pipeline.deploy"),
    "pipeline.lab": ("pipeline.canary", "pipeline.prod", "pipeline.deploy"),
    "pipeline.load": ("pipeline.lab", "pipeline.deploy"),
    **dict.fromkeys(
        (
            *("pipeline.report", "pipeline.runs", "pipeline.series", "pipeline.loadtests"),
            *("pipeline.backtest", "pipeline.kayenta"),
        ),
        ("pipeline.inventory", "pipeline.remote", "pipeline.lab"),
    ),
}


def imported(source: str) -> Iterator[str]:
    """Every module that a module's text names in an import, wherever the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, rooms: tuple[str, ...]) -> bool:
    return any(f"{module}.".startswith(f"{room}.") for room in rooms)


def breaches(module: str, source: str) -> list[str]:
    """The imports of a module that go through a wall."""
    found = []
    for other in imported(source):
        for room in (room for room in ONLY if within(module, (room,))):
            if other.partition(".")[0] not in sys.stdlib_module_names and not within(other, ONLY[room]):
                found.append(f"{module} imports {other}: {room} may import only {', '.join(ONLY[room])}")
        for room in (room for room in NEVER if within(module, (room,))):
            if within(other, NEVER[room]):
                found.append(f"{module} imports {other}: {room} must not know it")
        own, theirs = (next((room for room in FLOOR if within(m, (room,))), "") for m in (module, other))
        if own and theirs and own != theirs and FLOOR[own] <= FLOOR[theirs]:
            found.append(f"{module} imports {other}: it does not stand below {own}")
    return found


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES: Final = {
    module_of(path): path
    for top in ("pipeline", "loadgen", "deploys", "dashboard")
    for path in (ROOT / top).rglob("*.py")
}


def test_no_import_goes_through_a_wall() -> None:
    assert [line for name, path in MODULES.items() for line in breaches(name, path.read_text("utf-8"))] == []


def test_every_module_stands_in_a_room() -> None:
    assert [name for name in MODULES if name != "pipeline" and not within(name, tuple(FLOOR))] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("pipeline.judge.decide", "from pipeline.base.errors import Exit"),
        ("pipeline.judge.stats.mean", "from pipeline.judge.rules import Policy"),
        ("pipeline.judge.stats.mean", "import pydantic"),
        ("pipeline.judge.rules", "import yaml"),
        ("loadgen.send", "import pipeline.base.text"),
        ("deploys.kit.slots", "from pipeline.base import text"),
        ("pipeline.canary.drive", "from pipeline.deploy import rollout"),
        ("pipeline.canary.drive", "from pipeline.prod.mark import mark"),
        ("pipeline.deploy.rollout", "from pipeline.prod import apply"),
        ("pipeline.deploy.rollout", "from pipeline.canary.plan import Plan"),
        ("pipeline.prod.apply", "from pipeline.canary.plan import Plan"),
        ("pipeline.lab.lab", "def up():\n    from pipeline.prod import apply"),
        ("pipeline.report.html", "from pipeline.inventory.hosts import Host"),
        ("pipeline.load.run", "from pipeline.deploy import rollout"),
        ("pipeline.runs.tables", "from pipeline.remote.ssh import Connection"),
        ("pipeline.gate.watch", "from pipeline.remote.ssh import Connection"),
        ("pipeline.series.case", "from pipeline.lab.lab import Lab"),
        ("pipeline.loadtests.case", "from pipeline.remote.ssh import Connection"),
        ("pipeline.kayenta.from_prometheus", "from pipeline.gate.watch import watch"),
        ("pipeline.kayenta.from_prometheus", "from pipeline.remote.ssh import Connection"),
        ("pipeline.report.terminal", "from pipeline.kayenta.judge import KayentaVerdict"),
        ("pipeline.backtest.trial", "from pipeline.report import terminal"),
        ("pipeline.base.text", "from pipeline.inventory.hosts import Host"),
        ("pipeline.remote.ask", "from pipeline.runs.record import Record"),
    ],
)
def test_each_wall_holds(module: str, line: str) -> None:
    assert module in MODULES
    assert breaches(module, line)


def test_prod_may_deploy() -> None:
    assert breaches("pipeline.prod.apply", "from pipeline.deploy.rollout import rollout") == []
