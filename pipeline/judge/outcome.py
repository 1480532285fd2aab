"""From the metrics' decisions to the outcome of the run, and its reasons in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.judge.gates import SEVERITY
from pipeline.judge.policy import Policy
from pipeline.judge.score import coverage, group_scores, total
from pipeline.judge.verdict import Decision, Lack, MetricVerdict, Outcome
from pipeline.judge.words import percent, titles_of

__all__ = ["critical_fail", "decide_outcome", "harmless", "open_reasons", "outcome_reasons"]


def decide_outcome(
    gate: Outcome | None, metrics: Sequence[MetricVerdict], doubts: frozenset[str], policy: Policy
) -> tuple[Outcome, list[MetricVerdict]]:
    """The outcome, and the undecided metrics that the policy let pass for it; usually none.

    Args:
        gate: what the gates demand; None: nothing.
        metrics: the run's.
        doubts: the names of those that are in doubt.
        policy: the run's.
    """
    demands = (gate, _by_fails(metrics, policy), _by_evidence(metrics, policy))
    doubted = Outcome.INCONCLUSIVE if doubts else None
    outcome = min(
        (one for one in (*demands, doubted) if one is not None), key=SEVERITY.index, default=Outcome.PASSED
    )
    if outcome is Outcome.INCONCLUSIVE and policy.undecided == "pass" and gate is None and not doubts:
        no_harm = harmless(metrics)
        as_passed = [replace(m, decision=Decision.PASS) if m in no_harm else m for m in metrics]
        if _by_evidence(as_passed, policy) is None:
            return Outcome.PASSED, no_harm
    return outcome, []


def outcome_reasons(
    outcome: Outcome,
    metrics: Sequence[MetricVerdict],
    let_pass: Sequence[MetricVerdict],
    doubts: frozenset[str],
    policy: Policy,
) -> list[str]:
    """Why the outcome is what it is, the strongest reason first; arguments as `decide_outcome` takes and gives them."""
    reasons = _fail_reasons(metrics)
    if outcome is Outcome.INCONCLUSIVE:
        reasons += open_reasons(metrics, policy, doubts)
    return reasons + (_harmless_reasons(let_pass) if let_pass else [])


def _by_fails(metrics: Sequence[MetricVerdict], policy: Policy) -> Outcome | None:
    """Failed when a critical metric failed, or the score would not do even if all undecided ones passed."""
    if critical_fail(metrics):
        return Outcome.FAILED
    at_best = total(group_scores(metrics, undecided=0.0))
    return Outcome.FAILED if at_best is not None and at_best < policy.pass_score else None


def critical_fail(metrics: Sequence[MetricVerdict]) -> bool:
    """Whether a critical metric failed."""
    return any(m.critical and m.decision is Decision.FAIL for m in metrics)


def _by_evidence(metrics: Sequence[MetricVerdict], policy: Policy) -> Outcome | None:
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


def _open(metrics: Sequence[MetricVerdict]) -> list[MetricVerdict]:
    """Critical metrics without a decision."""
    return [m for m in metrics if m.critical and m.decision in (Decision.INCONCLUSIVE, Decision.NODATA)]


def _fail_reasons(metrics: Sequence[MetricVerdict]) -> list[str]:
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


def _harmless_reasons(metrics: Sequence[MetricVerdict]) -> list[str]:
    """What a pass by `undecided: pass` rests on; `metrics` are those that it lets pass."""
    n = len(metrics)
    said = (
        f"No harm was shown, but {n} metric{' is' if n == 1 else 's are'} undecided: not shown to be within what is "
        "allowed, nor beyond it. The policy lets that pass (undecided: pass)"
    )
    return [said, *_together(metrics)]
