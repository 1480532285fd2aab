"""Levels and quantiles: block by block, the canary's value against its partner's of the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arms import LATENCIES, ArmView, Measured
from pipeline.judge.metrics.blocks import Pairing, Pairs, pair
from pipeline.judge.metrics.finding import NOTHING, Finding, Harm, Sides, absent, shown_after
from pipeline.judge.metrics.scale import Scale, scales
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.final import final_high, final_more_blocks
from pipeline.judge.stats.mean import FINAL_BETA, scan_more_blocks, scan_path
from pipeline.judge.words import amount, between, change, percent

__all__ = ["QUANTILES", "block_harm", "find_level", "paired", "planned_blocks", "read", "too_short"]

Floats = NDArray[np.float64]

_TRIVIAL: Final = 0.99
_TENFOLD: Final = 9.0
_WHOLE: Final = 0.5
QUANTILES: Final = LATENCIES[:-1]  # of latency_quantiles; the last has a metric of its own
_REQUESTS: Final[Mapping[str, Callable[[ArmView], list[Measured]]]] = {
    "latency_p50": lambda arm: arm.latencies(0.5),
    "latency_p99": lambda arm: arm.latencies(0.99),
    "latency_quantiles": lambda arm: arm.latencies(*QUANTILES),
    "response_size": ArmView.sizes,
    "throughput": ArmView.throughput,
}


def read(rule: MetricRule, arm: ArmView) -> list[Measured]:
    """What is compared of one arm: one statistic, or several of one metric; [] without data."""
    metric = rule.metric
    return _REQUESTS[metric.name](arm) if metric.requests else arm.level(metric.series or metric.name)


def paired(baseline: Measured, canary: Measured, sides: Sides) -> Pairs:
    """The blocks of both arms that belong together."""
    pairing: Pairing = "age" if sides.phased else "time"
    return pair(baseline.blocks, canary.blocks, pairing, seconds=sides.policy.block_seconds)


def find_level(rule: MetricRule, sides: Sides) -> Finding:
    """Compares a level, a quantile or a family of quantiles."""
    baselines, canaries = read(rule, sides.baseline), read(rule, sides.canary)
    if not baselines or not canaries:
        found = absent(bool(baselines), bool(canaries))
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
    # A fail of any respect fails the metric, so they share its alpha; a pass needs all of them, which needs no sharing.
    alpha = sides.alpha / len(respects)
    harms, blocks = [], []
    for b, c, scale in respects:
        pairs = paired(b, c, sides)
        blocks.append(len(pairs))
        if len(pairs):
            harms.append(_harm(rule, b, c, scale, pairs, sides, alpha))
    found = Finding(baselines[0].summary, canaries[0].summary, tuple(harms), drift=sides.drift or 0.0)
    return too_short(found, min(blocks), sides)


def _harm(
    rule: MetricRule, b: Measured, c: Measured, scale: Scale, pairs: Pairs, sides: Sides, alpha: float
) -> Harm:
    unit = rule.metric.unit
    before, after = scale.centre(pairs.baseline), scale.centre(pairs.canary)
    harm = block_harm(scale, scale.differences(pairs.baseline, pairs.canary), pairs.t, sides, alpha)
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


def block_harm(scale: Scale, differences: Floats, t: Floats, sides: Sides, alpha: float) -> Harm:
    """What the differences of at least one pair of blocks show; `t` as in Pairs. The caller adds values and words."""
    beta, planned = sides.policy.beta, planned_blocks(sides)
    path = scan_path(differences, alpha, beta, planned=planned)
    last = path.last()
    assert last is not None  # noqa: S101 - a path has an entry for each of the differences
    bar = max(scale.margin, sides.drift or 0.0)
    late = differences[len(differences) // 2 :]
    highest = min(last.high, final_high(differences, beta * FINAL_BETA) if sides.complete else math.inf)
    effect, low, high = (scale.effect(one) for one in (last.estimate, last.low, highest))
    # That nothing falls by more than all of it goes without saying, and is not known of this in particular; nor
    # is it worth telling that something may be ten times as much.
    if scale.relative:
        least, most = (-_TRIVIAL, _TENFOLD) if scale.increase else (-_TENFOLD, _TRIVIAL)
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
        after=shown_after(path.low, scale.difference(bar), t),
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
            final_more_blocks(differences, within, beta * FINAL_BETA, planned=planned),
        ]
    else:
        waits = [scan_more_blocks(differences, scale.difference(bar), alpha, beta, planned=planned)]
    more = min((wait for wait in waits if wait is not None), default=None)
    return harm if more is None else replace(harm, more=more * sides.policy.block_seconds / 60)


def planned_blocks(sides: Sides) -> int:
    """How many pairs of blocks the run is to give."""
    return max(1, round(sides.length / sides.policy.block_seconds))


def too_short(finding: Finding, blocks: int, sides: Sides) -> Finding:
    """The finding, with what it lacks for a pass where there are too few pairs of blocks.

    Too few are less than the policy asks for, and less than half of what the measured time should have given:
    a series that ends early says nothing of the rest.
    """
    seconds = sides.policy.block_seconds
    measured = min(sides.baseline.seconds, sides.canary.seconds)
    needed = max(sides.policy.min_blocks, math.ceil(_WHOLE * measured / seconds))
    if blocks >= needed:
        return finding
    said = f"too few to tell: {blocks} pairs of blocks of {seconds:g} s, {needed} are needed"
    minutes = (needed - blocks) * seconds / 60 if needed == sides.policy.min_blocks else None
    return replace(finding, short=said, short_minutes=minutes, lacking=None if finding.harms else said)
