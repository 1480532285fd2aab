"""The open loop: requests leave by the clock, whatever the server does.

A client that sends the next request only after the last answer slows down with the server, so that the slow
moments are missing from its figures ("coordinated omission"). Here request i is due i / rate seconds after the
start, and its latency counts from then: a user, too, would have waited while no connection was free.

Connections are bounded. A request that finds none free waits; how long it did is kept apart from its latency. It is not
sent once it can no longer be answered in time, or once its phase is over. Each phase has as many connections, so what
one leaves behind takes none from the next.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from loadgen.plan import Plan
from loadgen.result import NEVER_SENT, Answer, Result
from loadgen.timer import Timer

__all__ = ["AFTER_PHASE", "GRACE", "Engine", "Progress", "Send"]

GRACE = 1.0  # seconds that requests on the wire have after stop()
AFTER_PHASE = 1.0  # seconds after a phase's end in which bodies that have begun may end
# When many requests are overdue at once: how many leave before the event loop looks at its sockets again.
_BURST = 32
_RECENT = 64  # of so many requests the shortest time on the wire is what the next one takes at least

_WHY_UNSENT = "it waited in the loader until it could no longer be answered in time, or its phase was over"

# Sends one request. Gets when it must have been answered, and when a body that has begun must have ended if that is
# sooner (monotonic clock, seconds).
Send = Callable[[float, float], Awaitable[Answer]]


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
        send: Sends one request and gives its answer.
        on_result: Gets each result as it completes.
    """

    def __init__(
        self,
        plan: Plan,
        send: Send,
        on_result: Callable[[Result], None],
    ) -> None:
        self._plan = plan
        self._send = send
        self._on_result = on_result
        self._t0 = 0.0
        self._scheduled = self._sent = self._queued = self._abandoned = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._of_this_phase: set[asyncio.Task[None]] = set()
        self._phase_end = plan.phase_end(0.0)
        self._waiting: deque[tuple[float, float]] = deque()  # (due since the start, lateness), seconds
        self._took: deque[float] = deque(maxlen=_RECENT)  # seconds that requests were on the wire
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
            try:
                await self._send_by(timer)
            except (
                OSError
            ) as problem:  # of `on_result`: what is on the wire is ended first, then run() raises it
                self._fail(problem)

    async def _send_by(self, timer: Timer) -> None:
        burst = 0
        while self._scheduled < self._plan.total:
            at = self._plan.due(self._scheduled)
            due = self._t0 + at
            if due > time.monotonic():
                burst = 0
                await timer.until(due)
                continue
            if at >= self._phase_end:
                self._begin_phase(at)
            self._scheduled += 1
            if self._too_late(at):
                self._give_up(at, time.monotonic() - due)
            elif len(self._of_this_phase) < self._plan.connections:
                self._start(at, None, waited=0.0)
            else:
                self._queued += 1
                self._waiting.append((at, time.monotonic() - due))
            burst += 1
            if burst % _BURST == 0:
                await asyncio.sleep(0)

    def _begin_phase(self, at: float) -> None:
        """Of the phase before, what waits is not sent any more, and what is on the wire counts no longer."""
        while self._waiting:
            self._give_up(*self._waiting.popleft())
        self._of_this_phase = set()
        self._phase_end = self._plan.phase_end(at)

    def _too_late(self, at: float, takes: float = 0.0) -> bool:
        """Whether a request due `at`, sent now, would go where the next phase's go, or has less than `takes` left."""
        now = time.monotonic() - self._t0
        return now >= self._plan.phase_end(at) or now + takes >= at + self._plan.timeout

    def _give_up(self, at: float, lateness: float) -> None:
        answer = Answer(time.monotonic(), error=NEVER_SENT, why=_WHY_UNSENT)
        self._report(at, lateness, answer.ended - self._t0 - at - lateness, answer)

    def _start(self, at: float, lateness: float | None, waited: float) -> None:
        task = asyncio.create_task(self._one(at, lateness, waited))
        self._tasks.add(task)
        self._of_this_phase.add(task)
        task.add_done_callback(self._finished)

    async def _one(self, at: float, lateness: float | None, waited: float) -> None:
        began = time.monotonic()
        if lateness is None:
            lateness = began - self._t0 - at
        self._sent += 1
        body_by = self._t0 + self._plan.phase_end(at) + AFTER_PHASE
        try:
            answer = await self._send(self._t0 + at + self._plan.timeout, body_by)
        except asyncio.CancelledError:
            if self._stopped:
                self._abandoned += 1
                return
            answer = Answer(time.monotonic(), error="timeout", why="it did not end by itself")
        self._took.append(answer.ended - began)
        self._report(at, lateness, waited, answer)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._of_this_phase.discard(task)
        failure = None if task.cancelled() else task.exception()
        if task.cancelled():  # before its first step
            self._abandoned += 1
        try:
            if isinstance(failure, Exception):
                raise failure
            self._start_waiting()
        except Exception as problem:  # a defect or a full disk: no reason to go on
            self._fail(problem)

    def _fail(self, problem: Exception) -> None:
        """End soon; run() raises the first problem."""
        self._failure = self._failure or problem
        self.stop(grace=0)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._of_this_phase) < self._plan.connections:
            at, lateness = self._waiting.popleft()
            if self._too_late(at, takes=min(self._took, default=0.0)):
                self._give_up(at, lateness)
            else:
                self._start(at, lateness, waited=time.monotonic() - self._t0 - at - lateness)

    def _report(self, at: float, lateness: float, waited: float, answer: Answer) -> None:
        self._on_result(
            Result(
                t=at,
                lateness_us=max(0, round(lateness * 1e6)),
                latency_us=None if answer.error else max(0, round((answer.ended - self._t0 - at) * 1e6)),
                answer=answer,
                waited_us=max(0, round(waited * 1e6)),
            )
        )

    def _cancel_all(self) -> None:
        for task in self._tasks:
            task.cancel()
