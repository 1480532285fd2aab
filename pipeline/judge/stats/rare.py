"""Rare events of the canary: restarts, and statuses that the baseline never gave. Valid at every look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.stats.bounds import Path
from pipeline.judge.stats.bursts import tempering
from pipeline.judge.stats.evalues import LogEvidence, Mixture, Prior, Tail
from pipeline.judge.stats.shares import EVEN, KAPPA, Counts, Tally, log_e, path_of
from pipeline.judge.stats.worst_case import least

__all__ = ["STATUSES", "Statuses", "events_path", "status_path"]

Floats = NDArray[np.float64]

# Statuses there may be: 100 to 599, 0 for no answer, and what else a broken server says.
STATUSES: Final = 600
# An event either comes in a given millisecond or it does not: a Poisson process, seen as a share.
_TICKS: Final = 1000.0
# How many times as often as allowed something that restarts by itself is expected to restart.
_OFTEN: Final = Prior.of(np.geomspace(3, 3000, 10), np.ones(10), even=0.1)
_SELDOM: Final = Prior(np.array([0.0, 0.1, 0.3, 0.6, 1.0]), np.array([0.5, 0.15, 0.15, 0.1, 0.1]))


def events_path(
    baseline: Tally, canary: Tally, alpha: float, *, background_per_hour: float, fixed_baseline: bool
) -> Path:
    """How many of the canary's events are its own; an entry a second of the canary, in events.

    `hits` are events and `n` the seconds watched. Against "the canary's rate is no higher than the background
    or, where the baseline had events too, than the baseline's". So the promise is for code that restarts no
    more often than the background, and for worse code as long as the baseline has shown it.

    `estimate`: events beyond that rate. `low`: so many are the canary's own (how many more there are than
    chance still allows; 0 where chance may explain all), at every look at once. `high`: all of them, which no
    chance can exceed, so without any event it is 0. `n` and `effective` are seconds.

    At a background of one an hour a single restart never decides for alpha at most 0.001 (`low` 0, `high` 1:
    inconclusive); two within some 20 s, or three within some minutes, do.
    """
    k = len(canary.n)
    if k == 0:
        return Path(*(np.zeros(0) for _ in range(5)))
    if not fixed_baseline and len(baseline.n) != k:
        raise ValueError("columns that grow together must be of one length")
    hits, seconds = np.cumsum(canary.hits), np.cumsum(canary.n)
    if fixed_baseline:
        other = (np.full(k, baseline.hits.sum()), np.full(k, baseline.n.sum()))
    else:
        other = (np.cumsum(baseline.hits), np.cumsum(baseline.n))
    allowed = background_per_hour / 3600 / _TICKS

    def refuted(assumed: Floats) -> NDArray[np.bool_]:
        stream = Mixture(assumed, seconds * _TICKS, _OFTEN)
        rival: LogEvidence
        if fixed_baseline:
            total = float(other[0][0]), float(other[1][0]) * _TICKS
            rival = Tail(*total, np.ones(k), upper=True, kappa=KAPPA, even=EVEN)
        else:
            rival = Mixture(other[0], other[1] * _TICKS, _SELDOM)
        start = (other[0] + assumed) / np.maximum((other[1] + seconds) * _TICKS, 1.0)
        shared = least(rival, stream, np.zeros(k), start, floor=allowed)[0]
        against = stream.at(np.full(k, allowed))[0]
        return np.where(other[0] > 0, np.minimum(against, shared), against) >= math.log(1 / alpha)

    # The most events that chance still allows, by halving: evidence only grows with them.
    few, many = np.zeros(k), hits.copy()
    while np.any(few < many):
        middle = np.ceil((few + many) / 2)
        beyond = refuted(middle)
        few, many = np.where(beyond, few, middle), np.where(beyond, middle - 1, many)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(other[1] > 0, other[0] / other[1], 0.0)
    expected = np.maximum(rate, background_per_hour / 3600) * seconds
    return Path(n=seconds, estimate=hits - expected, low=hits - few, high=hits, effective=seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Statuses:
    """One arm's answers by the second, in the order of time: how many (`n`), and of each status `hits`."""

    hits: Mapping[int, Floats]
    n: Floats


def status_path(
    baseline: Statuses, canary: Statuses, alpha: float, beta: float, *, fixed_baseline: bool
) -> Path:
    """The share of the canary's answers whose status the baseline has not given; as `proportion_path`.

    Which statuses to count is chosen by looking at the answers, and still `low` > 0 comes with a chance of at
    most alpha: before any answer came, each of 600 statuses was given 1/600 of the evidence (a mean of
    e-processes is an e-process), and leaving out those that the baseline has given only takes evidence away.
    For `high` the statuses are chosen by the baseline's answers alone, which say nothing about the canary's:
    to the canary's counts they are as good as fixed. `low` as a number is that of the commonest such status.
    """
    k = len(canary.n)
    if k == 0:
        return Path(*(np.zeros(0) for _ in range(5)))
    if not fixed_baseline and len(baseline.n) != k:
        raise ValueError("columns that grow together must be of one length")
    fresh: dict[int, Floats] = {}
    for status, hits in canary.hits.items():
        given = baseline.hits.get(status, np.zeros(len(baseline.n)))
        seen = np.full(k, given.sum()) if fixed_baseline else np.cumsum(given)
        mine = np.where(seen > 0, 0.0, np.cumsum(hits))
        if mine.any():
            fresh[status] = mine
    n = np.cumsum(canary.n)
    b_n = np.full(k, baseline.n.sum()) if fixed_baseline else np.cumsum(baseline.n)
    raw = sum((canary.hits[status] for status in fresh), np.zeros(k))
    temper = tempering(
        (np.zeros(len(baseline.n)), baseline.n), (raw, canary.n), fixed_baseline=fixed_baseline
    )
    every = Counts(np.zeros(k), b_n, sum(fresh.values(), np.zeros(k)), n, temper, fixed_baseline)
    path = path_of(every, alpha, beta)
    if not fresh:
        return path
    evidence = np.full(k, -np.inf)
    for mine in fresh.values():
        evidence = np.logaddexp(evidence, log_e(replace(every, hits=mine)))
    decided = evidence - math.log(STATUSES) >= math.log(1 / alpha)
    commonest = max(fresh.values(), key=lambda mine: float(mine.sum()))
    low = path_of(replace(every, hits=commonest), alpha / STATUSES, beta).low
    tiny = np.finfo(np.float64).tiny
    return replace(path, low=np.where(decided, np.maximum(low, tiny), np.minimum(low, 0.0)))
