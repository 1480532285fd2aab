"""Plotly figures as plain JSON (`data`, `layout`): lines over time, distributions, boxes, bars.

Colours go by role: "@baseline", "@canary", "@limit", "@warmup" are replaced in the browser (report.js),
so that one page serves light, dark and paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.report.aggregate import Points, box, ecdf
from pipeline.runs.phases import Phase

__all__ = ["ARMS", "Drawing", "Figure", "bars", "boxes", "distribution", "timeline"]

Figure = dict[str, Any]

ARMS = ("baseline", "canary")


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of one arm, in the axis' unit: values for the distribution, a line for the timeline."""

    values: NDArray[np.float64]
    line: Points


def _axis(title: str, **more: Any) -> dict[str, Any]:
    return {"title": {"text": title}, "automargin": True, **more}


def _absent(drawings: Mapping[str, Drawing]) -> list[dict[str, Any]]:
    """A note in the chart for each arm that has nothing to draw, over the plot."""
    empty = [arm for arm, drawing in drawings.items() if not np.isfinite(drawing.values).any()]
    if not empty:
        return []
    where = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 1, "yanchor": "bottom", "showarrow": False}
    return [{"text": f"nothing of the {' or the '.join(empty)} to show", **where}]


def _from_zero(drawings: Mapping[str, Drawing], limit: float | None) -> dict[str, Any]:
    """A range from just below zero, where a line of zeros shows, to above all values and the limit."""
    drawn = [y for drawing in drawings.values() for y in drawing.line[1] if y is not None]
    top = max([limit or 0.0, *drawn])
    return {"range": [-0.03 * (top or 1.0), 1.08 * (top or 1.0)]}


def timeline(
    drawings: Mapping[str, Drawing], phases: tuple[Phase, ...], label: str, limit: float | None, zero: bool
) -> Figure:
    """One line an arm over the run's seconds; phases tinted in their arm's colour, warm-ups shaded.

    A span in which both arms were measured has no tint: it would be neither's.
    """
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": arm,
            "x": drawing.line[0],
            "y": drawing.line[1],
            "line": {"color": f"@{arm}", "width": 1.6},
        }
        for arm, drawing in drawings.items()
    ]
    if limit is not None and phases:
        ends = [min(p.start for p in phases), max(p.end for p in phases)]
        line = {"color": "@limit", "width": 1.4, "dash": "dash"}
        # a trace and not a shape: the axis must reach it
        data.append(
            {"type": "scatter", "mode": "lines", "name": "allowed", "x": ends, "y": [limit] * 2, "line": line}
        )
    shapes = [
        {
            "type": "rect",
            "layer": "below",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "x0": start,
            "x1": end,
            "line": {"width": 0},
            "fillcolor": "@warmup" if kind == "warmup" else f"@{arms[0]}-tint",
        }
        for (start, end, kind), arms in _spans(phases).items()
        if kind == "warmup" or len(arms) == 1
    ]
    layout = {
        "xaxis": _axis("seconds since the start"),
        "yaxis": _axis(label, **(_from_zero(drawings, limit) if zero else {})),
        "shapes": shapes,
    }
    return {"data": data, "layout": layout}


def _spans(phases: tuple[Phase, ...]) -> dict[tuple[float, float, str], list[str]]:
    """The arms by start, end and kind of their phases: both, where they carried load at once."""
    spans: dict[tuple[float, float, str], list[str]] = {}
    for phase in phases:
        if phase.arm in ARMS:
            spans.setdefault((phase.start, phase.end, phase.kind), []).append(phase.arm)
    return spans


def _log_ticks(lines: Sequence[Points]) -> dict[str, Any]:
    """A logarithmic axis marked 1, 2, 5, 10, 20, 50 ... (plotly's own marks leave the tens out)."""
    values = [x for xs, _ in lines for x in xs if x is not None and x > 0]
    if not values:
        return {}
    decades = range(math.floor(math.log10(min(values))), math.floor(math.log10(max(values))) + 1)
    digits = (1, 2, 5) if len(decades) <= 3 else (1,)
    marks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
    return {"type": "log", "tickvals": marks, "ticktext": [f"{mark:,g}" for mark in marks]}


def distribution(drawings: Mapping[str, Drawing], label: str, quantile: float, log: bool) -> Figure:
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
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": arm,
            "x": xs,
            "y": ys,
            # dashed against solid: the arms stay apart in print and for eyes that see no colours
            "line": {"color": f"@{arm}", "width": 2, "dash": "dash" if arm == "baseline" else "solid"},
        }
        for arm, (xs, ys) in lines.items()
    ]
    at = (1 - quantile if tail else quantile) * 100
    percents = (100, 10, 1, 0.1)
    marks = {
        "type": "log",
        "range": [-1.5, 2.1],
        "tickvals": percents,
        "ticktext": [f"{x:g}" for x in percents],
    }
    layout: dict[str, Any] = {
        "xaxis": _axis(label, **(_log_ticks(list(lines.values())) if log else {})),
        "yaxis": _axis("% slower", **marks) if tail else _axis("% at or below", range=[0, 101]),
        "annotations": _absent(drawings),
        "shapes": [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": at,
                "y1": at,
                "line": {"color": "@limit", "width": 1, "dash": "dot"},
            }
        ],
    }
    return {"data": data, "layout": layout}


def boxes(drawings: Mapping[str, Drawing], label: str) -> Figure:
    """A box an arm, of the seconds' values; whiskers at 5 % and 95 %."""
    data = []
    # plotly stacks upwards; the baseline belongs on top
    for arm, drawing in reversed(list(drawings.items())):
        if numbers := box(drawing.values):
            look = {"line": {"color": f"@{arm}"}, "fillcolor": f"@{arm}-tint"}
            data.append({"type": "box", "orientation": "h", "name": arm, "y": [arm], **numbers, **look})
    layout = {"xaxis": _axis(label), "yaxis": {"automargin": True}, "annotations": _absent(drawings)}
    return {"data": data, "layout": layout}


def bars(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """Side by side, what percent of each arm's requests fell in each class; a class without requests is left out."""
    classes = [name for name in next(iter(shares.values())) if any(shares[arm][name] > 0 for arm in shares)]
    data = [
        {
            "type": "bar",
            "name": arm,
            "x": classes,
            "y": [share[name] for name in classes],
            "text": [f"{share[name]:.3g} %" for name in classes],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": f"@{arm}"},
        }
        for arm, share in shares.items()
    ]
    return {
        "data": data,
        "layout": {
            "xaxis": {"type": "category", "automargin": True},
            "yaxis": _axis("% of requests", range=[0, 112]),
        },
    }
