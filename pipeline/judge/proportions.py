"""Proportions: so many of so many requests or seconds, counted second by second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Direction
from pipeline.judge.counts import Tally, more_requests, proportion_path
from pipeline.judge.finding import Finding, Harm, Sides, absent, shown_after
from pipeline.judge.measure import ArmView, Hits
from pipeline.judge.path import Path
from pipeline.judge.rules import MetricRule
from pipeline.judge.words import between, count_of, points

__all__ = ["find_proportion"]

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
        asked = _Asked(lambda arm: arm.share(series, metric.total) or _NONE, metric.title, "counted")
    b, c = asked.hits(sides.baseline), asked.hits(sides.canary)
    if b.total == 0 or c.total == 0:
        return replace(absent(b.total > 0, c.total > 0), baseline=b.summary(), canary=c.summary())
    ways = (True, False) if rule.direction is Direction.EITHER else (rule.direction is Direction.INCREASE,)
    alpha = sides.alpha / len(ways)
    harms = tuple(_harm(rule, asked, b, c, sides, alpha, increase=increase) for increase in ways)
    short, minutes = _too_few(asked, b, c, sides)
    return Finding(harms=harms, drift=sides.drift or 0.0, short=short, short_minutes=minutes)


def _harm(
    rule: MetricRule, asked: _Asked, b: Hits, c: Hits, sides: Sides, alpha: float, *, increase: bool
) -> Harm:
    # What must not fall is what its opposite must not rise.
    baseline, canary = (hits if increase else replace(hits, hits=hits.n - hits.hits) for hits in (b, c))
    tallies = _columns(baseline, canary, together=not sides.phased)
    path = proportion_path(*tallies, alpha, sides.policy.beta, fixed_baseline=sides.phased)
    last = path.last()
    assert last is not None  # noqa: S101 - both arms have counts, so there was a look
    least = max(rule.limit.value, sides.drift or 0.0)
    more = more_requests(*tallies, alpha, sides.policy.beta, rule.limit.value, fixed_baseline=sides.phased)
    limits = between(min(last.low, last.estimate), max(last.high, last.estimate), points, increase=increase)
    return Harm(
        baseline=b.summary(),
        canary=c.summary(),
        relative=False,
        effect=last.estimate,
        low=last.low,
        high=last.high,
        margin=rule.limit.value,
        bar=0.0,
        late=None,
        effective=last.effective,
        after=_shown(path, c, least),
        more=None if more is None else more / (c.total / max(len(c.second), 1)) / 60,
        said=f"{count_of(c.count, c.total)} {asked.phrase} on the canary, "
        f"{count_of(b.count, b.total)} on the baseline{limits}",
        allowed=points(rule.limit.value),
        real=last.estimate > least and min(b.total, c.total) >= _LEAST,
    )


def _columns(baseline: Hits, canary: Hits, *, together: bool) -> tuple[Tally, Tally]:
    """Both arms' counts, a column a second; where both grow together, in the same columns."""
    if not together:
        return Tally(baseline.hits, baseline.n), Tally(canary.hits, canary.n)
    second = np.union1d(baseline.second, canary.second)
    tallies = []
    for arm in (baseline, canary):
        at = np.searchsorted(second, arm.second)
        hits, n = np.zeros(len(second)), np.zeros(len(second))
        hits[at], n[at] = arm.hits, arm.n
        tallies.append(Tally(hits, n))
    return tallies[0], tallies[1]


def _shown(path: Path, canary: Hits, least: float) -> float | None:
    """Seconds of the canary's measurement at the first look that would have failed it."""
    worse = np.where(path.estimate > least, np.maximum.accumulate(path.low), -np.inf)
    seconds = np.searchsorted(np.cumsum(canary.n), path.n - 0.5).astype(np.float64) + 1
    return shown_after(worse, 0.0, seconds)


def _too_few(asked: _Asked, b: Hits, c: Hits, sides: Sides) -> tuple[str | None, float | None]:
    """Why there are too few for a pass, and the minutes until there are enough."""
    needed = sides.policy.min_requests
    # Seconds are as many as the run has; what must be many are the requests behind them.
    counts = (sides.baseline.sent, sides.canary.sent) if asked.unit == "seconds" else (b.total, c.total)
    if min(counts) >= needed:
        return None, None
    what = "requests" if asked.unit == "seconds" else asked.unit
    said = f"too few to tell: {min(counts):,} {what}, {needed} are needed in each version"
    rate = min(counts) / max(len(c.second), 1)
    return said, (needed - min(counts)) / rate / 60 if rate else None
