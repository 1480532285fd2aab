"""From the metrics' decisions to the outcome of the run, and its reasons in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.judge.gates import SEVERITY
from pipeline.judge.policy import Policy
from pipeline.judge.score import coverage, group_scores, total
from pipeline.judge.verdict import Decision, Lack, MetricVerdict, Outcome
from pipeline.judge.words import percent, titles_of

__all__ = [
    "as_passed",
    "by_evidence",
    "by_fails",
    "critical_fail",
    "fail_reasons",
    "harmless",
    "harmless_reasons",
    "open_reasons",
    "score_words",
    "worst",
]


def worst(*outcomes: Outcome | None) -> Outcome:
    """The worst of what each rule demands; passed where none demands anything."""
    return min((o for o in outcomes if o is not None), key=SEVERITY.index, default=Outcome.PASSED)


def by_fails(metrics: Sequence[MetricVerdict], policy: Policy) -> Outcome | None:
    """Failed when a critical metric failed, or the score would not do even if all undecided ones passed."""
    if critical_fail(metrics):
        return Outcome.FAILED
    at_best = total(group_scores(metrics, undecided=0.0))
    return Outcome.FAILED if at_best is not None and at_best < policy.pass_score else None


def critical_fail(metrics: Sequence[MetricVerdict]) -> bool:
    """Whether a critical metric failed."""
    return any(m.critical and m.decision is Decision.FAIL for m in metrics)


def by_evidence(metrics: Sequence[MetricVerdict], policy: Policy) -> Outcome | None:
    """Inconclusive unless the critical metrics and enough of the rest were decided, and the score would do
    even if all undecided ones failed.
    """
    at_worst = total(group_scores(metrics, undecided=1.0))
    sure = at_worst is not None and at_worst >= policy.pass_score
    enough = coverage(metrics) >= policy.min_coverage and not _open(metrics)
    return None if sure and enough else Outcome.INCONCLUSIVE


def harmless(metrics: Sequence[MetricVerdict]) -> list[MetricVerdict]:
    """The undecided metrics that `undecided: pass` lets pass: enough samples, and no harm shown in them.

    None where any metric failed: then harm was shown. A metric that lacks samples, of which a version has none, or
    that is in doubt is not among them, nor one that is beyond its margin and undecided for another reason (a drift
    that was calibrated).
    """
    if any(m.decision is Decision.FAIL for m in metrics):
        return []
    return [
        m
        for m in metrics
        if m.decision is Decision.INCONCLUSIVE
        and m.lacks is Lack.CERTAINTY
        and (m.low is None or m.low <= m.threshold)
    ]


def as_passed(metrics: Sequence[MetricVerdict], those: Sequence[MetricVerdict]) -> list[MetricVerdict]:
    """The metrics as if `those` of them had passed."""
    names = {metric.name for metric in those}
    return [replace(m, decision=Decision.PASS) if m.name in names else m for m in metrics]


def _open(metrics: Sequence[MetricVerdict]) -> list[MetricVerdict]:
    """Critical metrics without a decision."""
    return [m for m in metrics if m.critical and m.decision in (Decision.INCONCLUSIVE, Decision.NODATA)]


def fail_reasons(metrics: Sequence[MetricVerdict]) -> list[str]:
    """Why metrics failed, the critical and the heaviest first."""
    failed = [m for m in metrics if m.decision is Decision.FAIL]
    return [f"{m.title}: {m.reason}" for m in sorted(failed, key=lambda m: (not m.critical, -m.weight))]


def open_reasons(metrics: Sequence[MetricVerdict], policy: Policy, doubts: frozenset[str]) -> list[str]:
    """Why there is not enough evidence: what is in doubt, critical metrics, others, then what is missing in all.

    Args:
        metrics: the run's.
        policy: the run's.
        doubts: the names of those that are in doubt.
    """
    undecided = [m for m in metrics if m.decision is Decision.INCONCLUSIVE]
    order = sorted((m for m in undecided if m.name in doubts), key=lambda m: not m.critical)
    order += [m for m in _open(metrics) if m not in order]
    order += [m for m in undecided if m not in order]
    said = _together(order)
    covered = coverage(metrics)
    if covered < policy.min_coverage:
        needed = percent(policy.min_coverage)
        said.append(
            f"Metrics with {percent(covered)} of the score's weight could be decided, {needed} is needed"
        )
    return said


def _together(metrics: Sequence[MetricVerdict]) -> list[str]:
    """A sentence for each reason, with all metrics whose reason it is."""
    titles: dict[str, list[str]] = {}
    for m in metrics:
        titles.setdefault(m.reason, []).append(f"{m.title} (critical)" if m.critical else m.title)
    return [f"{titles_of(those)}: {reason}" for reason, those in titles.items()]


def harmless_reasons(metrics: Sequence[MetricVerdict]) -> list[str]:
    """What a pass by `undecided: pass` rests on; `metrics` are those that it lets pass."""
    n = len(metrics)
    said = (
        f"No harm was shown, but {n} metric{' is' if n == 1 else 's are'} undecided: not shown to be within what is "
        "allowed, nor beyond it. The policy lets that pass (undecided: pass)"
    )
    return [said, *_together(metrics)]


def score_words(metrics: Sequence[MetricVerdict], score: float, policy: Policy) -> str:
    """The score and how many metrics are worse."""
    compared = sum(m.decision is not Decision.NODATA for m in metrics)
    if compared == 0:
        return "No metric could be compared"
    worse = sum(m.decision is Decision.FAIL for m in metrics)
    said = f"{worse} of {compared} compared metrics {'is' if worse == 1 else 'are'} worse"
    why = " (a critical metric failed)" if critical_fail(metrics) else ""
    return f"Score {score:.0f} of 100{why}, {policy.pass_score:g} passes; {said}"
