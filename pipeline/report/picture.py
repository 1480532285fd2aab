"""The one picture that is looked at first: both versions over one time, with the phases of the load.

For a run these are the latency of good answers and the failed requests, and above them the metric that decided where
that is another one; for series it is that metric alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.evidence import Arm, Evidence
from pipeline.judge.verdict import MetricVerdict, Verdict
from pipeline.report.aggregate import Points, bin_width, per_bin
from pipeline.report.charts import answered_well, chart
from pipeline.report.figures import ARMS, bands, time_axis
from pipeline.report.plot import Axis, Line, Plot, area, nice_axis, path
from pipeline.report.text import TELLING
from pipeline.runs.phases import Phase

__all__ = ["Panel", "picture", "request_panels"]

_LATENCY: Final = "Latency of good answers: the line is the median, four in five lie in the shade"
_LOW, _HIGH = 0.1, 0.9  # the quantiles between which the latency is shaded
# Metrics of which the two panels of requests tell already.
_OF_REQUESTS: Final = (
    "error_rate",
    "wrong_body_rate",
    "new_statuses",
    "availability",
    "throughput",
    "slow_requests",
)


class Panel(NamedTuple):
    """One drawing of the picture, and what it shows in words."""

    title: str
    plot: Plot


def picture(
    verdict: Verdict, evidence: Evidence, phases: tuple[Phase, ...], expected: tuple[int, ...] = ()
) -> tuple[Panel, ...]:
    """The panels, one above the other over the same time; none where nothing was measured."""
    requests = bool(len(evidence.baseline.requests) or len(evidence.canary.requests))
    panels = list(request_panels(evidence, phases, expected)) if requests else []
    if (metric := _decisive(verdict.metrics, verdict)) is not None and not (
        requests and _of_requests(metric)
    ):
        drawn = chart(metric, evidence, phases, expected)
        if drawn is not None:
            said = drawn.timeline_title
            panels.insert(
                0, Panel(f"{metric.title or metric.name}: {said[:1].lower()}{said[1:]}", drawn.timeline)
            )
    return tuple(panels)


def _decisive(metrics: Sequence[MetricVerdict], verdict: Verdict) -> MetricVerdict | None:
    """The heaviest metric that explains the outcome; of a pass, the heaviest."""
    wanted = TELLING.get(verdict.outcome)
    found = [metric for metric in metrics if wanted is None or metric.decision is wanted]
    return max(found, key=lambda metric: (metric.critical, metric.weight), default=None)


def _of_requests(metric: MetricVerdict) -> bool:
    if metric.request:  # the panels are of all requests
        return False
    return metric.name in _OF_REQUESTS or metric.name.startswith("latency")


def request_panels(
    evidence: Evidence, phases: tuple[Phase, ...], expected: tuple[int, ...] = ()
) -> tuple[Panel, Panel]:
    """Latency and failed requests, each pooled over as many seconds as hold some thirty requests."""
    good: dict[str, tuple[Points, Points, Points]] = {}
    failed: dict[str, Points] = {}
    for arm in ARMS:
        requests = _of(evidence, arm).requests
        width = bin_width(requests.t)
        right = answered_well(requests, expected)
        t, latency = requests.t[right], requests.latency[right] * 1000
        low, middle, high = (per_bin(t, latency, _quantile(q), width) for q in (_LOW, 0.5, _HIGH))
        good[arm] = low, middle, high
        failed[arm] = per_bin(requests.t, np.where(right, 0.0, 100.0), lambda x: float(np.mean(x)), width)
    x = time_axis(phases, failed)
    return (
        Panel(_LATENCY, _latency(good, x, phases)),
        Panel("Failed requests, in percent", _failures(failed, x, phases)),
    )


def _of(evidence: Evidence, arm: str) -> Arm:
    return evidence.baseline if arm == "baseline" else evidence.canary


def _quantile(q: float) -> Callable[[NDArray[np.float64]], float]:
    def of(values: NDArray[np.float64]) -> float:
        return float(np.quantile(values, q))

    return of


def _latency(good: Mapping[str, tuple[Points, Points, Points]], x: Axis, phases: tuple[Phase, ...]) -> Plot:
    tops = [y for _, _, high in good.values() for y in high[1] if y is not None] or [1.0]
    y = nice_axis(0.0, max(tops), 4)
    lines = []
    for arm, (low, middle, high) in good.items():
        lines.append(Line(arm, area(low, high, x, y), "area"))
        lines.append(Line(arm, path(middle, x, y)))
    silent = [arm for arm, (_, middle, _) in good.items() if not middle[0]]
    note = f"no good answer of the {' or the '.join(silent)}" if silent else ""
    return Plot("ms", "", (), y.ticks(vertical=True), bands(phases, x), tuple(lines), note=note, size="tall")


def _failures(failed: Mapping[str, Points], x: Axis, phases: tuple[Phase, ...]) -> Plot:
    most = max((y for _, ys in failed.values() for y in ys if y is not None), default=0.0)
    top = nice_axis(0.0, max(most, 1.0), 2)
    y = Axis(-0.04 * top.high, 1.04 * top.high, top.marks)  # neither end of a share lies on the frame
    note = "" if most > 0 else "no request failed"
    return Plot(
        "%",
        "seconds since the start",
        x.ticks(),
        y.ticks(vertical=True),
        bands(phases, x),
        tuple(Line(arm, path(line, x, y)) for arm, line in failed.items()),
        note=note,
        size="low",
    )
