"""From two arms of evidence to a verdict. Start reading here."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.judge.catalogue import Kind
from pipeline.judge.evidence import Evidence
from pipeline.judge.gates import SEVERITY, gates
from pipeline.judge.metrics.arms import ArmPair, ArmView
from pipeline.judge.metrics.counts import compare_count
from pipeline.judge.metrics.decision import decide_metric
from pipeline.judge.metrics.finding import Finding
from pipeline.judge.metrics.joint import compare_joint
from pipeline.judge.metrics.levels import compare_level
from pipeline.judge.metrics.proportions import compare_proportion
from pipeline.judge.metrics.statuses import compare_statuses
from pipeline.judge.metrics.trends import compare_trend
from pipeline.judge.notes import body_notes, drift_notes, status_notes
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.score import coverage, group_scores, total
from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict
from pipeline.judge.words import count_of, percent

__all__ = ["arm_pair", "compare", "judge"]


def judge(evidence: Evidence, rules: Sequence[MetricRule], policy: Policy) -> Verdict:
    """Compares the canary with the baseline, metric by metric, and says whether it may go on.

    Pure: the same evidence, rules and policy always give the same verdict. Broken evidence never raises:
    what cannot be compared is said in its metric's reason. docs/judge.md tells how each number comes about.
    """
    baseline, canary = ArmView(evidence.baseline, policy), ArmView(evidence.canary, policy)
    metrics = [
        decide_metric(rule, compare(rule, rules, arm_pair(rule, rules, evidence, (baseline, canary), policy)))
        for rule in rules
    ]
    gate = gates(evidence.problems, baseline, canary, policy, load=evidence.load)
    groups = group_scores(metrics)
    # The score is 0 where the canary itself or a critical metric failed, and where nothing could be compared.
    critical = gate.outcome is Outcome.FAILED or _critical_fail(metrics)
    score = 0.0 if critical else total(groups) or 0.0

    outcome = _worst(gate.outcome, _by_fails(metrics, policy), _by_evidence(metrics, policy))
    reasons = [*gate.reasons, *_fail_reasons(metrics)]
    if outcome is Outcome.INCONCLUSIVE:
        reasons += _doubts(metrics, policy)
    if outcome is not Outcome.INVALID:
        reasons.append(_score_words(metrics, score, policy))
    return Verdict(
        outcome=outcome,
        score=None if outcome is Outcome.INVALID else score,
        pass_score=policy.pass_score,
        reasons=tuple(reasons),
        metrics=tuple(metrics),
        groups=groups,
        notes=(
            *gate.notes,
            *status_notes(baseline, canary),
            *body_notes(baseline, canary),
            *drift_notes(rules, metrics, evidence),
        ),
        alpha=policy.alpha,
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
    return ArmPair(
        *views,
        policy,
        alpha=policy.alpha * rule.metric.share / sum(one.metric.share for one in rules),
        pairing=evidence.pairing,
        planned=evidence.planned,
        drift=evidence.drift.get(rule.name),
        once=evidence.once,
    )


def compare(rule: MetricRule, rules: Sequence[MetricRule], arms: ArmPair) -> Finding:
    """Compares one metric of two arms; `rules` are all of the run's, for what takes several metrics together.

    Lacking or impossible data gives a Finding that says so, no error.
    """
    canary, kind = arms.canary, rule.metric.kind
    if rule.metric.needs_work and canary.sent and canary.good < arms.policy.min_good_share * canary.sent:
        good = count_of(canary.good, canary.sent)
        return Finding(
            lacking=f"not comparable: only {good} canary requests were answered well", nothing=True
        )
    if rule.metric.requests and rule.name == "new_statuses":
        return compare_statuses(rule, arms)
    if kind is Kind.PROPORTION:
        return compare_proportion(rule, arms)
    if kind is Kind.COUNT:
        return compare_count(rule, arms)
    if kind is Kind.TREND:
        return compare_trend(rule, arms)
    if kind is Kind.JOINT:
        return compare_joint(rule, rules, arms)
    return compare_level(rule, arms)


def _worst(*outcomes: Outcome | None) -> Outcome:
    return min((o for o in outcomes if o is not None), key=SEVERITY.index, default=Outcome.PASSED)


def _by_fails(metrics: Sequence[MetricVerdict], policy: Policy) -> Outcome | None:
    """Failed when a critical metric failed, or the score would not do even if all undecided ones passed."""
    if _critical_fail(metrics):
        return Outcome.FAILED
    at_best = total(group_scores(metrics, undecided=0.0))
    return Outcome.FAILED if at_best is not None and at_best < policy.pass_score else None


def _critical_fail(metrics: Sequence[MetricVerdict]) -> bool:
    return any(m.critical and m.decision is Decision.FAIL for m in metrics)


def _by_evidence(metrics: Sequence[MetricVerdict], policy: Policy) -> Outcome | None:
    """Inconclusive unless the critical metrics and enough of the rest were decided, and the score would do
    even if all undecided ones failed.
    """
    at_worst = total(group_scores(metrics, undecided=1.0))
    sure = at_worst is not None and at_worst >= policy.pass_score
    enough = coverage(metrics) >= policy.min_coverage and not _open(metrics)
    return None if sure and enough else Outcome.INCONCLUSIVE


def _open(metrics: Sequence[MetricVerdict]) -> list[MetricVerdict]:
    """Critical metrics without a decision."""
    return [m for m in metrics if m.critical and m.decision in (Decision.INCONCLUSIVE, Decision.NODATA)]


def _fail_reasons(metrics: Sequence[MetricVerdict]) -> list[str]:
    failed = [m for m in metrics if m.decision is Decision.FAIL]
    return [f"{m.title}: {m.reason}" for m in sorted(failed, key=lambda m: (not m.critical, -m.weight))]


def _doubts(metrics: Sequence[MetricVerdict], policy: Policy) -> list[str]:
    """Why there is not enough evidence: critical metrics first, then others, then what is missing in all."""
    critical = _open(metrics)
    others = [m for m in metrics if m.decision is Decision.INCONCLUSIVE and not m.critical]
    doubts = [f"{m.title} (critical): {m.reason}" for m in critical] + [
        f"{m.title}: {m.reason}" for m in others
    ]
    covered = coverage(metrics)
    if covered < policy.min_coverage:
        needed = percent(policy.min_coverage)
        doubts.append(
            f"Metrics with {percent(covered)} of the score's weight could be decided, {needed} is needed"
        )
    return doubts


def _score_words(metrics: Sequence[MetricVerdict], score: float, policy: Policy) -> str:
    compared = sum(m.decision is not Decision.NODATA for m in metrics)
    if compared == 0:
        return "No metric could be compared"
    worse = sum(m.decision is Decision.FAIL for m in metrics)
    said = f"{worse} of {compared} compared metrics {'is' if worse == 1 else 'are'} worse"
    why = " (a critical metric failed)" if _critical_fail(metrics) else ""
    return f"Score {score:.0f} of 100{why}, {policy.pass_score:g} passes; {said}"
