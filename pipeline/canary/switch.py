"""Promote or roll back by hand, on hosts that are up."""

from __future__ import annotations

from pathlib import Path

from pipeline.base.console import Progress
from pipeline.base.errors import HostError
from pipeline.base.lock import lock_of
from pipeline.base.places import state_directory, workplace
from pipeline.canary.settle import settle
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab
from pipeline.runs.settled import Settled

__all__ = ["switch_hosts", "switch_lab"]


def switch_lab(colour: str, inventory: Path | None, provider: str | None) -> Settled:
    """Put the proxy of the file `inventory`, else of the lab, on `colour`.

    Raises HostError, LabError, or LockedError where another command has the hosts.
    """
    state = state_directory()
    with lock_of(state, inventory):
        if inventory is not None:
            return switch_hosts(read_inventory(inventory, ("proxy",)), state / "known_hosts", colour)
        lab = Lab(workplace(), provider, Progress(quiet=True).say)
        return switch_hosts(lab.inventory(), lab.known_hosts, colour, hint="pipeline lab status")


def switch_hosts(hosts: Inventory, known_hosts: Path, colour: str, *, hint: str | None = None) -> Settled:
    """Put the proxy on `colour` and keep it there over restarts. The caller holds the hosts' lock.

    Raises HostError where that could not be done; `hint` is what to type then.
    """
    settled = settle(hosts, known_hosts, colour)
    proxy = hosts.one("proxy").name
    if settled.problem:
        raise HostError(proxy, str(settled), hint=hint)
    if not settled.colour:
        raise HostError(proxy, "there is no proxy yet", hint="pipeline canary master broken --keep")
    return settled
