"""From two arms of evidence to a verdict. Start reading here."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.judge.catalogue import Kind
from pipeline.judge.doubts import doubt_notes, doubted, find_doubts
from pipeline.judge.evidence import Evidence
from pipeline.judge.explained import explained
from pipeline.judge.gates import gates
from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.counts import compare_count
from pipeline.judge.metrics.decision import decide_metric
from pipeline.judge.metrics.finding import Finding
from pipeline.judge.metrics.joint import compare_joint
from pipeline.judge.metrics.latency import compare_latency
from pipeline.judge.metrics.levels import compare_level
from pipeline.judge.metrics.proportions import compare_proportion
from pipeline.judge.metrics.statuses import compare_statuses
from pipeline.judge.metrics.trends import compare_trend
from pipeline.judge.notes import body_notes, drift_notes, status_notes, unended_notes
from pipeline.judge.outcome import critical_fail, decide_outcome, outcome_reasons
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.score import group_scores, total
from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict
from pipeline.judge.words import count_of

__all__ = ["arm_pair", "compare", "judge"]


def judge(evidence: Evidence, rules: Sequence[MetricRule], policy: Policy) -> Verdict:
    """Compares the canary with the baseline, metric by metric, and says whether it may go on.

    Pure: the same evidence, rules and policy always give the same verdict. Broken evidence never raises:
    what cannot be compared is said in its metric's reason. docs/judge.md tells how each number comes about.
    """
    baseline, canary = ArmView(evidence.baseline, policy), ArmView(evidence.canary, policy)
    comparable = _comparable(canary, policy)
    findings = [
        compare(rule, rules, arm_pair(rule, rules, evidence, (baseline, canary), policy)) for rule in rules
    ]
    found = find_doubts(rules, evidence, policy, comparable=comparable)
    decided = [
        doubted(decide_metric(rule, finding), found) for rule, finding in zip(rules, findings, strict=True)
    ]
    doubts = frozenset(m.name for m in decided if m.name in found and m.decision is Decision.INCONCLUSIVE)
    metrics, causes = explained(rules, findings, decided, doubts, comparable=comparable)

    gate = gates(evidence.problems, baseline, canary, policy, load=evidence.load)
    groups = group_scores(metrics)
    # The score is 0 where the canary itself or a critical metric failed, and where nothing could be compared.
    critical = gate.outcome is Outcome.FAILED or critical_fail(metrics)
    score = 0.0 if critical else total(groups) or 0.0

    outcome, let_pass = decide_outcome(gate.outcome, metrics, doubts, policy)
    reasons = [*gate.reasons, *outcome_reasons(outcome, metrics, let_pass, doubts, policy)]
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
            *causes,
            *status_notes(baseline, canary),
            *unended_notes(baseline, canary),
            *body_notes(baseline, canary),
            *drift_notes(rules, metrics, evidence),
            *doubt_notes(rules, metrics, found, evidence),
        ),
        alpha=policy.alpha,
        undecided=policy.undecided,
        let_pass=tuple(metric.name for metric in let_pass),
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
        open_ended=evidence.open_ended,
    )


def compare(rule: MetricRule, rules: Sequence[MetricRule], arms: ArmPair) -> Finding:
    """Compares one metric of two arms; `rules` are all of the run's, for what takes several metrics together.

    Lacking or impossible data gives a Finding that says so, no error.
    """
    canary, kind = arms.canary, rule.metric.kind
    if rule.metric.needs_work and not _comparable(canary, arms.policy):
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


def _comparable(canary: ArmView, policy: Policy) -> bool:
    """Whether the canary answered well often enough for its speed and consumption to mean anything."""
    return not canary.sent or canary.right >= policy.min_good_share * canary.sent


def _score_words(metrics: Sequence[MetricVerdict], score: float, policy: Policy) -> str:
    compared = sum(m.decision is not Decision.NODATA for m in metrics)
    if compared == 0:
        return "No metric could be compared"
    worse = sum(m.decision is Decision.FAIL for m in metrics)
    said = f"{worse} of {compared} compared metrics {'is' if worse == 1 else 'are'} worse"
    why = " (a critical metric failed)" if critical_fail(metrics) else ""
    return f"Score {score:.0f} of 100{why}, {policy.pass_score:g} passes; {said}"
