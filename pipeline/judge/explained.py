"""Metrics that are undecided because of what another has shown already: they read as explained by that one.

A canary that answers nothing but errors is failed by its errors within seconds. Its new statuses, which have a smaller
part of alpha, are then undecided: that time would tell is true of them, and no help. Words only: no decision changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pipeline.judge.catalogue import Kind
from pipeline.judge.metrics.finding import Finding
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision, MetricVerdict
from pipeline.judge.words import titles_of

__all__ = ["explained"]

# How the canary answers: what one of these shows is seen in the others as well, whatever their groups.
_ANSWERS: Final = frozenset(("error_rate", "wrong_body_rate", "new_statuses", "throughput", "availability"))


def explained(
    rules: Sequence[MetricRule],
    findings: Sequence[Finding],
    metrics: Sequence[MetricVerdict],
    doubts: frozenset[str],
    *,
    comparable: bool,
) -> tuple[list[MetricVerdict], tuple[str, ...]]:
    """The metrics, with the cause in the reasons of those that one that failed explains, and notes of the undecided.

    These are: one that is undecided with an estimate beyond its margin, by a metric of its group; one of how the
    canary answers, which has no answers to count, and one that is not comparable, by one of how it answers.

    Args:
        rules, findings, metrics: of each metric, in the same order.
        doubts: the names of the metrics that are in doubt; those say why themselves.
        comparable: whether the canary answered well often enough for its speed and consumption to be compared.
    """
    # The joint metric is made of others, so it explains none.
    failed = [
        metric
        for rule, metric in zip(rules, metrics, strict=True)
        if metric.decision is Decision.FAIL and rule.metric.kind is not Kind.JOINT
    ]
    failed.sort(key=lambda metric: (not metric.critical, -metric.weight))
    said = []
    undecided: dict[str, list[str]] = {}  # by their cause
    for rule, finding, metric in zip(rules, findings, metrics, strict=True):
        no_answers = rule.metric.needs_work and not comparable
        cause = None if metric.name in doubts else _cause(metric, finding, failed, no_answers=no_answers)
        if cause is None:
            said.append(metric)
            continue
        saw = finding.harm.said if finding.harm is not None else finding.lacking
        words = f"explained by {cause.title}, which failed"
        said.append(replace(metric, reason=f"{saw}; {words}"))
        if metric.decision is Decision.INCONCLUSIVE:
            undecided.setdefault(words, []).append(metric.title)
    return said, tuple(f"{titles_of(titles)}: undecided, {words}" for words, titles in undecided.items())


def _cause(
    metric: MetricVerdict, finding: Finding, failed: Sequence[MetricVerdict], *, no_answers: bool
) -> MetricVerdict | None:
    """The failed metric that explains this one; None where none does.

    `no_answers`: it is of good answers, of which the canary gave too few.
    """
    answers = [one for one in failed if one.name in _ANSWERS]
    if metric.decision is Decision.NODATA and no_answers:
        return answers[0] if answers else None
    if metric.decision is not Decision.INCONCLUSIVE:
        return None
    own = answers if metric.name in _ANSWERS else []
    if finding.harm is not None:
        ruined = metric.effect is not None and metric.effect > metric.threshold
        own = [*own, *(one for one in failed if one.group == metric.group)] if ruined else []
    return own[0] if own else None
