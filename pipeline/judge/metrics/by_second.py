"""What proportions, new statuses and counts have in common: both arms' counts as columns of seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm, shown_after
from pipeline.judge.metrics.hits import Hits
from pipeline.judge.metrics.spending import spend_alpha, spend_beta
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.bounds import Bounds
from pipeline.judge.stats.final_shares import final_bounds, last_quarter
from pipeline.judge.stats.more_requests import more_requests
from pipeline.judge.stats.run_length import final_more_requests
from pipeline.judge.stats.shares import Tally
from pipeline.judge.verdict import Summary
from pipeline.judge.words import between, points

__all__ = [
    "MIN_COUNTED",
    "Shown",
    "healed",
    "late_harm",
    "planned_looks",
    "require_requests",
    "seconds_at_looks",
    "share_bar",
    "share_harm",
    "share_summary",
    "tallies",
    "with_wait",
]

Floats = NDArray[np.float64]

# Nothing passes whose last quarter alone is beyond the margin, by a bound at this level and with so many hits.
_LATE_ALPHA: Final = 0.05
_LATE_HITS: Final = 3
# A fail with fewer counted than this would rest on the model more than on what was seen.
MIN_COUNTED: Final = 20


def tallies(baseline: Hits, canary: Hits, arms: ArmPair) -> tuple[Tally, Tally]:
    """A column for each second in which an arm was measured; where both grow together, the same ones for both."""
    if arms.phased:
        return Tally(baseline.hits, baseline.n, baseline.step), Tally(canary.hits, canary.n, canary.step)
    second = np.union1d(baseline.second, canary.second)
    columns = []
    for arm in (baseline, canary):
        at = np.searchsorted(second, arm.second)
        hits, n = np.zeros(len(second)), np.zeros(len(second))
        hits[at], n[at] = arm.hits, arm.n
        columns.append(Tally(hits, n, canary.step))
    return columns[0], columns[1]


def seconds_at_looks(bounds: Bounds, canary: Hits) -> Floats:
    """How many seconds the canary had been measured at each look at its counts, shape (k,)."""
    at = np.searchsorted(np.cumsum(canary.n), bounds.n).astype(np.float64)
    return (at + 1 + canary.lead) * canary.step


def share_summary(hits: Hits) -> Summary:
    """The share of hits as the compared value."""
    return Summary(hits.total, hits.count / hits.total if hits.total else None)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of the difference of two shares: at every look, at the end, and of its last part alone.

    Attributes:
        bounds: of every look, at least one.
        low, high: of the one look at the end; -inf and inf where the run is not complete.
        late: the difference in the last quarter, where that alone is shown to be beyond the margin.
        healed: the last third shows no harm, so a series judged once does not fail.
    """

    bounds: Bounds
    low: float
    high: float
    late: float | None
    healed: bool


def share_bar(rule: MetricRule, arms: ArmPair) -> float:
    """Beyond this difference is a fail: the margin, or more where equal versions differed by more."""
    return max(rule.limit.value, arms.drift or 0.0)


def planned_looks(canary: Hits, arms: ArmPair) -> float:
    """For how many seconds, or steps of a series, the canary is to be measured."""
    return arms.length / canary.step


def late_harm(columns: tuple[Tally, Tally], margin: float, arms: ArmPair) -> float | None:
    """The difference of shares in the canary's last quarter, where that is shown to be beyond the margin.

    Harm that has only just begun is little of the whole run, so that this could be within the margin.
    """
    baseline, canary = last_quarter(*columns, together=not arms.phased)
    if canary.hits.sum() < _LATE_HITS:
        return None
    low, _ = final_bounds(baseline, canary, _LATE_ALPHA, 0.0, together=not arms.phased)
    return _difference(baseline, canary) if low > margin else None


def healed(columns: tuple[Tally, Tally], bar: float, arms: ArmPair) -> bool:
    """Of series judged once: the last third of the canary shows no harm, however bad it was before."""
    if not arms.once:
        return False
    baseline, canary = columns
    begin = len(canary.n) - len(canary.n) // 3
    late = Tally(canary.hits[begin:], canary.n[begin:])
    before = baseline if arms.phased else Tally(baseline.hits[begin:], baseline.n[begin:])
    return bool(_difference(before, late) <= bar / 2)


def _difference(baseline: Tally, canary: Tally) -> float:
    """Of the shares; NaN where an arm has nothing."""
    totals = [(float(arm.hits.sum()), float(arm.n.sum())) for arm in (baseline, canary)]
    if min(n for _, n in totals) <= 0:
        return math.nan
    return totals[1][0] / totals[1][1] - totals[0][0] / totals[0][1]


def share_harm(
    rule: MetricRule,
    shown: Shown,
    canary: Hits,
    arms: ArmPair,
    said: str,
    *,
    increase: bool = True,
    fewest: int = MIN_COUNTED,
) -> Harm:
    """What is shown of a share's difference; the caller adds both arms' values.

    Args:
        rule: the metric's.
        shown: what is known of the difference.
        canary: the canary's hits.
        arms: both arms.
        said: both values in words.
        increase: an increase is the harm; it decides the words alone.
        fewest: with less than this counted in the canary nothing fails.
    """
    bounds, last, bar = shown.bounds, shown.bounds.last(), share_bar(rule, arms)
    low = max(last.low, shown.low)
    # What is shown of a part of the time may be more than what the whole has at most.
    high = max(low, min(last.high, shown.high))
    enough, seconds = bounds.n >= fewest, seconds_at_looks(bounds, canary)
    after = shown_after(np.where(enough, np.maximum.accumulate(bounds.low), -np.inf), bar, seconds)
    limits = between(min(low, last.estimate), max(high, last.estimate), points, increase=increase)
    return Harm(
        baseline=NOTHING,
        canary=NOTHING,
        relative=False,
        effect=last.estimate,
        low=low,
        high=high,
        margin=rule.limit.value,
        bar=bar,
        late=shown.late,
        effective=last.effective,
        after=float(seconds[-1]) if after is None and shown.low > bar else after,
        more=None,
        said=said + limits,
        allowed=points(rule.limit.value),
        real=bool(enough[-1]) and not shown.healed,
        doubt="the harm was over before the last third" if shown.healed and low > bar else "",
        late_part="last quarter",
    )


def with_wait(harm: Harm, columns: tuple[Tally, Tally], alpha: float, canary: Hits, arms: ArmPair) -> Harm:
    """The harm, with how long it would take to decide it where it is undecided."""
    if (
        harm.worse
        or harm.high <= harm.margin
        or harm.doubt
        or harm.margin < harm.effect <= (arms.drift or 0.0)
    ):
        return harm  # decided, or nothing that time would tell
    looks, beta = spend_alpha(arms, alpha).looks, spend_beta(arms).looks
    waits = [
        None
        if arms.once
        else more_requests(*columns, looks, beta, harm.margin, fixed_baseline=arms.phased, bar=harm.bar),
        # What the looks do not spend is for the end, also while that is still to come.
        final_more_requests(
            *columns,
            alpha - looks,
            arms.policy.beta - beta,
            harm.margin,
            bar=harm.bar,
            together=not arms.phased,
            least=max(1.0, arms.length / arms.canary.seconds) if arms.canary.seconds else 1.0,
        ),
    ]
    more = min((wait for wait in waits if wait is not None), default=None)
    return harm if more is None else replace(harm, more=more / canary.rate / 60)


def require_requests(finding: Finding, b: int, c: int, what: str, arms: ArmPair) -> Finding:
    """The finding, with what it lacks for a pass where there are too few of `what` in an arm."""
    needed = arms.policy.min_requests
    if min(b, c) >= needed:
        return finding
    said = f"too few to tell: {min(b, c):,} {what}, {needed} are needed in each version"
    rate = c / arms.canary.seconds if arms.canary.seconds else 0.0
    return replace(finding, short=said, short_minutes=(needed - min(b, c)) / rate / 60 if rate else None)
