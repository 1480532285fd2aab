"""Which version has the traffic once a run is over: set over a connection of its own, retried, read back.

No signal ends it half-way, and no verdict or message rests on anything but what HAProxy itself said at the end.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from pipeline.base.errors import HostError, PipelineError
from pipeline.base.interrupt import uninterrupted
from pipeline.base.step_hook import begins
from pipeline.base.text import reason_of
from pipeline.canary.proxy import Proxy, connected_proxy
from pipeline.inventory.hosts import Inventory
from pipeline.runs.phases import COLOURS
from pipeline.runs.settled import Settled

__all__ = ["settle"]

_PATIENCE: Final = 8.0  # seconds in which another attempt begins: systemd has restarted HAProxy by then
_ATTEMPT_SECONDS: Final = 12.0
_BETWEEN: Final = 0.5
_SILENT_SECONDS: Final = 1.0  # what has just not answered is asked for so long


def settle(inventory: Inventory, known_hosts: Path, colour: str, patience: float = _PATIENCE) -> Settled:
    """Give `colour` all traffic, now and after a restart of HAProxy; raises nothing.

    It takes half a second. While that does not succeed it is tried again, for `patience` seconds.
    """
    with uninterrupted(f"putting the proxy on {colour}"):
        return asyncio.run(_settle(inventory, known_hosts, colour, patience))


async def _settle(inventory: Inventory, known_hosts: Path, colour: str, patience: float) -> Settled:
    until = time.monotonic() + patience
    while True:
        try:
            async with (
                asyncio.timeout(_ATTEMPT_SECONDS),
                connected_proxy(inventory, known_hosts) as connection,
            ):
                found = await _put_on(Proxy(connection), colour)
        except TimeoutError:
            found = Settled(colour, None, f"no answer within {_ATTEMPT_SECONDS:g} s")
        except PipelineError as error:
            found = Settled(colour, None, error.message)
        except OSError as error:
            found = Settled(colour, None, reason_of(error))
        if not found.problem or time.monotonic() > until:
            return found
        await asyncio.sleep(_BETWEEN)


async def _put_on(proxy: Proxy, colour: str) -> Settled:
    """One attempt. Raises HostError where the host does not answer."""
    try:
        await proxy.switch(colour)
        begins("persist")
        await proxy.persist()
    except HostError as error:
        if not await proxy.has_maps():
            return Settled(colour, "")
        if colour == COLOURS["baseline"]:
            # Should HAProxy be started before anybody looks, it begins with the version that is known.
            await proxy.begin_on(colour)
        return Settled(colour, await _colour(proxy), error.message)
    return Settled(colour, colour)


async def _colour(proxy: Proxy) -> str | None:
    try:
        async with asyncio.timeout(_SILENT_SECONDS):
            return await proxy.active()
    except (HostError, TimeoutError):
        return None
