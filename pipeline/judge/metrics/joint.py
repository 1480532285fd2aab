"""Many small shifts at once: each within its own margin, together more than chance and less than nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Final

import numpy as np

from pipeline.judge.metrics.finding import Finding, Sides
from pipeline.judge.metrics.levels import block_harm, paired, read, too_short
from pipeline.judge.metrics.scale import Scale, scales
from pipeline.judge.rules import MetricRule
from pipeline.judge.verdict import Summary
from pipeline.judge.words import amount, between

__all__ = ["COSTS", "find_joint"]

# What a request costs: the metrics that one cause moves together, and in which less is better.
COSTS: Final = ("latency_p50", "service_cpu", "service_memory", "host_cpu")
_PLACES: Final = 1_000_000  # more than a phase has blocks


def find_joint(rule: MetricRule, rules: Sequence[MetricRule], sides: Sides) -> Finding:
    """Compares the mean of the costs' differences, each in units of its own margin, block by block.

    Where one version was measured after the other and nobody calibrated, a drift of the machine moves all costs
    alike and looks the same: then it may pass, and can do no more.
    """
    parts = []
    for part in rules:
        if part.name not in COSTS:
            continue
        baselines, canaries = read(part, sides.baseline), read(part, sides.canary)
        if not baselines or not canaries:
            continue
        pairs = paired(baselines[0], canaries[0], sides)
        scale = scales(part, baselines[0].summary.value or 0.0)[0]
        blocks = canaries[0].blocks
        place = blocks.phase[pairs.at_canary] * _PLACES + blocks.number[pairs.at_canary]
        margin = scale.difference(scale.margin)
        if margin > 0:
            parts.append((place, scale.differences(pairs.baseline, pairs.canary) / margin, pairs.t))
    if len(parts) < 2:
        return Finding(lacking="fewer than two of its metrics have data", nothing=True)
    common = reduce(np.intersect1d, (place for place, _, _ in parts))
    if len(common) == 0:
        return too_short(Finding(), 0, sides)
    mean = np.mean([moved[np.isin(place, common)] for place, moved, _ in parts], axis=0)
    place, _, t = parts[0]
    scale = Scale(relative=False, increase=True, margin=rule.limit.value, floor=0.0)
    harm = block_harm(scale, mean, t[np.isin(place, common)], sides, sides.alpha)
    shown = Summary(len(mean), None)
    limits = between(min(harm.low, harm.effect), max(harm.high, harm.effect), lambda size: f"{size:.2g}")
    said = f"{len(parts)} costs together moved by {amount(harm.effect, rule.metric.unit)}{limits}"
    harm = replace(harm, baseline=shown, canary=shown, said=said, allowed=f"{rule.limit.value:g}")
    finding = too_short(Finding(harms=(harm,), drift=sides.drift or 0.0), len(mean), sides)
    if sides.phased and sides.drift is None:
        why = "a drift between the two phases could be the cause, and nobody has calibrated"
        return replace(finding, only_pass=why)
    return finding
