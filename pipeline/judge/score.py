"""The score, 0-100: simple enough to recompute from the table with a pencil.

A group has the weight of its heaviest metric that had data. It loses the weight of its heaviest failed
metric, or half the weight of an undecided one where that is more; metrics of one group mostly tell of one
cause, so a group loses once. The score is the weighted mean of the groups' scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.judge.verdict import Decision, GroupScore, MetricVerdict

__all__ = ["coverage", "group_scores", "total"]

_LOSS: Final = {Decision.PASS: 0.0, Decision.FAIL: 1.0, Decision.INCONCLUSIVE: 0.5}


def group_scores(metrics: Sequence[MetricVerdict], *, undecided: float = 0.5) -> tuple[GroupScore, ...]:
    """Each group, by its first metric. `undecided` is the part of its weight an undecided metric loses."""
    loss = {**_LOSS, Decision.INCONCLUSIVE: undecided}
    scores = []
    for name in dict.fromkeys(metric.group for metric in metrics):
        members = [metric for metric in metrics if metric.group == name]
        compared = [metric for metric in members if metric.decision is not Decision.NODATA]
        if not compared:
            scores.append(GroupScore(name, max(metric.weight for metric in members), None))
            continue
        weight = max(metric.weight for metric in compared)
        lost = max(metric.weight * loss[metric.decision] for metric in compared)
        scores.append(GroupScore(name, weight, 100 * (1 - lost / weight)))
    return tuple(scores)


def total(groups: Sequence[GroupScore]) -> float | None:
    """The weighted mean of the groups that had data; None when none had."""
    scored = [(group.weight, group.score) for group in groups if group.score is not None]
    if not scored:
        return None
    return sum(weight * score for weight, score in scored) / sum(weight for weight, _ in scored)


def coverage(metrics: Sequence[MetricVerdict]) -> float:
    """The share of the groups' weight that rests on decided metrics, 0-1: each group counts its heaviest."""
    whole: dict[str, float] = {}
    decided: dict[str, float] = {}
    for metric in metrics:
        whole[metric.group] = max(whole.get(metric.group, 0.0), metric.weight)
        if metric.decision in (Decision.PASS, Decision.FAIL):
            decided[metric.group] = max(decided.get(metric.group, 0.0), metric.weight)
    return sum(decided.values()) / sum(whole.values()) if whole else 0.0
