"""The hosts that send: the group `loaders` of an inventory."""

from __future__ import annotations

from pathlib import Path

from pipeline.base.errors import InventoryError
from pipeline.base.text import did_you_mean
from pipeline.inventory.file import open_inventory
from pipeline.inventory.hosts import Host

__all__ = ["GROUP", "loader_hosts"]

GROUP = "loaders"


def loader_hosts(path: Path) -> tuple[Host, ...]:
    """The hosts of the group, in the file's order.

    Raises InventoryError for a file without the group, with what to add, or with problems that matter for its hosts.
    """
    file = open_inventory(path)
    if GROUP not in file.groups:
        there = did_you_mean(GROUP, file.groups) or f"; it has {', '.join(file.groups)}"
        raise InventoryError(
            f"{path}: no group '{GROUP}', whose hosts send the load{there}",
            hint=f"add the group {GROUP} with a line for each host: inventories/README.md",
        )
    return file.read([GROUP]).groups[GROUP]
