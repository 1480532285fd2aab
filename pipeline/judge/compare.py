"""One rule against both arms: which comparison its metric needs."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.judge.catalogue import Kind
from pipeline.judge.finding import Finding, Sides
from pipeline.judge.growth import find_trend
from pipeline.judge.joint import find_joint
from pipeline.judge.levels import find_level
from pipeline.judge.proportions import find_proportion
from pipeline.judge.restarts import find_count
from pipeline.judge.rules import MetricRule
from pipeline.judge.statuses import find_statuses
from pipeline.judge.words import count_of

__all__ = ["find"]


def find(rule: MetricRule, rules: Sequence[MetricRule], sides: Sides) -> Finding:
    """Compares one metric of two arms; `rules` are all of the run's, for what takes several metrics together.

    Lacking or impossible data gives a Finding that says so, no error.
    """
    canary, kind = sides.canary, rule.metric.kind
    if rule.metric.needs_work and canary.sent and canary.good < sides.policy.min_good_share * canary.sent:
        good = count_of(canary.good, canary.sent)
        return Finding(
            lacking=f"not comparable: only {good} canary requests were answered well", nothing=True
        )
    if rule.metric.requests and rule.name == "new_statuses":
        return find_statuses(rule, sides)
    if kind is Kind.PROPORTION:
        return find_proportion(rule, sides)
    if kind is Kind.COUNT:
        return find_count(rule, sides)
    if kind is Kind.TREND:
        return find_trend(rule, sides)
    if kind is Kind.JOINT:
        return find_joint(rule, rules, sides)
    return find_level(rule, sides)
