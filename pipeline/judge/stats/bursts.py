"""Errors come in bursts: how many independent requests those of both arms are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BURST_SECONDS", "SEPARATE_HITS", "tempering"]

Floats = NDArray[np.float64]

# Seconds over which hits of one burst may lie apart. If it were longer, errors that are no burst would count for less.
BURST_SECONDS: Final = 5
_LAG_WEIGHTS: Final = np.array(
    [1.0, *(2 * (1 - lag / (BURST_SECONDS + 1)) for lag in range(1, BURST_SECONDS + 1))]
)
# Variance of the long-run variance's estimate, times the seconds, when nothing is correlated.
_NOISE: Final = 2 + float((_LAG_WEIGHTS[1:] ** 2).sum())
# A burst counts as so many separate hits. Where a tally is longer than a burst, its hits are one burst, and more of
# them where they fill more of its time than one can; at most so many, for what fills all of a tally may be an outage.
_OF_A_BURST: Final = 2.0
# At so many separate hits the assumption that all hits of a second belong together has 1/e of its weight left.
SEPARATE_HITS: Final = 4.0


class _Sums(NamedTuple):
    """Of one arm, or of a part of its time, at each look."""

    spread: Floats  # long-run sum of squares of the hits a second about the arm's share
    binomial: Floats  # what it would be if every request stood for itself
    noise: Floats  # variance of `spread` in that case
    hits: Floats
    squares: Floats  # of the hits of what may be one burst, about zero
    struck: Floats  # how many separate hits the seconds with a hit may be worth


def tempering(
    baseline: tuple[Floats, Floats],
    canary: tuple[Floats, Floats],
    *,
    fixed_baseline: bool,
    earlier: Sequence[tuple[Floats, Floats]] = (),
    step: float = 1.0,
) -> Floats:
    """The share of the requests that counts as independent.

    It is 1 over the dispersion, which is never below 1: the long-run variance of the hits a second (Bartlett weights
    over BURST_SECONDS; Newey and West 1987), all parts about their own shares, over the binomial variance; less one
    standard error, so that errors that are no bursts cost next to nothing. As long as few separate hits were seen,
    nothing is known of how they come, and all hits of one second count as one.

    Args:
        baseline, canary: (hits, n) of each second; two columns of equal length for each arm.
        fixed_baseline: the whole baseline was known before the canary's first second.
        earlier: what came before, in the same form: it tells how errors come, and its share may have been another.
        step: seconds of an entry, where a series has longer ones.

    Returns:
        A share in (0, 1] for each second of the canary.
    """
    other = _sums(*baseline, step)
    parts = [
        _sums(*canary, step),
        _whole(other) if fixed_baseline else other,
        *(_whole(_sums(*one, step)) for one in earlier),
    ]
    every = _Sums(*(sum(columns[1:], columns[0]) for columns in zip(*parts, strict=True)))
    binomial, hits = every.binomial, every.hits
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = every.spread / binomial
        error = np.sqrt(every.noise) / binomial
        together = every.squares / hits
    ratio, error = np.where(binomial > 0, ratio, 1.0), np.where(binomial > 0, error, 0.0)
    separate = np.minimum(binomial / np.maximum(ratio, 1.0), every.struck)
    unknown = 1 + np.exp(-separate / SEPARATE_HITS) * (np.where(hits > 0, together, 1.0) - 1)
    return np.asarray(1 / np.maximum(np.maximum(ratio - error, unknown), 1.0), dtype=np.float64)


def _whole(sums: _Sums) -> _Sums:
    """What is complete, as one entry that goes with every look."""
    return _Sums(*(column[-1:] if len(column) else np.zeros(1) for column in sums))


def _near(column: Floats) -> Floats:
    """What each entry and those up to BURST_SECONDS before it add up to, each with its lag's weight."""
    return np.convolve(column, _LAG_WEIGHTS)[: len(column)] if len(column) else column


def _sums(hits: Floats, n: Floats, step: float) -> _Sums:
    all_hits, all_n = np.cumsum(hits), np.cumsum(n)
    share = all_hits / np.maximum(all_n, 1.0)
    near_hits, near_n = _near(hits), _near(n)
    both, sizes = np.cumsum(hits * near_hits), np.cumsum(n * near_n)
    mixed = np.cumsum(hits * near_n + n * near_hits)
    spread = both - share * (mixed - share * sizes)
    binomial = all_n * share * (1 - share)
    seconds = np.maximum(np.cumsum(n > 0), 1)
    noise = binomial * binomial * _NOISE / seconds + binomial
    # About a share taken from the same seconds, sums of squares come out too small.
    spread *= seconds / (seconds - np.minimum(_LAG_WEIGHTS.sum(), seconds / 2))
    # Hits of so many seconds are there at least, were all requests of these hits.
    filled = np.maximum(hits / np.maximum(n, 1.0) * step, 1.0)
    squares = hits * hits / np.maximum(filled / BURST_SECONDS, 1.0)
    struck = np.where(hits > 0, np.minimum(filled * _OF_A_BURST / BURST_SECONDS, _OF_A_BURST), 0.0)
    return _Sums(spread, binomial, noise, all_hits, np.cumsum(squares), np.cumsum(struck))
