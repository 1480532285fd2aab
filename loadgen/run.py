"""A whole run: the engine, its clock, its signals, and the events of each second."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from loadgen.choice import client_for
from loadgen.engine import GRACE, Engine
from loadgen.plan import Plan
from loadgen.processor import Processor
from loadgen.records import Record
from loadgen.result import Result
from loadgen.stats import Stats

__all__ = ["run"]

_LEAD = 0.05  # seconds between the start event and the first request, when no start time is given

_Listener = Callable[[dict[str, Any]], None]


async def run(
    plan: Plan,
    recorder: Record,
    listener: _Listener,
    *,
    start_at: float | None = None,
    signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM),
    first: bool = False,
    beside: AbstractAsyncContextManager[None] | None = None,
) -> dict[str, Any]:
    """Send the whole plan.

    A signal stops the run: what is on the wire has another second, and a second signal ends even that.

    Args:
        plan: What to send, and when.
        recorder: Gets each result; not started yet. The caller closes it.
        listener: Gets an event "start", one "second" each second (`Stats.second`), and "end" with the summary.
        start_at: When the first request is due (Unix time, seconds); None: now.
        signals: Those that stop the run.
        first: Whether to ask the system to run this thread before all others.
        beside: Is entered for as long as the run lasts.

    Returns:
        The summary (`Stats.summary`), and `interrupted`: whether a signal stopped the run.

    Raises:
        OSError: A record cannot be written.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_told_elsewhere)
    stats = Stats(plan)

    def keep(result: Result) -> None:
        stats.add(result)
        recorder.add(result)

    processor = Processor(first=first)
    async with beside or nullcontext(), client_for(plan) as client:
        engine = Engine(plan, client, keep)
        # From here on only the monotonic clock counts: a step of the wall clock moves nothing.
        unix, monotonic = time.time(), time.monotonic()
        t0_unix = unix + _LEAD if start_at is None else start_at
        t0 = monotonic + (t0_unix - unix)
        stopped = asyncio.Event()

        def stop() -> None:
            engine.stop(grace=0 if stopped.is_set() else GRACE)
            stopped.set()

        for number in signals:
            loop.add_signal_handler(number, stop)
        recorder.start(t0_unix, t0)
        listener(
            {
                "event": "start",
                "t0_unix": t0_unix,
                "rate": plan.rate,
                "total": plan.total,
                "duration": plan.duration,
                "arrivals": plan.how,
            }
        )
        working = asyncio.create_task(engine.run(t0))
        ticking = asyncio.create_task(_tick(t0, engine, stats, recorder, listener, processor))
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
    recorder.flush(elapsed)
    if stats.pending:
        listener(stats.second(elapsed, engine.progress, busy=0))
    summary = stats.summary(
        engine.progress,
        t0_unix=t0_unix,
        elapsed=elapsed,
        used=used,
        scheduling=processor.scheduling,
        sending=min(elapsed, plan.duration) if stopped.is_set() else None,
    ) | {"interrupted": stopped.is_set()}
    listener({"event": "end", "summary": summary})
    for number in signals:  # not before: a late signal must not cost the summary
        loop.remove_signal_handler(number)
    return summary


def _told_elsewhere(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keeps quiet about a connection that broke where nobody waited for it: what came of its request has a row."""
    if not isinstance(context.get("exception"), OSError | aiohttp.ClientError | HttpProcessingError):
        loop.default_exception_handler(context)


async def _tick(
    t0: float, engine: Engine, stats: Stats, recorder: Record, listener: _Listener, processor: Processor
) -> None:
    """Once a second, on the second: flush the records, tell the listener."""
    second = 0
    while True:
        second += 1
        await asyncio.sleep(max(0.0, t0 + second - time.monotonic()))
        busy, since = processor.busy(), time.monotonic() - t0
        second = max(second, int(since))  # after a freeze: one event for it all, not a burst
        recorder.flush(since)
        listener(stats.second(since, engine.progress, busy))
