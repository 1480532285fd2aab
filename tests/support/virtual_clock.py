"""A clock that a test moves: waiting takes no time, and things happen at their moments of it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.gate.watch import Clock

__all__ = ["VirtualClock"]


class VirtualClock:
    """Time since `now`, which passes by sleeping alone. `at`: what is done once a moment is reached, in order."""

    def __init__(self, now: float) -> None:
        self.time = now
        self.at: list[tuple[float, Callable[[], object]]] = []

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.time += seconds
        while self.at and self.time >= self.at[0][0]:
            self.at.pop(0)[1]()

    def clock(self) -> Clock:
        """For a watch."""
        return Clock(lambda: self.time, self.sleep)
