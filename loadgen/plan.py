"""What is to be sent, when, and what a right answer looks like."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One run's load. Times are seconds.

    `rate` is requests a second; request i is due at i / rate after the start. `headers` may repeat a name.
    `timeout` counts from the moment a request is due, so at most rate * timeout requests ever wait.
    `connections` is how many requests may be on the wire at once. `body_regex` is searched in the body's
    bytes as they came, and only when the status is `expect_status`.
    """

    url: str
    rate: float
    duration: float
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    timeout: float = 5.0
    connections: int = 64
    expect_status: int = 200
    body_regex: re.Pattern[bytes] | None = None
    served_by_header: str = "X-Served-By"
    max_lateness: float = 0.1

    @property
    def total(self) -> int:
        """How many requests are due before `duration` is over, at least one.

        >>> Plan("http://h/", rate=50, duration=60).total
        3000
        """
        # The tolerance keeps 0.1 * 30 (3.0000000000000004) from becoming four requests.
        return max(1, math.ceil(self.rate * self.duration - 1e-9))

    def due(self, index: int) -> float:
        """When request `index` is due, seconds after the start.

        Derived from the index each time: adding 1 / rate up would drift.
        """
        return index / self.rate
