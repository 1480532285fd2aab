"""Bounds for a series without a mean to return to: memory, descriptors and threads stay where they went.

Neighbouring blocks of such a series are so alike that no mean can be bounded by their scatter: its effective size is
about 1. What can be said is how far it went in all the time that it was watched. For a random walk, the worst of such
series, the average of as long a time again lies farther from the average so far than `range_factor(level)` times the
range so far with a chance of at most `level`, at any look from the tenth block on (simulated; the tests repeat it).
A series that does return to a mean lies nearer.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["RANDOM_WALK_MIN_BLOCKS", "random_walk_bounds", "range_factor"]

Floats = NDArray[np.float64]

# Before so many blocks even a series that will move may not have moved yet.
RANDOM_WALK_MIN_BLOCKS: Final = 20
# The share of the planned time before `low` says anything: an offset that goes away again must have had time to go.
_WATCHED: Final = 0.5


def range_factor(level: float) -> float:
    """How many times the range so far the average may still move, with a chance of `level`.

    >>> round(range_factor(0.05), 2), round(range_factor(0.0003), 2)
    (1.96, 4.11)
    """
    return 0.7 + 0.42 * math.log(1 / level)


def random_walk_bounds(
    d: Floats, alpha: float, beta: float, *, planned: float, mean: Floats | None = None
) -> tuple[Floats, Floats]:
    """`low` and `high` of the average, a look after each block.

    Args:
        d: finite values of shape (..., k), time on the last axis.
        alpha: the chance that the average of as long again is below `low` at any look; 0: there is no `low`.
        beta: the chance that it is above `high`; 0: there is no `high`.
        planned: how many blocks are expected.
        mean: what is bounded, of each prefix, where it is not simply the average of `d`; shape as `d`.

    Returns:
        Both of shape (..., k): -inf and inf before RANDOM_WALK_MIN_BLOCKS blocks, `low` also before half of `planned`.
    """
    n = np.arange(1, d.shape[-1] + 1, dtype=np.float64)
    if mean is None:
        mean = d[..., :1] + np.cumsum(d - d[..., :1], axis=-1) / n
    spread = np.maximum.accumulate(d, axis=-1) - np.minimum.accumulate(d, axis=-1)
    first = max(RANDOM_WALK_MIN_BLOCKS, _WATCHED * planned)
    unknown = np.full(d.shape, np.inf)
    below, above = (range_factor(level) * spread if level > 0 else unknown for level in (alpha, beta))
    low = np.where(n >= first, mean - below, -np.inf)
    high = np.where(n >= RANDOM_WALK_MIN_BLOCKS, mean + above, np.inf)
    return low, high
