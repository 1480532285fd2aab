"""The open loop: requests leave by the clock, whatever the server does.

A client that sends the next request only after the last answer slows down with the server, so that the slow
moments are missing from its figures ("coordinated omission"). Here request i is due i / rate seconds after the
start, and its latency counts from then: a user, too, would have waited while no connection was free.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from loadgen.plan import Plan
from loadgen.result import Answer, Result
from loadgen.timer import Timer

__all__ = ["GRACE", "Engine", "Progress"]

GRACE = 1.0  # seconds that requests on the wire have after stop()
# When many requests are overdue at once: how many leave before the event loop looks at its sockets again.
_BURST = 32


class Progress(NamedTuple):
    """Counts of requests so far. scheduled = completed + errors + abandoned + in_flight + waiting.

    Attributes:
        scheduled: Those that fell due.
        sent: Those that were given to a connection.
        queued: Those that had to wait for a connection.
        in_flight: Those on the wire now.
        waiting: Those that wait for a connection now.
        abandoned: Those given up because the run was stopped.
    """

    scheduled: int
    sent: int
    queued: int
    in_flight: int
    waiting: int
    abandoned: int


class Engine:
    """Runs one plan.

    Args:
        plan: What to send, and when.
        send: Sends one request; it gets a deadline (monotonic clock, seconds) and gives the answer.
        on_result: Gets each result as it completes.
    """

    def __init__(
        self,
        plan: Plan,
        send: Callable[[float], Awaitable[Answer]],
        on_result: Callable[[Result], None],
    ) -> None:
        self._plan = plan
        self._send = send
        self._on_result = on_result
        self._t0 = 0.0
        self._scheduled = self._sent = self._queued = self._abandoned = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[float, float]] = deque()  # (due, lateness), both seconds
        self._schedule_task: asyncio.Task[None] | None = None
        self._cut: asyncio.TimerHandle | None = None
        self._stopped = False
        self._failure: Exception | None = None

    @property
    def progress(self) -> Progress:
        return Progress(
            self._scheduled,
            self._sent,
            self._queued,
            len(self._tasks),
            len(self._waiting),
            self._abandoned,
        )

    async def run(self, t0: float) -> None:
        """Send the whole plan from `t0` (monotonic clock, seconds) on; return when nothing is in flight.

        After the last request is due, unfinished ones have until their timeout. Raises what `on_result` raised.
        """
        self._t0 = t0
        if not self._stopped:
            self._schedule_task = asyncio.create_task(self._schedule())
            await asyncio.wait([self._schedule_task])
            if not self._schedule_task.cancelled():
                self._schedule_task.result()
        if not self._stopped:
            # A second more than any request may take: reached only if a request ignores its deadline.
            left = self._t0 + self._plan.due(self._scheduled) + self._plan.timeout + 1 - time.monotonic()
            self._cut = asyncio.get_running_loop().call_later(max(left, 0), self._cancel_all)
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._cut is not None:
            self._cut.cancel()
        if self._failure is not None:
            raise self._failure

    def stop(self, grace: float = GRACE) -> None:
        """Schedule nothing more; what is on the wire has `grace` more seconds, what waits is abandoned."""
        self._stopped = True
        if self._schedule_task is not None:
            self._schedule_task.cancel()
        self._abandoned += len(self._waiting)
        self._waiting.clear()
        if self._cut is not None:
            self._cut.cancel()
        self._cut = asyncio.get_running_loop().call_later(grace, self._cancel_all)

    async def _schedule(self) -> None:
        with Timer() as timer:
            await self._send_by(timer)

    async def _send_by(self, timer: Timer) -> None:
        burst = 0
        while self._scheduled < self._plan.total:
            due = self._t0 + self._plan.due(self._scheduled)
            if due > time.monotonic():
                burst = 0
                await timer.until(due)
                continue
            self._scheduled += 1
            if len(self._tasks) < self._plan.connections:
                self._start(due, None)
            else:
                self._queued += 1
                self._waiting.append((due, time.monotonic() - due))
            burst += 1
            if burst % _BURST == 0:
                await asyncio.sleep(0)

    def _start(self, due: float, lateness: float | None) -> None:
        task = asyncio.create_task(self._one(due, lateness))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def _one(self, due: float, lateness: float | None) -> None:
        if lateness is None:
            lateness = time.monotonic() - due
        self._sent += 1
        try:
            answer = await self._send(due + self._plan.timeout)
        except asyncio.CancelledError:
            if self._stopped:
                self._abandoned += 1
                return
            answer = Answer(time.monotonic(), error="timeout")
        self._report(due, lateness, answer)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if task.cancelled():  # before its first step
            self._abandoned += 1
        try:
            if isinstance(failure, Exception):
                raise failure
            self._start_waiting()
        except Exception as problem:  # a defect or a full disk: no reason to go on; run() raises it
            self._failure = self._failure or problem
            self.stop(grace=0)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._tasks) < self._plan.connections:
            due, lateness = self._waiting.popleft()
            if time.monotonic() >= due + self._plan.timeout:
                self._report(due, lateness, Answer(time.monotonic(), error="timeout"))
            else:
                self._start(due, lateness)

    def _report(self, due: float, lateness: float, answer: Answer) -> None:
        self._on_result(
            Result(
                t=due - self._t0,
                lateness_us=max(0, round(lateness * 1e6)),
                latency_us=None if answer.error else max(0, round((answer.ended - due) * 1e6)),
                answer=answer,
            )
        )

    def _cancel_all(self) -> None:
        for task in self._tasks:
            task.cancel()
