"""docs/faults.md: what stands above the table is written by hand, the table by a whole run of the suite."""

from __future__ import annotations

import fcntl
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.base.errors import Exit
from tests.support.faults.inspection import Found
from tests.support.faults.rows import KINDS

__all__ = ["BEGINS", "FOUND", "HEAD", "outcome_of", "write_table"]

FOUND: Final[list[Found]] = []  # what the rows of this session came to that held

BEGINS: Final = "## The table"
HEAD: Final = "| fault | moment | run | outcome | first line | s | at most |\n|---|---|---|---|---|---|---|"
_LONGEST: Final = 110
# A host's address, and the name of a run: other ones each time.
_OF_THE_DAY: Final = (
    (re.compile(r"\d+\.\d+\.\d+\.\d+"), "ADDRESS"),
    (re.compile(r"(?<=runs/)\d{8}T\d{6}Z[\w.-]*"), "RUN"),
    (re.compile(r"/\S*/pytest-\S+?(?=:?(?:\s|$))"), "DIRECTORY"),
)


def write_table(page: Path, found: Mapping[str, Found]) -> None:
    """Put what rows came to, by their names, behind the page's heading; of a row that did not run, its line stays."""
    with page.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # rows of the other hosts run in a process of their own
        _write_table(page, found)


def _write_table(page: Path, found: Mapping[str, Found]) -> None:
    text, _, before = page.read_text().partition(f"{BEGINS}\n")
    lines = {tuple(line.split(" | ")[:3]): line for line in before.splitlines() if line.startswith("| ")}
    lines |= {
        (f"| {row.fault}", str(row.moment), row.run): _line(one) for one in found.values() if (row := one.row)
    }
    kinds = []
    for kind, rows in KINDS.items():
        known = [line for row in rows if (line := lines.get((f"| {row.fault}", str(row.moment), row.run)))]
        kinds.append("\n".join([f"### {kind}\n", HEAD, *known, ""]))
    page.write_text(f"{text}{BEGINS}\n\n" + "\n".join(kinds))


def _line(found: Found) -> str:
    row = found.row
    cells = [
        row.fault,
        str(row.moment),
        row.run,
        outcome_of(found.code),
        _cut(found.line),
    ]
    return f"| {' | '.join(cells)} | {found.seconds:.0f} | {row.within} |"


def outcome_of(code: int) -> str:
    """An exit code with its name."""
    name = signal.Signals(-code).name if code < 0 else Exit(code).name.lower()
    return f"{name} ({code})"


def _cut(line: str) -> str:
    same = line.partition("\n")[0]
    for pattern, name in _OF_THE_DAY:
        same = pattern.sub(name, same)
    safe = same.replace("|", r"\|").replace("<", "&lt;") or "-"
    return safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST].rsplit(' ', 1)[0]} …"
