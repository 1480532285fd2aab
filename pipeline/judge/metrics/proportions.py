"""Proportions: which share of requests or of seconds are hits, counted second by second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from pipeline.judge.catalogue import Direction
from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.by_second import (
    MIN_COUNTED,
    Shown,
    healed,
    late_harm,
    planned_looks,
    require_requests,
    share_bar,
    share_harm,
    share_summary,
    tallies,
    with_wait,
)
from pipeline.judge.metrics.finding import Finding, Harm, no_data
from pipeline.judge.metrics.hits import Hits
from pipeline.judge.metrics.spending import spend_alpha, spend_beta
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.final_shares import final_bounds
from pipeline.judge.stats.shares import Tally, proportion_bounds
from pipeline.judge.words import amount, count_of

__all__ = ["compare_proportion"]

# A slow request takes so many times the baseline's p99 or p95, and at least so many seconds more.
_NEARLY_ALL: Final = (0.99, 0.95)
_MUCH: Final = 2.0
_MUCH_AT_LEAST: Final = 0.005
_NONE: Final = Hits(np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True)
class _Counted:
    """How a proportion is counted, what its hits are called, and what it is of."""

    hits: Callable[[ArmView], Hits]
    phrase: str
    unit: str = "requests"


_REQUESTS: Final[Mapping[str, _Counted]] = {
    "error_rate": _Counted(ArmView.errors, "requests failed"),
    "wrong_body_rate": _Counted(ArmView.wrong_bodies, "checked bodies were wrong", "checked bodies"),
    "availability": _Counted(ArmView.available, "seconds had a good response", "seconds"),
}


def compare_proportion(rule: MetricRule, arms: ArmPair) -> Finding:
    """Compares a share of requests, of seconds, or of what two series count."""
    metric = rule.metric
    if metric.name == "slow_requests":
        respects = _slow(rule, arms)
    elif metric.requests:
        respects = [(_REQUESTS[metric.name], rule)]
    else:
        series = metric.series or metric.name
        of_series = _Counted(lambda arm: arm.share(series, metric.total) or _NONE, "were hits", "counted")
        respects = [(of_series, rule)]
    counted = respects[0][0]
    b, c = counted.hits(arms.baseline), counted.hits(arms.canary)
    if b.total == 0 or c.total == 0:
        return replace(no_data(b.total > 0, c.total > 0), baseline=share_summary(b), canary=share_summary(c))
    ways = (True, False) if rule.direction is Direction.EITHER else (rule.direction is Direction.INCREASE,)
    alpha = arms.alpha / len(ways) / len(respects)
    harms = tuple(
        _harm(own, one, one.hits(arms.baseline), one.hits(arms.canary), arms, alpha, increase=increase)
        for one, own in respects
        for increase in ways
    )
    finding = Finding(harms=harms, drift=arms.drift or 0.0)
    if counted.unit == "seconds":
        # A run of any length has enough seconds; there must be enough requests in them.
        return require_requests(finding, arms.baseline.sent, arms.canary.sent, "requests", arms)
    return require_requests(finding, b.total, c.total, counted.unit, arms)


def _slow(rule: MetricRule, arms: ArmPair) -> list[tuple[_Counted, MetricRule]]:
    """Good responses that took much longer than nearly all of the baseline's: a tail that quantiles do not show.

    The margin is for those beyond the p99. Five times as many lie beyond the p95, so five times as many more may.
    """
    _, latency = arms.baseline.good_latencies()
    respects = []
    for quantile in _NEARLY_ALL:
        usual = float(np.quantile(latency, quantile)) if len(latency) else 0.0
        limit = max(_MUCH * usual, usual + _MUCH_AT_LEAST)
        margin = rule.limit.value * (1 - quantile) / (1 - _NEARLY_ALL[0])
        counted = _Counted(
            partial(ArmView.slower, limit=limit), f"took longer than {amount(limit, 's')}", "good responses"
        )
        respects.append((counted, rule.model_copy(update={"threshold": f"{margin:.9f}"})))
    return respects


def _harm(
    rule: MetricRule, counted: _Counted, b: Hits, c: Hits, arms: ArmPair, alpha: float, *, increase: bool
) -> Harm:
    # A share falls as much as the share of its opposite rises.
    baseline, canary = (hits if increase else replace(hits, hits=hits.n - hits.hits) for hits in (b, c))
    columns = tallies(baseline, canary, arms)
    said = f"{count_of(c.count, c.total)} {counted.phrase} on the canary, {count_of(b.count, b.total)} on the baseline"
    fewest = 0 if counted.unit == "seconds" else MIN_COUNTED
    shown = _shown(rule, columns, c, arms, alpha)
    harm = share_harm(rule, shown, c, arms, said, increase=increase, fewest=fewest)
    harm = replace(
        harm, baseline=share_summary(b), canary=share_summary(c), real=harm.real and b.total >= fewest
    )
    return with_wait(harm, columns, alpha, c, arms)


def _shown(
    rule: MetricRule, columns: tuple[Tally, Tally], canary: Hits, arms: ArmPair, alpha: float
) -> Shown:
    alphas, betas, bar = spend_alpha(arms, alpha), spend_beta(arms), share_bar(rule, arms)
    bounds = proportion_bounds(
        *columns,
        alphas.looks,
        0.0 if arms.complete else betas.looks,  # at the end its own bound is always the nearer one
        fixed_baseline=arms.phased,
        bar=bar,
        planned=planned_looks(canary, arms),
        numbers=not arms.complete,
    )
    low, high = final_bounds(*columns, alphas.end, betas.end, together=not arms.phased)
    return Shown(bounds, low, high, late_harm(columns, rule.limit.value, arms), healed(columns, bar, arms))
