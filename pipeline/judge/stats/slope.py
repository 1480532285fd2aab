"""Bounds of a trend: how much faster one version's series rises than the other's, at equal age."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Path
from pipeline.judge.stats.dependence import dependence
from pipeline.judge.stats.mean import FEWEST, Bounds, deviation, mean_bounds, reach, spread_by

__all__ = ["slope_bounds", "slope_path"]

Floats = NDArray[np.float64]

# A process that settles rises too, only not for long: nothing is said of a trend before this share of the
# planned length.
_BEGIN: Final = 0.5
# The information in the prior on the slope, as a share of what the planned length gives. It grows with the
# cube of the length, so this is about half of the planned time.
_PRIOR: Final = 0.1


def slope_bounds(t: Floats, d: Floats, alpha: float, beta: float, *, planned: float) -> Bounds:
    """`slope_path` of many series at once: `t` of shape (n,), `d` of shape (..., n), all finite."""
    d = np.asarray(d, dtype=np.float64)
    size = d.shape[-1]
    if size < 2:
        unknown = np.full(d.shape, np.inf)
        return Bounds(np.zeros(d.shape), -unknown, unknown, np.ones(d.shape))
    line = _line(t, d, alpha / 2, beta / 2, planned)
    steps = mean_bounds(np.diff(d) / np.diff(t), alpha / 2, beta / 2, planned=planned)
    low, high = line.low.copy(), line.high.copy()
    low[..., 1:] = np.maximum(low[..., 1:], steps.low)
    high[..., 1:] = np.minimum(high[..., 1:], steps.high)
    late = _second_half(t, d - d[..., :1])
    k = np.arange(1, size + 1)
    ready = (k >= FEWEST) & (k >= _BEGIN * planned)
    return Bounds(
        line.estimate,
        np.where(ready, np.minimum(low, np.minimum(line.estimate, late)), -np.inf),
        np.where(ready, np.maximum(high, np.maximum(line.estimate, late)), np.inf),
        line.effective,
    )


def _line(t: Floats, d: Floats, alpha: float, beta: float, planned: float) -> Bounds:
    """The least-squares slope of each prefix: tight where the differences hold a level but for noise."""
    k = np.arange(1, d.shape[-1] + 1, dtype=np.float64)
    step = float(t[1] - t[0])
    ages, centred, ones = (t - t[0]) / step, d - d[..., :1], np.ones_like(d)
    age, mean = np.cumsum(ages) / k, np.cumsum(centred, axis=-1) / k
    spread = np.cumsum(ages * ages) - k * age * age
    together = np.cumsum(ages * centred, axis=-1) - k * age * mean
    slope = together / np.where(k < 2, 1.0, spread)
    found = dependence((centred, ones, ages * ones), (ones, slope * age - mean, -slope))
    sigma = deviation(found.variance, np.maximum.accumulate(np.abs(centred), axis=-1))

    able = k > 2
    each = np.where(able, spread / k, 1.0)
    # The prior is that of the mean's bounds, in samples spread over age as the planned ones will be.
    information = found.effective * each / (planned**2 / 12)
    prior = max(5.0, _PRIOR * planned)
    below, above = (
        spread_by(
            sigma / np.sqrt(found.effective * each), reach(information, found.effective, level, prior, 2)
        )
        for level in (alpha, beta)
    )
    low, high = np.where(able, slope - below, -np.inf), np.where(able, slope + above, np.inf)
    return Bounds(slope / step, low / step, high / step, found.effective)


def _second_half(t: Floats, d: Floats) -> Floats:
    """For each prefix the least-squares slope of its second half alone."""
    end = np.arange(1, d.shape[-1] + 1)
    begin = end // 2
    ages = t - t[0]

    def total(column: Floats) -> Floats:
        summed = np.zeros((*column.shape[:-1], column.shape[-1] + 1))
        np.cumsum(column, axis=-1, out=summed[..., 1:])
        difference: Floats = summed[..., end] - summed[..., begin]
        return difference

    n = (end - begin).astype(np.float64)
    spread = total(ages * ages) - total(ages) ** 2 / n
    together: Floats = total(ages * d) - total(ages) * total(d) / n
    return together / np.where(n < 2, 1.0, spread)


def slope_path(t: Floats, d: Floats, alpha: float, beta: float, *, planned: float) -> Path:
    """Bounds of the slope of the paired differences `d` over the age `t` (seconds), per second.

    `t` rises strictly; both are finite. A look after each block from half of the `planned` blocks on; before
    that nothing is bounded. `low` holds at all looks at once with chance 1 - alpha, `high` with 1 - beta,
    each one-sided. Two bounds with half of each: the least-squares line (a mixture e-process with a flat
    prior on the level and the right Haar prior on the variance, the effective size of the residuals for the
    size), and the mean of the steps from block to block, for memory that moves in steps and stays where it
    is: a line's residuals are then a random walk and bound nothing.

    `low` is at most, and `high` at least, the slope of all and that of the second half alone: what rises and
    settles is no leak, and what begins to rise late is no pass.
    """
    found = slope_bounds(t, d, alpha, beta, planned=planned)
    n = np.arange(1, len(d) + 1, dtype=np.float64)
    return Path(n, found.estimate, found.low, found.high, found.effective)
