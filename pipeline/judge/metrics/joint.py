"""Several small shifts at once: each is within its own margin, but their mean is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Final

import numpy as np

from pipeline.judge.catalogue import Direction, Kind
from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.blocks import MOST_BLOCKS
from pipeline.judge.metrics.by_block import block_harm, measure, pair_blocks, require_blocks, scales
from pipeline.judge.metrics.finding import Finding
from pipeline.judge.metrics.scale import Scale
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Summary
from pipeline.judge.words import amount, between

__all__ = ["JOINT_SHIFT", "compare_joint", "is_cost", "is_part"]

# What a request costs: the metrics that one cause moves together, and in which less is better.
_COSTS: Final = ("latency_p50", "service_cpu", "service_memory", "host_cpu")
# The catalogue's joint metric; one of any other name takes what a configuration's own levels cost.
JOINT_SHIFT: Final = "joint_shift"


def is_cost(rule: MetricRule) -> bool:
    """Whether a level of a configuration's own says what something costs: less is better, and in percent."""
    increase = rule.direction is Direction.INCREASE
    return rule.metric.kind is Kind.LEVEL and increase and rule.limit.relative


def is_part(rule: MetricRule, joint: MetricRule) -> bool:
    """Whether the metric of `rule` is one of those that `joint` takes together."""
    return rule.name in _COSTS if joint.name == JOINT_SHIFT else is_cost(rule)


def compare_joint(rule: MetricRule, rules: Sequence[MetricRule], arms: ArmPair) -> Finding:
    """Compares the mean of the costs' differences, each in units of its own margin, block by block.

    A cost's difference is (canary - baseline) / (the baseline's mean * margin), so that the mean over blocks is change
    divided by margin. Latency counts with the medians of its blocks, for one slow answer must not outweigh all else.

    Where one version was measured after the other and nobody calibrated, a drift of the machine moves all costs
    alike and cannot be told from harm: then the metric may pass, but not fail.
    """
    parts = []
    for part in rules:
        if not is_part(part, rule):
            continue
        baselines, canaries = measure(part, arms.baseline, arms), measure(part, arms.canary, arms)
        if not baselines or not canaries:
            continue
        pairs = pair_blocks(baselines[0].blocks, canaries[0].blocks, arms)
        if len(pairs) == 0:
            continue
        scale = scales(part, baselines[0].summary.value or 0.0)[0]
        blocks = canaries[0].blocks
        place = blocks.phase[pairs.at_canary] * MOST_BLOCKS + blocks.number[pairs.at_canary]
        margin = scale.margin * float(pairs.baseline.mean()) if scale.relative else scale.margin
        if margin > 0:
            parts.append((place, (pairs.canary - pairs.baseline) / margin, pairs.t))
    if len(parts) < 2:
        return Finding(lacking="fewer than two of its metrics have data", nothing=True)
    common = reduce(np.intersect1d, (place for place, _, _ in parts))
    if len(common) == 0:
        return require_blocks(Finding(), 0, arms)
    mean = np.mean([moved[np.isin(place, common)] for place, moved, _ in parts], axis=0)
    place, _, t = parts[0]
    scale = Scale(relative=False, increase=True, margin=rule.limit.value, least=0.0)
    harm = block_harm(scale, mean, t[np.isin(place, common)], arms, arms.alpha)
    shown = Summary(len(mean), None)
    limits = between(min(harm.low, harm.effect), max(harm.high, harm.effect), lambda size: f"{size:.2g}")
    said = f"{len(parts)} costs together moved by {amount(harm.effect, rule.metric.unit)}{limits}"
    harm = replace(harm, baseline=shown, canary=shown, said=said, allowed=f"{rule.limit.value:g}")
    finding = require_blocks(Finding(harms=(harm,), drift=arms.drift or 0.0), len(mean), arms)
    if arms.phased and arms.drift is None:
        why = "a drift between the two measurements could be the cause, and how large it may be is not known"
        return replace(finding, only_pass=why)
    return finding
