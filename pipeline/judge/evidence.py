"""What the judge is given: two arms of samples, and what is known to be wrong with the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arm", "Evidence", "Problem", "Requests", "Series", "usable"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Beyond this a number is a broken sample (a petabyte, thirty million years), and sums of squares overflow.
_LARGEST: Final = 1e15


def usable(values: Floats | float) -> Bools:
    """Which are numbers that a sample can have: finite, and below 1e15.

    >>> usable(np.array([1.0, np.nan, -np.inf, 1e15])).tolist()
    [True, False, False, False]
    """
    return np.isfinite(values) & (np.abs(values) < _LARGEST)


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """Every request of one arm's measured phases, as columns of equal length n.

    Attributes:
        t: when each was meant to be sent, seconds since the run's start.
        latency: seconds from that intended time to the end of the body; NaN where no whole response came.
        status: the HTTP status; 0 where no response came (refused, reset, timed out).
        body_ok: 1 body as the profile expects, 0 wrong body, -1 not checked (no response or a bad status).
        size: bytes of the body.
        body: a fingerprint of the body (its CRC-32), 0 where there was none; empty when bodies were not compared.
        error: why there is no whole response, in the loader's word; empty for a whole one. An empty column: all that
            have a status are whole.
        request: the name of each; an empty column: all are of one kind.
        expected: whether the status is right for that request; an empty column: the policy says which are.
    """

    t: Floats
    latency: Floats
    status: Ints
    body_ok: Ints
    size: Ints
    body: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    error: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, dtype=np.str_))
    request: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, dtype=np.str_))
    expected: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.t)

    def where(self, kept: Bools) -> Requests:
        """Only these of the requests; `kept` has an entry for each."""
        columns = (getattr(self, column.name) for column in fields(self))
        return Requests(*(column[kept] if len(column) == len(self) else column for column in columns))

    def named(self, name: str) -> Requests:
        """Those of this name; none where they have no names."""
        own = self.request == name if len(self.request) == len(self) else np.zeros(len(self), dtype=np.bool_)
        return self.where(own)


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
    """Both arms and the problems of the run.

    Attributes:
        pairing: which block of the baseline a block of the canary is compared with: "age" the one as long after its
            arm's start (one arm measured after the other), "time" the nearest in time (slices in turn, or both at
            once).
        drift: by metric, how far two measurements of the same code were apart (`pipeline calibrate`), in the terms of
            the metric's effect.
        planned: seconds for which the canary was to be measured; 0: as long as the baseline was. It must not change
            while a run is watched: the windows in which a late change is looked for are fixed by it.
        load: whether requests were sent; False: there are only series, so their absence is no fault.
        once: this is the one judgement there is, at an end that was fixed before; False: it is watched while it grows.
        open_ended: it is watched, and no end was fixed before: `planned` only says which late windows are looked at.
        untrusted: by metric, why its samples are not to be relied on, for or against the canary.
        weights: by the name of a request, its part of all; empty where all requests are of one kind.
    """

    baseline: Arm
    canary: Arm
    problems: tuple[Problem, ...] = field(default_factory=tuple)
    pairing: str = "age"
    drift: Mapping[str, float] = field(default_factory=dict)
    planned: float = 0.0
    load: bool = True
    once: bool = False
    open_ended: bool = False
    untrusted: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
