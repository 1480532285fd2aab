"""Many samples in, a few hundred points out: what a page can draw without carrying every request.

All functions take arrays of equal length and return plain lists, numbers at five significant digits;
None in a list of y values is a gap that no line may cross.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Points", "box", "ecdf", "per_bin", "thin"]

_Floats = NDArray[np.float64]
Points = tuple[list[float | None], list[float | None]]

_BINS = 300  # per arm: about what a chart's width can show
_GAP_SECONDS = 5.0  # samples come about once a second; a longer silence is a gap, not a straight line


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


def per_bin(t: _Floats, values: _Floats, statistic: Callable[[_Floats], float]) -> Points:
    """`statistic` of the values in each bin of one second, or of a 300th of the span where that is longer.

    NaN among `values` is left out; a bin with nothing in it is a gap. x is the bin's middle, seconds.
    """
    kept = np.isfinite(values)
    t, values = t[kept], values[kept]
    if not len(t):
        return [], []
    order = np.argsort(t, kind="stable")
    t, values = t[order], values[order]
    width = max(1.0, float(t[-1] - t[0]) / _BINS)
    bins = np.floor((t - t[0]) / width).astype(np.int64)
    numbers, starts = np.unique(bins, return_index=True)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for i, group in enumerate(np.split(values, starts[1:])):
        middle = float(t[0]) + (float(numbers[i]) + 0.5) * width
        if i and numbers[i] > numbers[i - 1] + 1:
            xs.append(_short(middle))
            ys.append(None)
        xs.append(_short(middle))
        ys.append(_short(float(statistic(group))))
    return xs, ys


def thin(t: _Floats, values: _Floats) -> Points:
    """A series as it is, or means of bins where it has over 600 samples; gaps where nothing was sampled."""
    if len(t) > 2 * _BINS:
        return per_bin(t, values, lambda group: float(np.mean(group)))
    kept = np.isfinite(values)
    xs: list[float | None] = []
    ys: list[float | None] = []
    last: float | None = None
    for x, y in zip(t[kept].tolist(), values[kept].tolist(), strict=True):
        if last is not None and x - last > _GAP_SECONDS:
            xs.append(_short(x))
            ys.append(None)
        xs.append(_short(x))
        ys.append(_short(y))
        last = x
    return xs, ys


def box(values: _Floats) -> dict[str, Any] | None:
    """A box plot's numbers under plotly's names, whiskers at 5 % and 95 %. None without values."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, q1, median, q3, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    names = ("lowerfence", "q1", "median", "q3", "upperfence")
    numbers = {name: [_short(x)] for name, x in zip(names, (low, q1, median, q3, high), strict=True)}
    return {**numbers, "mean": [_short(float(np.mean(values)))]}
