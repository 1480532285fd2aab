"""Promote or roll back by hand, on hosts that are up."""

from __future__ import annotations

from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import HostError
from pipeline.base.lock import lab_lock
from pipeline.base.places import state_directory, workplace
from pipeline.canary.settle import settle
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab
from pipeline.runs.settled import Settled

__all__ = ["switch_lab"]


def switch_lab(
    colour: str, inventory: Path | None, provider: str | None, made: Inventory | None = None
) -> Settled:
    """Put the proxy on `colour` and keep it there over restarts. Raises HostError or LabError.

    The proxy is that of `made`, else of the file `inventory`, else of the lab.
    """
    with lab_lock(state_directory()):
        known_hosts = state_directory() / "known_hosts"
        if made is not None:
            hosts = made
        elif inventory is not None:
            hosts = read_inventory(inventory, ("proxy",))
        else:
            lab = Lab(workplace(), provider, Progress(quiet=True).say)
            hosts, known_hosts = lab.inventory(), lab.known_hosts
        settled = settle(hosts, known_hosts, colour)
    proxy = hosts.one("proxy").name
    if settled.problem:
        raise HostError(
            proxy, str(settled), hint="pipeline lab status" if made is None and inventory is None else None
        )
    if not settled.colour:
        raise HostError(proxy, "there is no proxy yet", hint="pipeline canary master broken --keep")
    return settled
