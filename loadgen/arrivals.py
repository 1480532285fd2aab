"""When requests fall due: at a constant rate, in stages and ramps, at random, or after each user's last answer."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

__all__ = [
    "Arrivals",
    "ClosedArrivals",
    "OpenArrivals",
    "Stage",
    "constant",
    "passed",
    "planned",
    "poisson",
    "staged",
]

# Keeps 0.1 * 30 (3.0000000000000004) from becoming four requests.
_TOLERANCE = 1e-9


class Stage(NamedTuple):
    """A part of the load.

    Attributes:
        seconds: How long it lasts.
        begin: Requests a second at its beginning.
        end: Requests a second at its end; between them the rate changes evenly.
    """

    seconds: float
    begin: float
    end: float

    def __str__(self) -> str:
        """As it is written on the command line."""
        rate = f"{self.begin:g}" if self.begin == self.end else f"{self.begin:g}..{self.end:g}"
        return f"{self.seconds:g}s@{rate}"

    @property
    def requests(self) -> float:
        return self.seconds * (self.begin + self.end) / 2

    def reached(self, count: float) -> float:
        """After how many of its seconds `count` of its requests have fallen due.

        >>> Stage(10.0, 50, 50).reached(100), Stage(10.0, 0, 100).reached(500)
        (2.0, 10.0)
        """
        if not count:
            return 0.0
        growth = (self.end - self.begin) / self.seconds
        root = math.sqrt(max(0.0, self.begin**2 + 2 * growth * count))
        return min(self.seconds, 2 * count / (self.begin + root))


class Arrivals(Protocol):
    """Gives the times at which requests fall due, one after the other, in seconds since the start.

    Attributes:
        next: When the next one is due; infinite while that depends on an answer; None when no more will be.
    """

    next: float | None

    def take(self) -> None:
        """The next one has fallen due; `next` is the one after it."""

    def answered(self, at: float) -> None:
        """What became of a request was known at `at`."""


class OpenArrivals:
    """Times that are fixed beforehand, whatever the server does."""

    def __init__(self, times: Iterator[float]) -> None:
        self._times = times
        self.next = next(times, None)

    def take(self) -> None:
        self.next = next(self._times, None)

    def answered(self, at: float) -> None:
        pass


class ClosedArrivals:
    """Each of `users` sends its next request `think` seconds after its last one ended, until `duration` is over."""

    def __init__(self, users: int, think: float, duration: float) -> None:
        self._think = think
        self._duration = duration
        self._waiting = users  # for an answer
        self._due: deque[float] = deque()
        self.next: float | None = math.inf
        for _ in range(users):
            self.answered(-think)

    def take(self) -> None:
        self._due.popleft()
        self._waiting += 1
        self._look()

    def answered(self, at: float) -> None:
        self._waiting -= 1
        due = at + self._think
        if due < self._duration:
            self._due.append(due)
        self._look()

    def _look(self) -> None:
        self.next = self._due[0] if self._due else math.inf if self._waiting else None


def planned(stages: Sequence[Stage]) -> int:
    """How many requests fall due in stages; at least one.

    >>> planned([Stage(60, 50, 50)]), planned([Stage(0.1, 30, 30)])
    (3000, 3)
    """
    return max(1, math.ceil(sum(stage.requests for stage in stages) - _TOLERANCE))


def passed(stages: Sequence[Stage], until: float) -> float:
    """How many requests fall due in the first `until` seconds of stages, on average.

    >>> passed([Stage(10, 50, 50), Stage(10, 0, 100)], 15)
    625.0
    """
    count = 0.0
    for seconds, begin, end in stages:
        part = max(0.0, min(1.0, until / seconds))
        count += part * seconds * (begin + part * (end - begin) / 2)
        until -= seconds
    return count


def constant(rate: float, total: int) -> Iterator[float]:
    """Request i at i / rate: adding 1 / rate up would drift."""
    return (index / rate for index in range(total))


def staged(stages: Sequence[Stage]) -> Iterator[float]:
    """Evenly at the rate of each moment.

    >>> list(staged([Stage(1, 2, 2), Stage(5, 0, 0), Stage(1, 4, 4)]))
    [0.0, 0.5, 6.0, 6.25, 6.5, 6.75]
    """
    return _at_counts(stages, (float(index) for index in range(planned(stages))))


def poisson(stages: Sequence[Stage], seed: int) -> Iterator[float]:
    """At random, independent of each other, at the rate of each moment on average: the same for the same seed."""
    return _at_counts(stages, _random_counts(seed))


def _random_counts(seed: int) -> Iterator[float]:
    draw, count = random.Random(seed), 0.0  # noqa: S311 # no secret depends on it
    while True:
        count += draw.expovariate(1.0)
        yield count


def _at_counts(stages: Sequence[Stage], counts: Iterator[float]) -> Iterator[float]:
    """When each of `counts` (rising) has fallen due, as long as the stages last."""
    begun, before = 0.0, 0.0
    count = next(counts, math.inf)
    for stage in stages:
        while count < before + stage.requests - _TOLERANCE:
            yield begun + stage.reached(count - before)
            count = next(counts, math.inf)
        begun += stage.seconds
        before += stage.requests
