"""One rule against both arms: what was found, before anything is decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.judge.catalogue import Direction, Kind
from pipeline.judge.measure import ArmView, Level, Share
from pipeline.judge.rules import MetricRule, Policy
from pipeline.judge.statistics import count_p, proportion_p, rank_p, slope_p
from pipeline.judge.verdict import Summary
from pipeline.judge.words import amount, change, count_of, percent, points

__all__ = ["Finding", "find"]

_NOTHING: Final = Summary(0, None)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a comparison found.

    `effect` and `threshold` are as in MetricVerdict. `said` puts both values into words, `allowed` the
    threshold. `lacking` is why nothing can be decided, and `nothing` whether there is nothing to compare
    at all. `excused` is why an effect beyond the threshold is still no harm.
    """

    baseline: Summary
    canary: Summary
    effect: float | None = None
    effect_kind: str = "absolute"
    threshold: float = 0.0
    p_value: float | None = None
    said: str = ""
    allowed: str = ""
    lacking: str | None = None
    nothing: bool = False
    excused: str | None = None


def find(rule: MetricRule, baseline: ArmView, canary: ArmView, policy: Policy) -> Finding:
    """Compares one metric of two arms. Lacking or impossible data gives a Finding that says so, no error."""
    limit = rule.limit
    if rule.metric.needs_work and canary.sent and canary.good < policy.min_good_share * canary.sent:
        good = count_of(canary.good, canary.sent)
        finding = Finding(
            _NOTHING, _NOTHING, lacking=f"not comparable: only {good} canary requests were answered well"
        )
        finding = replace(finding, nothing=True)
    elif rule.metric.kind is Kind.PROPORTION:
        finding = _proportion(rule, baseline, canary, policy)
    elif rule.metric.kind is Kind.COUNT:
        finding = _count(rule, baseline, canary, policy)
    elif rule.metric.kind is Kind.TREND:
        finding = _trend(rule, baseline, canary, policy)
    else:
        finding = _level(rule, baseline, canary, policy)
    if finding.effect is None:  # a row that decides nothing still shows what was allowed
        return replace(
            finding, effect_kind="relative" if limit.relative else "absolute", threshold=limit.value
        )
    return finding


def _absent(baseline: bool, canary: bool) -> Finding:
    """What to say when not both versions have data; the arguments tell which has."""
    if not baseline and not canary:
        return Finding(_NOTHING, _NOTHING, lacking="no data from either version", nothing=True)
    who = "the canary" if baseline else "the baseline"
    return Finding(_NOTHING, _NOTHING, lacking=f"no data from {who}, so nothing to compare with")


def _harm(baseline: float, canary: float, direction: Direction) -> float:
    difference = canary - baseline
    if direction is Direction.EITHER:
        return abs(difference)
    return difference if direction is Direction.INCREASE else -difference


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a proportion is counted and what its hits are called."""

    share: Callable[[ArmView], Share]
    phrase: str
    unit: str


_PROPORTIONS: Final[Mapping[str, _Asked]] = {
    "error_rate": _Asked(ArmView.errors, "requests failed", "requests"),
    "wrong_body_rate": _Asked(ArmView.wrong_bodies, "checked bodies were wrong", "checked bodies"),
    "availability": _Asked(ArmView.available, "seconds had a good response", "seconds"),
}


def _proportion(rule: MetricRule, baseline: ArmView, canary: ArmView, policy: Policy) -> Finding:
    asked = _PROPORTIONS[rule.name]
    b, c = asked.share(baseline), asked.share(canary)
    if b.n == 0 or c.n == 0:
        return replace(_absent(b.n > 0, c.n > 0), baseline=b.summary(), canary=c.summary())
    said = f"{count_of(c.hits, c.n)} {asked.phrase} on the canary, {count_of(b.hits, b.n)} on the baseline"
    few = _too_few(min(baseline.sent, canary.sent), policy.min_requests, "requests", said)
    if rule.name != "availability" and few is None:
        few = _too_few(min(b.n, c.n), policy.min_requests, asked.unit, said)
    return Finding(
        b.summary(),
        c.summary(),
        effect=_harm(b.hits / b.n, c.hits / c.n, rule.direction),
        threshold=rule.limit.value,
        p_value=proportion_p(b.hits, b.n, c.hits, c.n, rule.direction),
        said=said,
        allowed=points(rule.limit.value),
        lacking=few,
    )


def _too_few(n: int, needed: int, what: str, said: str) -> str | None:
    return f"{said}; too few to tell: {n} {what}, {needed} are needed in each version" if n < needed else None


_LEVELS: Final[Mapping[str, Callable[[ArmView], Level | None]]] = {
    "latency_p50": lambda arm: arm.latency(0.5),
    "latency_p99": lambda arm: arm.latency(0.99),
    "response_size": ArmView.size,
    "throughput": ArmView.throughput,
}


def _level(rule: MetricRule, baseline: ArmView, canary: ArmView, policy: Policy) -> Finding:
    measure = _LEVELS.get(rule.name)
    b, c = (measure(arm) if measure else arm.level(rule.name) for arm in (baseline, canary))
    if b is None or c is None:
        absent = _absent(b is not None, c is not None)
        return replace(absent, baseline=b.summary if b else _NOTHING, canary=c.summary if c else _NOTHING)
    unit, floor, limit = rule.metric.unit, rule.metric.floor, rule.limit
    harm = _harm(b.value, c.value, rule.direction)
    # A fraction of next to nothing is noise: where the floor, an amount, is larger, it takes over.
    relative = limit.relative and b.value > 0 and limit.value * b.value >= floor
    absolute = floor if limit.relative else limit.value
    said = (
        f"{amount(c.value, unit)} on the canary, {amount(b.value, unit)} on the baseline: "
        f"{change(b.value, c.value, unit)}"
    )
    n = min(len(b.blocks), len(c.blocks))
    return Finding(
        b.summary,
        c.summary,
        effect=harm / b.value if relative else harm,
        effect_kind="relative" if relative else "absolute",
        threshold=limit.value if relative else absolute,
        p_value=rank_p(b.blocks, c.blocks, rule.direction) if n else None,
        said=said,
        allowed=percent(limit.value) if relative else amount(absolute, unit),
        lacking=_too_few(n, policy.min_blocks, f"blocks of {policy.block_seconds:g} s", said),
    )


def _trend(rule: MetricRule, baseline: ArmView, canary: ArmView, policy: Policy) -> Finding:
    series = rule.name.removesuffix("_growth")
    b, c = baseline.growth(series), canary.growth(series)
    if b is None or c is None:
        absent = _absent(b is not None, c is not None)
        return replace(absent, baseline=b.summary if b else _NOTHING, canary=c.summary if c else _NOTHING)
    if b.slope is None or c.slope is None:
        return Finding(b.summary, c.summary, lacking="too few samples within a phase to see a trend")
    before, after, floor = b.slope.value * 60, c.slope.value * 60, rule.metric.floor
    said = (
        f"{amount(after, 'B/min')} on the canary, {amount(before, 'B/min')} on the baseline; "
        f"in all {amount(c.total, 'B')} and {amount(b.total, 'B')}"
    )
    # A baseline that shrinks is no reason to blame the canary: growth is counted from zero.
    little = c.total - max(b.total, 0.0) < floor
    n = min(b.blocks, c.blocks)
    return Finding(
        b.summary,
        c.summary,
        effect=after - max(before, 0.0),
        threshold=rule.limit.value,
        p_value=slope_p(b.slope, c.slope),
        said=said,
        allowed=amount(rule.limit.value, "B/min"),
        lacking=_too_few(n, policy.min_blocks, f"blocks of {policy.block_seconds:g} s", said),
        excused=f"less than {amount(floor, 'B')} more in all is not yet a leak" if little else None,
    )


def _count(rule: MetricRule, baseline: ArmView, canary: ArmView, policy: Policy) -> Finding:
    b, c = baseline.events(rule.name), canary.events(rule.name)
    if b is None or c is None or baseline.seconds <= 0 or canary.seconds <= 0:
        if b is not None and c is not None:
            return Finding(_NOTHING, _NOTHING, lacking="the measured time is unknown")
        return _absent(b is not None, c is not None)
    allowed = rule.limit.value
    return Finding(
        Summary(b.n, float(b.hits)),
        Summary(c.n, float(c.hits)),
        effect=c.hits - b.hits * canary.seconds / baseline.seconds,
        threshold=allowed,
        p_value=count_p(
            b.hits, c.hits, baseline.seconds, canary.seconds, policy.background_restarts_per_hour
        ),
        said=f"{c.hits} on the canary, {b.hits} on the baseline",
        allowed="none" if allowed == 0 else amount(allowed, "count"),
    )
