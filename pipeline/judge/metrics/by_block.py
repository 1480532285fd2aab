"""What levels, trends and the joint metric have in common: one value a block, compared pair by pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Direction
from pipeline.judge.metrics.arms import LATENCY_QUANTILES, ArmPair, ArmView, Measured
from pipeline.judge.metrics.blocks import Pairing, Pairs, pair
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm, shown_after
from pipeline.judge.metrics.scale import Scale
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.final import final_high, final_more_blocks
from pipeline.judge.stats.mean import FINAL_SHARE, scan_bounds, scan_more_blocks

__all__ = [
    "QUANTILES",
    "block_harm",
    "measure",
    "pair_blocks",
    "planned_blocks",
    "require_blocks",
    "scales",
]

Floats = NDArray[np.float64]

# Bounds of a relative effect beyond these count as unknown: that something may have fallen by 99 % or may be more than
# ten times as much tells nothing that helps.
_LARGEST_FALL: Final = 0.99
_LARGEST_RISE: Final = 9.0
# A series must have at least this share of the blocks that the measured time should have given.
_LEAST_COVERED: Final = 0.5
# Where a metric has no floor: values below this share of the baseline's count as that much, because 0 has no logarithm.
_LEAST_SHARE: Final = 1e-3
QUANTILES: Final = LATENCY_QUANTILES[:-1]  # of latency_quantiles; the last has a metric of its own
_OF_REQUESTS: Final[Mapping[str, Callable[[ArmView], list[Measured]]]] = {
    "latency_p50": lambda arm: arm.latencies(0.5),
    "latency_p99": lambda arm: arm.latencies(0.99),
    "latency_quantiles": lambda arm: arm.latencies(*QUANTILES),
    "response_size": ArmView.sizes,
    "throughput": ArmView.throughput,
}


def measure(rule: MetricRule, arm: ArmView) -> list[Measured]:
    """What is compared of one arm: one statistic, or several of one metric; [] without data."""
    metric = rule.metric
    return _OF_REQUESTS[metric.name](arm) if metric.requests else arm.level(metric.series or metric.name)


def pair_blocks(baseline: Measured, canary: Measured, arms: ArmPair) -> Pairs:
    """The blocks of both arms that belong together."""
    pairing: Pairing = "age" if arms.phased else "time"
    return pair(baseline.blocks, canary.blocks, pairing, seconds=arms.policy.block_seconds)


def scales(rule: MetricRule, baseline: float) -> tuple[Scale, ...]:
    """The scale of each harmful direction, given the baseline's value in the metric's unit.

    Where the threshold's fraction of the baseline is less than the metric's floor, the floor is the margin and
    the difference an amount: a fraction of next to nothing is noise.
    """
    limit, floor = rule.limit, rule.metric.floor
    relative = limit.relative and baseline > 0 and limit.value * baseline >= floor
    margin = limit.value if relative or not limit.relative else floor
    ways = {Direction.INCREASE: (True,), Direction.DECREASE: (False,), Direction.EITHER: (True, False)}
    least = max(floor, _LEAST_SHARE * baseline) if relative else floor
    return tuple(Scale(relative, way, margin, least) for way in ways[rule.direction])


def block_harm(scale: Scale, differences: Floats, t: Floats, arms: ArmPair, alpha: float) -> Harm:
    """What the differences of paired blocks show; the caller adds the arms' values and the words.

    Args:
        scale: in which terms the differences are.
        differences: of at least one pair, shape (k,), positive when worse (`Scale.differences`).
        t: as in Pairs, shape (k,).
        arms: both arms.
        alpha: this respect's part of the metric's alpha.
    """
    beta, planned = arms.policy.beta, planned_blocks(arms)
    bounds = scan_bounds(differences, alpha, beta, planned=planned)
    last = bounds.last()
    bar = max(scale.margin, arms.drift or 0.0)
    late = differences[len(differences) // 2 :]
    highest = min(last.high, final_high(differences, beta * FINAL_SHARE) if arms.complete else math.inf)
    effect, low, high = (scale.effect(one) for one in (last.estimate, last.low, highest))
    if scale.relative:
        least, most = (-_LARGEST_FALL, _LARGEST_RISE) if scale.increase else (-_LARGEST_RISE, _LARGEST_FALL)
        low = -math.inf if low < least else low
        high = math.inf if high > most > effect else high
    harm = Harm(
        baseline=NOTHING,
        canary=NOTHING,
        relative=scale.relative,
        effect=effect,
        low=low,
        high=high,
        margin=scale.margin,
        bar=bar,
        late=scale.effect(float(late.mean())),
        effective=last.effective,
        after=shown_after(bounds.low, scale.difference(bar), t),
        more=None,
        said="",
        allowed="",
    )
    if harm.worse or harm.high <= harm.margin or harm.margin < harm.effect <= bar:
        return harm  # decided, or nothing that time would tell
    if harm.effect <= scale.margin:
        within = scale.difference(scale.margin)
        waits = [
            scan_more_blocks(differences, within, alpha, beta, planned=planned),
            final_more_blocks(differences, within, beta * FINAL_SHARE, planned=planned),
        ]
    else:
        waits = [scan_more_blocks(differences, scale.difference(bar), alpha, beta, planned=planned)]
    more = min((wait for wait in waits if wait is not None), default=None)
    return harm if more is None else replace(harm, more=more * arms.policy.block_seconds / 60)


def planned_blocks(arms: ArmPair) -> int:
    """How many pairs of blocks the run is to give."""
    return max(1, round(arms.length / arms.policy.block_seconds))


def require_blocks(finding: Finding, blocks: int, arms: ArmPair) -> Finding:
    """The finding, with what it lacks for a pass where there are too few pairs of blocks.

    Too few: less than the policy asks for, or less than half of what the measured time should have given, because
    a series that ends early says nothing of the rest.
    """
    seconds = arms.policy.block_seconds
    measured = min(arms.baseline.seconds, arms.canary.seconds)
    needed = max(arms.policy.min_blocks, math.ceil(_LEAST_COVERED * measured / seconds))
    if blocks >= needed:
        return finding
    said = f"too few to tell: {blocks} pairs of blocks of {seconds:g} s, {needed} are needed"
    minutes = (needed - blocks) * seconds / 60 if needed == arms.policy.min_blocks else None
    return replace(finding, short=said, short_minutes=minutes, lacking=None if finding.harms else said)
