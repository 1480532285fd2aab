"""How fast the troughs of one series rise beside those of another: a leak that a garbage collector's saw-tooth hides.

Such a series rises and falls by far more than it leaks in the meantime, and only what is left after each collection
tells. So the watched time is cut into WINDOWS equal parts, the least value of each is taken, and a line is fitted to
the differences of the two versions' least values.

Troughs may be a random walk (memory that moves in steps and stays), to which a line is easily fitted. Its slope is
therefore taken for nothing but chance within as many of its standard errors as the line of a random walk has, the worst
of such series (simulated; the tests repeat it). Troughs that return to a level stay within it all the more.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["WINDOWS", "critical", "trough_slopes"]

Floats = NDArray[np.float64]

WINDOWS: Final = 8
# A window holds at least so many blocks, or its least value is no trough.
_LEAST_BLOCKS: Final = 2
# Of the line of a random walk of WINDOWS values: levels, and the standard errors that its slope exceeds as often.
_LEVELS: Final = (1e-5, 1e-4, 1e-3, 1e-2, 4e-2)
_FACTORS: Final = (42.0, 26.9, 17.3, 10.5, 6.9)


def critical(level: float) -> float:
    """How many standard errors the slope may be off, with a chance of `level` on each side."""
    return math.exp(float(np.interp(math.log(level), np.log(_LEVELS), np.log(_FACTORS))))


def trough_slopes(
    t: Floats, baseline: Floats, canary: Floats, alpha: float, beta: float
) -> tuple[float, float, float, float, float] | None:
    """Bounds at one look of how much faster the canary's troughs rise, in the unit of the values a second.

    Args:
        t: seconds, strictly rising, shape (k,).
        baseline, canary: the pairs' values, finite, shape (k,).
        alpha: the chance that the truth is below `low`; 0: that is -inf.
        beta: the chance that it is above `high`.

    Returns:
        (baseline's slope, canary's slope, difference, low, high); None for fewer than 2 WINDOWS blocks.
    """
    size = len(t) // WINDOWS
    if size < _LEAST_BLOCKS:
        return None
    # The windows end with the series: what is left over is at its begin, where a process still settles.
    t, b, c = (column[len(t) - size * WINDOWS :].reshape(WINDOWS, size) for column in (t, baseline, canary))
    x = t.mean(axis=1) - t.mean()
    spread = float(x @ x)
    low_b, low_c = b.min(axis=1), c.min(axis=1)
    d = low_c - low_b
    slope = float(x @ d) / spread
    left = d - d.mean() - slope * x
    error = math.sqrt(float(left @ left) / (WINDOWS - 2) / spread)
    low = slope - critical(alpha) * error if alpha > 0 else -math.inf
    return float(x @ low_b) / spread, float(x @ low_c) / spread, slope, low, slope + critical(beta) * error
