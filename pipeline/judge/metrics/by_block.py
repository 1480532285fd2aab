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
from pipeline.judge.metrics.blocks import BlockValues, Pairing, Pairs, pair
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm, shown_after
from pipeline.judge.metrics.scale import Scale
from pipeline.judge.metrics.spending import spend_alpha, spend_beta
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.final import FINAL_MIN_BLOCKS, final_bounds, final_more_blocks
from pipeline.judge.stats.mean import scan_bounds, scan_more_blocks
from pipeline.judge.stats.ratio import Ratio

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
# A mean below this share of the baseline's counts as that much, because 0 has no logarithm.
_LEAST_SHARE: Final = 1e-3
# At the end of a run: which last parts of it are also looked at alone, and the share of alpha at the end that the whole
# has and each of the three parts. Parts are of FINAL_MIN_BLOCKS blocks at least.
_LAST_PARTS: Final = (1 / 2, 1 / 4, 1 / 8)
_WHOLE_SHARE: Final = 0.7
_PART_SHARE: Final = 0.1
# Nothing passes while a last part alone is beyond the margin, shown at this level.
_LATE_LEVEL: Final = 0.05
# A harm of which not half the bar is left in this last part is over, and the end alone does not fail it.
_HEALED_PART: Final = 1 / 3
_HEALED_SHARE: Final = 0.5
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


def pair_blocks(baseline: BlockValues, canary: BlockValues, arms: ArmPair) -> Pairs:
    """The blocks of both arms that belong together."""
    pairing: Pairing = "age" if arms.phased else "time"
    return pair(baseline, canary, pairing, seconds=arms.policy.block_seconds)


def scales(rule: MetricRule, baseline: float) -> tuple[Scale, ...]:
    """The scale of each harmful direction, given the baseline's value in the metric's unit.

    Where the threshold's fraction of the baseline is less than the metric's floor, the floor is the margin and
    the difference an amount: a fraction of next to nothing is noise.
    """
    limit, floor = rule.limit, rule.metric.floor
    relative = limit.relative and baseline > 0 and limit.value * baseline >= floor
    margin = limit.value if relative or not limit.relative else floor
    ways = {Direction.INCREASE: (True,), Direction.DECREASE: (False,), Direction.EITHER: (True, False)}
    least = _LEAST_SHARE * baseline if relative else 0.0
    return tuple(Scale(relative, way, margin, least) for way in ways[rule.direction])


def block_harm(scale: Scale, harm: Floats | Ratio, t: Floats, arms: ArmPair, alpha: float) -> Harm:
    """What paired blocks show; the caller adds the arms' values and the words.

    Args:
        scale: in which terms the harm is.
        harm: of at least one pair, shape (k,) (`Scale.harm`).
        t: as in Pairs, shape (k,).
        arms: both arms.
        alpha: this respect's part of the metric's alpha.
    """
    planned, bar = planned_blocks(arms), max(scale.margin, arms.drift or 0.0)
    spend, spend_pass = spend_alpha(arms, alpha), spend_beta(arms)
    bounds = scan_bounds(harm, spend.looks, spend_pass.looks, planned=planned)
    last, blocks = bounds.last(), _last_blocks(harm, 1.0)
    ended_low, ended_high = _at_the_end(harm, spend.end, spend_pass.end)
    doubt = ""
    healed = scale.effect(float(_last_blocks(harm, _HEALED_PART).mean())) <= _HEALED_SHARE * bar
    if healed and ended_low > scale.difference(bar) >= last.low:
        ended_low = scale.difference(bar)
        doubt = "beyond the allowed in all, but over: in the last third less than half of that is left"
    effect, low, high = (
        scale.effect(one) for one in (last.estimate, max(last.low, ended_low), min(last.high, ended_high))
    )
    if scale.relative:
        least, most = (-_LARGEST_FALL, _LARGEST_RISE) if scale.increase else (-_LARGEST_RISE, _LARGEST_FALL)
        low = -math.inf if low < least else low
        high = math.inf if high > most > effect else high
    late, late_seconds = _late(scale, harm, arms.policy.block_seconds)
    after = shown_after(bounds.low, scale.difference(bar), t)
    found = Harm(
        baseline=NOTHING,
        canary=NOTHING,
        relative=scale.relative,
        effect=effect,
        low=low,
        high=high,
        margin=scale.margin,
        bar=bar,
        late=late,
        effective=last.effective,
        after=float(t[-1]) if after is None and low > bar else after,
        more=None,
        said="",
        allowed="",
        doubt=doubt,
        late_seconds=late_seconds,
    )
    if found.worse or found.high <= found.margin or found.margin < found.effect <= bar:
        return found  # decided, or nothing that time would tell
    beyond = found.effect > scale.margin
    goal = scale.difference(bar if beyond else scale.margin)
    end = alpha - spend.looks if beyond else arms.policy.beta - spend_pass.looks
    waits = [
        scan_more_blocks(blocks, goal, spend.looks, spend_pass.looks, planned=planned),
        final_more_blocks(blocks, goal, end * (_WHOLE_SHARE if beyond else 1.0), planned=planned),
    ]
    more = min((wait for wait in waits if wait is not None), default=None)
    return found if more is None else replace(found, more=more * arms.policy.block_seconds / 60)


def _last_blocks(harm: Floats | Ratio, share: float) -> Floats:
    """The last `share` of the blocks, and FINAL_MIN_BLOCKS at least, as a series whose mean is the harm."""
    begin = len(harm) - min(len(harm), max(FINAL_MIN_BLOCKS, math.ceil(share * len(harm))))
    return harm.since(begin).linear() if isinstance(harm, Ratio) else harm[begin:]


def _at_the_end(harm: Floats | Ratio, alpha: float, beta: float) -> tuple[float, float]:
    """The bounds of a complete run: `low` is the highest of the whole's and of each last part's, each with its share."""
    if alpha == beta == 0:
        return -math.inf, math.inf
    low, high = final_bounds(_last_blocks(harm, 1.0), alpha * _WHOLE_SHARE, beta)
    parts = (_last_blocks(harm, share) for share in _LAST_PARTS)
    return max(low, *(final_bounds(part, alpha * _PART_SHARE, 0.0)[0] for part in parts)), high


def _late(scale: Scale, harm: Floats | Ratio, seconds: float) -> tuple[float | None, float]:
    """The effect in a last part that alone is beyond the margin, and how many seconds that part is; (None, 0) if none."""
    goal = scale.difference(scale.margin)
    for share in _LAST_PARTS:
        part = _last_blocks(harm, share)
        if final_bounds(part, _LATE_LEVEL, 0.0)[0] > goal:
            return scale.effect(float(part.mean())), len(part) * seconds
    return None, 0.0


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
