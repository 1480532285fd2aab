"""What is drawn of a metric: lines over time, distributions, boxes, bars; each as a Plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.report.aggregate import Points, box, ecdf
from pipeline.report.plot import (
    HEIGHT,
    WIDTH,
    Axis,
    Band,
    Line,
    Plot,
    Rect,
    Tick,
    log_axis,
    nice_axis,
    path,
)
from pipeline.runs.phases import Phase

__all__ = ["ARMS", "Drawing", "absent", "bands", "bars", "boxes", "distribution", "time_axis", "timeline"]

ARMS: Final = ("baseline", "canary")
_LEAST_NAMED: Final = 11.0  # percent of the width that a phase's name needs
_TAIL: Final = Axis(0.1, 100.0, (100.0, 10.0, 1.0, 0.1), log=True)
_PERCENT: Final = Axis(0.0, 101.0, (0.0, 25.0, 50.0, 75.0, 100.0))


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of one arm, in the axis' unit: values for the distribution, a line for the timeline."""

    values: NDArray[np.float64]
    line: Points


def absent(drawings: Mapping[str, Drawing]) -> str:
    """A note for each arm that has nothing to draw."""
    empty = [arm for arm, drawing in drawings.items() if not np.isfinite(drawing.values).any()]
    return f"nothing of the {' or the '.join(empty)} to show" if empty else ""


def time_axis(phases: tuple[Phase, ...], lines: Mapping[str, Points]) -> Axis:
    """The run's seconds from its first phase to its last, or as far as there are samples."""
    given = [x for xs, _ in lines.values() for x in xs if x is not None]
    ends = [*chain.from_iterable((phase.start, phase.end) for phase in phases), *given] or [0.0, 1.0]
    return nice_axis(min(ends), max(ends), 8, tight=True)


def timeline(
    drawings: Mapping[str, Drawing], phases: tuple[Phase, ...], label: str, limit: float | None, zero: bool
) -> Plot:
    """One line an arm over the run's seconds, and what is allowed as a dashed one."""
    lines = {arm: drawing.line for arm, drawing in drawings.items()}
    x = time_axis(phases, lines)
    drawn = [y for _, ys in lines.values() for y in ys if y is not None]
    values = [*drawn, *([] if limit is None else [limit])] or [0.0]
    y = nice_axis(0.0 if zero else min(values), max(values), 4)
    # a line of zeros would lie on the frame
    y = Axis(y.low - 0.03 * (y.high - y.low), y.high, y.marks)
    paths = [Line(arm, path(line, x, y)) for arm, line in lines.items()]
    if limit is not None and phases:
        paths.append(Line("limit", path(([x.low, x.high], [limit, limit]), x, y), "dashed"))
    return Plot(
        label,
        "seconds since the start",
        x.ticks(),
        y.ticks(vertical=True),
        bands(phases, x),
        tuple(paths),
        note=absent(drawings),
    )


def bands(phases: tuple[Phase, ...], x: Axis) -> tuple[Band, ...]:
    """The phases, tinted in their arm's colour, warm-ups shaded; a span of both arms has no tint: it is neither's."""
    spans: dict[tuple[float, float, str], list[str]] = {}
    for phase in phases:
        if phase.arm in ARMS:
            spans.setdefault((phase.start, phase.end, phase.kind), []).append(phase.arm)
    found = []
    for (start, end, kind), arms in spans.items():
        at, width = round(100 * x.place(start), 2), round(100 * (x.place(end) - x.place(start)), 2)
        role = "warmup" if kind == "warmup" else arms[0] if len(arms) == 1 else "both"
        name = {"warmup": "warm-up", "both": "both at once"}.get(role, role)
        found.append(Band(role, at, width, name if width >= _LEAST_NAMED else ""))
    return tuple(found)


def distribution(drawings: Mapping[str, Drawing], label: str, quantile: float, log: bool) -> Plot:
    """Percent of requests at or below each value, with a line at the quantile that is judged.

    For a high quantile the other way round, percent above on a logarithmic axis: there 2 % of slow requests
    can be told from none. `log` makes the values' axis logarithmic.
    """
    tail = quantile >= 0.9
    lines = {arm: ecdf(drawing.values) for arm, drawing in drawings.items()}
    if tail:
        lines = {
            arm: (xs, [round(100 - y, 4) if y is not None and y < 100 else None for y in ys])
            for arm, (xs, ys) in lines.items()
        }
    values = [x for xs, _ in lines.values() for x in xs if x is not None] or [0.0, 1.0]
    x = (log_axis(values) if log else None) or nice_axis(min(values), max(values), tight=True)
    y = _TAIL if tail else _PERCENT
    at = (1 - quantile if tail else quantile) * 100
    paths = [
        # dashed against solid: the arms stay apart in print and for eyes that see no colours
        Line(arm, path(line, x, y), "dashed" if arm == "baseline" else "line")
        for arm, line in lines.items()
    ]
    paths.append(Line("limit", path(([x.low, x.high], [at, at]), x, y), "dotted"))
    return Plot(
        "% of requests that are slower" if tail else "% of requests at or below",
        label,
        x.ticks(),
        y.ticks(vertical=True),
        lines=tuple(paths),
        note=absent(drawings),
    )


def boxes(drawings: Mapping[str, Drawing], label: str) -> Plot:
    """A box an arm, of the seconds' values; whiskers at 5 % and 95 %, a line at the median."""
    found = {arm: numbers for arm, drawing in drawings.items() if (numbers := box(drawing.values))}
    ends = [end for numbers in found.values() for end in (numbers.low, numbers.high)] or [0.0, 1.0]
    low, high = min(ends), max(ends)
    around = 0.0 if high > low else abs(low) / 2 or 1.0
    x = nice_axis(low - around, high + around, tight=True)
    room = 0.04 * (x.high - x.low)
    x = Axis(x.low - room, x.high + room, x.marks)
    rects, lines, names = [], [], []
    for number, arm in enumerate(drawings):
        middle = HEIGHT * (0.27 + 0.46 * number)
        names.append(Tick(round(100 * middle / HEIGHT, 1), arm))
        if (numbers := found.get(arm)) is None:
            continue
        left, q1, median, q3, right = (
            round(x.place(value) * WIDTH, 1)
            for value in (numbers.low, numbers.q1, numbers.median, numbers.q3, numbers.high)
        )
        rects.append(Rect(arm, q1, middle - 28, max(q3 - q1, 1.0), 56))
        whiskers = (
            f"M{left} {middle}H{q1}M{q3} {middle}H{right}M{left} {middle - 14}v28M{right} {middle - 14}v28"
        )
        lines.append(Line(arm, f"{whiskers}M{median} {middle - 28}v56"))
    return Plot(
        "",
        label,
        x.ticks(),
        tuple(names),
        lines=tuple(lines),
        rects=tuple(rects),
        note=absent(drawings),
        size="named",
    )


def bars(shares: Mapping[str, Mapping[str, float]]) -> Plot:
    """What percent of each arm's requests fell in each class; a class without requests is left out."""
    classes = [
        name for name in next(iter(shares.values())) if any(share[name] > 0 for share in shares.values())
    ]
    x = Axis(0.0, 115.0, (0.0, 25.0, 50.0, 75.0, 100.0))
    rects, names = [], []
    row = HEIGHT / max(len(classes), 1)
    for number, name in enumerate(classes):
        names.append(Tick(round(100 * (number + 0.5) * row / HEIGHT, 1), name))
        for place, (arm, share) in enumerate(shares.items()):
            top = round(number * row + row * (0.14 + 0.37 * place), 1)
            width = round(x.place(share[name]) * WIDTH, 1)
            rects.append(Rect(f"{arm} solid", 0, top, width, round(0.33 * row, 1), f"{share[name]:.3g} %"))
    return Plot("", "% of requests", x.ticks(), tuple(names), rects=tuple(rects), size="named")
