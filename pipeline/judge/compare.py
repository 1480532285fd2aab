"""One metric of two arms: by which comparison, and with which part of alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.judge.catalogue import Kind
from pipeline.judge.evidence import Evidence
from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.counts import compare_count
from pipeline.judge.metrics.finding import Finding
from pipeline.judge.metrics.joint import compare_joint
from pipeline.judge.metrics.latency import compare_latency
from pipeline.judge.metrics.levels import compare_level
from pipeline.judge.metrics.proportions import compare_proportion
from pipeline.judge.metrics.statuses import compare_statuses
from pipeline.judge.metrics.trends import compare_trend
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.words import count_of

__all__ = ["arm_pair", "comparable", "compare"]

_OF_ALL: Final = (
    0.5  # the part of alpha that all requests of a mix together have; each by itself shares the rest
)


def arm_pair(
    rule: MetricRule,
    rules: Sequence[MetricRule],
    evidence: Evidence,
    views: tuple[ArmView, ArmView],
    policy: Policy,
) -> ArmPair:
    """Both arms for the comparison of one metric, with its part of the run's alpha.

    Args:
        rule: the metric's.
        rules: all of the run's; alpha is divided among them by their shares.
        evidence: what `views` are of.
        views: of the baseline and of the canary.
        policy: the run's.
    """
    part = _OF_ALL if evidence.weights else 1.0
    return ArmPair(
        *views,
        policy,
        alpha=part * policy.alpha * rule.metric.share / sum(one.metric.share for one in rules),
        pairing=evidence.pairing,
        planned=evidence.planned,
        drift=evidence.drift.get(rule.name),
        once=evidence.once,
        open_ended=evidence.open_ended,
    )


def compare(rule: MetricRule, rules: Sequence[MetricRule], arms: ArmPair) -> Finding:
    """Compares one metric of two arms; `rules` are all of the run's, for what takes several metrics together.

    Lacking or impossible data gives a Finding that says so, no error.
    """
    canary, kind = arms.canary, rule.metric.kind
    if rule.metric.needs_work and not comparable(canary, arms.policy):
        good = count_of(canary.right, canary.sent)
        return Finding(
            lacking=f"not comparable: only {good} canary requests were answered well", nothing=True
        )
    if rule.metric.requests and rule.name == "new_statuses":
        return compare_statuses(rule, arms)
    if rule.metric.requests and kind is Kind.QUANTILE and rule.name != "response_size":
        return compare_latency(rule, arms)
    if kind is Kind.PROPORTION:
        return compare_proportion(rule, arms)
    if kind is Kind.COUNT:
        return compare_count(rule, arms)
    if kind is Kind.TREND:
        return compare_trend(rule, arms)
    if kind is Kind.JOINT:
        return compare_joint(rule, rules, arms)
    return compare_level(rule, arms)


def comparable(canary: ArmView, policy: Policy) -> bool:
    """Whether the canary answered well often enough for its speed and consumption to mean anything."""
    return not canary.sent or canary.right >= policy.min_good_share * canary.sent
