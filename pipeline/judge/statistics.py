"""The statistics: each takes two arms and gives the chance of seeing such harm when nothing changed.

Sources: Mann & Whitney 1947 and Fisher 1935 as implemented by scipy.stats; Sen 1968 for the slope.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.judge.catalogue import Direction

__all__ = ["Slope", "count_p", "proportion_p", "rank_p", "slope_of", "slope_p"]

Floats = NDArray[np.float64]

# What scipy calls the alternative when its first sample is the canary.
_ALTERNATIVE: Final = {
    Direction.INCREASE: "greater",
    Direction.DECREASE: "less",
    Direction.EITHER: "two-sided",
}


def rank_p(baseline: Floats, canary: Floats, direction: Direction) -> float:
    """Mann-Whitney U on block values. Both arms need at least one value; all values equal gives 1."""
    lowest = min(baseline.min(), canary.min())
    if lowest == max(baseline.max(), canary.max()):
        return 1.0
    result = stats.mannwhitneyu(canary, baseline, alternative=_ALTERNATIVE[direction])
    return float(min(1.0, result.pvalue))


def proportion_p(
    baseline_hits: int, baseline_n: int, canary_hits: int, canary_n: int, direction: Direction
) -> float:
    """Fisher's exact test on hits of n in each arm."""
    table = [
        [canary_hits, canary_n - canary_hits],
        [baseline_hits, baseline_n - baseline_hits],
    ]
    return float(min(1.0, stats.fisher_exact(table, alternative=_ALTERNATIVE[direction]).pvalue))


def count_p(
    baseline: int, canary: int, baseline_seconds: float, canary_seconds: float, background_per_hour: float
) -> float:
    """The chance of at least `canary` events when the code brings none of its own.

    The larger of two exact tests: Poisson against the background rate, and, where the baseline had events
    too, the binomial split of all events by measured time.
    """
    if canary == 0:
        return 1.0
    p_background = float(stats.poisson.sf(canary - 1, background_per_hour * canary_seconds / 3600))
    if baseline == 0:
        return p_background
    share = canary_seconds / (canary_seconds + baseline_seconds)
    p_split = float(stats.binom.sf(canary - 1, baseline + canary, share))
    return max(p_background, p_split)


@dataclass(frozen=True, slots=True)
class Slope:
    """A trend in units per second, its standard error and the degrees of freedom behind that."""

    value: float
    error: float
    freedom: int


def slope_of(phases: Sequence[tuple[Floats, Floats]]) -> Slope | None:
    """Theil-Sen slope over (times, values) of phases: the median slope of all pairs within a phase.

    Its error is that of the common least-squares slope with an own level for each phase. None when there
    are fewer than three degrees of freedom.
    """
    freedom = sum(len(t) - 1 for t, _ in phases if len(t) > 1) - 1
    if freedom < 3:
        return None
    pairs: list[Floats] = []
    xx = xy = yy = 0.0
    for t, value in phases:
        if len(t) < 2:
            continue
        left, right = np.triu_indices(len(t), k=1)
        apart = t[right] - t[left]
        pairs.append((value[right] - value[left])[apart > 0] / apart[apart > 0])
        x, y = t - t.mean(), value - value.mean()
        xx, xy, yy = xx + float(x @ x), xy + float(x @ y), yy + float(y @ y)
    slopes = np.concatenate(pairs)
    if len(slopes) == 0 or xx <= 0:
        return None
    residual = max(0.0, yy - xy * xy / xx)
    return Slope(float(np.median(slopes)), math.sqrt(residual / freedom / xx), freedom)


def slope_p(baseline: Slope, canary: Slope) -> float:
    """One-sided: the canary's slope is greater (Student's t on the difference, the smaller freedom)."""
    difference = canary.value - baseline.value
    error = math.hypot(baseline.error, canary.error)
    if error == 0:
        return 0.0 if difference > 0 else 1.0
    return float(stats.t.sf(difference / error, min(baseline.freedom, canary.freedom)))
