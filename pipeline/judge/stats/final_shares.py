"""Bounds for the difference of two shares at the end of a run: one look, at a time that was fixed before it began.

Each share has its exact bound (Clopper and Pearson 1934), and the square-and-add rule makes bounds for the difference
of them (Zou and Donner 2008; Newcombe 1998 with other bounds of each share). With no hit in either arm `high` is the
exact bound of the canary's share, about ln(1 / beta) / n. Errors that come in bursts are worth fewer independent
ones: then so many are counted as the dispersion of the whole run says, by Student's t. docs/judge.md has what is
guaranteed of this.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainccinv, ndtr, stdtrit

from pipeline.judge.stats.shares import Tally

__all__ = [
    "INDEPENDENT",
    "Dispersion",
    "Totals",
    "bounds_of_totals",
    "cosines",
    "dispersion",
    "final_bounds",
    "last_quarter",
    "normal_level",
    "square_and_add",
]

Floats = NDArray[np.float64]

# Seconds are looked at with 0.4 k^(2/3) cosines, as blocks are at a run's end (final.py).
_COSINES: Final = 0.4


class Dispersion(NamedTuple):
    """How much more the difference of both shares varies than with independent requests, and how well that is known.

    Attributes:
        factor: of the variance; 1 for independent requests, about 100 where a hundred errors come in each burst.
        degrees: of freedom of that estimate; inf where the factor is known.
    """

    factor: float
    degrees: float


class Totals(NamedTuple):
    """What both arms came to: the baseline's hits and of how many, and the canary's."""

    b_hits: float
    b_n: float
    hits: float
    n: float

    @classmethod
    def of(cls, baseline: Tally, canary: Tally) -> Totals | None:
        """None where an arm has nothing."""
        columns = (baseline.hits, baseline.n, canary.hits, canary.n)
        totals = cls(*(float(column.sum()) for column in columns))
        return totals if totals.b_n > 0 and totals.n > 0 else None


INDEPENDENT: Final = Dispersion(1.0, math.inf)


def final_bounds(
    baseline: Tally, canary: Tally, alpha: float, beta: float, *, together: bool
) -> tuple[float, float]:
    """Bounds of the canary's share of hits less the baseline's, valid at one look that was planned.

    The wider of what independent requests give, and of what the dispersion of these gives.

    Args:
        baseline, canary: the arms by the second.
        alpha: the chance that the difference is below the lower bound; 0: that is -inf.
        beta: the chance that it is above the upper bound; 0: that is inf.
        together: both columns are of the same seconds; otherwise each arm has its own.

    Returns:
        The lower and the upper bound; -inf and inf where an arm has nothing.
    """
    totals = Totals.of(baseline, canary)
    if totals is None:
        return -math.inf, math.inf
    return bounds_of_totals(totals, alpha, beta, dispersion(baseline, canary, together=together))


def bounds_of_totals(totals: Totals, alpha: float, beta: float, found: Dispersion) -> tuple[float, float]:
    """As `final_bounds`, of totals and a dispersion that are there already."""
    low, high = -math.inf, math.inf
    if alpha > 0:
        # The difference the other way round has the other sign.
        swapped = Totals(totals.hits, totals.n, totals.b_hits, totals.b_n)
        low = min(-_high(swapped, alpha, one) for one in (INDEPENDENT, found))
    if beta > 0:
        high = max(_high(totals, beta, one) for one in (INDEPENDENT, found))
    return low, high


def _high(totals: Totals, level: float, found: Dispersion) -> float:
    columns = np.asarray(totals) / found.factor
    return float(square_and_add(columns[:2], columns[2:], normal_level(level, found.degrees)))


def normal_level(level: float, degrees: float) -> float:
    """The level at which a normal quantile is as far out as Student's t at `level`.

    >>> round(normal_level(0.05, math.inf), 4), round(normal_level(0.05, 8), 4)
    (0.05, 0.0315)
    """
    if math.isinf(degrees):
        return level
    return float(max(ndtr(stdtrit(degrees, level)), 1e-300))


def square_and_add(baseline: Floats, canary: Floats, level: float) -> Floats:
    """The upper bound of the canary's share less the baseline's, for independent requests.

    The distances of the canary's upper bound from its share, and of the baseline's lower one from its own, add up
    as the sides of a right triangle.

    Args:
        baseline, canary: hits, and of how many, on the first axis: shapes (2, ...) that broadcast. They need not be
            whole numbers.
        level: the chance that the difference is above the bound.

    Returns:
        The bound, of the shape of one count of both.
    """
    (b_hits, b_n), (hits, n) = baseline, canary
    b_share, share = b_hits / b_n, hits / n
    up = _upper(hits, n, level) - share
    down = b_share - (1 - _upper(b_n - b_hits, b_n, level))
    return np.asarray(share - b_share + np.sqrt(up * up + down * down), dtype=np.float64)


def _upper(hits: Floats, n: Floats, level: float) -> Floats:
    """The share under which so few hits have a chance of just `level`; 1 where that is no number."""
    misses = n - hits
    bound = betainccinv(hits + 1, np.maximum(misses, 1e-9), level)
    return np.where((misses > 1e-9) & np.isfinite(bound), bound, 1.0)


def dispersion(baseline: Tally, canary: Tally, *, together: bool) -> Dispersion:
    """Over the whole run: the long-run variance of the difference of shares over that of independent requests.

    The long-run variance is the mean square of the hits a second, about the arm's share, projected on the first
    cosines (Müller 2007; Lazarus, Lewis, Stock and Watson 2018). It sees bursts that last up to about a tenth of a run
    of a minute, a twentieth of one of five. Where both arms were measured in the same seconds the differences are
    projected, so that what strikes both alike counts for little.

    Args:
        baseline, canary, together: as in `final_bounds`; each arm has something.
    """
    binomial, parts = 0.0, []
    for arm in (baseline, canary):
        total = float(arm.n.sum())
        share = float(arm.hits.sum()) / total
        binomial += share * (1 - share) / total
        parts.append((arm.hits - share * arm.n) / total)
    if binomial <= 0:
        return INDEPENDENT
    series = [parts[1] - parts[0]] if together else parts
    powers = [_power(one) for one in series]
    variance = sum(power for power, _ in powers)
    if variance <= 0:
        return INDEPENDENT
    # The degrees of freedom of a sum of variances (Satterthwaite 1946).
    degrees = variance**2 / sum(power**2 / count for power, count in powers)
    # What is left of an arm is at least one request: shares next to nothing would divide it to less.
    return Dispersion(min(variance / binomial, float(baseline.n.sum()), float(canary.n.sum())), degrees)


def _power(series: Floats) -> tuple[float, int]:
    """The variance of the sum of a series, and from how many cosines it is estimated."""
    size = len(series)
    count = cosines(size)
    middle = (np.arange(size) + 0.5) / size
    waves = math.sqrt(2) * np.cos(np.pi * np.outer(np.arange(1, count + 1), middle))
    return float(np.mean((waves @ series) ** 2)), count


def cosines(seconds: float) -> int:
    """With how many cosines a run of so many seconds is looked at; each is one degree of freedom.

    >>> [cosines(seconds) for seconds in (30, 60, 120, 300)]
    [3, 6, 9, 17]
    """
    return max(1, int(_COSINES * seconds ** (2 / 3)))


def last_quarter(baseline: Tally, canary: Tally, *, together: bool) -> tuple[Tally, Tally]:
    """The last quarter of the canary's seconds, and of the baseline the same ones or, of another time, all."""
    begin = len(canary.n) - max(1, len(canary.n) // 4)
    late = Tally(canary.hits[begin:], canary.n[begin:])
    return (Tally(baseline.hits[begin:], baseline.n[begin:]) if together else baseline), late
