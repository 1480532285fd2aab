"""Metrics that are undecided because of what another has shown already: they read as explained by that one.

A canary that answers nothing but errors is failed by its errors within seconds. Its new statuses, which have a smaller
part of alpha, are then undecided: that time would tell is true of them, and no help. Words only: no decision changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

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
    failed = sorted(
        (m for m in metrics if m.decision is Decision.FAIL), key=lambda m: (not m.critical, -m.weight)
    )
    answers = [m for m in failed if m.name in _ANSWERS]
    said = []
    undecided: dict[str, list[str]] = {}  # by their cause
    for rule, finding, metric in zip(rules, findings, metrics, strict=True):
        causes: Sequence[MetricVerdict] = ()
        what = finding.lacking or ""
        if metric.name in doubts:
            pass
        elif metric.decision is Decision.NODATA and rule.metric.needs_work and not comparable:
            causes = answers
        elif metric.decision is Decision.INCONCLUSIVE and finding.harm is None:
            causes = answers if metric.name in _ANSWERS else ()
        elif metric.decision is Decision.INCONCLUSIVE and finding.harm is not None:
            what = finding.harm.said
            if metric.effect is not None and metric.effect > metric.threshold:
                own = answers if metric.name in _ANSWERS else []
                causes = [*own, *(m for m in failed if m.group == metric.group)]
        if not causes:
            said.append(metric)
            continue
        cause = f"explained by {causes[0].title}, which failed"
        said.append(replace(metric, reason=f"{what}; {cause}"))
        if metric.decision is Decision.INCONCLUSIVE:
            undecided.setdefault(cause, []).append(metric.title)
    return said, tuple(f"{titles_of(titles)}: undecided, {cause}" for cause, titles in undecided.items())
