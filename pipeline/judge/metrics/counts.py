"""Counts of events, such as restarts: how many of the canary's are its own."""

from __future__ import annotations

from dataclasses import replace

from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.by_second import seconds_at_looks, tallies
from pipeline.judge.metrics.finding import Finding, Harm, no_data, shown_after
from pipeline.judge.metrics.hits import Hits
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.rare import event_bounds
from pipeline.judge.verdict import Summary
from pipeline.judge.words import amount

__all__ = ["compare_count"]


def compare_count(rule: MetricRule, arms: ArmPair) -> Finding:
    """Compares how often a counter rose: against the background of the policy, and against the baseline.

    The counts themselves are certain, so a canary without any passes at once. What is uncertain is whether the code
    caused them.
    """
    name = rule.metric.series or rule.metric.name
    b, c = arms.baseline.events(name), arms.canary.events(name)
    if b is None or c is None:
        return no_data(b is not None, c is not None)
    policy, allowed = arms.policy, rule.limit.value
    bounds = event_bounds(
        *tallies(b, c, arms),
        arms.alpha,
        background_per_hour=policy.background_restarts_per_hour,
        fixed_baseline=arms.phased,
    )
    last = bounds.last()
    bar = max(allowed, arms.drift or 0.0)
    harm = Harm(
        baseline=Summary(len(b.n), float(b.count)),
        canary=Summary(len(c.n), float(c.count)),
        relative=False,
        # By the baseline's own rate; what the background may have brought is the bounds' to say.
        effect=c.count - b.count * float(c.n.sum()) / max(float(b.n.sum()), 1.0),
        low=last.low,
        high=last.high,
        margin=allowed,
        bar=bar,
        late=None,
        effective=last.effective,
        after=shown_after(bounds.low, bar, seconds_at_looks(bounds, c)),
        more=None,
        said=f"{_times(c)} on the canary, {_times(b)} on the baseline",
        allowed=amount(allowed, "count"),
        doubt="so few may have come from elsewhere",
    )
    finding = Finding(harms=(harm,), drift=arms.drift or 0.0)
    # A counter that was read only now and then does not show that nothing happened.
    needed = max(policy.min_blocks * policy.block_seconds, arms.canary.seconds / 2)
    watched = float(c.n.sum())
    if watched >= needed:
        return finding
    said = f"too few to tell: watched for {watched:.0f} s, {needed:.0f} s are needed"
    return replace(finding, short=said, short_minutes=(needed - watched) / 60)


def _times(hits: Hits) -> str:
    return f"{hits.count or 'none'} in {hits.n.sum():,.0f} s"
