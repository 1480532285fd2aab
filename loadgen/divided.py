"""A run whose parts are sent elsewhere: begun by one clock, merged each second, and what is missing said."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

from loadgen.known import Known
from loadgen.plan import Plan
from loadgen.processor import Used
from loadgen.progress import Progress
from loadgen.records import Record
from loadgen.run import SIGNALS, Listener, start_event
from loadgen.shard import Ended, Failed, Message, Ready, Rows, Second, ShardError, Shards, version
from loadgen.stats import Stats
from loadgen.validity import MOST_MISSING, Divided

__all__ = ["run_divided"]

_READY_SECONDS: Final = 60.0
_HEARD_LATER: Final = 0.3  # seconds; then what the shards say of a second is here
# They speak each second; of one that is silent for so long nothing more is expected.
_SILENT_SECONDS: Final = 10
_STOPS_SECONDS: Final = 5.0  # after a stop
_NAMED: Final = 3  # of the shards that have a reason; the others are counted


async def run_divided(
    plan: Plan,
    recorder: Record,
    listener: Listener,
    *,
    shards: Shards,
    start_at: float | None = None,
    signals: tuple[signal.Signals, ...] = SIGNALS,
    beside: AbstractAsyncContextManager[None] | None = None,
) -> dict[str, Any]:
    """Send the whole plan by shards that have its parts. As `run.run`, whose arguments these are.

    Raises:
        OSError: A record cannot be written.
        ShardError: The run could not begin.
    """
    async with beside or nullcontext(), shards:
        run = _Run(plan, shards, recorder, listener)
        await run.ready()
        soonest = time.time() + shards.lead
        t0_unix = soonest if start_at is None else start_at
        if t0_unix < soonest:
            raise ShardError("the shards were not ready at --start-at: give a later time")
        return await run.go(t0_unix, signals)


class _Run:
    def __init__(self, plan: Plan, shards: Shards, recorder: Record, listener: Listener) -> None:
        self._plan = plan
        self._shards = shards
        self._recorder = recorder
        self._listener = listener
        self._stats = Stats(plan)
        self._t0 = 0.0
        self._stopped_at: float | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        count = len(shards.where)
        self._all = [
            Known(f"shard {number + 1} of {count} ({where})") for number, where in enumerate(shards.where)
        ]

    async def ready(self) -> None:
        """Return when all are. Raises ShardError."""
        waiting = {*range(len(self._all))}
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while waiting:
                    number, message = await self._shards.next()
                    name = self._all[number].name
                    if isinstance(message, Failed):
                        raise ShardError(f"{name} did not begin: {message.why}")
                    if isinstance(message, Ready):
                        if message.version != version():
                            raise ShardError(
                                f"{name} has another version of the loader: install this one there"
                            )
                        waiting.discard(number)
        except TimeoutError:
            names = ", ".join(self._all[number].name for number in sorted(waiting)[:_NAMED])
            raise ShardError(f"not ready after {_READY_SECONDS:.0f} s: {names}") from None

    async def go(self, t0_unix: float, signals: tuple[signal.Signals, ...]) -> dict[str, Any]:
        """All of it, from `t0_unix` on; gives the summary."""
        loop = asyncio.get_running_loop()
        unix, monotonic = time.time(), time.monotonic()
        self._t0 = monotonic + (t0_unix - unix)
        for number in signals:
            loop.add_signal_handler(number, self._stop)
        await self._shards.begin(t0_unix)
        self._recorder.start(t0_unix, 0.0)
        self._listener(start_event(self._plan, t0_unix))
        hearing, ticking = asyncio.create_task(self._hear()), asyncio.create_task(self._tick())
        try:
            await asyncio.wait([hearing, ticking], return_when=asyncio.FIRST_COMPLETED)
            for task in (hearing, ticking):
                if task.done():
                    task.result()
        finally:
            for task in (hearing, ticking):
                task.cancel()
            await asyncio.wait([hearing, ticking])
        summary = self._summary(t0_unix)
        self._listener({"event": "end", "summary": summary})
        for number in signals:
            loop.remove_signal_handler(number)
        return summary

    def _stop(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = max(0.0, time.monotonic() - self._t0)
        task = asyncio.create_task(self._shards.stop())
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _hear(self) -> None:
        """Until all are over."""
        while not all(shard.over for shard in self._all):
            number, message = await self._shards.next()
            self._heard(self._all[number], message)

    def _heard(self, shard: Known, message: Message) -> None:
        if shard.over:  # it was given up, and what it would add is said to be missing
            return
        shard.silent = 0
        if isinstance(message, Second):
            self._stats.merge(message.tally)
            shard.t, shard.progress = message.t, message.progress
            for result in shard.rows:
                self._recorder.add(result)
            shard.rows.clear()
        elif isinstance(message, Rows):
            shard.rows += message.results()
        elif isinstance(message, Ended):
            shard.ended, shard.progress = message, message.progress
        elif isinstance(message, Failed):
            shard.lose(message.why)

    async def _tick(self) -> None:
        """Once a second, as soon as what happened in it is known here; until nothing is to be expected."""
        second = 0
        while not all(shard.over for shard in self._all):
            second += 1
            await asyncio.sleep(max(0.0, self._t0 + second + _HEARD_LATER - time.monotonic()))
            since = time.monotonic() - self._t0 - _HEARD_LATER
            second = max(second, int(since))
            self._give_up(stopped=self._stopped_at is not None and since > self._stopped_at + _STOPS_SECONDS)
            self._recorder.flush(second)
            self._listener(self._stats.second(float(second), self._progress, busy=0))

    def _give_up(self, *, stopped: bool) -> None:
        """Those that are silent for too long. Seconds in which this process stood still are not theirs."""
        for shard in self._all:
            shard.silent += 1
            if shard.over:
                continue
            if shard.silent > _SILENT_SECONDS:
                shard.lose(f"it said nothing for {_SILENT_SECONDS} s")
            elif stopped:
                shard.lose("it did not stop")

    @property
    def _progress(self) -> Progress:
        return Progress._make(sum(counts) for counts in zip(*(s.progress for s in self._all), strict=True))

    def _summary(self, t0_unix: float) -> dict[str, Any]:
        ended = [shard.ended for shard in self._all if shard.ended]
        elapsed = max([0.0, *(shard.t for shard in self._all), *(end.elapsed for end in ended)])
        self._recorder.flush(elapsed)
        if self._stats.pending:
            self._listener(self._stats.second(elapsed, self._progress, busy=0))
        until = self._plan.duration
        if self._stopped_at is not None:
            until = min(until, self._stopped_at)
        return self._stats.summary(
            self._progress,
            t0_unix=t0_unix,
            elapsed=elapsed,
            used=Used(sum(end.used.cpu for end in ended), sum(end.used.waited for end in ended)),
            scheduling=_scheduling(ended),
            sending=None if self._stopped_at is None else until,
            divided=self._divided(until),
        ) | {"interrupted": self._stopped_at is not None}

    def _divided(self, until: float) -> Divided:
        """What became of each, and why the run is invalid."""
        count = len(self._all)
        reasons = [
            f"{each.name}: {each.ended.reason}" for each in self._all if each.ended and each.ended.reason
        ]
        if len(reasons) > _NAMED:
            reasons[_NAMED:] = [f"and so {len(reasons) - _NAMED} more shards"]
        missing = {shard: shard.missing(self._plan, count, until) for shard in self._all if shard.lost}
        if sum(each.share for each in missing.values()) / count > MOST_MISSING:
            reasons += [each.text for each in missing.values()]
        facts = [
            shard.facts(missing[shard].text if shard in missing else None) | self._shards.facts(number)
            for number, shard in enumerate(self._all)
        ]
        return Divided("; ".join(reasons) or None, facts)


def _scheduling(ended: Sequence[Ended]) -> str:
    """How the shards were scheduled, each way with how many."""
    ways = Counter(end.scheduling for end in ended)
    if len(ways) == 1:
        return next(iter(ways))
    return ", ".join(f"{way} ({count})" for way, count in ways.items()) or "not known"
