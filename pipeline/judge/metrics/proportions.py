"""Proportions: so many of so many requests or seconds, counted second by second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Direction
from pipeline.judge.metrics.arms import ArmView, Hits
from pipeline.judge.metrics.by_second import columns, seconds_at
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm, Sides, absent, shown_after
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.bounds import Path
from pipeline.judge.stats.shares import Tally, more_requests, proportion_path
from pipeline.judge.words import between, count_of, points

__all__ = ["find_proportion", "share_harm", "too_few", "waiting"]

Floats = NDArray[np.float64]

# A fail of fewer than this would rest on the model more than on what was seen.
_LEAST: Final = 20
_NONE: Final = Hits(np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a proportion is counted, what its hits are called, and what it is of."""

    hits: Callable[[ArmView], Hits]
    phrase: str
    unit: str = "requests"


_REQUESTS: Final[Mapping[str, _Asked]] = {
    "error_rate": _Asked(ArmView.errors, "requests failed"),
    "wrong_body_rate": _Asked(ArmView.wrong_bodies, "checked bodies were wrong", "checked bodies"),
    "availability": _Asked(ArmView.available, "seconds had a good response", "seconds"),
}


def find_proportion(rule: MetricRule, sides: Sides) -> Finding:
    """Compares a share of requests, of seconds, or of what two series count."""
    metric = rule.metric
    if metric.requests:
        asked = _REQUESTS[metric.name]
    else:
        series = metric.series or metric.name
        asked = _Asked(lambda arm: arm.share(series, metric.total) or _NONE, "were hits", "counted")
    b, c = asked.hits(sides.baseline), asked.hits(sides.canary)
    if b.total == 0 or c.total == 0:
        return replace(absent(b.total > 0, c.total > 0), baseline=b.summary(), canary=c.summary())
    ways = (True, False) if rule.direction is Direction.EITHER else (rule.direction is Direction.INCREASE,)
    alpha = sides.alpha / len(ways)
    harms = tuple(_harm(rule, asked, b, c, sides, alpha, increase=increase) for increase in ways)
    finding = Finding(harms=harms, drift=sides.drift or 0.0)
    if (
        asked.unit == "seconds"
    ):  # they are as many as the run has; what must be many are the requests behind them
        return too_few(finding, sides.baseline.sent, sides.canary.sent, "requests", sides)
    return too_few(finding, b.total, c.total, asked.unit, sides)


def _harm(
    rule: MetricRule, asked: _Asked, b: Hits, c: Hits, sides: Sides, alpha: float, *, increase: bool
) -> Harm:
    # What must not fall is what its opposite must not rise.
    baseline, canary = (hits if increase else replace(hits, hits=hits.n - hits.hits) for hits in (b, c))
    tallies = columns(baseline, canary, sides)
    path = proportion_path(*tallies, alpha, sides.policy.beta, fixed_baseline=sides.phased)
    said = f"{count_of(c.count, c.total)} {asked.phrase} on the canary, {count_of(b.count, b.total)} on the baseline"
    fewest = 0 if asked.unit == "seconds" else _LEAST
    harm = share_harm(rule, path, c, sides, said, increase=increase, fewest=fewest)
    harm = replace(harm, baseline=b.summary(), canary=c.summary(), real=harm.real and b.total >= fewest)
    return waiting(harm, tallies, alpha, c, sides)


def share_harm(
    rule: MetricRule,
    path: Path,
    canary: Hits,
    sides: Sides,
    said: str,
    *,
    increase: bool = True,
    fewest: int = _LEAST,
) -> Harm:
    """What a path of at least one look shows of a share; the caller adds both arms' values.

    With less than `fewest` in the canary nothing fails.
    """
    last = path.last()
    assert last is not None  # noqa: S101 - whoever calls has counts of both arms, so there was a look
    least = max(rule.limit.value, sides.drift or 0.0)
    real = (path.estimate > least) & (path.n >= fewest)
    worse = np.where(real, np.maximum.accumulate(path.low), -np.inf)
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
        after=shown_after(worse, 0.0, seconds_at(path, canary)),
        more=None,
        said=said + limits,
        allowed=points(rule.limit.value),
        real=bool(real[-1]),
    )


def waiting(harm: Harm, tallies: tuple[Tally, Tally], alpha: float, canary: Hits, sides: Sides) -> Harm:
    """The harm, with how long it would take to decide it where it is undecided."""
    if harm.worse or harm.within or harm.margin < harm.effect <= (sides.drift or 0.0):
        return harm  # decided, or nothing that time would tell
    more = more_requests(*tallies, alpha, sides.policy.beta, harm.margin, fixed_baseline=sides.phased)
    return harm if more is None else replace(harm, more=more / canary.rate / 60)


def too_few(finding: Finding, b: int, c: int, what: str, sides: Sides) -> Finding:
    """The finding, with what it lacks for a pass where there are too few of `what` in an arm."""
    needed = sides.policy.min_requests
    if min(b, c) >= needed:
        return finding
    said = f"too few to tell: {min(b, c):,} {what}, {needed} are needed in each version"
    rate = c / sides.canary.seconds if sides.canary.seconds else 0.0
    return replace(finding, short=said, short_minutes=(needed - min(b, c)) / rate / 60 if rate else None)
