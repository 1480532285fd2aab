"""The table of faults, a file for each kind; a row is added to the list of its kind (CONTRIBUTING.md)."""

from __future__ import annotations

from typing import Final

from tests.support.faults.row import Row
from tests.support.faults.rows import (
    answers,
    deploys,
    hosts,
    machine,
    network,
    others,
    power,
    proxy,
    signals,
    ssh,
    terminals,
    versions,
)

__all__ = ["DEPLOYS", "KINDS", "ROWS"]

# As they stand in docs/faults.md.
KINDS: Final[dict[str, tuple[Row, ...]]] = {
    "A host loses its power": hosts.ROWS,
    "HAProxy": proxy.ROWS,
    "A version, or what measures it": versions.ROWS,
    "SSH": ssh.ROWS,
    "The machine that runs the command": machine.ROWS,
    "Other people": others.ROWS,
    "A canary whose answers are hostile": answers.ROWS,
    "The network": network.ROWS,
    "Signals": signals.ROWS,
    "SIGKILL": power.ROWS,
    "Who reads the output goes": terminals.ROWS,
    "A deploy": deploys.ROWS,
}
ROWS: Final = tuple(row for rows in KINDS.values() for row in rows if not row.command)  # into a canary
DEPLOYS: Final = deploys.ROWS
