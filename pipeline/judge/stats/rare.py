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
from pipeline.judge.stats.shares import (
    EVEN,
    KAPPA,
    WINDOW_WAIT,
    Counts,
    Tally,
    bounds_of,
    cumulative,
    evidence_at_most,
    log_e_process,
    windows,
)
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
    baseline: Statuses,
    canary: Statuses,
    alpha: float,
    beta: float,
    *,
    fixed_baseline: bool,
    bar: float = 0.0,
    planned: float = 0.0,
) -> Bounds:
    """The share of the canary's answers whose status the baseline has not given; arguments as in `proportion_bounds`.

    Evidence is against "no such status has a share on the canary that is more than `bar` above the baseline's". Which
    statuses to count is chosen by looking at the answers, and still `low` > `bar` comes with a chance of at most
    alpha: before any answer came, each of 600 statuses was given 1/600 of the evidence (a mean of e-processes is an
    e-process), and leaving out those that the baseline has given only takes evidence away. For `high`, of all new
    statuses together, they are chosen by the baseline's answers alone, which say nothing about the canary's: to the
    canary's counts they are as good as fixed. `low` as a number is that of the commonest such status.
    """
    if len(canary.n) == 0:
        return Bounds.without_looks()
    (_, share), *late = windows(canary.n, planned)
    every, each = _new(baseline, canary, fixed_baseline)
    # Without a new status, nothing is above the bar: the bound is that of one status that did not come.
    low = bounds_of(every, alpha * share / STATUSES, 0.0, bar).low
    if each and alpha > 0:
        low = _low(each, _decided(each, alpha * share, bar), alpha * share, bar)
        for begin, share in late:
            _, each = _new(baseline, canary, fixed_baseline, begin)
            if not each:
                continue
            decided, speaks = _decided(each, alpha * share, bar), begin + WINDOW_WAIT
            # Where nothing is shown to be beyond the bar, the bound of the whole is the one to tell.
            if np.any(decided[WINDOW_WAIT:]):
                of_window = _low(each, decided, alpha * share, bar)[WINDOW_WAIT:]
                low[speaks:] = np.maximum(low[speaks:], of_window)
    return replace(bounds_of(every, 0.0, beta), low=low)


def _new(baseline: Statuses, canary: Statuses, fixed: bool, begin: int = 0) -> tuple[Counts, list[Counts]]:
    """The canary's answers with statuses that the baseline has not given: all together, and of each such status.

    From the canary's second `begin` on, and as in `Counts.of` of the baseline too where both advance together.
    """
    since, before = slice(begin, None), slice(begin)
    theirs = slice(None) if fixed else since
    k = len(canary.n) - begin
    fresh: dict[int, Floats] = {}
    for status, hits in canary.hits.items():
        given = baseline.hits.get(status, np.zeros(len(baseline.n)))[theirs]
        mine = np.where(cumulative(given, k, fixed) > 0, 0.0, np.cumsum(hits[since]))
        if mine.any():
            fresh[status] = mine
    raw = sum((canary.hits[status] for status in fresh), np.zeros(len(canary.n)))
    temper = tempering(
        (np.zeros(len(baseline.n[theirs])), baseline.n[theirs]),
        (raw[since], canary.n[since]),
        fixed_baseline=fixed,
        earlier=[(raw[before], canary.n[before])] if begin else [],
    )
    together = sum(fresh.values(), np.zeros(k))
    b_n = cumulative(baseline.n[theirs], k, fixed)
    every = Counts(np.zeros(k), b_n, together, np.cumsum(canary.n[since]), temper, fixed)
    return every, [replace(every, hits=mine) for mine in fresh.values()]


def _decided(each: list[Counts], alpha: float, bar: float) -> NDArray[np.bool_]:
    """At which looks all statuses' evidence shows more than `bar`."""
    needed = math.log(STATUSES / alpha)
    decided = np.logaddexp.reduce([evidence_at_most(one, bar) for one in each]) >= needed
    if decided.any():
        decided = np.logaddexp.reduce([log_e_process(one, bar) for one in each]) >= needed
    return np.asarray(decided, dtype=np.bool_)


def _low(each: list[Counts], decided: NDArray[np.bool_], alpha: float, bar: float) -> Floats:
    """The lower bound at each look, which looks are beyond `bar` being known: as a number that of the commonest."""
    commonest = max(each, key=lambda one: float(one.hits.sum()))
    low = bounds_of(commonest, alpha / STATUSES, 0.0, bar).low
    return np.where(decided, np.maximum(low, np.nextafter(bar, 1.0)), np.minimum(low, bar))
