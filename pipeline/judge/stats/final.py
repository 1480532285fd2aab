"""The bounds of a run that is complete: one look at a time that was fixed before, so they may be narrow.

Bounds that hold at every look are wider, and much wider where neighbouring blocks are much alike: their effective size
is small, and itself hardly known. How long a run takes does not depend on its data, so its end can be judged by the
interval that time-series statistics recommends there: an equally weighted cosine estimate of the long-run variance, and
Student's t with as many degrees of freedom (Müller 2007; Lazarus, Lewis, Stock and Watson 2018).

The fewer cosines, the less dependence can deceive, and the wider the interval. So their number goes by the correlation
of neighbouring blocks: independent blocks are looked at with nearly all of them (with all, it is the ordinary t-test),
blocks that are much alike with a few. What is left of the dependence within those few is taken out by the shape of the
spectrum that this correlation gives (prewhitening, Andrews and Monahan 1992).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import ndtri, stdtrit

from pipeline.judge.stats.random_walk import range_factor

__all__ = ["FINAL_MIN_BLOCKS", "final_bounds", "final_more_blocks"]

Floats = NDArray[np.float64]

# Of fewer blocks the correlation is not known at all.
FINAL_MIN_BLOCKS: Final = 10
# Of a series of n blocks with correlation r this times n (1 - r) / sqrt(r) cosines: over so many the spectrum of AR(1)
# noise falls by a tenth.
_COSINES: Final = 0.174
# For that the correlation is taken to be larger than found: by this share of the level's normal quantile, in standard
# errors. Tuned with the constants below so that the levels hold from 30 blocks on (measured in docs/judge.md).
_CAUTION: Final = 0.6
# A pass takes the spectrum's shape with this caution from up to so many blocks, with less from more of them, by the
# root of their number: what the correlation's own error does to it falls with that number.
_CAUTIOUS_BLOCKS: Final = 20
# The highest correlation that is believed, as in dependence.py. What may be beyond it may have no mean to return to.
_HIGHEST: Final = 0.97
# Further ahead than this (an hour of blocks of a second) nobody is told to wait.
_HORIZON: Final = 3600


def final_bounds(d: Floats, alpha: float, beta: float, *, begin: int = 0) -> tuple[float, float]:
    """(low, high): the mean of the blocks from `begin` on is below `low` with chance alpha, above `high` with beta.

    At one look, at a time that the data did not choose. `low` is for small chances, and cautious about whatever
    wanders; `high` keeps its chance up to a correlation of .9 from one block to the next (.6 with fewer than 20
    blocks). Where they may be more alike, it is as far away as the blocks went (random_walk.py). An asymptotic
    statement; what holds for 12 to 240 blocks was measured (docs/judge.md).

    Args:
        d: finite values of shape (k,), in the order of time. What comes before `begin` tells how they depend on each
            other; its mean plays no part.
        alpha: the chance of an error of `low`; 0: it is -inf.
        beta: the chance of an error of `high`; 0: it is inf.
        begin: where the blocks begin that are bounded, below k.

    Returns:
        -inf and inf for fewer than FINAL_MIN_BLOCKS blocks in all.
    """
    if len(d) < FINAL_MIN_BLOCKS:
        return -math.inf, math.inf
    mean = float(d[begin:].mean())
    return mean - _width(d, alpha, begin, strict=True), mean + _width(d, beta, begin, strict=False)


def final_more_blocks(d: Floats, margin: float, alpha: float, beta: float, *, planned: float) -> float | None:
    """How many more blocks like these, in a run as long as that, would end decided about `margin` by `final_bounds`.

    Args:
        d: finite values of shape (k,), in the order of time.
        margin: in the unit of `d`.
        alpha, beta: as in `final_bounds`.
        planned: how many blocks are expected; the run ends no earlier.

    Returns:
        A number of blocks; None where an hour's would not do.
    """
    size, room = len(d), margin - float(d.mean())
    strict, level = (True, alpha) if room < 0 else (False, beta)
    if size < FINAL_MIN_BLOCKS or level <= 0:
        return None
    found = np.arange(max(size, math.ceil(planned)), size + _HORIZON + 1, dtype=np.float64)
    variance, r, wanders = _long_run(d - d.mean(), level, 1, strict=strict)
    if wanders and not strict:
        return None
    width = stdtrit(_cosines(found, r, strict=strict), 1 - level) * math.sqrt(variance) / np.sqrt(found)
    enough = np.flatnonzero(width <= abs(room))
    return float(found[enough[0]] - size) if room != 0 and len(enough) else None


def _width(d: Floats, level: float, begin: int, *, strict: bool) -> float:
    if level <= 0:
        return math.inf
    part = d[begin:]
    moved = np.concatenate([d[:begin] - d[:begin].mean(), part - part.mean()]) if begin else d - d.mean()
    fitted = 2 if begin else 1
    variance, r, wanders = _long_run(moved, level, fitted, strict=strict)
    cosines = float(_cosines(np.asarray([float(len(d))]), r, strict=strict)[0])
    if begin:
        # The part may scatter more than what was before.
        variance = max(variance, float(part.var(ddof=1)) if len(part) > 1 else math.inf)
    width = float(stdtrit(max(cosines + 1 - fitted, 1.0), 1 - level)) * math.sqrt(variance / len(part))
    if wanders and not strict and not begin:
        return max(width, range_factor(level) * float(np.ptp(d)))
    return width


def _long_run(moved: Floats, level: float, fitted: int, *, strict: bool) -> tuple[float, float, bool]:
    """The long-run variance of residuals about `fitted` means, the correlation that the cosines go by, and whether
    that may be one of a series without a mean to return to.
    """
    total, size = float(moved @ moved), len(moved)
    found = float(moved[1:] @ moved[:-1]) / total if total > 0 else 0.0
    # Corrected for its bias, and with its standard error, as in dependence.py.
    likely = found + (fitted + (fitted + 2) * found) / size
    error = (1 + likely**2) * math.sqrt(max(1 - likely**2, 0.0) / size)
    raised = _CAUTION * float(ndtri(1 - level)) * error
    r = min(max(likely + raised, 0.0), _HIGHEST)
    count = int(_cosines(np.asarray([float(size)]), r, strict=strict)[0])
    projected = dct(moved, type=2, norm="ortho")[1 : count + 1]
    # Each is as far above its own as the spectrum of AR(1) noise at 0 is above that at its frequency.
    shaped = likely + raised * math.sqrt(min(_CAUTIOUS_BLOCKS / size, 1.0))
    if fitted > 1:  # a last part is looked at to hold a pass back, where caution would let it go
        shaped = found
    shape = r if strict else min(max(shaped, 0.0), _HIGHEST)
    frequency = np.pi * np.arange(1, count + 1) / size
    fallen = (1 - 2 * shape * np.cos(frequency) + shape * shape) / (1 - shape) ** 2
    return float(projected**2 @ fallen) / max(count + 1 - fitted, 1), r, shaped >= _HIGHEST


def _cosines(size: Floats, r: float, *, strict: bool) -> Floats:
    """How many cosines series of `size` blocks with correlation `r` are looked at with.

    At least two, or as many as Lazarus and others recommend, 0.4 size^(2/3).

    >>> sizes = np.array([12.0, 60, 150])
    >>> [_cosines(sizes, r, strict=True).astype(int).tolist() for r in (0.0, 0.3, 0.9)]
    [[11, 59, 149], [2, 13, 33], [2, 2, 2]]
    >>> _cosines(sizes, 0.9, strict=False).astype(int).tolist()
    [2, 6, 11]
    """
    least = np.maximum(np.floor(0.0 if strict else 0.4 * size ** (2 / 3)), 2.0)
    wanted = np.floor(_COSINES * size * (1 - r) / math.sqrt(max(r, 1e-9)))
    return np.asarray(np.minimum(np.maximum(wanted, least), size - 1), dtype=np.float64)
