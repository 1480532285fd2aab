"""Trends: whether the canary's memory goes on growing where the baseline's does not."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.blocks import Pairs
from pipeline.judge.metrics.by_block import measure, pair_blocks, planned_blocks, require_blocks
from pipeline.judge.metrics.finding import Finding, Harm, no_data, shown_after
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.slope import slope_bounds
from pipeline.judge.stats.troughs import WINDOWS, trough_slopes
from pipeline.judge.words import amount, between

__all__ = ["compare_trend"]

Floats = NDArray[np.float64]

_MINUTE: Final = 60.0
# Of alpha: for the trend of the troughs.
_TROUGHS_SHARE: Final = 0.5


def compare_trend(rule: MetricRule, arms: ArmPair) -> Finding:
    """Compares the slopes of a series, in its unit a minute: of all that is paired, and of its troughs alone.

    So two versions that warm up alike show no growth. A baseline that shrinks is no reason to blame the canary: for a
    fail the canary's own slope must be beyond the bar as well, in all and in the second half alone.
    """
    baselines, canaries = measure(rule, arms.baseline, arms), measure(rule, arms.canary, arms)
    if not baselines or not canaries:
        return no_data(bool(baselines), bool(canaries))
    (b,), (c,) = baselines, canaries
    pairs = pair_blocks(b.blocks, c.blocks, arms)
    if len(pairs) < arms.policy.min_blocks:
        return require_blocks(
            Finding(replace(b.summary, value=None), replace(c.summary, value=None)), len(pairs), arms
        )
    drift = arms.drift or 0.0
    bar = max(rule.limit.value, drift)
    # Bounds that hold at all looks hold at one, so this part needs no spending plan.
    bounds = slope_bounds(
        pairs.t,
        pairs.canary - pairs.baseline,
        arms.alpha * (1 - _TROUGHS_SHARE),
        arms.policy.beta,
        planned=planned_blocks(arms),
    )
    last = bounds.last()
    low, high = _MINUTE * last.low, _MINUTE * last.high
    before, after = _slope(pairs.t, pairs.baseline), _slope(pairs.t, pairs.canary)
    effect, half = after - before, len(pairs) // 2
    own = min(after, _slope(pairs.t[half:], pairs.canary[half:]))
    grown = effect * float(pairs.t[-1] - pairs.t[0]) / _MINUTE
    size = partial(amount, unit=rule.metric.unit)
    limits = between(min(low, effect), max(high, effect), size)
    harm = Harm(
        baseline=replace(b.summary, value=before),
        canary=replace(c.summary, value=after),
        relative=False,
        effect=effect,
        low=low,
        high=high,
        margin=rule.limit.value,
        bar=bar,
        late=None,
        effective=last.effective,
        after=shown_after(_MINUTE * bounds.low, bar, pairs.t),
        more=None,
        said=f"{size(after)} on the canary, {size(before)} on the baseline{limits}",
        allowed=size(rule.limit.value),
        real=own > bar and grown >= rule.metric.floor,
    )
    harm = replace(harm, more=_more(harm, len(pairs), arms))
    troughs = _troughs(rule, harm, pairs, arms)
    harms = (harm,) if troughs is None else (harm, troughs)
    return require_blocks(Finding(harms=harms, drift=drift), len(pairs), arms)


def _troughs(rule: MetricRule, whole: Harm, pairs: Pairs, arms: ArmPair) -> Harm | None:
    """The trend of the troughs; it fails only at the end of a complete run. None with too few blocks for it."""
    alpha = arms.alpha * _TROUGHS_SHARE if arms.complete else 0.0
    found = trough_slopes(pairs.t, pairs.baseline, pairs.canary, alpha, arms.policy.beta)
    if found is None:
        return None
    before, after, effect, low, high = (_MINUTE * one for one in found)
    grown = effect * float(pairs.t[-1] - pairs.t[0]) / _MINUTE
    size = partial(amount, unit=rule.metric.unit)
    limits = between(min(low, effect), max(high, effect), size)
    harm = replace(
        whole,
        baseline=replace(whole.baseline, value=before),
        canary=replace(whole.canary, value=after),
        effect=effect,
        low=low,
        high=high,
        effective=float(WINDOWS),
        after=float(pairs.t[-1]) if low > whole.bar else None,
        more=None,
        said=f"its troughs: {size(after)} on the canary, {size(before)} on the baseline{limits}",
        real=after > whole.bar and grown >= rule.metric.floor,
        aside=True,
    )
    return replace(harm, more=_more(harm, len(pairs), arms))


def _slope(t: Floats, values: Floats) -> float:
    """The least-squares slope in units a minute."""
    x = t - t.mean()
    spread = float(x @ x)
    return _MINUTE * float(x @ values) / spread if spread > 0 else 0.0


def _more(harm: Harm, blocks: int, arms: ArmPair) -> float | None:
    """Minutes until the bounds, which narrow about as the length to the power 3/2, leave the margin or the bar.

    Before half of the planned length nothing is bounded (`slope_bounds`); that is the first to wait for.
    """
    if harm.effect <= harm.margin:
        width, room = harm.high - harm.effect, harm.margin - harm.effect
    else:
        width, room = harm.effect - harm.low, harm.effect - harm.bar
    if math.isinf(width):
        needed = max(planned_blocks(arms) / 2, blocks + 1)
    elif room <= 0:
        return None
    else:
        needed = blocks * max(1.0, width / room) ** (2 / 3)
    return (needed - blocks) * arms.policy.block_seconds / _MINUTE
