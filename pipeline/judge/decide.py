"""From two arms of evidence to a verdict. Start reading here."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.judge.compare import arm_pair, comparable, compare
from pipeline.judge.doubts import doubt_notes, doubted, find_doubts
from pipeline.judge.each_request import each_request, named, request_notes
from pipeline.judge.evidence import Evidence
from pipeline.judge.explained import explained
from pipeline.judge.gates import gates
from pipeline.judge.metrics.arms import ArmView
from pipeline.judge.metrics.decision import decide_metric
from pipeline.judge.notes import body_notes, drift_notes, status_notes, unended_notes
from pipeline.judge.outcome import critical_fail, decide_outcome, outcome_reasons
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule
from pipeline.judge.score import group_scores, total
from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict

__all__ = ["judge"]


def judge(evidence: Evidence, rules: Sequence[MetricRule], policy: Policy, *, each: bool = True) -> Verdict:
    """Compares the canary with the baseline, metric by metric, and says whether it may go on.

    Pure: the same evidence, rules and policy always give the same verdict. Broken evidence never raises:
    what cannot be compared is said in its metric's reason. docs/judge.md tells how each number comes about. Without
    `each`, the requests of a mix are judged together only: by themselves they take as long again as there are of them.
    """
    baseline, canary = ArmView(evidence.baseline, policy), ArmView(evidence.canary, policy)
    can_compare = comparable(canary, policy)
    findings = [
        compare(rule, rules, arm_pair(rule, rules, evidence, (baseline, canary), policy)) for rule in rules
    ]
    found = find_doubts(rules, evidence, policy, comparable=can_compare)
    decided = [
        doubted(decide_metric(rule, finding), found) for rule, finding in zip(rules, findings, strict=True)
    ]
    doubts = frozenset(m.name for m in decided if m.name in found and m.decision is Decision.INCONCLUSIVE)
    rows = each_request(evidence, rules, policy, found) if each else []
    whole, told = named(decided, rows)
    compared = [*rules, *(row.rule for row in told)]
    metrics, causes = explained(
        compared,
        [*findings, *(row.finding for row in told)],
        [*whole, *(row.metric for row in told)],
        doubts,
        comparable=can_compare,
    )

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
            *([] if evidence.weights else body_notes(baseline, canary)),  # filled in values make new bodies
            *drift_notes(compared, metrics, evidence),
            *doubt_notes(rules, metrics[: len(rules)], found, evidence),
            *request_notes(evidence, rows, policy),
        ),
        alpha=policy.alpha,
        undecided=policy.undecided,
        let_pass=tuple(metric.name for metric in let_pass),
        by_request=tuple(row.metric for row in rows),
    )


def _score_words(metrics: Sequence[MetricVerdict], score: float, policy: Policy) -> str:
    compared = sum(m.decision is not Decision.NODATA for m in metrics)
    if compared == 0:
        return "No metric could be compared"
    worse = sum(m.decision is Decision.FAIL for m in metrics)
    said = f"{worse} of {compared} compared metrics {'is' if worse == 1 else 'are'} worse"
    why = " (a critical metric failed)" if critical_fail(metrics) else ""
    return f"Score {score:.0f} of 100{why}, {policy.pass_score:g} passes; {said}"
