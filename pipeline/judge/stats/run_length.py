"""How long a run must be, so that its end can tell about shares: from what was seen, or for identical code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, pdtrik

from pipeline.judge.stats.final_shares import (
    Dispersion,
    Totals,
    bounds_of_totals,
    cosines,
    dispersion,
    normal_level,
    square_and_add,
)
from pipeline.judge.stats.shares import Tally

__all__ = ["chance_to_pass", "final_more_requests", "requests_needed"]

Floats = NDArray[np.float64]

# No longer run is looked at than so many times what there is, or so many seconds.
_MOST_TIMES: Final = 100.0
_MOST_SECONDS: Final = 86_400.0
# Of each count's distribution, and of the dispersion's, so many quantiles stand for all of it.
_QUANTILES: Final = 48
_FACTORS: Final = 12


def final_more_requests(
    baseline: Tally,
    canary: Tally,
    alpha: float,
    beta: float,
    margin: float,
    *,
    bar: float,
    together: bool,
    least: float,
) -> float | None:
    """How many more requests of the canary a run would need that ends with the bounds beyond `bar` or within `margin`.

    Both shares and the dispersion stay as they are.

    Args:
        baseline, canary, alpha, beta, together: as in `final_bounds`.
        margin: the difference of shares that is allowed.
        bar: beyond this is a fail.
        least: the run ends when the canary has so many times what it has, at least 1. A baseline of another time is
            complete until then, and grows with a longer run.

    Returns:
        A number of requests; None when a hundred times as many would not do, or nothing is known.
    """
    totals = Totals.of(baseline, canary)
    if totals is None or least > _MOST_SECONDS:
        return None  # of a day's run there is not even a second
    found = dispersion(baseline, canary, together=together)

    def decided(times: float) -> bool:
        before = times if together else max(1.0, times / least)
        longer = Totals(totals.b_hits * before, totals.b_n * before, totals.hits * times, totals.n * times)
        better = Dispersion(found.factor, found.degrees * times ** (2 / 3))
        low, high = bounds_of_totals(longer, alpha, beta, better)
        return low > bar or high <= margin

    times = _least(decided, max(1.0, least), max(1.0, least) * _MOST_TIMES)
    return None if times is None else (times - 1) * totals.n


def requests_needed(
    share: float,
    factor: float,
    margin: float,
    beta: float,
    *,
    rate: float,
    together: bool,
    chance: float = 0.9,
    b_n: float | None = None,
) -> float | None:
    """How many requests of the canary let identical code pass at the end of a run, with that chance.

    Args:
        share: of hits in both arms, such as the baseline's.
        factor: the dispersion's (`Dispersion.factor`).
        margin: the difference of shares that is allowed.
        beta: of the bound at the end (`Spending.end` of a complete run).
        rate: the canary's requests a second.
        together: as in `final_bounds`.
        chance: to pass.
        b_n: the baseline's requests where it is measured already; None: as many as the canary's.

    Returns:
        The number from which on it does, to 2 %; None when a day of the canary would not do.
    """

    def enough(n: float) -> bool:
        found = Dispersion(factor, cosines(n / rate) * (1 if together else 2))
        return chance_to_pass(share, found, n if b_n is None else b_n, n, margin, beta) >= chance

    # From above: where bursts are rare, a run so short that it sees none may pass too.
    above = _MOST_SECONDS * rate
    if not enough(above):
        return None
    while above > 1 and enough(above / 2):
        above /= 2
    return _least(enough, above / 2, above)


def chance_to_pass(
    share: float, found: Dispersion, b_n: float, n: float, margin: float, beta: float
) -> float:
    """The chance that identical code ends with the upper bound within the margin.

    Hits come in bursts of `found.factor` each, as many as a Poisson distribution has it; the dispersion is estimated
    with `found.degrees` of freedom. Both are averaged over their quantiles. Of bursts of unequal sizes it is too high.

    Args:
        share: of hits in both arms.
        found: the dispersion as it is, and how well the run will know it.
        b_n, n: the requests of the baseline and of the canary.
        margin, beta: as in `requests_needed`.
    """
    bursts = [_bursts(share * size / found.factor) for size in (b_n, n)]
    arms = [
        np.stack([np.minimum(count * found.factor, size), np.full(len(count), size)])
        for count, size in zip(bursts, (b_n, n), strict=True)
    ]

    def within(factor: float, level: float) -> NDArray[np.bool_]:
        high = square_and_add(arms[0][:, :, None] / factor, arms[1][:, None, :] / factor, level)
        return np.asarray(high <= margin)

    independent, level = within(1.0, beta), normal_level(beta, found.degrees)
    # Without a hit in either arm there is nothing to estimate the dispersion from.
    unknown = (bursts[0][:, None] + bursts[1][None, :]) == 0
    half = found.degrees / 2
    factors = (
        found.factor * gammaincinv(half, _middles(_FACTORS)) / half if half < math.inf else [found.factor]
    )
    passed = [independent & (unknown | within(max(factor, 1e-3), level)) for factor in factors]
    return float(np.mean(passed))


def _bursts(mean: float) -> Floats:
    """Quantiles of a Poisson distribution."""
    return np.ceil(pdtrik(_middles(_QUANTILES), mean) - 1e-9) if mean > 0 else np.zeros(1)


def _middles(parts: int) -> Floats:
    return np.asarray((np.arange(parts) + 0.5) / parts, dtype=np.float64)


def _least(enough: Callable[[float], bool], below: float, above: float) -> float | None:
    """About the least number between two at which it is enough; None where it is not at the upper one."""
    if enough(below):
        return below
    if not enough(above):
        return None
    while above / below > 1.02:
        middle = math.sqrt(below * above)
        below, above = (below, middle) if enough(middle) else (middle, above)
    return above
