"""Which hosts of an inventory a command is for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from pipeline.base.errors import InventoryError, UsageError
from pipeline.deploy.applications import Application, same_name
from pipeline.inventory.file import InventoryFile, open_inventory
from pipeline.inventory.hosts import Host

__all__ = ["target_hosts"]

_EXAMPLES = "see inventories/README.md for examples"


def target_hosts(app: Application, path: Path, limit: Sequence[str] = ()) -> tuple[Host, ...]:
    """The hosts of the application's group in the inventory file, in its order; of those the ones in `limit`.

    The group may be spelled as people spell the application. Raises InventoryError for a file with problems
    (all that matter for these hosts), for one without the group, and for data whose name is nearly one that the
    deploy reads, or whose value cannot be known.
    """
    file = open_inventory(path)
    group = _group_of(app, file)
    hosts = file.read([group]).groups[group]
    if problems := [line for host in hosts for line in _misspelt(app, host)]:
        raise InventoryError("\n".join(problems), hint=_EXAMPLES)
    known = {host.name: host for host in hosts}
    for name in limit:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            guess = f"did you mean {close[0]}?" if close else f"there is {', '.join(known)}"
            raise UsageError(f"--limit {name}: {path} has no such host for {app.name}; {guess}")
    return tuple(host for host in hosts if not limit or host.name in limit)


def _group_of(app: Application, file: InventoryFile) -> str:
    names = {app.key, same_name(app.name), *app.also}
    found = [group for group in file.groups if same_name(group) in names]
    if len(found) > 1:
        raise InventoryError(
            f"{file.path}: {' and '.join(found)} both mean {app.name}: keep one", hint=_EXAMPLES
        )
    if found:
        return found[0]
    close = difflib.get_close_matches(app.key, file.groups, 1)
    first = f"{file.path}:{file.groups[close[0]]}" if close else ""
    there = f"is '{close[0]}' ({first}) meant to be it?" if close else f"it has {', '.join(file.groups)}"
    raise InventoryError(
        f"{file.path}: no group '{app.key}', whose hosts get {app.name}; {there}", hint=_EXAMPLES
    )


def _misspelt(app: Application, host: Host) -> list[str]:
    """A line for each name of the host's data that can hardly be meant as it stands."""
    lines = []
    for name in host.data:
        close = difflib.get_close_matches(name, app.data, 1, 0.8)
        if name not in app.data and close:
            lines.append(f"{host.where}: no key '{name}'; did you mean '{close[0]}'?")
    lines += [line for name, line in host.unread.items() if name in app.data]
    return lines
