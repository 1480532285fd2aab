"""Promote or roll back by hand, on hosts that are up."""

from __future__ import annotations

from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.interrupt import run_async
from pipeline.base.lock import lab_lock
from pipeline.base.places import state_directory, workplace
from pipeline.canary.proxy import Proxy, connected_proxy
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab

__all__ = ["switch_lab"]


def switch_lab(colour: str, inventory: Path | None, provider: str | None) -> None:
    """Put the proxy on `colour` and keep it there over restarts. Raises HostError or LabError."""
    with lab_lock(state_directory()):
        if inventory is not None:
            run_async(
                _switch(colour, read_inventory(inventory, ("proxy",)), state_directory() / "known_hosts")
            )
        else:
            lab = Lab(workplace(), provider, Progress(quiet=True).say)
            run_async(_switch(colour, lab.inventory(), lab.known_hosts))


async def _switch(colour: str, inventory: Inventory, known_hosts: Path) -> None:
    async with connected_proxy(inventory, known_hosts) as connection:
        proxy = Proxy(connection)
        await proxy.switch(colour)
        await proxy.persist()
