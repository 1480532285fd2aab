"""Levels: block by block, the canary's value against its partner's of the baseline."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from pipeline.judge.catalogue import Direction
from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.arms import Measured
from pipeline.judge.metrics.blocks import Pairs
from pipeline.judge.metrics.by_block import block_harm, measure, pair_blocks, require_blocks, scales
from pipeline.judge.metrics.finding import Finding, Harm, no_data
from pipeline.judge.metrics.scale import Scale
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Summary
from pipeline.judge.words import amount, between, change, percent

__all__ = ["compare_level"]

# Of a level's alpha: for how far it scatters.
_SCATTER_SHARE: Final = 0.2


def compare_level(rule: MetricRule, arms: ArmPair) -> Finding:
    """Compares a level, by its mean and by how far its samples scatter."""
    baselines, canaries = measure(rule, arms.baseline, arms), measure(rule, arms.canary, arms)
    if not baselines or not canaries:
        found = no_data(bool(baselines), bool(canaries))
        return replace(
            found,
            baseline=baselines[0].summary if baselines else found.baseline,
            canary=canaries[0].summary if canaries else found.canary,
        )
    (b,), (c,) = baselines, canaries
    pairs = pair_blocks(b.blocks, c.blocks, arms)
    if len(pairs) == 0:
        return require_blocks(Finding(b.summary, c.summary, drift=arms.drift or 0.0), 0, arms)
    # A fail of any respect fails the metric, so they share its alpha. A pass needs all of them, so beta is not shared.
    ways = scales(rule, b.summary.value or 0.0)
    alpha = arms.alpha * (1 - _SCATTER_SHARE) / len(ways)
    harms = [_moved(rule, b, c, scale, pairs, arms, alpha) for scale in ways]
    if b.scatter is not None and c.scatter is not None:
        around = pair_blocks(b.scatter, c.scatter, arms)
        means = float(pairs.baseline.mean()), float(pairs.canary.mean())
        harms.append(_scattered(rule, ways[0], around, means, arms, _SCATTER_SHARE * arms.alpha))
    found = Finding(b.summary, c.summary, tuple(harms), drift=arms.drift or 0.0)
    return require_blocks(found, len(pairs), arms)


def _moved(
    rule: MetricRule, b: Measured, c: Measured, scale: Scale, pairs: Pairs, arms: ArmPair, alpha: float
) -> Harm:
    """How much worse the mean is."""
    unit = rule.metric.unit
    before, after = float(pairs.baseline.mean()), float(pairs.canary.mean())
    harm = block_harm(scale, scale.harm(pairs.baseline, pairs.canary), pairs.t, arms, alpha)
    if before > 0 or not scale.relative:
        harm = replace(harm, effect=scale.change(before, after))
    size = percent if scale.relative else partial(amount, unit=unit)
    limits = between(min(harm.low, harm.effect), max(harm.high, harm.effect), size, increase=scale.increase)
    return replace(
        harm,
        baseline=replace(b.summary, value=before),
        canary=replace(c.summary, value=after),
        said=f"{amount(after, unit)} on the canary, {amount(before, unit)} on the baseline: "
        f"{change(before, after, unit)}{limits}",
        allowed=percent(scale.margin) if scale.relative else amount(scale.margin, unit),
    )


def _scattered(
    rule: MetricRule, scale: Scale, pairs: Pairs, means: tuple[float, float], arms: ArmPair, alpha: float
) -> Harm:
    """How much farther the samples lie from their own version's median, on average: the mean can hide that.

    As an amount in the metric's unit, and allowed is what the margin is as an amount. Where more is no harm, a canary
    that has more may scatter more in proportion.

    Args:
        rule: the metric's.
        scale: that of the means.
        pairs: of the mean absolute deviations, at least one pair.
        means: the baseline's and the canary's.
        arms: both arms.
        alpha: this respect's part of the metric's.
    """
    mean, grown = means[0], means[1] / means[0] if means[0] > 0 else 1.0
    margin = scale.margin * mean if scale.relative else scale.margin
    proportion = 1.0 if rule.direction is Direction.INCREASE else max(grown, 1.0)
    scattered = pairs.canary / proportion
    amounts = Scale(relative=False, increase=True, margin=margin, least=0.0)
    # What calibrations measured is how far means lie apart, which says nothing of the scatter.
    arms, differences = replace(arms, drift=None), amounts.harm(pairs.baseline, scattered)
    harm = block_harm(amounts, differences, pairs.t, arms, alpha, scan=False)
    before, after = float(pairs.baseline.mean()), float(scattered.mean())

    def size(value: float) -> str:
        return percent(value / mean) if scale.relative else amount(value, rule.metric.unit)

    limits = between(min(harm.low, harm.effect), max(harm.high, harm.effect), size)
    of = " of the baseline's mean" if scale.relative else ""
    return replace(
        harm,
        baseline=Summary(len(pairs), before),
        canary=Summary(len(pairs), after),
        said=f"swings by {size(after)}{of} on the canary, by {size(before)} on the baseline{limits}",
        allowed=f"{size(margin)}{of}",
        aside=True,
    )
