"""What proportions, new statuses and counts have in common: both arms' counts as columns of seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arms import ArmPair
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm, shown_after
from pipeline.judge.metrics.hits import Hits
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.bounds import Bounds
from pipeline.judge.stats.shares import Tally, more_requests
from pipeline.judge.verdict import Summary
from pipeline.judge.words import between, points

__all__ = [
    "MIN_COUNTED",
    "require_requests",
    "seconds_at_looks",
    "share_harm",
    "share_summary",
    "tallies",
    "with_wait",
]

Floats = NDArray[np.float64]

# A fail with fewer counted than this would rest on the model more than on what was seen.
MIN_COUNTED: Final = 20


def tallies(baseline: Hits, canary: Hits, arms: ArmPair) -> tuple[Tally, Tally]:
    """A column for each second in which an arm was measured; where both grow together, the same ones for both."""
    if arms.phased:
        return Tally(baseline.hits, baseline.n), Tally(canary.hits, canary.n)
    second = np.union1d(baseline.second, canary.second)
    columns = []
    for arm in (baseline, canary):
        at = np.searchsorted(second, arm.second)
        hits, n = np.zeros(len(second)), np.zeros(len(second))
        hits[at], n[at] = arm.hits, arm.n
        columns.append(Tally(hits, n))
    return columns[0], columns[1]


def seconds_at_looks(bounds: Bounds, canary: Hits) -> Floats:
    """How many seconds the canary had been measured at each look at its counts, shape (k,)."""
    at = np.searchsorted(np.cumsum(canary.n), bounds.n).astype(np.float64)
    return (at + 1 + canary.lead) * canary.step


def share_summary(hits: Hits) -> Summary:
    """The share of hits as the compared value."""
    return Summary(hits.total, hits.count / hits.total if hits.total else None)


def share_harm(
    rule: MetricRule,
    bounds: Bounds,
    canary: Hits,
    arms: ArmPair,
    said: str,
    *,
    increase: bool = True,
    fewest: int = MIN_COUNTED,
) -> Harm:
    """What the bounds of a share's difference show; the caller adds both arms' values.

    Args:
        rule: the metric's.
        bounds: of at least one look.
        canary: the canary's hits.
        arms: both arms.
        said: both values in words.
        increase: an increase is the harm; it decides the words alone.
        fewest: with less than this counted in the canary nothing fails.
    """
    last = bounds.last()
    least = max(rule.limit.value, arms.drift or 0.0)
    real = (bounds.estimate > least) & (bounds.n >= fewest)
    worse = np.where(real, np.maximum.accumulate(bounds.low), -np.inf)
    limits = between(min(last.low, last.estimate), max(last.high, last.estimate), points, increase=increase)
    return Harm(
        baseline=NOTHING,
        canary=NOTHING,
        relative=False,
        effect=last.estimate,
        low=last.low,
        high=last.high,
        margin=rule.limit.value,
        bar=0.0,
        late=None,
        effective=last.effective,
        after=shown_after(worse, 0.0, seconds_at_looks(bounds, canary)),
        more=None,
        said=said + limits,
        allowed=points(rule.limit.value),
        real=bool(real[-1]),
    )


def with_wait(harm: Harm, columns: tuple[Tally, Tally], alpha: float, canary: Hits, arms: ArmPair) -> Harm:
    """The harm, with how long it would take to decide it where it is undecided."""
    if harm.worse or harm.within or harm.margin < harm.effect <= (arms.drift or 0.0):
        return harm  # decided, or nothing that time would tell
    more = more_requests(*columns, alpha, arms.policy.beta, harm.margin, fixed_baseline=arms.phased)
    return harm if more is None else replace(harm, more=more / canary.rate / 60)


def require_requests(finding: Finding, b: int, c: int, what: str, arms: ArmPair) -> Finding:
    """The finding, with what it lacks for a pass where there are too few of `what` in an arm."""
    needed = arms.policy.min_requests
    if min(b, c) >= needed:
        return finding
    said = f"too few to tell: {min(b, c):,} {what}, {needed} are needed in each version"
    rate = c / arms.canary.seconds if arms.canary.seconds else 0.0
    return replace(finding, short=said, short_minutes=(needed - min(b, c)) / rate / 60 if rate else None)
