"""For each metric two figures: how both arms are distributed, and how they went over time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.evidence import Arm, Evidence, Requests
from pipeline.judge.verdict import MetricVerdict
from pipeline.report.aggregate import per_bin, thin
from pipeline.report.figures import ARMS, Drawing, bars, boxes, distribution, timeline
from pipeline.report.plot import Plot
from pipeline.runs.phases import Phase

__all__ = ["Chart", "answered_well", "chart"]

_Floats = NDArray[np.float64]
_CLASSES = (
    (0, 99, "no response"),
    (100, 299, "2xx"),
    (300, 399, "3xx"),
    (400, 499, "4xx"),
    (500, 999, "5xx"),
)
_SCALES = {"s": (1000.0, "ms"), "fraction": (100.0, "%"), "B": (1e-6, "MB"), "1/s": (1.0, "per second")}


@dataclass(frozen=True, slots=True)
class Chart:
    """A metric's two figures and what each shows, in one plain sentence (the charts' captions)."""

    distribution: Plot
    timeline: Plot
    distribution_title: str
    timeline_title: str


def answered_well(requests: Requests, expected: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which requests were answered well: an expected status (none named: 2xx, 3xx), no wrong body.

    Of several requests each has statuses of its own that are right.
    """
    status = requests.status
    right = np.isin(status, expected) if expected else (status >= 200) & (status < 400)
    if len(requests.expected) == len(requests):
        right = requests.expected
    return np.asarray(right & (requests.body_ok != 0))


def _shares(requests: Requests, name: str) -> dict[str, float]:
    n = max(len(requests), 1)
    if name == "wrong_body_rate":
        words = ((1, "as expected"), (0, "wrong body"), (-1, "not checked"))
        return {word: round(100 * float(np.sum(requests.body_ok == value)) / n, 3) for value, word in words}
    status = requests.status
    return {
        word: round(100 * float(np.sum((status >= low) & (status <= high))) / n, 3)
        for low, high, word in _CLASSES
    }


def _limit(metric: MetricVerdict, factor: float) -> float | None:
    """Where harm begins, in the axis' unit; None when the direction of harm cannot be told."""
    base, canary, effect = metric.baseline.value, metric.canary.value, metric.effect
    if (
        base is None
        or canary is None
        or not effect
        or not np.isfinite([base, canary, effect]).all()
        or base == canary
    ):
        return None
    sign = 1.0 if (canary > base) == (effect > 0) else -1.0
    step = metric.threshold * (abs(base) if metric.effect_kind == "relative" else 1.0)
    return float(f"{(base + sign * step) * factor:.5g}")


def _draw(evidence: Evidence, of: Callable[[Arm], Drawing]) -> dict[str, Drawing]:
    return {"baseline": of(evidence.baseline), "canary": of(evidence.canary)}


def _quantile_chart(
    metric: MetricVerdict, evidence: Evidence, phases: tuple[Phase, ...], expected: tuple[int, ...]
) -> Chart:
    latency = metric.name.startswith("latency")
    factor, label = _SCALES["s"] if latency else (1.0, "bytes")
    digits = re.search(r"p(\d+)$", metric.name)
    quantile = float(f"0.{digits[1]}") if digits else 0.5

    def of(arm: Arm) -> Drawing:
        chosen = answered_well(arm.requests, expected)
        values = (arm.requests.latency if latency else arm.requests.size.astype(np.float64))[chosen] * factor
        return Drawing(
            values, per_bin(arm.requests.t[chosen], values, lambda x: float(np.quantile(x, quantile)))
        )

    drawings = _draw(evidence, of)
    limit = _limit(metric, factor) if quantile <= 0.5 else None  # a second's tail is not the phase's tail
    said = "median" if quantile == 0.5 else f"{quantile * 100:g}th percentile"
    return Chart(
        distribution(drawings, label, quantile, log=latency),
        timeline(drawings, phases, label, limit, zero=True),
        f"Good responses by {'latency' if latency else 'size'}; the dotted line marks the {said}",
        f"The {said} of each second's good responses",
    )


def _share_chart(
    metric: MetricVerdict, evidence: Evidence, phases: tuple[Phase, ...], expected: tuple[int, ...]
) -> Chart:
    bodies = metric.name == "wrong_body_rate"

    def of(arm: Arm) -> Drawing:
        bad = (arm.requests.body_ok == 0) if bodies else ~answered_well(arm.requests, expected)
        values = bad.astype(np.float64) * 100
        return Drawing(values, per_bin(arm.requests.t, values, lambda x: float(np.mean(x))))

    shares = {arm: _shares(getattr(evidence, arm).requests, metric.name) for arm in ARMS}
    return Chart(
        bars(shares),
        timeline(_draw(evidence, of), phases, "% of requests", _limit(metric, 100.0), zero=True),
        "Answers by their body" if bodies else "Answers by status",
        f"Percent of each second's requests {'with a wrong body' if bodies else 'not answered well'}",
    )


def _rate_chart(
    metric: MetricVerdict, evidence: Evidence, phases: tuple[Phase, ...], expected: tuple[int, ...]
) -> Chart:
    def of(arm: Arm) -> Drawing:
        t = arm.requests.t
        if not len(t):
            return Drawing(np.empty(0), ([], []))
        bins = np.floor(t - t.min()).astype(np.int64)
        scheduled = np.bincount(bins)
        weights = answered_well(arm.requests, expected).astype(np.float64)
        answered: _Floats = np.bincount(bins, weights=weights).astype(np.float64)
        # a phase's cut-off last second and the gaps between phases are no measurements
        whole = scheduled > 0.5 * np.median(scheduled[scheduled > 0])
        seconds = t.min() + np.flatnonzero(whole) + 0.5
        return Drawing(answered[whole], thin(seconds, answered[whole]))

    drawings = _draw(evidence, of)
    limit = _limit(metric, 1.0) if metric.unit == "1/s" else None
    return Chart(
        boxes(drawings, "good responses per second"),
        timeline(drawings, phases, "good responses per second", limit, zero=True),
        "Seconds by their number of good responses: box of the middle half, whiskers from 5 % to 95 %",
        "Good responses in each second",
    )


def _series_chart(metric: MetricVerdict, evidence: Evidence, phases: tuple[Phase, ...], source: str) -> Chart:
    unit = metric.unit.removesuffix("/min") if source != metric.name else metric.unit
    factor, label = _SCALES.get(unit, (1.0, unit or "value"))

    def of(arm: Arm) -> Drawing:
        series = arm.series.get(source)
        if series is None:
            return Drawing(np.empty(0), ([], []))
        return Drawing(series.value * factor, thin(series.t, series.value * factor))

    drawings = _draw(evidence, of)
    limit = _limit(metric, factor) if source == metric.name and unit != "count" else None
    name = source.replace("_", " ")
    return Chart(
        boxes(drawings, label),
        timeline(drawings, phases, label, limit, zero=unit != "B"),
        f"Samples of {name}: box of the middle half, whiskers from 5 % to 95 %",
        f"{name[:1].upper()}{name[1:]}, over time",
    )


def _hits_chart(metric: MetricVerdict, evidence: Evidence, phases: tuple[Phase, ...]) -> Chart:
    """Of two series, how many and of how many: the share of each step."""

    def of(arm: Arm) -> Drawing:
        hits, total = arm.series.get(f"{metric.name}/hits"), arm.series.get(f"{metric.name}/total")
        if hits is None or total is None:
            return Drawing(np.empty(0), ([], []))
        share = np.where(total.value > 0, 100 * hits.value / np.maximum(total.value, 1.0), np.nan)
        return Drawing(share, thin(total.t, share))

    drawings = _draw(evidence, of)
    return Chart(
        boxes(drawings, "%"),
        timeline(drawings, phases, "%", _limit(metric, 100.0), zero=True),
        "Steps by their share: box of the middle half, whiskers from 5 % to 95 %",
        "The share in each step",
    )


def _only(evidence: Evidence, request: str) -> Evidence:
    """The evidence of one request of a mix."""

    def of(arm: Arm) -> Arm:
        return replace(arm, requests=arm.requests.named(request))

    return replace(evidence, baseline=of(evidence.baseline), canary=of(evidence.canary))


def chart(
    metric: MetricVerdict, evidence: Evidence, phases: tuple[Phase, ...], expected: tuple[int, ...] = ()
) -> Chart | None:
    """The metric's chart, or None when the evidence has no samples that it could come from.

    `expected` holds the statuses that are right; empty: any 2xx or 3xx.
    """
    if metric.request:
        evidence = _only(evidence, metric.request)
        metric = replace(metric, name=metric.name.partition("[")[0])
    if (
        not len(evidence.baseline.requests)
        and not len(evidence.canary.requests)
        and not (evidence.baseline.series or evidence.canary.series)
    ):
        return None
    if f"{metric.name}/hits" in {*evidence.baseline.series, *evidence.canary.series}:
        return _hits_chart(metric, evidence, phases)
    if len(evidence.baseline.requests) or len(evidence.canary.requests):  # series may have any name
        if metric.name.startswith("latency") or metric.name == "response_size":
            return _quantile_chart(metric, evidence, phases, expected)
        if metric.name in ("error_rate", "wrong_body_rate", "new_statuses"):
            return _share_chart(metric, evidence, phases, expected)
        if metric.name in ("throughput", "availability"):
            return _rate_chart(metric, evidence, phases, expected)
    # `service_memory_growth` is drawn from `service_memory`, the series it is the slope of
    known = {*evidence.baseline.series, *evidence.canary.series}
    sources = [name for name in known if metric.name == name or metric.name.startswith(name + "_")]
    return _series_chart(metric, evidence, phases, max(sources, key=len)) if sources else None
