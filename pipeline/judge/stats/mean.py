"""Bounds of a mean of dependent blocks, or of a ratio of two means, that hold at every look at once."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Bounds
from pipeline.judge.stats.dependence import dependence
from pipeline.judge.stats.random_walk import RANDOM_WALK_MIN_BLOCKS, random_walk_bounds
from pipeline.judge.stats.ratio import Ratio

__all__ = [
    "MIN_BLOCKS",
    "RANDOM_WALK_SHARE",
    "WINDOWS",
    "boundary",
    "deviation",
    "half_width",
    "mean_bounds",
    "more_blocks",
    "scan_bounds",
    "scan_more_blocks",
]

Floats = NDArray[np.float64]

# Fewer blocks than this bound nothing: neither their variance nor their correlation can be told.
MIN_BLOCKS: Final = 8
# The windows of a scan: where each begins, as a share of the planned length, and its share of alpha.
WINDOWS: Final = ((0.0, 1 / 2), (0.25, 1 / 12), (0.5, 1 / 12), (0.75, 1 / 12), (0.875, 1 / 12))
# The rest of alpha is for a series that has no mean it returns to (random_walk.py).
RANDOM_WALK_SHARE: Final = 1 / 6
# The shares of beta, for the mean and for a random walk.
_MEAN_BETA_SHARE: Final = 4 / 7
_RANDOM_WALK_BETA_SHARE: Final = 3 / 7
# Deviations this small against the values are rounding, not variation.
_ROUNDING: Final = 1e-13
# From this level on a second prior helps where the effective size is small.
_COARSE: Final = 0.02
# `more_blocks` looks no further ahead than this (an hour of blocks of a second).
_HORIZON: Final = 3600


def boundary(information: Floats, size: Floats, alpha: float, prior: float, fitted: int) -> Floats:
    """How far the truth may be from the estimate: the boundary of a normal mixture with unknown variance.

    It is the point where the mixture e-process against that truth reaches 1 / (2 alpha): each side then has alpha.
    Solved in closed form from E = sqrt(s) ((1 + x) / (1 + s x))^(m / 2), with s = prior / (prior + information),
    m = size - fitted + 1 and x = distance^2 * information / (variance * (size - fitted)).

    Args:
        information: of each look, shape (..., k): the number of samples for a mean.
        size: how many independent samples each look has, shape (..., k).
        alpha: the chance of an error on each side.
        prior: the information in the prior on the standardised effect.
        fitted: how many parameters are fitted: 1 for a mean, 2 for a line.

    Returns:
        The distance, shape (..., k), in standard deviations of one sample per sqrt(information); inf where no
        effect, however large, could reach the boundary yet.
    """
    share = prior / (prior + information)
    degrees = size - fitted
    able = degrees > 0
    power = np.where(able, degrees + 1, 1.0)
    root = (-math.log(2 * alpha) - 0.5 * np.log(share)) * 2 / power
    # exp(root) * share < 1 is where an e-value of any size can be had at all.
    able &= root + np.log(share) < 0
    grown = np.exp(np.where(able, root, 0.0))
    x = (grown - 1) / np.where(able, 1 - grown * share, 1.0)
    return np.where(able, np.sqrt(np.maximum(x * degrees, 0.0)), np.inf)


def _priors(level: float, planned: float) -> tuple[tuple[float, float], ...]:
    """Priors in samples' worth, each with its share of the level; the tightest of their bounds counts.

    The first loses little at `planned` and still shows large effects early. The second bounds from a few effective
    samples on, so that a series that hardly moves can pass where it lies ten deviations within the margin. It needs
    an effective size that is right when it is small: in simulations that holds at level .05 and not at .001.
    """
    first = max(5.0, planned / 60)
    return ((first, 0.9), (0.1, 0.1)) if level >= _COARSE else ((first, 1.0),)


def _fit(d: Floats | Ratio) -> tuple[Floats, Floats, Floats]:
    """Of each prefix the estimate, the standard deviation of a block about it, and the effective size; all (..., k)."""
    if isinstance(d, Ratio):
        found = d.dependence()
        return d.estimates(), deviation(found.variance, np.ones_like(found.variance)), found.effective
    k = np.arange(1, d.shape[-1] + 1, dtype=np.float64)
    # Counted from the first value: sums of squares of large numbers would lose the small differences.
    centred, ones = d - d[..., :1], np.ones_like(d)
    mean = np.cumsum(centred, axis=-1) / k
    found = dependence((centred, ones), (ones, -mean), fitted=1)
    estimate = d[..., :1] + mean
    return estimate, deviation(found.variance, estimate), found.effective


def deviation(variance: Floats, estimate: Floats) -> Floats:
    """The standard deviation, with mere rounding taken for none."""
    sigma = np.sqrt(variance)
    return np.where(sigma <= _ROUNDING * np.abs(estimate), 0.0, sigma)


def _mean_half_width(sigma: Floats, effective: Floats, level: float, planned: float) -> Floats:
    error = sigma / np.sqrt(effective)
    widths = [
        half_width(error, boundary(effective, effective, level * share, prior, 1))
        for prior, share in _priors(level, planned)
    ]
    return np.asarray(np.minimum.reduce(widths), dtype=np.float64)


def half_width(error: Floats, distance: Floats) -> Floats:
    """`distance` standard errors; inf where the distance is, even if the standard error is 0."""
    able = np.isfinite(distance)
    return np.where(able, error * np.where(able, distance, 0.0), np.inf)


def mean_bounds(d: Floats | Ratio, alpha: float, beta: float, *, planned: float) -> Bounds:
    """Bounds of the mean of the blocks `d`, a look after each block; of a Ratio, of the logarithm of its means' ratio.

    The normal mixture with the right Haar prior on the variance (Lai 1976; Wang and Ramdas 2024), with the effective
    size in place of the number of blocks. Nothing is bounded before MIN_BLOCKS blocks, nor while no effect, however
    large, could be shown. Blocks that are all equal bound at their value after that (about 20 of them at alpha .001,
    for what has not moved yet still may).

    Args:
        d: finite values of shape (..., k), time on the last axis: one series, or many at once.
        alpha: the chance that the truth is below `low` at any look; 0: there is no `low`.
        beta: the chance that it is above `high` at any look; 0: there is no `high`.
        planned: how many blocks are expected; it tunes the widths, and the bounds hold whatever it is.
    """
    d = d if isinstance(d, Ratio) else np.asarray(d, dtype=np.float64)
    size = len(d) if isinstance(d, Ratio) else d.shape[-1]
    if size == 0:
        return Bounds.without_looks()
    estimate, sigma, effective = _fit(d)
    n = np.arange(1, size + 1, dtype=np.float64)
    below, above = (
        np.where(n >= MIN_BLOCKS, _mean_half_width(sigma, effective, level, planned), np.inf)
        if level > 0
        else np.full(estimate.shape, np.inf)
        for level in (alpha, beta)
    )
    return Bounds(n, estimate, estimate - below, estimate + above, effective)


def scan_bounds(
    d: Floats | Ratio, alpha: float, beta: float, *, planned: float, beyond: float = -math.inf
) -> Bounds:
    """As `mean_bounds` of one series, and `low` also sees a harm that begins late, and both a random walk.

    `low` is the highest of the bounds begun at each of WINDOWS and of `random_walk_bounds`, `high` the lower of the
    whole series' and the random walk's. Each has its share of alpha and beta (a union bound).

    Args:
        d: finite values of shape (k,), in the order of time, or a Ratio of such.
        alpha, beta, planned: as in `mean_bounds`.
        beyond: a later window whose mean is never above this is left out, for its `low` is not either.
    """
    (_, share), *late = WINDOWS
    whole = mean_bounds(d, alpha * share, beta * _MEAN_BETA_SHARE, planned=planned)
    if alpha == beta == 0:
        return whole
    walk_low, walk_high = random_walk_bounds(
        d.steady(RANDOM_WALK_MIN_BLOCKS) if isinstance(d, Ratio) else d,
        alpha * RANDOM_WALK_SHARE,
        beta * _RANDOM_WALK_BETA_SHARE,
        planned=planned,
        mean=whole.estimate,
    )
    low = np.maximum(whole.low, walk_low)
    for start, share in late:
        begin = math.ceil(planned * start)
        if alpha > 0 and begin > 0 and len(d) - begin >= MIN_BLOCKS:
            rest = d.since(begin) if isinstance(d, Ratio) else d[begin:]
            if _highest_mean(rest) > beyond:
                window = mean_bounds(rest, alpha * share, 0.0, planned=planned - begin)
                low[begin:] = np.maximum(low[begin:], window.low)
    return Bounds(whole.n, whole.estimate, low, np.minimum(whole.high, walk_high), whole.effective)


def _highest_mean(d: Floats | Ratio) -> float:
    """The highest estimate of all looks that bound anything."""
    if isinstance(d, Ratio):
        return float(d.estimates()[MIN_BLOCKS - 1 :].max())
    return float((np.cumsum(d) / np.arange(1, len(d) + 1))[MIN_BLOCKS - 1 :].max())


def more_blocks(d: Floats, margin: float, alpha: float, beta: float, *, planned: float) -> float | None:
    """How many more blocks like these would decide about `margin` by `mean_bounds`.

    With the estimate, variance and correlation as they are now: until `high` is within the margin where the estimate
    is, until `low` is beyond it where that is.

    Args:
        d: finite values of shape (k,), in the order of time; of a Ratio its `linear`.
        margin: in the unit of `d`.
        alpha, beta, planned: as in `mean_bounds`.

    Returns:
        A number of blocks, 0 where it is decided; None where an hour's would not do.
    """
    size = len(d)
    if size < MIN_BLOCKS or min(alpha, beta) <= 0:
        return None
    mean, sigma, effective = (float(a[-1]) for a in _fit(np.asarray(d, dtype=np.float64)))
    level, room = (beta, margin - mean) if mean <= margin else (alpha, mean - margin)
    found = np.arange(size, size + _HORIZON + 1, dtype=np.float64)
    width = _mean_half_width(np.full(len(found), sigma), found * (effective / size), level, planned)
    enough = np.flatnonzero(width <= room) if room > 0 else np.zeros(0, dtype=np.int64)
    return float(enough[0]) if len(enough) else None


def scan_more_blocks(d: Floats, margin: float, alpha: float, beta: float, *, planned: float) -> float | None:
    """As `more_blocks`, for the bounds of the whole series within `scan_bounds`."""
    return more_blocks(d, margin, alpha * WINDOWS[0][1], beta * _MEAN_BETA_SHARE, planned=planned)
