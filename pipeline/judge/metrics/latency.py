"""Latency: quantiles of all measured requests, decided by the share of the canary's requests that are slower."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.metrics.arm_pair import ArmPair
from pipeline.judge.metrics.arms import LATENCY_QUANTILES, ArmView
from pipeline.judge.metrics.blocks import Blocks, BlockValues, Pairing, pair, phase_of
from pipeline.judge.metrics.by_block import require_blocks, scales
from pipeline.judge.metrics.by_second import MIN_COUNTED
from pipeline.judge.metrics.finding import Finding, Harm, no_data
from pipeline.judge.metrics.scale import Scale
from pipeline.judge.metrics.spending import spend_alpha, spend_beta
from pipeline.judge.rules import MetricRule
from pipeline.judge.stats.quantile_arms import Arms, Values, looks_of
from pipeline.judge.stats.quantile_shares import Comparison
from pipeline.judge.verdict import Summary
from pipeline.judge.words import amount, between, change, percent

__all__ = ["compare_latency"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_OF_METRIC: Final[Mapping[str, tuple[float, ...]]] = {
    "latency_p50": (0.5,),
    "latency_p99": (0.99,),
    "latency_quantiles": (0.1, 0.25, 0.75, 0.9),
}
# Nothing passes whose last quarter alone is beyond the margin, told at this level: harm may have begun there.
_LATE_PART: Final = 0.25
_LATE_LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class _Latencies:
    """Both arms' latencies, ready to be compared.

    Attributes:
        arms: the values.
        references: the baseline's quantiles at each look, a row for each of LATENCY_QUANTILES.
        elapsed: for how many seconds the canary had been measured by each second, shape (seconds,).
    """

    arms: Arms
    references: Floats
    elapsed: Floats


def compare_latency(rule: MetricRule, arms: ArmPair) -> Finding:
    """Compares one quantile of latency, or several of one metric, by shares of requests (`quantile_shares`)."""
    b, c = arms.baseline, arms.canary
    if not b.good or not c.good:
        found = no_data(b.good > 0, c.good > 0)
        quantile = _OF_METRIC[rule.name][0]
        return replace(
            found,
            baseline=_alone(b.good_latencies()[1], quantile) if b.good else found.baseline,
            canary=_alone(c.good_latencies()[1], quantile) if c.good else found.canary,
        )
    latencies = c.remember("latencies", lambda: _prepare(arms))
    respects = [
        (quantile, row, scale)
        for quantile in _OF_METRIC[rule.name]
        for row in [latencies.references[LATENCY_QUANTILES.index(quantile)]]
        for scale in scales(rule, float(row[-1]))
    ]
    # A fail of any respect fails the metric, so they share its alpha. A pass needs all of them, so beta is not shared.
    alpha = arms.alpha / len(respects)
    harms = [_harm(rule, latencies, respect, arms, alpha) for respect in respects]
    return require_blocks(
        Finding(harms=tuple(harms), drift=arms.drift or 0.0), latencies.arms.canary.blocks, arms
    )


def _harm(
    rule: MetricRule,
    latencies: _Latencies,
    respect: tuple[float, Floats, Scale],
    arms: ArmPair,
    alpha: float,
) -> Harm:
    quantile, references, scale = respect
    bar = max(scale.margin, arms.drift or 0.0)
    comparison = Comparison(
        latencies.arms,
        quantile,
        references,
        increase=scale.increase,
        relative=scale.relative,
        margin=scale.margin,
        bar=bar,
    )
    share, chance = spend_alpha(arms, alpha), spend_beta(arms)
    enough = len(latencies.arms.canary.value) >= MIN_COUNTED
    shown = comparison.shown_at_looks(share.looks) if share.looks and enough else None
    low, high = -math.inf, math.inf
    if arms.complete:
        low, high = comparison.final_low(share.end), comparison.final_high(chance.end)
    elif chance.looks:
        high = comparison.high_at_last_look(chance.looks)
    if share.looks and (comparison.effect > scale.margin or not arms.complete):
        low = max(low, comparison.low_at_last_look(share.looks))
    if shown is not None:
        low = max(low, math.nextafter(bar, math.inf))
        after: float | None = float(latencies.elapsed[shown])
    else:
        low = low if arms.complete else min(low, bar)
        after = arms.canary.seconds if low > bar else None
    unit = rule.metric.unit
    size = percent if scale.relative else partial(amount, unit=unit)
    before, now = comparison.baseline, comparison.canary
    limits = between(min(low, comparison.effect), max(high, comparison.effect), size, increase=scale.increase)
    label = f"p{100 * quantile:g}: " if len(_OF_METRIC[rule.name]) > 1 else ""
    harm = Harm(
        baseline=_summary(latencies.arms.baseline, quantile),
        canary=_summary(latencies.arms.canary, quantile),
        relative=scale.relative,
        effect=comparison.effect,
        low=low,
        high=high,
        margin=scale.margin,
        bar=bar,
        late=_late(comparison, latencies.arms, quantile, scale) if arms.complete else None,
        effective=comparison.effective,
        after=after,
        more=None,
        said=f"{label}{amount(now, unit)} on the canary, {amount(before, unit)} on the baseline: "
        f"{change(before, now, unit)}{limits}",
        allowed=percent(scale.margin) if scale.relative else amount(scale.margin, unit),
        real=enough,
        late_part="last quarter",
    )
    if harm.worse or harm.within or scale.margin < harm.effect <= bar:
        return harm
    return replace(harm, more=_more(comparison, harm, arms, alpha))


def _late(comparison: Comparison, both: Arms, quantile: float, scale: Scale) -> float | None:
    """The effect of the last quarter, where that alone is shown to be beyond the margin."""
    if not comparison.late(scale.margin, _LATE_LEVEL, _LATE_PART):
        return None
    canary = both.canary
    last = canary.value[canary.block >= canary.blocks - math.ceil(_LATE_PART * canary.blocks)]
    moved = float(np.quantile(last, quantile)) - comparison.baseline
    moved = moved if scale.increase else -moved
    return moved / comparison.baseline if scale.relative else moved


def _more(comparison: Comparison, harm: Harm, arms: ArmPair, alpha: float) -> float | None:
    """Minutes until the interval leaves the margin or the bar: its width falls as the root of the length."""
    measured, level = arms.canary.seconds, spend_alpha(arms, alpha)
    if harm.effect > harm.margin:
        times = comparison.times_as_long(level.looks) if level.looks else None
    else:
        chance = spend_beta(arms)
        times = comparison.times_to_pass(chance.end or chance.looks or arms.policy.beta)
    return None if times is None else (max(arms.length, measured * max(times, 1.0)) - measured) / 60


def _summary(values: Values, quantile: float) -> Summary:
    value, low, middle, high = (values.quantile(one) for one in (quantile, 0.05, 0.5, 0.95))
    return Summary(len(values.value), value, middle, low, high)


def _alone(latency: Floats, quantile: float) -> Summary:
    """Of an arm that has no other to be compared with."""
    value, low, middle, high = np.quantile(latency, (quantile, 0.05, 0.5, 0.95)).tolist()
    return Summary(len(latency), value, middle, low, high)


def _prepare(arms: ArmPair) -> _Latencies:
    b, c = arms.baseline, arms.canary
    pairing: Pairing = "age" if arms.phased else "time"
    b_blocks, c_blocks = b.good_blocks, c.good_blocks
    paired = pair(
        b_blocks.values(np.zeros(len(b_blocks))),
        c_blocks.values(np.zeros(len(c_blocks))),
        pairing,
        seconds=arms.policy.block_seconds,
    )
    b_number = _numbered(b_blocks, paired.at_baseline, b.good)
    c_number = _numbered(c_blocks, paired.at_canary, c.good)
    if arms.phased:
        baseline = _values(b, b.seconds_measured, b_number, len(paired))
        canary = _values(c, c.seconds_measured, c_number, len(paired))
        made = Arms(baseline, canary, arms.length, None)
        elapsed = np.arange(1, canary.seconds + 1, dtype=np.float64)
        return _Latencies(made, _references(made), elapsed)
    every = np.union1d(b.seconds_measured, c.seconds_measured)
    made = Arms(
        _values(b, every, b_number, len(paired)),
        _values(c, every, c_number, len(paired)),
        arms.length if arms.at_once else 2 * arms.length,
        _pairs(b, c, every),
        None if arms.at_once else int(np.bincount(_by_second(c).phase).max()),
    )
    elapsed = np.searchsorted(c.seconds_measured, every, side="right").astype(np.float64)
    return _Latencies(made, _references(made), elapsed)


def _numbered(blocks: Blocks, at: Ints, samples: int) -> Ints:
    """To which pair each sample belongs, -1 for none."""
    number, found = np.full(samples, -1), np.full(len(blocks), -1)
    found[at] = np.arange(len(at))
    number[blocks.member] = np.repeat(found, blocks.size)
    return number


def _values(arm: ArmView, seconds: Floats, number: Ints, blocks: int) -> Values:
    t, latency = arm.good_latencies()
    second = np.searchsorted(seconds, np.floor(t)).astype(np.int64)
    order = np.argsort(second, kind="stable")
    return Values(latency[order], second[order], number[order], len(seconds), blocks)


def _pairs(baseline: ArmView, canary: ArmView, every: Floats) -> tuple[Ints, Ints]:
    """Which seconds of both arms belong together: those of one time, or of neighbouring slices."""
    found = pair(_by_second(baseline), _by_second(canary), "time", seconds=1.0)
    own = baseline.seconds_measured[found.at_baseline], canary.seconds_measured[found.at_canary]
    return np.searchsorted(every, own[0]).astype(np.int64), np.searchsorted(every, own[1]).astype(np.int64)


def _by_second(arm: ArmView) -> BlockValues:
    second, starts = arm.seconds_measured, arm.phase_starts or (0.0,)
    phase = phase_of(second + 0.5, starts)
    number = second - np.floor(np.asarray(starts))[phase]
    return BlockValues(phase, number.astype(np.int64), second + 0.5, np.zeros(len(second)))


def _references(arms: Arms) -> Floats:
    """The baseline's quantiles at each look, of all that was measured by then: (quantiles, looks)."""
    looks, baseline = looks_of(arms), arms.baseline
    if arms.pairs is None:
        whole = [baseline.quantile(quantile) for quantile in LATENCY_QUANTILES]
        return np.tile(np.array(whole)[:, None], (1, len(looks)))
    stops = np.maximum(np.searchsorted(baseline.second, looks, side="right"), 1)
    return baseline.quantiles_so_far(LATENCY_QUANTILES, stops)
