"""Rare events of the canary: restarts, and statuses that the baseline never gave. Valid at every look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Bounds
from pipeline.judge.stats.bursts import tempering
from pipeline.judge.stats.evalues import Mixture, Prior, Tail
from pipeline.judge.stats.shares import EVEN, KAPPA, Counts, Tally, bounds_of, cumulative, log_e_process
from pipeline.judge.stats.worst_case import LogEvidence, least_evidence

__all__ = ["STATUSES", "Statuses", "event_bounds", "new_status_bounds"]

Floats = NDArray[np.float64]

# How many statuses there may be: 100 to 599, 0 for no answer, and others that a broken server invents.
STATUSES: Final = 600
# An event either comes in a given millisecond or it does not: a Poisson process, seen as a share.
_TICKS: Final = 1000.0
# A canary that restarts through its own fault is expected to do so this many times as often as is allowed.
_OFTEN: Final = Prior.of(np.geomspace(3, 3000, 10), np.ones(10), even=0.1)
# A baseline without that fault is expected to restart this many times as often as is assumed of the canary.
_SELDOM: Final = Prior(np.array([0.0, 0.1, 0.3, 0.6, 1.0]), np.array([0.5, 0.15, 0.15, 0.1, 0.1]))


def event_bounds(
    baseline: Tally, canary: Tally, alpha: float, *, background_per_hour: float, fixed_baseline: bool
) -> Bounds:
    """How many of the canary's events are its own, at each of the canary's seconds.

    Evidence is against "the canary's rate is no higher than the background or, where the baseline had events too,
    than the baseline's". So alpha holds for code that restarts no more often than the background, and for code that
    restarts more often if the baseline was seen to do so too. At a background of one an hour and an alpha of at most
    0.001 a single restart never decides (`low` 0, `high` 1: inconclusive); two within some 20 s, or three within some
    minutes, do.

    Args:
        baseline, canary: `hits` are events, `n` the seconds watched.
        alpha: the chance that `low` is too high at any look.
        background_per_hour: events that may come from elsewhere.
        fixed_baseline: as in `proportion_bounds`.

    Returns:
        In events; `n` and `effective` are seconds. `estimate`: events beyond that rate. `low`: so many are the
        canary's own, which is how many more there are than chance still allows (0 where chance may explain all).
        `high`: all of them, so without any event it is 0.

    Raises:
        ValueError: columns that advance together are not of equal length.
    """
    k = len(canary.n)
    if k == 0:
        return Bounds.without_looks()
    hits, seconds = np.cumsum(canary.hits), np.cumsum(canary.n)
    b_hits, b_seconds = (cumulative(column, k, fixed_baseline) for column in (baseline.hits, baseline.n))
    allowed = background_per_hour / 3600 / _TICKS

    def refuted(assumed: Floats) -> NDArray[np.bool_]:
        stream = Mixture(assumed, seconds * _TICKS, _OFTEN)
        rival: LogEvidence
        if fixed_baseline:
            total = float(b_hits[0]), float(b_seconds[0]) * _TICKS
            rival = Tail(*total, np.ones(k), upper=True, kappa=KAPPA, even=EVEN)
        else:
            rival = Mixture(b_hits, b_seconds * _TICKS, _SELDOM)
        start = (b_hits + assumed) / np.maximum((b_seconds + seconds) * _TICKS, 1.0)
        shared = least_evidence(rival, stream, np.zeros(k), start, floor=allowed)[0]
        against = stream.at(np.full(k, allowed))[0]
        return np.where(b_hits > 0, np.minimum(against, shared), against) >= math.log(1 / alpha)

    # The most events that chance still allows, by halving: evidence only grows with them.
    few, many = np.zeros(k), hits.copy()
    while np.any(few < many):
        middle = np.ceil((few + many) / 2)
        beyond = refuted(middle)
        few, many = np.where(beyond, few, middle), np.where(beyond, middle - 1, many)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(b_seconds > 0, b_hits / b_seconds, 0.0)
    expected = np.maximum(rate, background_per_hour / 3600) * seconds
    return Bounds(n=seconds, estimate=hits - expected, low=hits - few, high=hits, effective=seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Statuses:
    """One arm's answers by the second, in the order of time: how many (`n`), and of each status `hits`."""

    hits: Mapping[int, Floats]
    n: Floats


def new_status_bounds(
    baseline: Statuses, canary: Statuses, alpha: float, beta: float, *, fixed_baseline: bool
) -> Bounds:
    """The share of the canary's answers whose status the baseline has not given; arguments as in `proportion_bounds`.

    Which statuses to count is chosen by looking at the answers, and still `low` > 0 comes with a chance of at
    most alpha: before any answer came, each of 600 statuses was given 1/600 of the evidence (a mean of
    e-processes is an e-process), and leaving out those that the baseline has given only takes evidence away.
    For `high` the statuses are chosen by the baseline's answers alone, which say nothing about the canary's:
    to the canary's counts they are as good as fixed. `low` as a number is that of the commonest such status.
    """
    k = len(canary.n)
    if k == 0:
        return Bounds.without_looks()
    b_n = cumulative(baseline.n, k, fixed_baseline)
    fresh: dict[int, Floats] = {}
    for status, hits in canary.hits.items():
        given = baseline.hits.get(status, np.zeros(len(baseline.n)))
        seen = cumulative(given, k, fixed_baseline)
        mine = np.where(seen > 0, 0.0, np.cumsum(hits))
        if mine.any():
            fresh[status] = mine
    n = np.cumsum(canary.n)
    raw = sum((canary.hits[status] for status in fresh), np.zeros(k))
    temper = tempering(
        (np.zeros(len(baseline.n)), baseline.n), (raw, canary.n), fixed_baseline=fixed_baseline
    )
    every = Counts(np.zeros(k), b_n, sum(fresh.values(), np.zeros(k)), n, temper, fixed_baseline)
    bounds = bounds_of(every, alpha, beta)
    if not fresh:
        return bounds
    evidence = np.full(k, -np.inf)
    for mine in fresh.values():
        evidence = np.logaddexp(evidence, log_e_process(replace(every, hits=mine)))
    decided = evidence - math.log(STATUSES) >= math.log(1 / alpha)
    commonest = max(fresh.values(), key=lambda mine: float(mine.sum()))
    low = bounds_of(replace(every, hits=commonest), alpha / STATUSES, beta).low
    tiny = np.finfo(np.float64).tiny
    return replace(bounds, low=np.where(decided, np.maximum(low, tiny), np.minimum(low, 0.0)))
