"""What the judge is given: two arms of samples, and what is known to be wrong with the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arm", "Evidence", "Problem", "Requests", "Series"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """Every request of one arm's measured phases, as columns of equal length n.

    - `t`: when each was meant to be sent, seconds since the run's start
    - `latency`: seconds from that intended time to the end of the body; NaN where no response came
    - `status`: the HTTP status; 0 where no response came (refused, reset, timed out)
    - `body_ok`: 1 body as the profile expects, 0 wrong body, -1 not checked (no response or a bad status)
    - `size`: bytes of the body
    """

    t: Floats
    latency: Floats
    status: Ints
    body_ok: Ints
    size: Ints

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric, sampled about once a second: times (seconds since the run's start) and values."""

    t: Floats
    value: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One version's samples. `seconds` is how long it was measured; `series` maps a metric's name to samples.

    `phase_starts` holds the start of each measured phase (one in the phased schedule, several interleaved),
    so that a trend is taken within phases and never across the gap between them.
    """

    requests: Requests
    series: Mapping[str, Series]
    seconds: float
    phase_starts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that happened to the experiment.

    `effect` is what it does to the verdict: "invalid" (nothing can be concluded), "failed" (the canary itself
    did it: it did not start, its host answered and then it stopped), "inconclusive" (stopped early), or
    "note" (reported, decides nothing).
    """

    effect: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Both arms and the problems of the run."""

    baseline: Arm
    canary: Arm
    problems: tuple[Problem, ...] = field(default_factory=tuple)
