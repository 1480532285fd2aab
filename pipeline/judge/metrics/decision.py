"""From a finding to one row of the table: the decision and its reason in plain words."""

from __future__ import annotations

import math

from pipeline.judge.metrics.finding import Finding, Harm
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Decision, Lack, MetricVerdict
from pipeline.judge.words import amount, minutes, percent, points

__all__ = ["decide_metric"]

# Minutes. Longer waits are not advised: the difference is at the margin then, or the machine too noisy.
_LONGEST = 60.0


def decide_metric(rule: MetricRule, finding: Finding) -> MetricVerdict:
    """Fail: shown to be worse than allowed. Pass: shown to be no worse. Neither: inconclusive."""
    harm = finding.harm
    decision, reason = _decide(rule, finding)
    undecided = decision is Decision.INCONCLUSIVE
    return MetricVerdict(
        name=rule.name,
        title=rule.metric.title,
        group=rule.group,
        unit=rule.metric.unit,
        weight=rule.weight,
        critical=rule.critical,
        baseline=harm.baseline if harm else finding.baseline,
        canary=harm.canary if harm else finding.canary,
        effect=harm.effect if harm else None,
        effect_kind="relative" if (harm.relative if harm else rule.limit.relative) else "absolute",
        threshold=harm.margin if harm else rule.limit.value,
        decision=decision,
        reason=reason,
        low=_known(harm.low) if harm else None,
        high=_known(harm.high) if harm else None,
        effective=harm.effective if harm else None,
        more_minutes=_more(finding) if undecided else None,
        decided_after=finding.worse_after if decision is Decision.FAIL else None,
        drift=finding.drift,
        lacks=_lacks(finding) if undecided else Lack.NOTHING,
    )


def _known(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _lacks(finding: Finding) -> Lack:
    few = finding.harm is None or finding.lacking is not None or finding.short is not None
    return Lack.SAMPLES if few else Lack.CERTAINTY


def _more(finding: Finding) -> float | None:
    """The minutes it would take, where more of the same would tell at all within an hour."""
    waits = [finding.short_minutes] if finding.short else []
    waits += [harm.more for harm in finding.harms if not harm.within]
    known = [wait for wait in waits if wait is not None]
    if len(known) < len(waits) or not known or max(known) > _LONGEST:
        return None
    return max(known)


def _decide(rule: MetricRule, finding: Finding) -> tuple[Decision, str]:
    harm = finding.harm
    if finding.lacking is not None or harm is None:
        lacking = finding.lacking or "nothing could be compared"
        return (Decision.NODATA if finding.nothing else Decision.INCONCLUSIVE), lacking
    passes = all(one.within for one in finding.harms) and finding.short is None
    if finding.only_pass and not passes:
        return Decision.NODATA, f"{harm.said}; not judged: {finding.only_pass}"
    if harm.worse:
        return Decision.FAIL, f"{harm.said}; {_worse(rule, harm)}"
    if passes:
        return Decision.PASS, f"{harm.said}; shown to be within the allowed {harm.allowed}"
    return Decision.INCONCLUSIVE, f"{harm.said}; {_neither(rule, finding, harm)}"


def _worse(rule: MetricRule, harm: Harm) -> str:
    said = f"shown to be more than the allowed {harm.allowed}"
    if harm.effect <= harm.margin:
        said += " for part of the time"
    if harm.bar > harm.margin:
        said += f" and than the {_size(rule, harm, harm.bar)} by which equal versions differed"
    return said


def _size(rule: MetricRule, harm: Harm, value: float) -> str:
    if harm.relative:
        return percent(value)
    return points(value) if rule.metric.unit == "fraction" else amount(value, rule.metric.unit)


def _neither(rule: MetricRule, finding: Finding, harm: Harm) -> str:
    """Why it is undecided, and what it would take."""
    if finding.short is not None:
        return finding.short
    if harm.bar > harm.margin and harm.low > harm.margin:
        drift = _size(rule, harm, harm.bar)
        return f"more than the allowed {harm.allowed}, but equal versions differed by up to {drift}"
    if harm.high <= harm.margin and harm.late is not None:
        late = _size(rule, harm, harm.late)
        return (
            f"within the allowed {harm.allowed} in all, but beyond it in the {harm.late_part} alone ({late})"
        )
    if harm.doubt:
        return harm.doubt
    more = _more(finding)
    tell = (
        f"{minutes(more)} at this rate would tell"
        if more is not None
        else "more of the same would hardly tell"
    )
    return f"neither shown to be within nor beyond the allowed {harm.allowed}: {tell}"
