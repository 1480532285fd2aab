"""The bounds of `pipeline.judge.stats.troughs`, slowly: plain Python, by the definition of docs/judge.md."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

__all__ = ["slopes"]

PARTS = 8


def slopes(
    t: Sequence[float], baseline: Sequence[float], canary: Sequence[float], errors: tuple[float, float]
) -> tuple[float, float, float, float, float]:
    """(baseline's slope, canary's slope, difference, low, high), `errors` standard errors below and above."""
    size = len(t) // PARTS
    first = len(t) - PARTS * size
    parts = [range(first + part * size, first + (part + 1) * size) for part in range(PARTS)]
    middles = [statistics.fmean(t[i] for i in part) for part in parts]
    b, c = ([min(values[i] for i in part) for part in parts] for values in (baseline, canary))
    line = statistics.linear_regression(middles, [after - before for before, after in zip(b, c, strict=True)])
    off = [
        after - before - line.intercept - line.slope * x
        for before, after, x in zip(b, c, middles, strict=True)
    ]
    about = sum((x - statistics.fmean(middles)) ** 2 for x in middles)
    error = math.sqrt(sum(one**2 for one in off) / (PARTS - 2) / about)
    return (
        statistics.linear_regression(middles, b).slope,
        statistics.linear_regression(middles, c).slope,
        line.slope,
        line.slope - errors[0] * error,
        line.slope + errors[1] * error,
    )
