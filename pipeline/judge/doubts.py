"""Evidence that is too good, or too little, to be true: whatever it shows, the run may not pass by it.

Five questions to each metric: are its values possible, did both versions have samples at the same times, are the
canary's its own, is the canary better than any change of code makes it, and had both settled? docs/judge.md says when
each is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.judge.catalogue import Kind
from pipeline.judge.evidence import Evidence
from pipeline.judge.gaps import gap
from pipeline.judge.implausible import (
    COPY,
    better_by_a_unit,
    copies,
    impossible_samples,
    impossible_times,
    medians,
    worse_by_a_unit,
)
from pipeline.judge.metrics.joint import is_part
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.unsettled import changes_with_speed, unsettled
from pipeline.judge.verdict import Decision, Lack, MetricVerdict
from pipeline.judge.words import titles_of

__all__ = ["Doubt", "doubt_notes", "doubted", "find_doubts"]


# Beside latency and size, what is counted by good answers: and these have a time.
_OF_GOOD: Final = ("throughput", "availability")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a metric's samples cannot be trusted. With `of_values` the numbers are wrong, so they show no harm either."""

    said: str
    of_values: bool = False


def find_doubts(
    rules: Sequence[MetricRule], evidence: Evidence, policy: Policy, *, comparable: bool
) -> Mapping[str, Doubt]:
    """The first doubt about each metric, by its name.

    Args:
        rules: the run's.
        evidence: both arms.
        policy: the run's.
        comparable: whether the canary answered well often enough for its speed and consumption to be compared.
    """
    copied = copies(rules, evidence)
    times = impossible_times(evidence) if evidence.load else None
    moving = unsettled(evidence)
    found: dict[str, Doubt] = {}
    # Several metrics are of the same samples.
    gaps: dict[str, str | None] = {}
    levels: dict[str, tuple[float, float] | None] = {}
    for rule in rules:
        metric = rule.metric
        if metric.kind is Kind.JOINT or (metric.requests and not evidence.load):
            continue
        if rule.name in evidence.untrusted:
            found[rule.name] = Doubt(evidence.untrusted[rule.name], of_values=True)
            continue
        timed = metric.requests and (metric.needs_work or metric.name in _OF_GOOD)
        said = (times if timed else None) if metric.requests else impossible_samples(metric, evidence)
        if said:
            found[rule.name] = Doubt(said, of_values=True)
            continue
        if metric.needs_work and not comparable:
            continue
        if rule.name in copied:
            found[rule.name] = Doubt(COPY)
            continue
        source = "" if metric.requests else f"{metric.series or metric.name} {metric.total}"
        if source not in gaps:
            gaps[source] = gap(metric, evidence, policy)
        level = f"{source} {metric.kind is Kind.TREND or metric.unit}"
        if level not in levels:
            levels[level] = medians(metric, evidence)
        said = gaps[source] or better_by_a_unit(rule, levels[level])
        if said := said or (moving if changes_with_speed(metric) else None):
            found[rule.name] = Doubt(said)
    # A joint metric is made of others' samples.
    for joint in rules:
        if joint.metric.kind is Kind.JOINT:
            parts = (found[rule.name] for rule in rules if is_part(rule, joint) and rule.name in found)
            if doubt := next((one for one in parts if one.of_values), None):
                found[joint.name] = doubt
    return found


def doubted(metric: MetricVerdict, found: Mapping[str, Doubt]) -> MetricVerdict:
    """The metric, undecided where there is a doubt about it. A fail stays one unless the very numbers are wrong."""
    doubt = found.get(metric.name)
    if doubt is None:
        return metric
    if not doubt.of_values and metric.decision in (Decision.FAIL, Decision.NODATA):
        return metric
    return replace(
        metric,
        decision=Decision.INCONCLUSIVE,
        reason=doubt.said,
        lacks=Lack.TRUST,
        more_minutes=None,
        decided_after=None,
    )


def doubt_notes(
    rules: Sequence[MetricRule],
    metrics: Sequence[MetricVerdict],
    found: Mapping[str, Doubt],
    evidence: Evidence,
) -> tuple[str, ...]:
    """What to ask of metrics that failed all the same."""
    notes: dict[str, list[str]] = {}
    units = []
    for rule, metric in zip(rules, metrics, strict=True):
        if metric.decision is Decision.FAIL:
            if metric.name in found:
                notes.setdefault(found[metric.name].said, []).append(metric.title)
            elif said := worse_by_a_unit(rule, medians(rule.metric, evidence)):
                units.append((metric.title, said))
    if units:  # one is enough to ask by
        notes.setdefault(units[0][1], []).extend(title for title, _ in units)
    return tuple(f"{titles_of(titles)}: {said}" for said, titles in notes.items())
