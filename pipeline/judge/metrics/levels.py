"""Levels and quantiles: block by block, the canary's value against its partner's of the baseline."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pipeline.judge.metrics.arms import ArmPair, Measured
from pipeline.judge.metrics.blocks import Pairs
from pipeline.judge.metrics.by_block import block_harm, measure, pair_blocks, require_blocks, scales
from pipeline.judge.metrics.finding import Finding, Harm, no_data
from pipeline.judge.metrics.scale import Scale
from pipeline.judge.rules import MetricRule
from pipeline.judge.words import amount, between, change, percent

__all__ = ["compare_level"]


def compare_level(rule: MetricRule, arms: ArmPair) -> Finding:
    """Compares a level, a quantile or a family of quantiles."""
    baselines, canaries = measure(rule, arms.baseline), measure(rule, arms.canary)
    if not baselines or not canaries:
        found = no_data(bool(baselines), bool(canaries))
        return replace(
            found,
            baseline=baselines[0].summary if baselines else found.baseline,
            canary=canaries[0].summary if canaries else found.canary,
        )
    respects = [
        (b, c, scale)
        for b, c in zip(baselines, canaries, strict=True)
        for scale in scales(rule, b.summary.value or 0.0)
    ]
    # A fail of any respect fails the metric, so they share its alpha. A pass needs all of them, so beta is not shared.
    alpha = arms.alpha / len(respects)
    harms, blocks = [], []
    for b, c, scale in respects:
        pairs = pair_blocks(b, c, arms)
        blocks.append(len(pairs))
        if len(pairs):
            harms.append(_harm(rule, b, c, scale, pairs, arms, alpha))
    found = Finding(baselines[0].summary, canaries[0].summary, tuple(harms), drift=arms.drift or 0.0)
    return require_blocks(found, min(blocks), arms)


def _harm(
    rule: MetricRule, b: Measured, c: Measured, scale: Scale, pairs: Pairs, arms: ArmPair, alpha: float
) -> Harm:
    unit = rule.metric.unit
    before, after = scale.centre(pairs.baseline), scale.centre(pairs.canary)
    harm = block_harm(scale, scale.differences(pairs.baseline, pairs.canary), pairs.t, arms, alpha)
    label = f"{c.label}: " if rule.metric.name == "latency_quantiles" else ""
    size = percent if scale.relative else partial(amount, unit=unit)
    limits = between(min(harm.low, harm.effect), max(harm.high, harm.effect), size, increase=scale.increase)
    return replace(
        harm,
        baseline=replace(b.summary, value=before),
        canary=replace(c.summary, value=after),
        said=f"{label}{amount(after, unit)} on the canary, {amount(before, unit)} on the baseline: "
        f"{change(before, after, unit)}{limits}",
        allowed=percent(scale.margin) if scale.relative else amount(scale.margin, unit),
    )
