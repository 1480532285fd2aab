"""The bounds of a run that is complete: one look at a time that was fixed before, so they may be narrow.

Bounds that hold at every look are wider, and much wider where neighbouring blocks are much alike: their effective size
is small, and itself hardly known. How long a run takes does not depend on its data, so its end can be judged by the
interval that time-series statistics recommends there: an equally weighted cosine estimate of the long-run variance, and
Student's t with as many degrees of freedom (Müller 2007; Lazarus, Lewis, Stock and Watson 2018).

The fewer cosines, the less dependence can deceive, and the wider the interval. So their number goes by the correlation
of neighbouring blocks: independent blocks are looked at with nearly all of them (with all, it is the ordinary t-test),
blocks that are much alike with two. What is left of the dependence within those few is taken out by the shape of the
spectrum that this correlation gives (prewhitening, Andrews and Monahan 1992).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import ndtri, stdtrit

__all__ = ["FINAL_MIN_BLOCKS", "final_bounds", "final_more_blocks"]

Floats = NDArray[np.float64]

# Of fewer blocks the correlation is not known at all.
FINAL_MIN_BLOCKS: Final = 10
# Of a series of n blocks with correlation r this times n (1 - r) / sqrt(r) cosines: over so many the spectrum of AR(1)
# noise falls by a tenth.
_COSINES: Final = 0.174
_LEAST_COSINES: Final = 2
# The correlation is taken to be larger than found by this share of the normal quantile of the level, in standard
# errors. Tuned so that the level holds from 30 blocks on, at every correlation (measured in docs/judge.md).
_CAUTION: Final = 0.6
# The highest correlation that is believed, as in dependence.py.
_HIGHEST: Final = 0.97
# Further ahead than this (an hour of blocks of a second) nobody is told to wait.
_HORIZON: Final = 3600


def final_bounds(d: Floats, alpha: float, beta: float) -> tuple[float, float]:
    """(low, high): the mean of the blocks `d` is below `low` with chance alpha, above `high` with chance beta.

    At one look, at a time that the data did not choose. -inf and inf for fewer than FINAL_MIN_BLOCKS blocks, or where
    the chance is 0. An asymptotic statement; what holds for 12 to 150 blocks was measured (docs/judge.md).

    Args:
        d: finite values of shape (k,), in the order of time.
        alpha: the chance of an error of `low`.
        beta: the chance of an error of `high`.
    """
    if len(d) < FINAL_MIN_BLOCKS:
        return -math.inf, math.inf
    mean = float(d.mean())
    return mean - _width(d, alpha), mean + _width(d, beta)


def final_more_blocks(d: Floats, margin: float, level: float, *, planned: float) -> float | None:
    """How many more blocks like these, in a run as long as that, would end decided about `margin` by `final_bounds`.

    Args:
        d: finite values of shape (k,), in the order of time.
        margin: in the unit of `d`.
        level: the chance of an error: beta where the mean is within the margin, alpha where it is beyond.
        planned: how many blocks are expected; the run ends no earlier.

    Returns:
        A number of blocks; None where an hour's would not do.
    """
    size, room = len(d), abs(margin - float(d.mean()))
    if size < FINAL_MIN_BLOCKS or level <= 0 or room == 0:
        return None
    r = _correlation(d, level)
    found = np.arange(max(size, math.ceil(planned)), size + _HORIZON + 1, dtype=np.float64)
    width = stdtrit(_cosines(found, r), 1 - level) * math.sqrt(_long_run_variance(d, r)) / np.sqrt(found)
    enough = np.flatnonzero(width <= room)
    return float(found[enough[0]] - size) if len(enough) else None


def _width(d: Floats, level: float) -> float:
    if level <= 0:
        return math.inf
    r = _correlation(d, level)
    cosines = _cosines(np.asarray([float(len(d))]), r)
    return float(stdtrit(cosines, 1 - level)[0]) * math.sqrt(_long_run_variance(d, r) / len(d))


def _correlation(d: Floats, level: float) -> float:
    """The lag-1 correlation, corrected for its bias (Marriott and Pope 1954), as high as it may well be."""
    moved, size = d - d.mean(), len(d)
    total = float(moved @ moved)
    found = float(moved[1:] @ moved[:-1]) / total if total > 0 else 0.0
    found += (1 + 3 * found) / size
    error = (1 + found**2) * math.sqrt(max(1 - found**2, 0.0) / size)
    return float(np.clip(found + _CAUTION * float(ndtri(1 - level)) * error, 0.0, _HIGHEST))


def _cosines(size: Floats, r: float) -> Floats:
    """How many cosines series of `size` blocks with correlation `r` are looked at with.

    >>> [_cosines(np.array([12.0, 60, 150]), r).astype(int).tolist() for r in (0.0, 0.3, 0.9)]
    [[11, 59, 149], [2, 13, 33], [2, 2, 2]]
    """
    wanted = np.floor(_COSINES * size * (1 - r) / math.sqrt(max(r, 1e-9)))
    return np.asarray(np.minimum(np.maximum(wanted, _LEAST_COSINES), size - 1), dtype=np.float64)


def _long_run_variance(d: Floats, r: float) -> float:
    """The mean of the squared projections on the first cosines, each as far above its own as the spectrum at 0 is.

    The spectrum is that of AR(1) noise with correlation `r`.
    """
    size = len(d)
    count = int(_cosines(np.asarray([float(size)]), r)[0])
    # About the mean, so that large values do not lose the small differences to rounding.
    projected = dct(d - d.mean(), type=2, norm="ortho")[1 : count + 1]
    frequency = np.pi * np.arange(1, count + 1) / size
    fallen = (1 - 2 * r * np.cos(frequency) + r * r) / (1 - r) ** 2
    return float(np.mean(projected**2 * fallen))
