"""What levels, trends and the joint metric have in common: one value a block, compared pair by pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Direction
from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.arms import ArmView, Measured
from pipeline.judge.metrics.blocks import BlockValues, Pairing, Pairs, pair
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm, shown_after
from pipeline.judge.metrics.scale import Scale
from pipeline.judge.metrics.spending import Spending, spend_alpha, spend_beta
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.final import final_bounds, final_more_blocks
from pipeline.judge.stats.mean import mean_bounds, scan_bounds, scan_more_blocks
from pipeline.judge.stats.ratio import Ratio

__all__ = [
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
# has and each of the three parts. Parts are of at least so many blocks.
_LAST_PARTS: Final = (1 / 2, 1 / 4, 1 / 8)
_LEAST_PART: Final = 5
_WHOLE_SHARE: Final = 0.7
_PART_SHARE: Final = 0.1
# Nothing passes while a last part alone is beyond the margin, shown at this level.
_LATE_LEVEL: Final = 0.05
# A harm of which not half the bar is left in this last part is over, and the end alone does not fail it.
_HEALED_PART: Final = 1 / 3
_HEALED_SHARE: Final = 0.5
# Series that are judged once: the bounds of all looks, at the end alone, have these shares of alpha and beta beside
# those of the end. They see what the others do not: a series that hardly wanders, and a mean of heavy tails.
_ALPHA_OF_LOOKS: Final = 0.4
_BETA_OF_LOOKS: Final = 0.2
# A last part: where it begins, and the blocks of the whole as `_linear` has them for it.
_Part = tuple[int, Floats]
_OF_REQUESTS: Final[Mapping[str, Callable[[ArmView], list[Measured]]]] = {
    "latency_p50": ArmView.median_latency,  # for the joint metric
    "response_size": ArmView.sizes,
    "throughput": ArmView.throughput,
}


def measure(rule: MetricRule, arm: ArmView, arms: ArmPair) -> list[Measured]:
    """What is compared of one of the arms; [] without data.

    Where the proxy deals requests by chance, one version has now more of them and now the other, and what grows with
    them is compared by request: as much as it would be with as many as both have on average.
    """
    metric = rule.metric
    if metric.requests:
        return _OF_REQUESTS[metric.name](arm)
    per_block = arms.requests_per_block if metric.per_request and arms.at_once else 0.0
    return arm.level(metric.series or metric.name, per_block)


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


def block_harm(
    scale: Scale, harm: Floats | Ratio, t: Floats, arms: ArmPair, alpha: float, *, scan: bool = True
) -> Harm:
    """What paired blocks show; the caller adds the arms' values and the words.

    Args:
        scale: in which terms the harm is.
        harm: of at least one pair, shape (k,) (`Scale.harm`).
        t: as in Pairs, shape (k,).
        arms: both arms.
        alpha: this respect's part of the metric's alpha.
        scan: whether a look also looks for what began late, and for a series that returns to no mean.
    """
    planned, bar = planned_blocks(arms), max(scale.margin, arms.drift or 0.0)
    spend, spend_pass = spend_alpha(arms, alpha), spend_beta(arms)
    if arms.once:
        spend, spend_pass = _shared(spend.end, _ALPHA_OF_LOOKS), _shared(spend_pass.end, _BETA_OF_LOOKS)
    far = scale.difference(bar)
    if scan:
        bounds = scan_bounds(harm, spend.looks, spend_pass.looks, planned=planned, beyond=far)
    else:
        bounds = mean_bounds(harm, spend.looks, spend_pass.looks, planned=planned)
    last = bounds.last()
    blocks, parts = _linear(harm), _last_parts(harm)
    ended_low, ended_high = _at_the_end(blocks, parts, far, spend.end, spend_pass.end)
    if arms.once:
        ended_low, last = max(ended_low, float(bounds.low[-1])), replace(last, low=-math.inf)
    doubt = ""
    if ended_low > far >= last.low and _healed(scale, harm, bar):
        ended_low = far
        doubt = "beyond it in all, but over: in the last third not even half of it is left"
    effect, low, high = (
        scale.effect(one) for one in (last.estimate, max(last.low, ended_low), min(last.high, ended_high))
    )
    if scale.relative:
        least, most = (-_LARGEST_FALL, _LARGEST_RISE) if scale.increase else (-_LARGEST_RISE, _LARGEST_FALL)
        low = -math.inf if low < least else low
        high = math.inf if high > most > effect else high
    late, late_part = _late(scale, parts, arms.policy.block_seconds) if high <= scale.margin else (None, "")
    after = None if arms.once else shown_after(bounds.low, far, t)
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
        late_part=late_part,
    )
    if found.worse or found.high <= found.margin or found.margin < found.effect <= bar:
        return found  # decided, or nothing that time would tell
    beyond = found.effect > scale.margin
    goal = far if beyond else scale.difference(scale.margin)
    waits = [
        scan_more_blocks(blocks, goal, spend.looks, spend_pass.looks, planned=planned),
        final_more_blocks(
            blocks,
            goal,
            (alpha - spend.looks) * _WHOLE_SHARE,
            arms.policy.beta - spend_pass.looks,
            planned=planned,
        ),
    ]
    more = min((wait for wait in waits if wait is not None), default=None)
    return found if more is None else replace(found, more=more * arms.policy.block_seconds / 60)


def _shared(chance: float, share: float) -> Spending:
    return Spending(share * chance, (1 - share) * chance)


def _at_the_end(
    blocks: Floats, parts: Sequence[_Part], far: float, alpha: float, beta: float
) -> tuple[float, float]:
    """The bounds of a complete run; `low` is the highest of the whole's and of each last part's, each with its share.

    A part that does not lie beyond `far` shows nothing that counts, and is left out.
    """
    if alpha == beta == 0:
        return -math.inf, math.inf
    low, high = final_bounds(blocks, alpha * _WHOLE_SHARE, beta)
    for begin, d in parts:
        if d[begin:].mean() > far:
            low = max(low, final_bounds(d, alpha * _PART_SHARE, 0.0, begin=begin)[0])
    return low, high


def _healed(scale: Scale, harm: Floats | Ratio, bar: float) -> bool:
    """Whether the harm is over: its last third has not half of the bar."""
    begin = len(harm) - math.ceil(len(harm) * _HEALED_PART)
    return scale.effect(float(_linear(harm, begin)[begin:].mean())) <= _HEALED_SHARE * bar


def _late(scale: Scale, parts: Sequence[_Part], seconds: float) -> tuple[float | None, str]:
    """The effect in a last part that alone is beyond the margin, and which that is; None where no part is."""
    goal = scale.difference(scale.margin)
    for begin, d in parts:
        part = d[begin:]
        if part.mean() > goal and -final_bounds(-d, 0.0, _LATE_LEVEL, begin=begin)[1] > goal:
            return scale.effect(float(part.mean())), f"last {len(part) * seconds:g} s"
    return None, ""


def _last_parts(harm: Floats | Ratio) -> list[_Part]:
    """The last parts, the longest first; none of a series that is too short for it."""
    sizes = {max(_LEAST_PART, math.ceil(share * len(harm))) for share in _LAST_PARTS}
    begins = [len(harm) - size for size in sorted(sizes, reverse=True) if size < len(harm)]
    return [(begin, _linear(harm, begin)) for begin in begins]


def _linear(harm: Floats | Ratio, begin: int = 0) -> Floats:
    """Blocks whose mean is the harm: before `begin` that of what is before, from there on that of the rest."""
    if not isinstance(harm, Ratio):
        return harm
    rest = harm.since(begin).linear()
    return np.concatenate([harm.until(begin).linear(), rest]) if begin else rest


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
