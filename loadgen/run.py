"""A whole run in this process: what is sent, its signals, its records, and the events of each second."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from loadgen.plan import Plan
from loadgen.progress import Progress
from loadgen.records import Record
from loadgen.result import Result
from loadgen.sending import Sending
from loadgen.stats import Stats

__all__ = ["SIGNALS", "Listener", "run", "start_event"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)

Listener = Callable[[dict[str, Any]], None]


async def run(
    plan: Plan,
    recorder: Record,
    listener: Listener,
    *,
    start_at: float | None = None,
    signals: tuple[signal.Signals, ...] = SIGNALS,
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
    observer = _Observer(plan, recorder, listener)
    sending = Sending(plan, observer)
    for number in signals:
        loop.add_signal_handler(number, sending.stop)
    async with beside or nullcontext():
        sent = await sending.run(start_at=start_at, first=first)
    recorder.flush(sent.elapsed)
    stats = observer.stats
    if stats.pending:
        listener(stats.second(sent.elapsed, sent.progress, busy=0))
    summary = stats.summary(
        sent.progress,
        t0_unix=sent.t0_unix,
        elapsed=sent.elapsed,
        used=sent.used,
        scheduling=sent.scheduling,
        sending=min(sent.elapsed, plan.duration) if sent.stopped else None,
    ) | {"interrupted": sent.stopped}
    listener({"event": "end", "summary": summary})
    for number in signals:  # not before: a late signal must not cost the summary
        loop.remove_signal_handler(number)
    return summary


class _Observer:
    """Counts, keeps and tells what happens."""

    def __init__(self, plan: Plan, recorder: Record, listener: Listener) -> None:
        self.stats = Stats(plan)
        self._plan = plan
        self._recorder = recorder
        self._listener = listener

    def started(self, t0_unix: float, t0: float) -> None:
        self._recorder.start(t0_unix, t0)
        self._listener(start_event(self._plan, t0_unix))

    def add(self, result: Result) -> None:
        self.stats.add(result)
        self._recorder.add(result)

    def second(self, t: float, progress: Progress, busy: float) -> None:
        self._recorder.flush(t)
        self._listener(self.stats.second(t, progress, busy))


def start_event(plan: Plan, t0_unix: float) -> dict[str, Any]:
    """What is told at the start."""
    return {
        "event": "start",
        "t0_unix": t0_unix,
        "rate": plan.rate,
        "total": plan.total,
        "duration": plan.duration,
        "arrivals": plan.how,
    }
