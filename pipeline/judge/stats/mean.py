"""Bounds of a mean of dependent blocks that hold at every look at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Path
from pipeline.judge.stats.dependence import dependence
from pipeline.judge.stats.wander import wander_bounds

__all__ = [
    "FEWEST",
    "FINAL_BETA",
    "WANDER",
    "WINDOWS",
    "Bounds",
    "deviation",
    "mean_bounds",
    "mean_path",
    "more_blocks",
    "reach",
    "scan_more_blocks",
    "scan_path",
    "spread_by",
]

Floats = NDArray[np.float64]

# Fewer blocks than this bound nothing: neither their variance nor their correlation can be told.
FEWEST: Final = 8
# Where the windows of a scan begin, as shares of the planned length, and their shares of alpha; what is left is
# for a series that wanders. Of beta the mean and the wander have these shares; what is left is for the end of the run.
WINDOWS: Final = ((0.0, 1 / 2), (0.25, 1 / 9), (0.5, 1 / 9), (0.75, 1 / 9))
WANDER: Final = 1 / 6
_MEAN_BETA: Final = 0.4
_WANDER_BETA: Final = 0.3
FINAL_BETA: Final = 0.3
# Deviations this small against the values are rounding, not variation.
_ROUNDING: Final = 1e-13
# From this level on a second prior helps where the effective size is small.
_COARSE: Final = 0.02
# Further ahead than this (an hour of blocks of a second) `more_blocks` does not look.
_HORIZON: Final = 3600


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """As Path, for many series at once: arrays of shape (..., n), time on the last axis."""

    estimate: Floats
    low: Floats
    high: Floats
    effective: Floats


def reach(information: Floats, size: Floats, alpha: float, prior: float, fitted: int) -> Floats:
    """How far the truth may be from the estimate, in standard deviations of one sample per sqrt(information).

    The point where the mixture e-process against that truth reaches 1 / (2 alpha): each side then has alpha.
    `size` are the independent samples, `fitted` the parameters (1 a mean, 2 a line), `prior` the information
    in the prior on the standardised effect. inf where no effect however large could reach it yet. Solved in
    closed form from E = sqrt(s) ((1 + x) / (1 + s x))^(m / 2), s = prior / (prior + information),
    m = size - fitted + 1, x = distance^2 * information / (variance * (size - fitted)).
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
    """The priors, in samples' worth, each with its share of the level; the tightest of their bounds counts.

    The first loses little at `planned` and still lets large effects be seen early. The second bounds from a
    few effective samples on: what lies ten deviations within the margin can pass though it hardly moves. It
    needs an effective size that is right when it is small, which the simulations bear out at .05 and not at .001.
    """
    first = max(5.0, planned / 60)
    return ((first, 0.9), (0.1, 0.1)) if level >= _COARSE else ((first, 1.0),)


def _fit(d: Floats) -> tuple[Floats, Floats, Floats]:
    """The mean of each prefix, the standard deviation of a block about it, and the effective size."""
    k = np.arange(1, d.shape[-1] + 1, dtype=np.float64)
    # Counted from the first value: sums of squares of large numbers would lose the small differences.
    centred, ones = d - d[..., :1], np.ones_like(d)
    mean = np.cumsum(centred, axis=-1) / k
    found = dependence((centred, ones), (ones, -mean))
    estimate = d[..., :1] + mean
    return estimate, deviation(found.variance, estimate), found.effective


def deviation(variance: Floats, estimate: Floats) -> Floats:
    """The standard deviation, with mere rounding taken for none."""
    sigma = np.sqrt(variance)
    return np.where(sigma <= _ROUNDING * np.abs(estimate), 0.0, sigma)


def _width(sigma: Floats, effective: Floats, level: float, planned: float) -> Floats:
    error = sigma / np.sqrt(effective)
    widths = [
        spread_by(error, reach(effective, effective, level * share, prior, 1))
        for prior, share in _priors(level, planned)
    ]
    return np.asarray(np.minimum.reduce(widths), dtype=np.float64)


def spread_by(error: Floats, far: Floats) -> Floats:
    """`far` standard errors; inf where it is, even of none."""
    able = np.isfinite(far)
    return np.where(able, error * np.where(able, far, 0.0), np.inf)


def mean_bounds(d: Floats, alpha: float, beta: float, *, planned: float) -> Bounds:
    """`mean_path` of many series at once: `d` of shape (..., n), all finite."""
    d = np.asarray(d, dtype=np.float64)
    if d.shape[-1] == 0:
        return Bounds(d, d, d, d)
    estimate, sigma, effective = _fit(d)
    ready = np.arange(1, d.shape[-1] + 1) >= FEWEST
    below, above = (
        np.where(ready, _width(sigma, effective, level, planned), np.inf) for level in (alpha, beta)
    )
    return Bounds(estimate, estimate - below, estimate + above, effective)


def mean_path(d: Floats, alpha: float, beta: float, *, planned: float) -> Path:
    """Bounds of the mean of the blocks `d` (finite, in the order of time), a look after each block.

    `low` holds at all looks at once with chance 1 - alpha, `high` with 1 - beta, each one-sided. `planned`,
    the number of blocks expected, tunes the bounds and decides nothing about their validity. Nothing is
    bounded before 8 blocks, nor while no effect however large could be; blocks that are all equal then bound
    at their value (about 20 of them at alpha .001: what has not moved yet still may). The normal mixture with
    the right Haar prior on the variance (Lai 1976; Wang and Ramdas 2024), the effective size for the size.
    """
    found = mean_bounds(d, alpha, beta, planned=planned)
    n = np.arange(1, len(d) + 1, dtype=np.float64)
    return Path(n, found.estimate, found.low, found.high, found.effective)


def scan_path(d: Floats, alpha: float, beta: float, *, planned: float) -> Path:
    """As `mean_path`, and `low` also sees a harm that begins late, and both what wanders about no mean.

    `low` is the highest of the paths begun at 0, a quarter, a half and three quarters of `planned` and of
    `wander_bounds`, `high` the lower of the whole's and that one's; each has its share of alpha and beta (a
    union bound).
    """
    (_, share), *late = WINDOWS
    whole = mean_path(d, alpha * share, beta * _MEAN_BETA, planned=planned)
    wander_low, wander_high = wander_bounds(d, alpha * WANDER, beta * _WANDER_BETA, planned=planned)
    low = np.maximum(whole.low, wander_low)
    for start, share in late:
        begin = math.ceil(planned * start)
        if begin > 0 and len(d) - begin >= FEWEST:
            window = mean_path(d[begin:], alpha * share, beta, planned=planned - begin)
            low[begin:] = np.maximum(low[begin:], window.low)
    return Path(whole.n, whole.estimate, low, np.minimum(whole.high, wander_high), whole.effective)


def more_blocks(d: Floats, margin: float, alpha: float, beta: float, *, planned: float) -> float | None:
    """How many more blocks like these would decide about `margin`; None where not within an hour's.

    At the present estimate, variance and correlation: until `high` is within the margin where the estimate
    is, until `low` is beyond it where that is. What is known already gives 0. For `scan_path` give the share of
    alpha and beta that its whole run has (`scan_more_blocks`).
    """
    size = len(d)
    if size < FEWEST:
        return None
    mean, sigma, effective = (float(a[-1]) for a in _fit(np.asarray(d, dtype=np.float64)))
    level, room = (beta, margin - mean) if mean <= margin else (alpha, mean - margin)
    found = np.arange(size, size + _HORIZON + 1, dtype=np.float64)
    width = _width(np.full(len(found), sigma), found * (effective / size), level, planned)
    enough = np.flatnonzero(width <= room) if room > 0 else np.zeros(0, dtype=np.int64)
    return float(enough[0]) if len(enough) else None


def scan_more_blocks(d: Floats, margin: float, alpha: float, beta: float, *, planned: float) -> float | None:
    """`more_blocks` for `scan_path`."""
    return more_blocks(d, margin, alpha * WINDOWS[0][1], beta * _MEAN_BETA, planned=planned)
