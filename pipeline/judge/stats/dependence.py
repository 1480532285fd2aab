"""How many independent samples a series of dependent ones is worth: its long-run variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dependence", "autocovariances", "dependence", "long_run"]

Floats = NDArray[np.float64]

# The highest lag-1 correlation that is believed: beyond it a run of minutes is a handful of samples at best, and no
# estimate of it means anything.
_HIGHEST: Final = 0.97
# A fitted mean or line follows the noise, so residuals vary too little. The corrections divide by no less than this.
_LEAST_LEFT: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """For each prefix of the series; arrays of its shape.

    Attributes:
        effective: n * variance / long-run variance, at most n; a series that does not vary counts as uncorrelated.
        variance: of one sample about the mean or line, corrected for the bias that dependence gives it.
    """

    effective: Floats
    variance: Floats


def dependence(columns: Sequence[Floats], weights: Sequence[Floats], *, fitted: int) -> Dependence:
    """The dependence of the residuals sum_p weights[p][k] * columns[p][:k + 1], for all k at once.

    Prewhitening by AR(1) and a Bartlett window over sqrt(k) lags of what that leaves (Andrews and Monahan
    1992). The lag-1 correlation is corrected for its bias, (1 + 3 r) / k with a mean and (2 + 4 r) / k with a
    line (Marriott and Pope 1954, Kendall 1954), and raised by 1 + r^2 standard errors; negative correlation
    earns nothing. Meaningless for k < 3. Costs O(n * sqrt(n)).

    Args:
        columns: what the residuals are made of, each of shape (..., n), time on the last axis: for a mean the series
            and ones.
        weights: of each prefix, shapes as in `columns`: for a mean 1 and minus the mean.
        fitted: how many parameters the residuals had fitted: 1 for a mean or a ratio of means, 2 for a line.
    """
    size = columns[0].shape[-1]
    k = np.arange(1, size + 1, dtype=np.float64)
    return long_run(autocovariances(columns, weights, int(np.sqrt(size)) + 2), k, fitted=fitted)


def autocovariances(columns: Sequence[Floats], weights: Sequence[Floats], lags: int) -> list[Floats]:
    """Of each prefix the sums of products of residuals 0, 1 ... lags - 1 apart; arguments as `dependence`'s."""
    stacked, weighed = np.empty((2, len(columns), *columns[0].shape))
    for place, (column, weight) in enumerate(zip(columns, weights, strict=True)):
        stacked[place], weighed[place] = column, weight
    both = weighed[:, None] * weighed[None, :]
    return [_covariance(stacked, both, lag) for lag in range(lags)]


def long_run(covariance: Sequence[Floats], k: Floats, *, fitted: int, errors: float = 1.0) -> Dependence:
    """The dependence that autocovariances tell of.

    Args:
        covariance: as from `autocovariances`; those of several series may be added up.
        k: how many samples each prefix has, of a shape that fits `covariance`.
        fitted: how many parameters the residuals are fitted with.
        errors: by how many of its standard errors the lag-1 correlation is raised.
    """
    lags = len(covariance) - 1
    window = np.minimum(np.floor(np.sqrt(k)), lags)
    total = np.maximum(covariance[0], 0.0)
    found = np.where(total > 0, covariance[1] / np.where(total > 0, total, 1.0), 0.0)
    raised = found + (fitted + (fitted + 2) * found) / k
    # Without these 1 + r^2 standard errors false alarms are twice alpha where neighbours are much alike (phi .9 a
    # second). With just one standard error they still are, at the small alpha of late windows.
    raised += errors * (1 + found**2) * np.sqrt(np.maximum(1 - found**2, 0.0) / k)
    r = np.clip(raised, 0.0, _HIGHEST)

    phi = np.clip(found, 0.0, _HIGHEST)
    short = (1 + phi**2) * total - 2 * phi * covariance[1]
    long = short.copy()
    for lag in range(1, lags):
        share = np.maximum(1 - lag / (window + 1), 0.0)
        beside = covariance[lag - 1] + covariance[lag + 1]
        long += 2 * share * ((1 + phi**2) * covariance[lag] - phi * beside)
    kept = np.maximum(1 - fitted * (window + 1) / k, _LEAST_LEFT)
    left_over = np.maximum(long / np.where(short > 0, short, np.inf) / kept, 1.0)

    inflation = (1 + r) / (1 - r) * left_over
    degrees = np.maximum(k - fitted, 1.0)
    left = np.maximum(1 - fitted * (inflation - 1) / degrees, _LEAST_LEFT)
    return Dependence(k / inflation, total / degrees / left)


def _covariance(columns: Floats, weights: Floats, lag: int) -> Floats:
    """The sum of products of residuals `lag` apart, for each prefix: bilinear in sums of the columns.

    Args:
        columns: of shape (p, ..., n).
        weights: of each pair of columns, of shape (p, p, ..., n).
        lag: at least 0.
    """
    size = columns.shape[-1]
    total = np.zeros(columns.shape[1:])
    if lag < size:
        products = columns[:, None, ..., lag:] * columns[None, :, ..., : size - lag]
        summed = np.cumsum(products, axis=-1) * weights[..., lag:]
        total[..., lag:] = np.add.reduce(summed, axis=(0, 1))
    return total
