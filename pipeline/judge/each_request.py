"""A mix of requests: beside all of them together, each is compared by itself, to find the one that is worse.

What all together show decides a pass. Of each by itself only harm counts: with twenty requests, each has a twentieth of
the samples, and to be shown within every margin they would need twenty times as long. Alpha is shared: half is for all
together, half for the single ones, each with a part as large as its weight: what is rare takes little from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.compare import arm_pair, compare
from pipeline.judge.doubts import Doubt, doubted
from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.decision import decide_metric
from pipeline.judge.metrics.finding import Finding
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision, MetricVerdict
from pipeline.judge.words import titles_of

__all__ = ["Row", "each_request", "named", "request_notes"]

# How a request is answered, and in what time. Rates and availability are of the service as a whole.
_OF_ONE: Final = (
    "error_rate",
    "wrong_body_rate",
    "new_statuses",
    "latency_p50",
    "latency_p99",
    "latency_quantiles",
    "slow_requests",
)
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of one request."""

    rule: MetricRule
    finding: Finding
    metric: MetricVerdict


def each_request(
    evidence: Evidence, rules: Sequence[MetricRule], policy: Policy, doubts: Mapping[str, Doubt]
) -> list[Row]:
    """Every metric of `rules` that is about requests, of each request of the mix; [] where all are of one kind.

    What is in doubt of all together (`doubts`, by metric) is so of each.
    """
    own = [rule for rule in rules if rule.name in _OF_ONE]
    rows: list[Row] = []
    if not own:
        return rows
    whole = ArmView(evidence.baseline, policy), ArmView(evidence.canary, policy)
    measured = whole[1].seconds_measured
    together = arm_pair(own[0], own, evidence, whole, policy).at_once
    for name, weight in evidence.weights.items():
        views = (_only(evidence.baseline, name, policy), _only(evidence.canary, name, policy))
        for rule in own:
            drift = evidence.drift.get(_name(rule.name, name), evidence.drift.get(rule.name))
            arms = replace(arm_pair(rule, own, evidence, views, policy), drift=drift)
            arms = replace(arms, alpha=arms.alpha * weight, together=together)
            finding = compare(rule, own, arms)
            metric = doubted(decide_metric(rule, finding), doubts)
            rows.append(Row(rule, finding, _titled(metric, name, views[1], measured)))
    return rows


def _only(arm: Arm, name: str, policy: Policy) -> ArmView:
    return ArmView(replace(arm, requests=arm.requests.named(name), series={}), policy)


def _name(metric: str, request: str) -> str:
    return f"{metric}[{request}]"


def _titled(
    metric: MetricVerdict, request: str, canary: ArmView, measured: NDArray[np.float64]
) -> MetricVerdict:
    after = metric.decided_after
    if after is not None:
        # It was counted in seconds that had such a request; all of them went by.
        own = canary.seconds_measured
        last = own[min(max(round(after), 1), len(own)) - 1]
        after = float(np.searchsorted(measured, last, side="right"))
    return replace(
        metric,
        name=_name(metric.name, request),
        title=f"{metric.title} of {request}",
        request=request,
        decided_after=after,
    )


def named(metrics: Sequence[MetricVerdict], rows: Sequence[Row]) -> tuple[list[MetricVerdict], list[Row]]:
    """The metrics of all together, and of the single ones those that fail where all together do not.

    Where all together fail, the metric says which requests do so by themselves.
    """
    failed = [row for row in rows if row.metric.decision is Decision.FAIL]
    said, told = [], []
    for metric in metrics:
        own = [row for row in failed if row.rule.name == metric.name]
        if metric.decision is Decision.FAIL and own:
            requests = tuple(row.metric.request for row in own)
            count = sum(row.rule.name == metric.name for row in rows)
            reason = f"{metric.reason}; {_by_itself(requests, count)}"
            metric = replace(metric, worse=requests if len(own) < count else (), reason=reason)
        else:
            told += own
        said.append(metric)
    return said, told


def _by_itself(requests: Sequence[str], count: int) -> str:
    if len(requests) == count:
        return f"so is each of the {count} requests by itself"
    return f"by themselves so {'is' if len(requests) == 1 else 'are'} {titles_of(requests, most=_NAMED)}"


def request_notes(evidence: Evidence, rows: Sequence[Row], policy: Policy) -> tuple[str, ...]:
    """What the comparison of each request by itself rests on."""
    if not rows:
        return ()
    compared = [row.metric for row in rows if row.metric.decision is not Decision.NODATA]
    within = sum(metric.decision is Decision.PASS for metric in compared)
    worse = list(dict.fromkeys(m.request for m in compared if m.decision is Decision.FAIL))
    found = f"worse by itself: {titles_of(worse, most=_NAMED)}" if worse else "none is shown to be worse"
    notes = [
        f"Each of the {len(evidence.weights)} requests was also compared by itself: {found}; {within:,} of "
        f"{len(compared):,} such comparisons are shown to be within their margin, and those that are undecided do not "
        "hinder a pass"
    ]
    few = [name for name in evidence.weights if _fewest(evidence, name) < policy.min_requests]
    if few:
        notes.append(
            f"Fewer than {policy.min_requests} requests of a version: {titles_of(few, most=_NAMED)}; by "
            "themselves little can be said of them"
        )
    return tuple(notes)


def _fewest(evidence: Evidence, name: str) -> int:
    return min(len(arm.requests.named(name)) for arm in (evidence.baseline, evidence.canary))
