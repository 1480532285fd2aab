"""Means, variances, percentiles and rounding to the last bit as Apache commons-math 3 has them.

A threshold such as `allowedIncrease: 1.1` is compared with >=, so the last bit of a mean can decide: numpy
sums pairwise and interpolates percentiles from the nearer end, and would now and then decide otherwise.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean", "percentile", "ranks", "rounded", "variance"]

Floats = NDArray[np.float64]


def _sum(values: Floats) -> float:
    return float(np.cumsum(values)[-1])  # one after the other, with no tree and no compensation


def mean(values: Floats) -> float:
    """The mean, corrected once by the mean of the residuals. At least one value."""
    n = len(values)
    first = _sum(values) / n
    return first + _sum(values - first) / n


def variance(values: Floats) -> float:
    """The sample variance (divided by n - 1), by the corrected two-pass algorithm; 0 for one value."""
    n = len(values)
    if n == 1:
        return 0.0
    residuals = values - mean(values)
    squares, rest = _sum(residuals * residuals), _sum(residuals)
    return (squares - rest * rest / n) / (n - 1)


def percentile(values: Floats, percent: float) -> float:
    """The percentile by estimation type R-7 (Hyndman and Fan's type 7); NaN when there are no values.

    >>> percentile(np.array([0.0, 0.5, 1.0, 1.5]), 50)
    0.75
    """
    n = len(values)
    if n == 0:
        return math.nan
    ordered = np.sort(values)
    position = 1 + (n - 1) * (percent / 100)  # from 1, not 0: the added 1 costs the fraction its last bits
    below = math.floor(position)
    if below >= n:
        return float(ordered[-1])
    low, high = float(ordered[below - 1]), float(ordered[below])
    return low + (position - below) * (high - low)


def ranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing their average, in Java's order of doubles: -0.0 before 0.0, NaN as infinity."""
    known = np.where(np.isnan(values), np.inf, values)
    bits = known.view(np.int64)
    order = np.where(bits < 0, np.int64(-(2**63)) - bits - 1, bits)  # as an integer, in the same order
    _, group, counts = np.unique(order, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Floats = (last - (counts - 1) / 2)[group]
    return shared


def rounded(value: float, places: int = 2) -> float:
    """Rounded half up (away from zero) in decimal, from the shortest text of the number.

    >>> rounded(33.335), rounded(100 / 3)
    (33.34, 33.33)
    """
    if not math.isfinite(value):
        return value
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
