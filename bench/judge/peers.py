"""What others would say of the same runs: Kayenta's rules, once and at every look, and a rank test at every look.

All see one value a second: errors, the seconds' median and p99 latency, the host's and the process' series. A
look is a second of the canary's measurement. The ranks of all looks are counted at once; wherever that says
that Kayenta could call a metric High, its own rules (pipeline.kayenta) decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pipeline.judge.catalogue import CATALOGUE
from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.rules import Threshold
from pipeline.kayenta.classify import Label, classify
from pipeline.kayenta.config import Analysis
from pipeline.kayenta.mannwhitney import Z_98

__all__ = ["FIRST", "Seconds", "kayenta_first", "kayenta_once", "rank_first", "seconds_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST: Final = 10  # seconds of the canary before anything looks: fewer values have no normal approximation
# Kayenta's solver stops within 1e-4 of the metric's unit, so each gets one in which that is little.
_UNITS: Final = {"s": 1e3, "B": 1e-6, "cores": 1e3, "load": 1e3}
_SERIES: Final = (
    "service_cpu",
    "service_memory",
    "service_threads",
    "service_fds",
    "host_cpu",
    "host_memory",
    "host_load1",
)


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """One metric, a value a second of each arm.

    For each second of the canary: `seen`, how many of the baseline's values are there by then; `score`, the
    normalised Mann-Whitney statistic; `ratio`, the canary's mean by the baseline's, infinite where one is 0.
    """

    baseline: Floats
    canary: Floats
    seen: Ints
    score: Floats
    ratio: Floats


def seconds_of(evidence: Evidence) -> Mapping[str, Seconds]:
    """Every metric's seconds, in milliseconds, megabytes and thousandths of a core."""
    baseline, canary = _values(evidence.baseline), _values(evidence.canary)
    t_b, t_c = _ends(evidence.baseline), _ends(evidence.canary)
    seen = np.searchsorted(t_b, t_c, side="right").astype(np.int64)
    found = {}
    for name, b in baseline.items():
        c = canary[name]
        found[name] = Seconds(b, c, seen, _scores(b, c, seen), _ratios(b, c, seen))
    return found


def _ends(arm: Arm) -> Floats:
    return np.unique(np.floor(arm.requests.t)) + 1


def _values(arm: Arm) -> dict[str, Floats]:
    requests = arm.requests
    seconds, begin, size = np.unique(np.floor(requests.t), return_index=True, return_counts=True)
    bad = (requests.status != 200) | (requests.body_ok == 0)
    found = {"errors": np.add.reduceat(bad.astype(np.float64), begin)}
    # each second's latencies sorted: of two versions measured at once, chance gives them different numbers
    ordered = requests.latency[np.lexsort((requests.latency, np.repeat(seconds, size)))] * 1e3
    for name, quantile in (("latency_p50", 0.5), ("latency_p99", 0.99)):
        place = quantile * (size - 1)
        below = np.floor(place).astype(np.int64)
        part, above = place - below, np.minimum(below + 1, size - 1)
        found[name] = ordered[begin + below] * (1 - part) + ordered[begin + above] * part
    for name in _SERIES:
        series = arm.series[name]
        there = np.isin(np.floor(series.t), seconds)
        found[name] = series.value[there] * _UNITS.get(CATALOGUE[name].unit, 1.0)
    return found


def analysis(name: str, *, sized: bool) -> Analysis:
    """How Kayenta is asked to judge a metric: more is worse; `sized`: only beyond our own margin."""
    metric = CATALOGUE.get(name)
    limit = Threshold.parse(metric.threshold, metric) if metric else None
    allowed = 1 + limit.value if sized and limit and limit.relative else 1.0
    return Analysis.model_validate({"direction": "increase", "effectSize": {"allowedIncrease": allowed}})


def kayenta_once(metrics: Mapping[str, Seconds], *, sized: bool) -> bool:
    """Whether Kayenta calls any metric High at the end."""
    asked = {name: analysis(name, sized=sized) for name in metrics}
    return any(
        _possible(one, asked[name])[-1] and _high(one, len(one.canary), asked[name])
        for name, one in metrics.items()
    )


def kayenta_first(metrics: Mapping[str, Seconds], *, sized: bool, step: int = 1) -> int | None:
    """The first second at which Kayenta calls any metric High, a look each `step` seconds; None: never."""
    asked = {name: analysis(name, sized=sized) for name in metrics}
    possible = np.array([_possible(one, asked[name]) for name, one in metrics.items()])
    names = list(metrics)
    for second in np.flatnonzero(possible.any(axis=0)) + 1:
        if second < FIRST or second % step:
            continue
        for index in np.flatnonzero(possible[:, second - 1]):
            if _high(metrics[names[index]], int(second), asked[names[index]]):
                return int(second)
    return None


def _possible(one: Seconds, asked: Analysis) -> NDArray[np.bool_]:
    """The looks at which Kayenta may call the metric High: elsewhere its interval reaches below zero."""
    return (one.score >= -Z_98) & (one.ratio >= asked.effect_size.allowed_increase)


def rank_first(metrics: Mapping[str, Seconds], alpha: float) -> int | None:
    """The first second at which a one-sided Mann-Whitney test of any metric has p < alpha; None: never."""
    firsts = []
    for one in metrics.values():
        beyond = np.flatnonzero(special.ndtr(-one.score) < alpha) + 1
        firsts += beyond[beyond >= FIRST][:1].tolist()
    return min(firsts, default=None)


def _high(one: Seconds, second: int, asked: Analysis) -> bool:
    result = classify(one.baseline[: one.seen[second - 1]], one.canary[:second], asked)
    return result.label is Label.HIGH


def _ratios(baseline: Floats, canary: Floats, seen: Ints) -> Floats:
    sums_b, sums_c = np.cumsum(baseline)[seen - 1], np.cumsum(canary)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sums_c / np.arange(1, len(sums_c) + 1) / (sums_b / seen)
    # a little higher than the exact rule's ratio, whose last bits can decide: no look may be lost here
    return np.where((sums_c == 0) | (sums_b == 0), np.inf, ratio * (1 + 1e-9))


def _scores(baseline: Floats, canary: Floats, seen: Ints) -> Floats:
    """The statistic at each look with corrections for ties and continuity, as Kayenta's."""
    n, m = np.arange(1, len(canary) + 1, dtype=np.float64), seen.astype(np.float64)
    if seen[0] == len(baseline):  # the whole baseline is there from the first look on
        ordered = np.sort(baseline)
        below, upto = (
            np.searchsorted(ordered, canary, side="left"),
            np.searchsorted(ordered, canary, side="right"),
        )
        u = np.cumsum((below + upto) / 2)
    else:
        c, b = canary[:, None], baseline[None, :]
        halves = (c > b).astype(np.int8) + (c >= b)  # a win counts 2, a tie 1
        by_look = halves.cumsum(axis=1, dtype=np.int32)[:, seen - 1].T
        u = np.tril(by_look).sum(axis=1) / 2
    difference = u - n * m / 2
    variance = (
        n * m / 12 * ((n + m + 1) - _ties(baseline, canary, seen) / ((n + m) * np.maximum(n + m - 1, 1)))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (difference - 0.5 * np.sign(difference)) / np.sqrt(variance)
    return np.where(variance > 0, score, 0.0)


def _ties(baseline: Floats, canary: Floats, seen: Ints) -> Floats:
    """At each look the sum of t^3 - t over the values that t samples share."""
    values, place = np.unique(np.concatenate((baseline, canary)), return_inverse=True)
    if len(values) == len(place):
        return np.zeros(len(canary))

    def counted(places: Ints) -> Floats:
        counts = np.zeros((len(places), len(values)))
        counts[np.arange(len(places)), places] = 1
        return np.cumsum(counts, axis=0)

    together = counted(place[len(baseline) :]) + counted(place[: len(baseline)])[seen - 1]
    ties: Floats = (together**3 - together).sum(axis=1)
    return ties
