"""Samples that cannot be true: values that their unit does not have, one arm in another unit, a copy of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.catalogue import Direction, Kind, Metric
from pipeline.judge.evidence import Arm, Evidence, usable
from pipeline.judge.rules import MetricRule
from pipeline.judge.words import amount, count_of, rough

__all__ = [
    "COPY",
    "better_by_a_unit",
    "copies",
    "impossible_samples",
    "impossible_times",
    "medians",
    "worse_by_a_unit",
]

Floats = NDArray[np.float64]

COPY: Final = "the canary's samples are the baseline's, bit for bit: a copy tells nothing of the canary"
# What of each unit is never below zero. Units of a configuration's own are not known, so nothing is said of them.
_NEVER_NEGATIVE: Final[Mapping[str, str]] = {
    "s": "time", "B": "size", "1/s": "rate", "cores": "use of cores", "load": "load", "count": "count",
}  # fmt: skip
_ROUNDING: Final = 1e-9  # of what is subtracted somewhere, zero may come out as next to zero
# Requests without a possible latency are not good ones, so a stray one does no harm.
_FEWEST_ODD, _LEAST_ODD = 2, 0.001
# So many times better is more likely another unit (s and ms: 1000; a fraction and a percentage: 100; a rate a second
# and a minute: 60) than a better version. Counts, rates and fractions of whatever a configuration names may be of
# something bad, of which a repair leaves next to nothing, so of those more is asked.
_MEASURED: Final = ("s", "B", "cores")
_TOO_GOOD: Final = 20.0
_TOO_GOOD_COUNTS: Final = 50.0
# Worse by one of these to within a tenth (which takes in 1024): the fail stands, and a note asks.
_UNIT_FACTORS: Final = (1e3, 1e6)
# A copy: so many requests, and so many different values or steps from one to the next. Real series that do not change,
# or only between a few values, may well be equal.
_FEWEST_REQUESTS, _FEWEST_SAMPLES, _FEWEST_DIFFERENT = 100, 10, 10


def _arms(evidence: Evidence) -> tuple[tuple[str, Arm], tuple[str, Arm]]:
    return ("canary", evidence.canary), ("baseline", evidence.baseline)


def impossible_times(evidence: Evidence) -> str | None:
    """How many answers took a time that cannot be, in words; None where next to none did."""
    for name, arm in _arms(evidence):
        rows = arm.requests
        answered = rows.status > 0
        odd = int(np.count_nonzero(answered & ~(usable(rows.latency) & (rows.latency >= 0))))
        n = int(np.count_nonzero(answered))
        if odd >= _FEWEST_ODD and odd > _LEAST_ODD * n:
            return f"{count_of(odd, n)} answers of the {name} took a negative time, or one that is no number"
    return None


def impossible_samples(metric: Metric, evidence: Evidence) -> str | None:
    """What of a series' samples the metric's unit does not allow, in words; None where all are possible."""
    for name, arm in _arms(evidence):
        if said := _impossible_series(metric, arm):
            return said.format(arm=name)
    return None


def _impossible_series(metric: Metric, arm: Arm) -> str | None:
    name = metric.series or metric.name
    t, value = _known(arm, name)
    if metric.kind is Kind.PROPORTION:
        t_all, total = _known(arm, metric.total)
        _, at, at_all = np.intersect1d(t, t_all, return_indices=True)
        hits, total = value[at], total[at_all]
        odd = (hits < 0) | (total < 0) | (hits > total * (1 + _ROUNDING))
        return _said(odd, "steps of the {arm} have more hits than their total, or counts below zero")
    if metric.unit == "fraction":
        odd = (value < -_ROUNDING) | (value > 1 + _ROUNDING)
        return _said(odd, "samples of the {arm} lie outside 0 to 1, where a fraction must be")
    unit = metric.unit.removesuffix("/min") if metric.kind is Kind.TREND else metric.unit
    if unit not in _NEVER_NEGATIVE or len(value) == 0:
        return None
    odd = value < -_ROUNDING * np.abs(value).max()
    return _said(odd, f"samples of the {{arm}} are below zero, which no {_NEVER_NEGATIVE[unit]} is")


def _said(odd: NDArray[np.bool_], what: str) -> str | None:
    n = int(np.count_nonzero(odd))
    return f"{count_of(n, len(odd))} {what}" if n else None


def better_by_a_unit(rule: MetricRule, both: tuple[float, float] | None) -> str | None:
    """That the canary is better by a factor which hardly any change of code has, in words; None where it is not.

    `both` is what `medians` gives, or None.
    """
    metric = rule.metric
    # A load falls to next to nothing on a machine that rests.
    if both is None or _near_zero(rule, both[0]) or metric.unit == "load":
        return None
    b, c = both
    if c <= 0:
        # Nothing at all is nothing in any unit; but no version works with no time, memory or processor.
        if c < 0 or b <= 0 or not metric.needs_work or rule.direction is not Direction.INCREASE:
            return None
        return f"0 on the canary, {amount(b, _unit(metric))} on the baseline: was it measured?"
    least = _TOO_GOOD if _unit(metric) in _MEASURED else _TOO_GOOD_COUNTS
    factor = b / c if rule.direction is Direction.INCREASE else c / b
    if rule.direction is Direction.EITHER or factor < least:
        return None
    return _asks(rule, b, c, factor, better=True)


def worse_by_a_unit(rule: MetricRule, both: tuple[float, float] | None) -> str | None:
    """That the canary is worse by the factor between two units, in words; None where it is not."""
    if both is None or min(both) <= 0 or rule.direction is Direction.EITHER:
        return None
    b, c = both
    factor = c / b if rule.direction is Direction.INCREASE else b / c
    near = any(abs(factor / one - 1) < 0.1 for one in _UNIT_FACTORS)
    return _asks(rule, b, c, factor, better=False) if near else None


def _asks(rule: MetricRule, b: float, c: float, factor: float, *, better: bool) -> str:
    less = better == (rule.direction is Direction.INCREASE)
    size = f"1/{rough(factor):,.0f} of" if less else f"{rough(factor):,.0f} times"
    unit = _unit(rule.metric)
    return (
        f"{amount(c, unit)} on the canary is {size} the baseline's {amount(b, unit)} (medians): "
        "are both in one unit?"
    )


def _unit(metric: Metric) -> str:
    return metric.unit.removesuffix("/min") if metric.kind is Kind.TREND else metric.unit


def medians(metric: Metric, evidence: Evidence) -> tuple[float, float] | None:
    """Both medians of the samples, which a few outliers do not move; None where it has no level, or no samples."""
    if metric.kind not in (Kind.LEVEL, Kind.QUANTILE, Kind.TREND):
        return None
    columns = [_column(metric, arm) for arm in (evidence.baseline, evidence.canary)]
    if min(map(len, columns)) == 0:
        return None
    b, c = (float(np.median(column)) for column in columns)
    return b, c


def _near_zero(rule: MetricRule, baseline: float) -> bool:
    """Whether the baseline is so small that even its whole is no difference to speak of."""
    if rule.metric.kind is Kind.TREND:
        return baseline <= 0  # its floor is of what has grown, and its margin of the growth: not of the level
    margin = 0.0 if rule.limit.relative else rule.limit.value
    return baseline <= 2 * max(rule.metric.floor, margin)


def _column(metric: Metric, arm: Arm) -> Floats:
    if not metric.requests:
        return _known(arm, metric.series or metric.name)[1]
    if metric.unit != "s":
        return np.zeros(0)  # the load is ours, and a size may change either way
    latency = arm.requests.latency[arm.requests.status > 0]
    return latency[usable(latency) & (latency >= 0)]


def copies(rules: Sequence[MetricRule], evidence: Evidence) -> frozenset[str]:
    """The rules whose samples are the same in both arms, value for value, where that cannot be by chance."""
    found = {rule.name for rule in rules if rule.metric.requests} if _same_requests(evidence) else set()
    changing: dict[str, int] = {}  # how many different steps each series takes that is the same in both
    differs = False
    for rule in rules:
        # A load may be that of one machine which both versions share.
        if rule.metric.requests or rule.metric.kind is Kind.JOINT or rule.metric.unit == "load":
            continue
        names = [name for name in (rule.metric.series or rule.metric.name, rule.metric.total) if name]
        pairs = [(_known(evidence.baseline, name)[1], _known(evidence.canary, name)[1]) for name in names]
        k = min(min(len(b), len(c)) for b, c in pairs)
        if k < _FEWEST_SAMPLES:
            continue
        if not all(np.array_equal(b[:k], c[:k]) for b, c in pairs):
            differs = True
            continue
        steps = [len(np.unique(np.diff(b[:k]))) for b, _ in pairs]
        if max(steps) > 1:
            changing[rule.name] = max(steps)
    found |= {name for name, steps in changing.items() if steps >= _FEWEST_DIFFERENT}
    if not differs and sum(changing.values()) >= _FEWEST_DIFFERENT:
        found |= set(changing)
    return frozenset(found)


def _same_requests(evidence: Evidence) -> bool:
    b, c = evidence.baseline.requests, evidence.canary.requests
    k = min(len(b), len(c))
    if k < _FEWEST_REQUESTS:
        return False
    one, other = (rows.latency[np.argsort(rows.t, kind="stable")][:k] for rows in (b, c))
    if not np.array_equal(one, other, equal_nan=True):
        return False
    return len(np.unique(one[np.isfinite(one)])) > _FEWEST_DIFFERENT


def _known(arm: Arm, name: str) -> tuple[Floats, Floats]:
    """Times and values of a series, in the order of time, without what is no number."""
    series = arm.series.get(name)
    if series is None:
        return np.zeros(0), np.zeros(0)
    known = usable(series.t) & usable(series.value)
    t, value = series.t[known], series.value[known]
    order = np.argsort(t, kind="stable")
    return t[order], value[order]
