"""How many more requests would decide a proportion."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from pipeline.judge.stats.shares import Counts, Tally, log_e_process
from pipeline.judge.stats.worst_case import least_evidence

__all__ = ["more_requests"]

# It looks no further ahead than so many times the requests that were seen.
_MOST_TIMES: Final = 100.0


def more_requests(
    baseline: Tally,
    canary: Tally,
    alpha: float,
    beta: float,
    margin: float,
    *,
    fixed_baseline: bool,
    bar: float | None = None,
) -> float | None:
    """How many more requests of the canary, and as many times more of the baseline, would decide.

    Decided is `low` > `bar` or `high` <= `margin`, if both shares and the dispersion stay as they are.

    Args:
        baseline, canary, alpha, beta, fixed_baseline: as in `proportion_bounds`.
        margin: the difference of shares that is allowed.
        bar: beyond this is a fail; None: the margin.

    Returns:
        A number of requests, 0 when it is decided; None when a hundred times as many would not do, or nothing is known.
    """
    counts = Counts.of(baseline, canary, fixed_baseline)
    if len(counts.n) == 0 or counts.n[-1] <= 0 or counts.b_n[-1] <= 0:
        return None

    def decided(times: float) -> bool:
        last = counts.last_times(times)
        return _decided(last, alpha, beta, margin, margin if bar is None else bar)

    if decided(1.0):
        return 0.0
    below, enough = 1.0, _MOST_TIMES
    if not decided(enough):
        return None
    while enough / below > 1.02:
        middle = math.sqrt(below * enough)
        if decided(middle):
            enough = middle
        else:
            below = middle
    return float((enough - 1) * counts.n[-1])


def _decided(last: Counts, alpha: float, beta: float, margin: float, bar: float) -> bool:
    if alpha > 0 and log_e_process(last, bar)[0] >= math.log(1 / alpha):
        return True
    none = least_evidence(*last.evidence(harm=False), np.full(1, margin), last.pooled())[0]
    return beta > 0 and bool(none[0] >= math.log(1 / beta))
