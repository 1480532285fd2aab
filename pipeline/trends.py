"""How what was measured moves within a phase, though nothing in the code does: warm-up, and the machine's own moods."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.evidence import Arm, Evidence

__all__ = ["trends_of"]

Floats = NDArray[np.float64]

BLOCK_SECONDS: Final = 5.0
LEAST_BLOCKS: Final = 4  # a line through fewer says nothing
SERIES: Final = ("service_cpu", "service_memory", "host_cpu", "host_memory")


def trends_of(evidence: Evidence) -> dict[str, float]:
    """By metric, the mean trend within a phase over both arms, as a fraction a minute: 0.02 is 2 % more each minute.

    The least-squares slope of the logarithms of 5 s medians. A metric without four positive blocks in any phase is
    absent.
    """
    found: dict[str, list[float]] = {}
    for arm in (evidence.baseline, evidence.canary):
        answered = np.isfinite(arm.requests.latency)
        samples = {"latency_p50": (arm.requests.t[answered], arm.requests.latency[answered])}
        samples |= {
            name: (arm.series[name].t, arm.series[name].value) for name in SERIES if name in arm.series
        }
        for name, (t, value) in samples.items():
            found.setdefault(name, []).extend(_slopes(arm, t, value))
    return {name: float(np.mean(slopes)) for name, slopes in found.items() if slopes}


def _slopes(arm: Arm, t: Floats, value: Floats) -> list[float]:
    """The slope within each of the arm's phases that is long enough."""
    slopes = []
    edges = [*arm.phase_starts, np.inf]
    for start, end in pairwise(edges):
        inside = (t >= start) & (t < end) & np.isfinite(value)
        number = np.floor((t[inside] - start) / BLOCK_SECONDS)
        blocks = np.unique(number)
        medians = np.asarray([np.median(value[inside][number == block]) for block in blocks])
        good = medians > 0
        if np.count_nonzero(good) >= LEAST_BLOCKS:
            minutes = (blocks[good] + 0.5) * BLOCK_SECONDS / 60
            slopes.append(float(np.polyfit(minutes, np.log(medians[good]), 1)[0]))
    return slopes
