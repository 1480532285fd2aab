"""The upper bound of a run that is complete: one look at a time that was fixed before, so it may be narrow.

Bounds that hold at every look are wider, and much wider where neighbouring blocks are much alike: their effective size
is small, and itself hardly known. How long a run takes does not depend on its data, so its end can be judged by the
interval that time-series statistics recommends there: the equally weighted cosine estimate of the long-run variance,
and Student's t with as many degrees of freedom (Müller 2007; Lazarus, Lewis, Stock and Watson 2018).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

__all__ = ["FINAL_MIN_BLOCKS", "final_high", "final_more_blocks"]

Floats = NDArray[np.float64]

# Fewer blocks give two cosines, so a t of two degrees of freedom, whose bounds are too wide to be of use.
FINAL_MIN_BLOCKS: Final = 21
# Further ahead than this (an hour of blocks of a second) nobody is told to wait.
_HORIZON: Final = 3600


def _cosines(size: Floats | float) -> Floats:
    """How many cosines series of `size` blocks are looked at with: 0.4 size^(2/3), as recommended.

    >>> [int(_cosines(size)) for size in (21, 60, 150)]
    [3, 6, 11]
    """
    return np.asarray(np.floor(0.4 * np.asarray(size, dtype=np.float64) ** (2 / 3)), dtype=np.float64)


def final_high(d: Floats, beta: float) -> float:
    """What the mean of the blocks `d` (in the order of time) does not exceed, with chance 1 - beta, at one look.

    inf for fewer than FINAL_MIN_BLOCKS blocks. Cautious about what wanders within about a twelfth of the series;
    what wanders more slowly makes it too bold (measured in docs/judge.md).
    """
    if len(d) < FINAL_MIN_BLOCKS:
        return math.inf
    width = stdtrit(_cosines(len(d)), 1 - beta) * np.sqrt(_long_run_variance(d) / len(d))
    return float(d.mean() + width)


def final_more_blocks(d: Floats, margin: float, beta: float, *, planned: float) -> float | None:
    """How many more blocks like these, in a run as long as that, would end with `final_high` within the margin.

    Args:
        d: finite values of shape (k,), in the order of time.
        margin: in the unit of `d`.
        beta: as in `final_high`.
        planned: how many blocks are expected; the run ends no earlier.

    Returns:
        A number of blocks; None where the mean is beyond the margin, or an hour's blocks would not do.
    """
    size = len(d)
    if size < FINAL_MIN_BLOCKS or d.mean() >= margin:
        return None
    first = max(size, math.ceil(planned))
    found = np.arange(first, size + _HORIZON + 1, dtype=np.float64)
    width = stdtrit(_cosines(found), 1 - beta) * np.sqrt(_long_run_variance(d) / found)
    enough = np.flatnonzero(d.mean() + width <= margin)
    return float(found[enough[0]] - size) if len(enough) else None


def _long_run_variance(d: Floats) -> float:
    """The mean of the squared projections on the first cosines, each of length 1 and none with a mean."""
    size = len(d)
    middle = (np.arange(size) + 0.5) / size
    waves = math.sqrt(2 / size) * np.cos(np.pi * np.outer(np.arange(1, int(_cosines(size)) + 1), middle))
    # About the mean, so that large values do not lose the small differences to rounding.
    return float(np.mean((waves @ (d - d.mean())) ** 2))
