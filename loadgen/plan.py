"""What is to be sent, when, and what a right answer looks like."""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from loadgen.arrivals import (
    Arrivals,
    ClosedArrivals,
    OpenArrivals,
    Stage,
    constant,
    passed,
    planned,
    poisson,
    staged,
)
from loadgen.conditions import Condition
from loadgen.mix import Mix
from loadgen.network import USUAL, Network
from loadgen.replay import Replay
from loadgen.request import Kind, Request

__all__ = ["ENGINES", "MAX_BODY", "Part", "Plan"]

_T = TypeVar("_T")

ENGINES = ("auto", "httptools", "aiohttp")

MAX_BODY = 16_000_000  # bytes


class Part(NamedTuple):
    """Of `of` parts of a load the one with the number `number`, from 0 on: request i is of part i % of.

    So the parts together send what one loader would have sent, each at the same moment, whatever the arrivals are.
    """

    number: int
    of: int

    def share(self, count: int) -> int:
        """Its share of `count` things.

        >>> [Part(number, 3).share(8) for number in range(3)]
        [3, 3, 2]
        """
        return (count - self.number + self.of - 1) // self.of


_WHOLE = Part(0, 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """The load of one run.

    Attributes:
        url: The address, http:// or https://.
        rate: Requests a second; request i is due i / rate seconds after the start. Of stages the mean; 0 with `users`.
        duration: Seconds in which requests fall due.
        stages: Parts of the duration with rates of their own; empty: all of it at `rate`.
        seed: Of the random times of Poisson arrivals; None: evenly.
        users: Above 0 the load is closed: each of so many sends its next request after the last one's answer.
        think: Seconds that a user waits before the next request.
        method: HTTP method.
        headers: Names and values; a name may come more than once.
        body: The bytes that each request carries, or None.
        timeout: Seconds an answer may take since the request was due; so at most rate * timeout requests wait.
        connections: How many requests of one phase may be on the wire at once.
        phase_ends: Seconds since the start, rising: what falls due from then on goes elsewhere, so what was due before
            is not sent any more.
        max_body: Bytes; a larger body is not read to its end.
        expect_status: The right statuses; the bodies of these are checked.
        body_regex: Searched in the bytes of those bodies as they came; None: nothing is checked.
        served_by_header: The response header that names the server.
        mix: Several requests, to be sent instead of the one that `url`, `method`, `headers`, `body` and the two about
            the right answer say, or what is replayed; None: that one.
        times: When each request is due, seconds since the start; empty: as the rate or the stages say.
        replayed: What of a recording is sent, and what not, for people.
        fail_if, require: What must not be so of the summary, and what must be.
        network: How connections are made.
        engine: One of ENGINES: what sends; "auto": httptools, or aiohttp where that cannot do what is asked for.
        max_lateness: Seconds; the run is invalid when the loader's own p99 lateness is above this, or above a tenth of
            it and half of the latency's.
        part: What of all this is sent; `rate`, `total` and `how` are of the whole, `connections` and `users` its own.
    """

    url: str
    rate: float
    duration: float
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    stages: tuple[Stage, ...] = ()
    seed: int | None = None
    users: int = 0
    think: float = 0.0
    timeout: float = 5.0
    connections: int = 64
    phase_ends: tuple[float, ...] = ()
    max_body: int = MAX_BODY
    expect_status: tuple[int, ...] = (200,)
    body_regex: re.Pattern[bytes] | None = None
    served_by_header: str = "X-Served-By"
    max_lateness: float = 0.1
    engine: str = "auto"
    network: Network = USUAL
    fail_if: tuple[Condition, ...] = ()
    require: tuple[Condition, ...] = ()
    mix: Mix | Replay | None = None
    times: tuple[float, ...] = ()
    replayed: str = ""
    part: Part = _WHOLE

    def divided(self, parts: int) -> list[Plan]:
        """So many plans that together send what this one does. Each has a connection, and a user, at least."""
        each = [Part(number, parts) for number in range(parts)]
        return [
            replace(self, part=part, connections=part.share(self.connections), users=part.share(self.users))
            for part in each
        ]

    def requests(self) -> Iterator[Request]:
        """What is to be sent, one after the other, without end. From the same plan always the same."""
        return itertools.repeat(self.one()) if self.mix is None else self._of_part(self.mix.requests())

    def one(self) -> Request:
        """The request of a plan that has only one."""
        kind = Kind("", self.method, self.expect_status, self.body_regex)
        return Request(kind, self.url, self.headers, self.body)

    @property
    def total(self) -> int | None:
        """How many requests fall due before `duration` is over, at least one; None where chance or answers decide.

        >>> Plan("http://h/", rate=50, duration=60).total
        3000
        """
        if self.users or self.seed is not None:
            return None
        return len(self.times) or self._planned

    @property
    def _planned(self) -> int:
        count = planned(self._parts)
        return min(count, len(self.mix.times)) if isinstance(self.mix, Replay) else count

    @property
    def _parts(self) -> tuple[Stage, ...]:
        return self.stages or (Stage(self.duration, self.rate, self.rate),)

    def arrivals(self) -> Arrivals:
        """When the requests fall due."""
        if self.users:
            return ClosedArrivals(self.users, self.think, self.duration)
        return OpenArrivals(self._of_part(self._times()))

    def _of_part(self, whole: Iterator[_T]) -> Iterator[_T]:
        return itertools.islice(whole, self.part.number, None, self.part.of)

    def _times(self) -> Iterator[float]:
        """When those of the whole do."""
        if self.times:
            return iter(self.times)
        if self.seed is not None:
            return poisson(self._parts, self.seed)
        return staged(self.stages) if self.stages else constant(self.rate, self._planned)

    def due(self, until: float) -> float:
        """How many requests of the whole fall due in its first `until` seconds, on average.

        >>> Plan("http://h/", rate=50, duration=60).due(2.5), Plan("http://h/", rate=50, duration=60).due(61)
        (125.0, 3000.0)
        """
        if self.times:
            return float(bisect.bisect_left(self.times, until))
        return min(passed(self._parts, until), float(self._planned))

    @property
    def how(self) -> str:
        """How the requests fall due, in words.

        >>> Plan("http://h/", rate=50, duration=60, seed=7).how
        'open: Poisson, 50/s on average, seed 7'
        >>> Plan("http://h/", rate=0, duration=60, users=3).how
        'closed: 3 users, each sends after its last answer, so a slow server is asked less'
        """
        once = "; a sequence of steps is due as one" if self.mix is not None and self.mix.sequences else ""
        return f"{self._how}{once}"

    @property
    def _how(self) -> str:
        if self.users:
            who = (
                "1 user, who sends after the"
                if self.users == 1
                else f"{self.users} users, each sends after its"
            )
            pause = f" and {self.think:g} s" if self.think else ""
            return f"closed: {who} last answer{pause}, so a slow server is asked less"
        if self.times:
            return f"open: when they were recorded, {self.rate:.3g}/s on average"
        stages = f"stages {', '.join(map(str, self.stages))}" if self.stages else f"{self.rate:g}/s"
        if self.seed is not None:
            return f"open: Poisson, {stages} on average, seed {self.seed}"
        return f"open: {stages if self.stages else f'constant, {stages}'}"

    def phase_end(self, at: float) -> float:
        """When the phase ends in which `at` lies, both in seconds since the start; infinite in the last one.

        >>> Plan("http://h/", rate=50, duration=60, phase_ends=(20.0, 40.0)).phase_end(20.0)
        40.0
        """
        number = bisect.bisect_right(self.phase_ends, at)
        return self.phase_ends[number] if number < len(self.phase_ends) else math.inf
