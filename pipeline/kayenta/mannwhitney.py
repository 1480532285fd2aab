"""The location shift between two samples with its interval, as Kayenta takes it from R's wilcox.test.

The shift's estimate and the interval's ends are the roots of the normalised Wilcoxon statistic as a function
of an assumed shift `mu`. That function is a staircase, so where a root is said to be depends on the solver:
Kayenta's is Brent's method (R's `zeroin`) with an absolute tolerance of 1e-4, whatever the metric's unit is.
The solver here repeats its arithmetic step by step; `tests/unit/kayenta/test_mannwhitney.py` has the numbers.
Reference: Brent, Algorithms for Minimization without Derivatives (1973), chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.kayenta.arithmetic import ranks

__all__ = ["Z_98", "AllTiedError", "Shift", "shift", "wilcoxon_difference", "zero"]

Floats = NDArray[np.float64]

# The quantile (1 - 0.98) / 2 of the normal distribution to the last bit of Kayenta's own: scipy's differs there.
Z_98: Final = -2.326347874040841

_STEPS: Final = 1001
_TOLERANCE: Final = 1e-4
_EPSILON: Final = 2.220446049250313e-16
_SMALLEST: Final = 5e-324  # Kayenta takes numbers as equal when they are neighbours: this one is a zero too


class AllTiedError(ArithmeticError):
    """At some assumed shift all values are the same, so the statistic has no variance. Kayenta gives up."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the experiment lies above the control, in the metric's unit: interval and estimate."""

    low: float
    high: float
    estimate: float


def wilcoxon_difference(mu: float, quantile: float, experiment: Floats, control: Floats) -> float:
    """The statistic of `experiment - mu` against `control`, minus `quantile`. Raises AllTiedError.

    Normal approximation with the tie correction, and a continuity correction towards zero.
    """
    n, m = float(len(experiment)), float(len(control))
    rank = ranks(np.concatenate((experiment - mu, control)))
    _, ties = np.unique(rank, return_counts=True)
    difference = float(rank[: len(experiment)].sum()) - n * (n + 1) / 2 - n * m / 2
    continuity = 0.5 * ((difference > 0) - (difference < 0))
    tied = float(np.sum(ties**3 - ties))
    sigma = math.sqrt((n * m / 12) * ((n + m + 1) - tied / ((n + m) * (n + m - 1))))
    if sigma == 0:
        raise AllTiedError("all values are tied")
    return (difference - continuity) / sigma - quantile


def shift(experiment: Floats, control: Floats, z: float = Z_98) -> Shift:
    """Interval and estimate of the shift. Both samples have values. `z` is the lower quantile (negative).

    Raises AllTiedError.
    """
    # By argmin and argmax, as of 0.0 and -0.0 the first is taken: they are equal, and have different ranks.
    lowest = float(experiment[experiment.argmin()]) - float(control[control.argmax()])
    highest = float(experiment[experiment.argmax()]) - float(control[control.argmin()])

    def at(quantile: float) -> Callable[[float], float]:
        return lambda mu: wilcoxon_difference(mu, quantile, experiment, control)

    def end(quantile: float) -> float:
        value = at(quantile)
        f_lowest, f_highest = value(lowest), value(highest)
        if f_lowest <= 0:
            return lowest
        if f_highest >= 0:
            return highest
        return zero(lowest, highest, f_lowest, f_highest, value)

    low, high = end(-z), end(z)
    value = at(0.0)
    # The estimate's ends are not looked at first, unlike the interval's: that is Kayenta's, too.
    return Shift(low, high, zero(lowest, highest, value(lowest), value(highest), value))


def _is_zero(value: float) -> bool:
    return abs(value) <= _SMALLEST


def zero(a: float, b: float, fa: float, fb: float, value: Callable[[float], float]) -> float:
    """Where `value` changes its sign between `a` and `b`, whose values are `fa` and `fb`; within 1e-4."""
    if _is_zero(fa):
        return a
    if _is_zero(fb):
        return b
    c, fc = a, fa
    for _ in range(_STEPS):
        before = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        tolerance = 2 * _EPSILON * abs(b) + _TOLERANCE / 2
        step = (c - b) / 2
        if abs(step) <= tolerance or _is_zero(fb):
            return b
        if abs(before) >= tolerance and abs(fa) > abs(fb):
            step = _interpolated((a, b, c), (fa, fb, fc), before, tolerance, step)
        if abs(step) < tolerance:
            step = tolerance if step > 0 else -tolerance
        a, fa = b, fb
        b += step
        fb = value(b)
        if (fb > 0 and fc > 0) or (fb < 0 and fc < 0):
            c, fc = a, fa
    return b


def _interpolated(
    points: tuple[float, float, float],
    values: tuple[float, float, float],
    before: float,
    tolerance: float,
    half: float,
) -> float:
    """The next step by the secant or inverse quadratic interpolation where that is safe, else `half`.

    Args:
        points: the last but one, the best so far, and the other end of the bracket.
        values: of the function there.
        before: the last step.
        tolerance: steps and brackets smaller than this are none.
        half: half of the bracket.
    """
    (a, b, c), (fa, fb, fc) = points, values
    span = c - b
    if a == c:
        t1 = fb / fa
        p, q = span * t1, 1.0 - t1
    else:
        q, t1, t2 = fa / fc, fb / fc, fb / fa
        p = t2 * (span * q * (q - t1) - (b - a) * (t1 - 1.0))
        q = (q - 1.0) * (t1 - 1.0) * (t2 - 1.0)
    if p > 0.0:
        q = -q
    else:
        p = -p
    if p < (0.75 * span * q - abs(tolerance * q) / 2) and p < abs(before * q / 2):
        return p / q
    return half
