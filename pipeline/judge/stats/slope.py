"""Bounds of a trend: how much faster one version's series rises than the other's, at equal age."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Bounds
from pipeline.judge.stats.dependence import dependence
from pipeline.judge.stats.mean import MIN_BLOCKS, boundary, deviation, half_width, mean_bounds

__all__ = ["slope_bounds"]

Floats = NDArray[np.float64]

# A process that settles rises too, but not for long: nothing is said of a trend before this share of the
# planned length.
_BEGIN: Final = 0.5
# The information in the prior on the slope, as a share of what the planned length gives. It grows with the
# cube of the length, so this is about half of the planned time.
_PRIOR: Final = 0.1


def slope_bounds(t: Floats, d: Floats, alpha: float, beta: float, *, planned: float) -> Bounds:
    """Bounds of the slope of the paired differences `d` over the age `t`, a look after each block.

    Nothing is bounded before half of the planned blocks. Two bounds with half of alpha and beta each:

    - the least-squares line (a mixture e-process with a flat prior on the level and the right Haar prior on the
      variance, the effective size of the residuals for the size);
    - the mean of the steps from block to block, for memory that moves in steps and stays where it is: a line's
      residuals are then a random walk and bound nothing.

    `low` is at most, and `high` at least, the slope of all and that of the second half alone: what rises and
    settles is no leak, and what begins to rise late does not pass.

    Args:
        t: seconds, strictly rising, shape (k,).
        d: finite values of shape (..., k): one series, or many at once.
        alpha: the chance that the slope is below `low` at any look.
        beta: the chance that the slope is above `high` at any look.
        planned: how many blocks are expected.

    Returns:
        The slope in the unit of `d` a second.
    """
    d = np.asarray(d, dtype=np.float64)
    size = d.shape[-1]
    n = np.arange(1, size + 1, dtype=np.float64)
    if size < 2:
        unknown = np.full(d.shape, np.inf)
        return Bounds(n, np.zeros(d.shape), -unknown, unknown, np.ones(d.shape))
    line = _line(t, d, alpha / 2, beta / 2, planned)
    steps = mean_bounds(np.diff(d) / np.diff(t), alpha / 2, beta / 2, planned=planned)
    low, high = line.low.copy(), line.high.copy()
    low[..., 1:] = np.maximum(low[..., 1:], steps.low)
    high[..., 1:] = np.minimum(high[..., 1:], steps.high)
    late = _second_half(t, d - d[..., :1])
    ready = (n >= MIN_BLOCKS) & (n >= _BEGIN * planned)
    return Bounds(
        n,
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
    found = dependence((centred, ones, ages * ones), (ones, slope * age - mean, -slope), fitted=2)
    sigma = deviation(found.variance, np.maximum.accumulate(np.abs(centred), axis=-1))

    able = k > 2
    each = np.where(able, spread / k, 1.0)
    # The prior is that of the mean's bounds, in samples spread over age as the planned ones will be.
    information = found.effective * each / (planned**2 / 12)
    prior = max(5.0, _PRIOR * planned)
    error = sigma / np.sqrt(found.effective * each)
    below, above = (
        half_width(error, boundary(information, found.effective, level, prior, 2)) for level in (alpha, beta)
    )
    low, high = np.where(able, slope - below, -np.inf), np.where(able, slope + above, np.inf)
    return Bounds(k, slope / step, low / step, high / step, found.effective)


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
