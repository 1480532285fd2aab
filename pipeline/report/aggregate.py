"""Many samples in, a few hundred points out: what a page can draw without carrying every request.

All functions take arrays of equal length and return plain lists, numbers at five significant digits;
None in a list of y values is a gap that no line may cross.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Points", "bin_width", "box", "ecdf", "per_bin", "thin"]

_Floats = NDArray[np.float64]
Points = tuple[list[float | None], list[float | None]]

_BINS = 200  # per arm: about what a chart's width can show
_GAP_SECONDS = 5.0  # a silence is a gap and no straight line from here on, and from
_GAP_STEPS = 2.5  # of the usual distance between samples


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def ecdf(values: _Floats, points: int = 200) -> Points:
    """Empirical distribution in at most `points` points: x quantiles, y percent of samples at or below.

    A quarter of the points lies above the 98th percentile: in latencies the tail is where faults are.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return [], []
    tail = points // 4
    body = np.linspace(0, 0.98, points - tail, endpoint=False)
    q = np.concatenate([body, 1 - np.geomspace(0.02, 1 / max(len(values), 51), tail - 1), [1.0]])
    return [_short(x) for x in np.quantile(values, q)], [round(float(y) * 100, 4) for y in q]


def bin_width(t: _Floats, enough: int = 30, bins: int = 120) -> float:
    """Seconds that hold about `enough` samples, so that one slow request is no peak; at most `bins` of them."""
    if len(t) < 2:
        return 1.0
    span = float(np.max(t) - np.min(t))
    seconds = np.unique(np.floor(t))  # gaps hold none
    return max(1.0, span / bins, enough * len(seconds) / len(t))


def per_bin(
    t: _Floats, values: _Floats, statistic: Callable[[_Floats], float], width: float | None = None
) -> Points:
    """`statistic` of the values in each bin of `width` seconds; without it of one, or of a 200th of the span.

    NaN among `values` is left out; a bin with nothing in it is a gap. x is the bin's middle, seconds.
    """
    kept = np.isfinite(values)
    t, values = t[kept], values[kept]
    if not len(t):
        return [], []
    order = np.argsort(t, kind="stable")
    t, values = t[order], values[order]
    width = width or max(1.0, float(t[-1] - t[0]) / _BINS)
    bins = np.floor((t - t[0]) / width).astype(np.int64)
    numbers, starts = np.unique(bins, return_index=True)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for i, group in enumerate(np.split(values, starts[1:])):
        middle = min(float(t[0]) + (float(numbers[i]) + 0.5) * width, float(t[-1]))
        if i and numbers[i] > numbers[i - 1] + 1:
            xs.append(_short(middle))
            ys.append(None)
        xs.append(_short(middle))
        ys.append(_short(float(statistic(group))))
    return xs, ys


def thin(t: _Floats, values: _Floats) -> Points:
    """A series as it is, or means of bins where it has over 400 samples; gaps where nothing was sampled."""
    if len(t) > 2 * _BINS:
        return per_bin(t, values, lambda group: float(np.mean(group)))
    kept = np.isfinite(values)
    xs: list[float | None] = []
    ys: list[float | None] = []
    last: float | None = None
    usual = float(np.median(np.diff(t[kept]))) if np.count_nonzero(kept) > 1 else 1.0
    longest = max(_GAP_SECONDS, _GAP_STEPS * usual)
    for x, y in zip(t[kept].tolist(), values[kept].tolist(), strict=True):
        if last is not None and x - last > longest:
            xs.append(_short(x))
            ys.append(None)
        xs.append(_short(x))
        ys.append(_short(y))
        last = x
    return xs, ys


@dataclass(frozen=True, slots=True)
class Box:
    """What a box plot shows; `low` and `high` are the whiskers, at 5 % and 95 %."""

    low: float
    q1: float
    median: float
    q3: float
    high: float


def box(values: _Floats) -> Box | None:
    """The numbers of a box plot; None without values."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    return Box(*(_short(x) for x in np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])))
