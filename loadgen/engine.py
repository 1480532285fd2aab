"""The open loop: requests leave by the clock, whatever the server does.

A client that sends the next request only after the last answer slows down with the server, so that the slow
moments are missing from its figures ("coordinated omission"). Here a request is due at a time that is fixed
beforehand, and its latency counts from then: a user, too, would have waited while no connection was free. Only a plan
with `users` is such a client, on purpose: there a request is due when its user has the last one's answer. The steps of
a sequence are due so as well, all but the first: nobody can read before the log-in is answered.

Connections are bounded. A request that finds none free waits; how long it did is kept apart from its latency. It is not
sent once it can no longer be answered in time, or once its phase is over. Each phase has as many connections, so what
one leaves behind takes none from the next.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from loadgen.client import Client
from loadgen.plan import Plan
from loadgen.progress import Progress
from loadgen.request import Request
from loadgen.result import NEVER_SENT, Answer, Result
from loadgen.timer import Timer

__all__ = ["AFTER_PHASE", "GRACE", "Engine"]

GRACE = 1.0  # seconds that requests on the wire have after stop()
AFTER_PHASE = 1.0  # seconds after a phase's end in which bodies that have begun may end
# When many requests are overdue at once: how many leave before the event loop looks at its sockets again.
_BURST = 32
_RECENT = 64  # of so many requests the shortest time on the wire is what the next one takes at least

_WHY_UNSENT = "it waited in the loader until it could no longer be answered in time, or its phase was over"


class _Request:
    """One that is on the wire."""

    __slots__ = ("_engine", "asked", "at", "began", "lateness", "phase", "waited")

    def __init__(
        self,
        engine: Engine,
        asked: Request,
        at: float,
        phase: int,
        began: float,
        lateness: float,
        waited: float,
    ) -> None:
        self._engine = engine
        self.asked = asked
        self.at = at
        self.phase = phase
        self.began = began
        self.lateness = lateness
        self.waited = waited

    def done(self, answer: Answer | Exception) -> None:
        self._engine._ended(self, answer)


class Engine:
    """Runs one plan.

    Args:
        plan: What to send, and when.
        client: Sends the requests; entered already.
        on_result: Gets each result as it completes.
    """

    def __init__(
        self,
        plan: Plan,
        client: Client,
        on_result: Callable[[Result], None],
    ) -> None:
        self._plan = plan
        self._client = client
        self._on_result = on_result
        self._t0 = 0.0
        self._arrivals = plan.arrivals()
        self._last_due = plan.duration if plan.users else 0.0
        self._scheduled = self._sent = self._queued = self._abandoned = 0
        self._on_wire: set[_Request] = set()
        self._phase = 0
        self._of_this_phase = 0  # how many are on the wire
        self._phase_end = plan.phase_end(0.0)
        self._asked = plan.requests()
        # What, when it was due since the start, and its lateness, in seconds.
        self._waiting: deque[tuple[Request, float, float]] = deque()
        self._took: deque[float] = deque(maxlen=_RECENT)  # seconds that requests were on the wire
        self._timer: Timer | None = None
        self._next: asyncio.Handle | None = None
        self._cut: asyncio.TimerHandle | None = None
        self._over: asyncio.Event = asyncio.Event()
        self._all_due = self._stopped = False
        self._failure: Exception | None = None

    @property
    def progress(self) -> Progress:
        return Progress(
            self._scheduled,
            self._sent,
            self._queued,
            len(self._on_wire),
            len(self._waiting),
            self._abandoned,
        )

    async def run(self, t0: float) -> None:
        """Send the whole plan from `t0` (monotonic clock, seconds) on; return when nothing is in flight.

        After the last request is due, unfinished ones have until their timeout. Raises what `on_result` raised.
        """
        self._t0 = t0
        if not self._stopped:
            self._timer = Timer(self._send_due)
            self._timer.at(t0)
            if self._plan.users:  # else it is set when the last one is due
                self._end_by(self._last_due)
            await self._over.wait()
        self._end_schedule()
        if self._cut is not None:
            self._cut.cancel()
        if self._failure is not None:
            raise self._failure

    def stop(self, grace: float = GRACE) -> None:
        """Schedule nothing more; what is on the wire has `grace` more seconds, what waits is abandoned."""
        self._stopped = True
        self._end_schedule()
        self._abandoned += len(self._waiting)
        self._waiting.clear()
        if self._cut is not None:
            self._cut.cancel()
        self._cut = asyncio.get_running_loop().call_later(grace, self._end_all)
        self._look_for_end()

    def _end_schedule(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        if self._next is not None:
            self._next.cancel()

    def _send_due(self) -> None:
        """What is due by now, and the timer for what comes next."""
        if self._timer is None:
            return
        try:
            self._send_burst(self._timer)
        except Exception as problem:
            self._fail(problem)  # of `on_result`: what is on the wire is ended first, then run() raises it

    def _send_burst(self, timer: Timer) -> None:
        for _ in range(_BURST):
            at = self._arrivals.next
            if at is None:
                self._all_due = True
                self._end_schedule()
                self._end_by(self._last_due)
                self._look_for_end()
                return
            if at == math.inf:
                return
            due = self._t0 + at
            now = time.monotonic()
            if due > now:
                timer.at(due)
                return
            if at >= self._phase_end:
                self._begin_phase(at)
            self._arrivals.take()
            self._last_due = max(at, self._last_due)
            self._fallen_due(next(self._asked), at, now)
        self._next = asyncio.get_running_loop().call_soon(self._send_due)

    def _fallen_due(self, asked: Request, at: float, now: float) -> None:
        self._scheduled += 1
        lateness = now - self._t0 - at
        if self._too_late(at, now):
            self._give_up(asked, at, lateness)
        elif self._of_this_phase < self._plan.connections:
            self._start(asked, at, now, lateness, waited=0.0)
        else:
            self._queued += 1
            self._waiting.append((asked, at, lateness))

    def _end_by(self, last: float) -> None:
        """End what is on the wire a second after the last deadline: reached only if a request ignores its own."""
        if self._cut is not None:
            self._cut.cancel()
        left = self._t0 + last + self._plan.timeout + 1 - time.monotonic()
        self._cut = asyncio.get_running_loop().call_later(max(left, 0), self._end_all)

    def _begin_phase(self, at: float) -> None:
        """Of the phase before, what waits is not sent any more, and what is on the wire counts no longer."""
        while self._waiting:
            self._give_up(*self._waiting.popleft())
        self._phase += 1
        self._of_this_phase = 0
        self._phase_end = self._plan.phase_end(at)

    def _too_late(self, at: float, now: float, takes: float = 0.0) -> bool:
        """Whether a request due `at`, sent now, would go where the next phase's go, or has less than `takes` left."""
        since = now - self._t0
        return since >= self._phase_end or since + takes >= at + self._plan.timeout

    def _give_up(self, asked: Request, at: float, lateness: float) -> None:
        answer = Answer(time.monotonic(), error=NEVER_SENT, why=_WHY_UNSENT)
        self._report(asked, at, lateness, answer.ended - self._t0 - at - lateness, answer)
        self._arrivals.answered(answer.ended - self._t0)

    def _start(self, asked: Request, at: float, now: float, lateness: float, waited: float) -> None:
        request = _Request(self, asked, at, self._phase, now, lateness, waited)
        self._on_wire.add(request)
        self._of_this_phase += 1
        self._sent += 1
        body_by = self._t0 + self._phase_end + AFTER_PHASE
        what = None if self._plan.mix is None else asked  # the client knows the only one
        self._client.send(self._t0 + at + self._plan.timeout, body_by, request.done, what)

    def _ended(self, request: _Request, answer: Answer | Exception) -> None:
        if request not in self._on_wire:  # given up meanwhile
            return
        self._on_wire.discard(request)
        if request.phase == self._phase:
            self._of_this_phase -= 1
        try:
            if isinstance(answer, Exception):
                raise answer
            self._took.append(answer.ended - request.began)
            asked, after = request.asked, None
            if asked.session is not None:
                answer, after = asked.session.answered(asked, answer)
            self._report(asked, request.at, request.lateness, request.waited, answer)
            if self._waiting:
                self._start_waiting()
            ended = answer.ended - self._t0
            if after is None or not self._go_on(after, ended, request.phase):
                self._arrivals.answered(ended)
            if self._plan.users:
                self._send_due()
        except Exception as problem:  # a defect or a full disk: no reason to go on
            self._fail(problem)
        self._look_for_end()

    def _go_on(self, asked: Request, at: float, phase: int) -> bool:
        """The next step falls due, unless the phase of the last one is over: another server does not know this user."""
        now = time.monotonic()
        if self._stopped or phase != self._phase or now - self._t0 >= self._phase_end:
            return False
        if at > self._last_due:
            self._last_due = at
            if self._all_due or self._plan.users:
                self._end_by(at)
        self._fallen_due(asked, at, now)
        return True

    def _look_for_end(self) -> None:
        if not self._on_wire and (self._stopped or self._all_due):
            self._over.set()

    def _fail(self, problem: Exception) -> None:
        """End soon; run() raises the first problem."""
        self._failure = self._failure or problem
        self.stop(grace=0)

    def _start_waiting(self) -> None:
        while self._waiting and self._of_this_phase < self._plan.connections:
            asked, at, lateness = self._waiting.popleft()
            now = time.monotonic()
            if self._too_late(at, now, takes=min(self._took, default=0.0)):
                self._give_up(asked, at, lateness)
            else:
                self._start(asked, at, now, lateness, waited=now - self._t0 - at - lateness)

    def _report(self, asked: Request, at: float, lateness: float, waited: float, answer: Answer) -> None:
        self._on_result(
            Result(
                at,
                max(0, round(lateness * 1e6)),
                None if answer.error else max(0, round((answer.ended - self._t0 - at) * 1e6)),
                answer,
                max(0, round(waited * 1e6)) if waited else 0,
                asked.kind,
            )
        )

    def _end_all(self) -> None:
        """Nothing on the wire may take longer: after stop() it is abandoned, else it had its time."""
        left, self._on_wire = self._on_wire, set()
        self._of_this_phase = 0
        self._client.abort()
        if self._stopped:
            self._abandoned += len(left)
        else:
            answer = Answer(time.monotonic(), error="timeout", why="it did not end by itself")
            try:
                for request in left:
                    self._report(request.asked, request.at, request.lateness, request.waited, answer)
            except Exception as problem:
                self._failure = self._failure or problem
        self._over.set()
