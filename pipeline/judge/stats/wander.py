"""Bounds for what wanders: memory, descriptors, threads do not scatter about a mean, they stay where they went.

Neighbouring blocks of such a series are so alike that no mean can be bounded by their scatter: its effective
size is about 1. What can be said is how far it went in all the time that it was watched. For a random walk, the
worst of such series, the average of as long a time again lies farther from the average so far than
`wander_reach(level)` times the range so far with a chance of at most `level`, at any look from the tenth block on
(simulated; the tests repeat it). What returns to a mean lies nearer.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["WANDER_FEWEST", "wander_bounds", "wander_reach"]

Floats = NDArray[np.float64]

# Before so many blocks even a series that will move may not have moved yet.
WANDER_FEWEST: Final = 20
# Of the planned time, before harm is told from a range: an offset that goes away again must have had time to go.
_WATCHED: Final = 0.5


def wander_reach(level: float) -> float:
    """How many ranges the average may yet move, with a chance of `level`.

    >>> round(wander_reach(0.05), 2), round(wander_reach(0.0003), 2)
    (1.96, 4.11)
    """
    return 0.7 + 0.42 * math.log(1 / level)


def wander_bounds(d: Floats, alpha: float, beta: float, *, planned: float) -> tuple[Floats, Floats]:
    """`low` and `high` of the average, a look after each block; the blocks are on the last axis of `d`.

    -inf and inf before `WANDER_FEWEST` blocks, `low` also before half of the `planned` ones.
    """
    n = np.arange(1, d.shape[-1] + 1, dtype=np.float64)
    mean = d[..., :1] + np.cumsum(d - d[..., :1], axis=-1) / n
    wide = np.maximum.accumulate(d, axis=-1) - np.minimum.accumulate(d, axis=-1)
    low = np.where(n >= max(WANDER_FEWEST, _WATCHED * planned), mean - wander_reach(alpha) * wide, -np.inf)
    return low, np.where(n >= WANDER_FEWEST, mean + wander_reach(beta) * wide, np.inf)
