"""From a finding to one row of the table: the decision and its reason in plain words."""

from __future__ import annotations

from pipeline.judge.compare import Finding
from pipeline.judge.rules import MetricRule, Policy
from pipeline.judge.verdict import Decision, MetricVerdict
from pipeline.judge.words import p_words

__all__ = ["decide_metric"]


def decide_metric(rule: MetricRule, finding: Finding, policy: Policy) -> MetricVerdict:
    """A fail needs both: an effect beyond the threshold, and a p-value under alpha."""
    decision, reason = _decide(finding, policy.alpha)
    return MetricVerdict(
        name=rule.name,
        title=rule.metric.title,
        group=rule.group,
        unit=rule.metric.unit,
        weight=rule.weight,
        critical=rule.critical,
        baseline=finding.baseline,
        canary=finding.canary,
        effect=finding.effect,
        effect_kind=finding.effect_kind,
        threshold=finding.threshold,
        decision=decision,
        reason=reason,
    )


def _decide(finding: Finding, alpha: float) -> tuple[Decision, str]:
    if finding.lacking is not None:
        return (Decision.NODATA if finding.nothing else Decision.INCONCLUSIVE), finding.lacking
    if finding.effect is None or finding.p_value is None:
        return Decision.INCONCLUSIVE, f"{finding.said}; no test was possible"
    said, allowed, chance = finding.said, finding.allowed, p_words(finding.p_value)
    if finding.effect <= 0:
        return Decision.PASS, f"{said}; no worse"
    if finding.effect <= finding.threshold:
        return Decision.PASS, f"{said}; within the allowed {allowed}"
    if finding.excused is not None:
        return Decision.PASS, f"{said}; {finding.excused}"
    beyond = f"more than the {allowed} allowed" if allowed != "none" else "none is allowed"
    if finding.p_value < alpha:
        return Decision.FAIL, f"{said}; {beyond} ({chance})"
    return Decision.INCONCLUSIVE, f"{said}; {beyond}, but this may be chance ({chance})"
