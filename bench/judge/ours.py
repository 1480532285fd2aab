"""Our judge on one simulated run: what it says at the end, and at which look each metric failed first.

The lower end of an interval is the highest of all looks (docs/judge.md), so one judgement at the end tells of all
looks: a failed metric has `decided_after`. But a status is new only until the baseline gives it, so where both arms are
measured in turns or at once, `new_statuses` is compared once more at the last look before that. `every_look` judges at
each look instead, as a run that is watched does; `python -m bench.judge looks` shows that both agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.judge import judge
from pipeline.judge.compare import arm_pair, compare
from pipeline.judge.evidence import Arm, Evidence, Series
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.decision import decide_metric
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, default_rules
from pipeline.judge.verdict import Decision, Outcome

__all__ = ["Judged", "at_the_end", "every_look", "rules", "until"]


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome at the end, each failed metric with the seconds after which it was shown, and those that passed."""

    outcome: Outcome
    failed: Mapping[str, float]
    passed: frozenset[str]

    @property
    def first(self) -> float | None:
        """Seconds of the canary's measurement at the first fail; None: nothing failed."""
        return min(self.failed.values(), default=None)


def rules(thresholds: Mapping[str, str]) -> tuple[MetricRule, ...]:
    """The default rules, with these thresholds by metric."""
    return tuple(
        MetricRule.model_validate({"name": rule.name, "threshold": thresholds[rule.name]})
        if rule.name in thresholds
        else rule
        for rule in default_rules()
    )


def at_the_end(evidence: Evidence, asked: Sequence[MetricRule], policy: Policy) -> Judged:
    """One judgement, at the end."""
    verdict = judge(evidence, asked, policy)
    failed = {
        metric.name: evidence.canary.seconds if metric.decided_after is None else metric.decided_after
        for metric in verdict.metrics
        if metric.decision is Decision.FAIL
    }
    passed = frozenset(metric.name for metric in verdict.metrics if metric.decision is Decision.PASS)
    return Judged(verdict.outcome, {**_statuses_new_before(evidence, asked, policy), **failed}, passed)


def _statuses_new_before(
    evidence: Evidence, asked: Sequence[MetricRule], policy: Policy
) -> Mapping[str, float]:
    """`new_statuses`, if it failed before the baseline gave the statuses that were new until then."""
    rules_of_it = [rule for rule in asked if rule.name == "new_statuses"]
    if evidence.pairing != "time" or not rules_of_it:
        return {}
    baseline, canary = evidence.baseline.requests, evidence.canary.requests
    failed = []
    for status in np.intersect1d(baseline.status, canary.status):
        given = baseline.t[baseline.status == status].min()
        seconds = math.floor(_measured_by(evidence.canary, given))
        if seconds == 0 or np.count_nonzero(canary.t[canary.status == status] < given) < 2:
            continue  # one answer is never enough
        early = until(evidence, seconds)
        views = ArmView(early.baseline, policy), ArmView(early.canary, policy)
        pair = arm_pair(rules_of_it[0], asked, early, views, policy)
        said = decide_metric(rules_of_it[0], compare(rules_of_it[0], asked, pair))
        if said.decision is Decision.FAIL:
            failed.append(float(seconds) if said.decided_after is None else said.decided_after)
    return {"new_statuses": min(failed)} if failed else {}


def _measured_by(arm: Arm, clock: float) -> float:
    """For how many seconds the arm has been measured when it is that late in the run."""
    length = arm.seconds / len(arm.phase_starts)
    return sum(min(max(clock - start, 0.0), length) for start in arm.phase_starts)


def every_look(
    evidence: Evidence, asked: Sequence[MetricRule], policy: Policy, step: float
) -> Mapping[str, float]:
    """Each metric that failed at any look, a look each `step` seconds of the canary, with its first."""
    first: dict[str, float] = {}
    looks = np.arange(step, evidence.canary.seconds + step / 2, step)
    for second in looks.tolist():
        for metric in judge(until(evidence, second), asked, policy).metrics:
            if metric.decision is Decision.FAIL:
                first.setdefault(metric.name, second)
    return first


def until(evidence: Evidence, seconds: float) -> Evidence:
    """The run as it was when the canary had been measured for `seconds`."""
    starts = evidence.canary.phase_starts
    length = evidence.canary.seconds / len(starts)
    index = min(int(seconds / length - 1e-9), len(starts) - 1)
    clock = starts[index] + seconds - index * length
    canary, baseline = (_cut(arm, clock) for arm in (evidence.canary, evidence.baseline))
    return replace(evidence, baseline=baseline, canary=canary, planned=evidence.canary.seconds)


def _cut(arm: Arm, clock: float) -> Arm:
    length = arm.seconds / len(arm.phase_starts)
    starts = tuple(start for start in arm.phase_starts if start < clock)
    seconds = sum(min(length, clock - start) for start in starts)
    series = {
        name: Series(one.t[one.t < clock], one.value[one.t < clock]) for name, one in arm.series.items()
    }
    return Arm(arm.requests.where(arm.requests.t < clock), series, seconds, starts)
