"""Both arms' counts as columns of seconds, as the statistics of counts want them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arms import Hits
from pipeline.judge.metrics.finding import Sides
from pipeline.judge.stats.bounds import Path
from pipeline.judge.stats.shares import Tally

__all__ = ["columns", "seconds_at"]

Floats = NDArray[np.float64]


def columns(baseline: Hits, canary: Hits, sides: Sides) -> tuple[Tally, Tally]:
    """A column for each second in which an arm was measured; where both grow together, the same ones for both."""
    if sides.phased:
        return Tally(baseline.hits, baseline.n), Tally(canary.hits, canary.n)
    second = np.union1d(baseline.second, canary.second)
    tallies = []
    for arm in (baseline, canary):
        at = np.searchsorted(second, arm.second)
        hits, n = np.zeros(len(second)), np.zeros(len(second))
        hits[at], n[at] = arm.hits, arm.n
        tallies.append(Tally(hits, n))
    return tallies[0], tallies[1]


def seconds_at(path: Path, canary: Hits) -> Floats:
    """How many seconds the canary had been measured at each look of a path of counts."""
    at = np.searchsorted(np.cumsum(canary.n), path.n).astype(np.float64)
    return (at + 1 + canary.lead) * canary.step
