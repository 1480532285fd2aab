"""The sending of a plan, or of its part, by this process: the engine, its clock, and a call each second."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple, Protocol

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from loadgen.choice import client_for
from loadgen.engine import GRACE, Engine
from loadgen.plan import Plan
from loadgen.processor import Processor, Used
from loadgen.progress import Progress
from loadgen.result import Result

__all__ = ["LEAD", "Observer", "Sending", "Sent"]

LEAD = 0.05  # seconds until the first request, when no start time is given


class Observer(Protocol):
    """Gets what happens. Times are seconds; what it raises ends the sending, which raises it."""

    def started(self, t0_unix: float, t0: float) -> None:
        """The first request is due at `t0_unix` (Unix time), which is `t0` of the monotonic clock."""

    def add(self, result: Result) -> None: ...

    def second(self, t: float, progress: Progress, busy: float) -> None:
        """`t` seconds after the start; `busy`: the share of the last one in which a core was used or waited for."""


class Sent(NamedTuple):
    """How the sending ended.

    Attributes:
        t0_unix: When the first request was due (Unix time, seconds).
        elapsed: Seconds since then.
        progress: The engine's counts.
        used: What it got of the processors.
        scheduling: How the system scheduled it.
        stopped: Whether it was stopped.
    """

    t0_unix: float
    elapsed: float
    progress: Progress
    used: Used
    scheduling: str
    stopped: bool


class Sending:
    """Sends `plan` once; `observer` gets what comes of it."""

    def __init__(self, plan: Plan, observer: Observer) -> None:
        self._plan = plan
        self._observer = observer
        self._engine: Engine | None = None
        self._stopped = False

    def stop(self) -> None:
        """Send nothing more; what is on the wire has another second, and none when this is called again."""
        if self._engine is not None:
            self._engine.stop(grace=0 if self._stopped else GRACE)
        self._stopped = True

    async def run(self, *, start_at: float | None = None, first: bool = False) -> Sent:
        """Send all of it.

        Args:
            start_at: When the first request is due (Unix time, seconds); None: now.
            first: Whether to ask the system to run this thread before all others.
        """
        asyncio.get_running_loop().set_exception_handler(_told_elsewhere)
        processor = Processor(first=first)
        async with client_for(self._plan) as client:
            engine = self._engine = Engine(self._plan, client, self._observer.add)
            if self._stopped:
                engine.stop(grace=0)
            # From here on only the monotonic clock counts: a step of the wall clock moves nothing.
            unix, monotonic = time.time(), time.monotonic()
            t0_unix = unix + LEAD if start_at is None else start_at
            t0 = monotonic + (t0_unix - unix)
            self._observer.started(t0_unix, t0)
            working = asyncio.create_task(engine.run(t0))
            ticking = asyncio.create_task(self._tick(t0, engine, processor))
            try:
                # Whichever fails first ends the run: either may meet a full disk.
                await asyncio.wait([working, ticking], return_when=asyncio.FIRST_COMPLETED)
                if ticking.done():
                    engine.stop(grace=0)
                    await asyncio.wait([working])
                    ticking.result()
                working.result()
            finally:
                ticking.cancel()
                await asyncio.wait([ticking])
        used = processor.used()
        processor.close()
        elapsed = max(0.0, time.monotonic() - t0)
        return Sent(t0_unix, elapsed, engine.progress, used, processor.scheduling, self._stopped)

    async def _tick(self, t0: float, engine: Engine, processor: Processor) -> None:
        """Once a second, on the second."""
        second = 0
        while True:
            second += 1
            await asyncio.sleep(max(0.0, t0 + second - time.monotonic()))
            busy, since = processor.busy(), time.monotonic() - t0
            second = max(second, int(since))  # after a freeze: one event for it all, not a burst
            self._observer.second(since, engine.progress, busy)


def _told_elsewhere(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keeps quiet about a connection that broke where nobody waited for it: what came of its request has a row."""
    if not isinstance(context.get("exception"), OSError | aiohttp.ClientError | HttpProcessingError):
        loop.default_exception_handler(context)
