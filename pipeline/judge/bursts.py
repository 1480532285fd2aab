"""Errors come in bursts: how many independent requests those of both arms are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["REACH", "tempering"]

Floats = NDArray[np.float64]

# Seconds over which hits of one burst may lie apart. Longer takes more from errors that are no burst.
REACH = 5
_LAG_WEIGHTS = np.array([1.0, *(2 * (1 - lag / (REACH + 1)) for lag in range(1, REACH + 1))])
# Variance of the long-run variance's estimate, times the seconds, when nothing is correlated.
_NOISE = 2 + float((_LAG_WEIGHTS[1:] ** 2).sum())


def tempering(
    baseline: tuple[Floats, Floats], canary: tuple[Floats, Floats], *, fixed_baseline: bool
) -> Floats:
    """The share, in (0, 1], of the requests that counts as independent; one entry a look.

    Both arms come as (hits, n) of each second. It is 1 over the dispersion: the long-run variance of the
    hits a second (Bartlett weights over REACH seconds; Newey & West 1987), both arms about their own shares,
    over the binomial variance. One standard error of that estimate is taken off, so that errors that are no
    bursts cost next to nothing; it is never below 1.
    """
    spread, binomial, noise = _arm(*canary)
    other = _arm(*baseline)
    if fixed_baseline:
        other = (other[0][-1:], other[1][-1:], other[2][-1:]) if len(other[0]) else tuple(np.zeros((3, 1)))
    total = binomial + other[1]
    some = total > 0
    safe = np.where(some, total, 1.0)
    error = np.sqrt(noise + other[2]) / safe
    dispersion = np.where(some, (spread + other[0]) / safe - error, 1.0)
    return 1 / np.maximum(dispersion, 1.0)


def _arm(hits: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each look: the long-run sum of squares, the binomial variance, and the first's own variance."""
    all_n = np.cumsum(n)
    share = np.cumsum(hits) / np.maximum(all_n, 1.0)
    spread = np.zeros(len(n))
    for lag, weight in enumerate(_LAG_WEIGHTS):
        if lag >= len(n):
            break
        late, early = slice(lag, None), slice(None, len(n) - lag)
        both = np.cumsum(hits[late] * hits[early])
        mixed = np.cumsum(hits[late] * n[early] + n[late] * hits[early])
        sizes = np.cumsum(n[late] * n[early])
        spread[late] += weight * (both - share[late] * (mixed - share[late] * sizes))
    binomial = all_n * share * (1 - share)
    seconds = np.maximum(np.cumsum(n > 0), 1)
    return spread, binomial, binomial * binomial * _NOISE / seconds + binomial
