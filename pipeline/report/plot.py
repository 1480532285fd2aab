"""A chart as a template draws it: an SVG that is stretched to its place, with its words beside it as HTML.

The drawing has no text in it, so it may be stretched to any width without a letter becoming wide or small: words stand
at percentages of the drawing's width and height. Colours go by role (`baseline`, `canary`, `limit`), which report.css
turns into those of light, dark and paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.report.aggregate import Points

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Axis",
    "Band",
    "Line",
    "Plot",
    "Rect",
    "Tick",
    "area",
    "log_axis",
    "nice_axis",
    "path",
]

WIDTH: Final = 1000  # of the drawing, in its own units
HEIGHT: Final = 200
_CLOSE: Final = 6.0  # percent; marks nearer to each other than this would overlap


@dataclass(frozen=True, slots=True)
class Tick:
    """A word at `at` percent of an axis, from the left or from the top."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Which values lie between the ends of an axis, and its marks. `log`: ten times as much is one step."""

    low: float
    high: float
    marks: tuple[float, ...] = ()
    log: bool = False

    def place(self, value: float) -> float:
        """Where `value` lies, 0 to 1; what lies beyond an end is put there."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = (math.log10(max(x, self.low)) for x in (value, low, high))
        return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5

    def ticks(self, *, vertical: bool = False) -> tuple[Tick, ...]:
        """The marks that do not come too close to the one before, in percent of the drawing."""
        shown: list[Tick] = []
        for mark in self.marks:
            at = round(100 * (1 - self.place(mark) if vertical else self.place(mark)), 1)
            if not shown or abs(at - shown[-1].at) >= _CLOSE:
                shown.append(Tick(at, f"{mark:,.6g}"))
        return tuple(shown)


@dataclass(frozen=True, slots=True)
class Line:
    """A path; `role` names its colour, `look` how it is drawn: line, dashed, area."""

    role: str
    d: str
    look: str = "line"


@dataclass(frozen=True, slots=True)
class Band:
    """A span of the x axis in percent, tinted; `text` stands at its top where there is room."""

    role: str
    at: float
    width: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in the drawing's own units; `text` stands to its right."""

    role: str
    x: float
    y: float
    width: float
    height: float
    text: str = ""

    @property
    def text_at(self) -> tuple[float, float]:
        """Where the text stands, in percent from the left and the top."""
        return round(100 * (self.x + self.width) / WIDTH, 1), round(
            100 * (self.y + self.height / 2) / HEIGHT, 1
        )


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing. `y_label` stands above it, `x_label` below; `note` over it says what it could not draw."""

    y_label: str
    x_label: str
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    bands: tuple[Band, ...] = ()
    lines: tuple[Line, ...] = ()
    rects: tuple[Rect, ...] = ()
    note: str = ""
    size: str = ""


def nice_axis(low: float, high: float, most: int = 5, *, tight: bool = False) -> Axis:
    """An axis with at most about `most` round marks, its ends at marks; `tight`: at `low` and `high`.

    >>> nice_axis(0, 87).marks
    (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    """
    if not high > low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / most
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * ten for factor in (1, 2, 5, 10) if factor * ten >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(float(f"{number * step:.10g}") for number in range(first, last + 1))
    if tight:
        return Axis(low, high, tuple(mark for mark in marks if low <= mark <= high))
    return Axis(marks[0], marks[-1], marks)


def log_axis(values: Iterable[float]) -> Axis | None:
    """A logarithmic axis around the positive values, marked 1, 2, 5, 10 ...; None where there are none."""
    positive = [value for value in values if value > 0]
    if not positive:
        return None
    low, high = min(positive), max(positive)
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 2)
    digits = (1, 2, 5) if len(decades) <= 4 else (1,)
    marks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
    if high <= low:
        low, high = low / 2, high * 2
    return Axis(low, high, tuple(mark for mark in marks if low <= mark <= high), log=True)


def path(points: Points, x: Axis, y: Axis) -> str:
    """The points as a path of an SVG; a None is a gap, and a lone point between two gaps is a short dash."""
    parts: list[str] = []
    for run in _runs(points):
        places = [_place(px, py, x, y) for px, py in run]
        if len(places) == 1:
            parts.append(f"M{places[0][0] - 2} {places[0][1]}h4")
            continue
        parts.append(f"M{places[0][0]} {places[0][1]}L" + " ".join(f"{px} {py}" for px, py in places[1:]))
    return "".join(parts)


def area(low: Points, high: Points, x: Axis, y: Axis) -> str:
    """The area between two lines over the same x values."""
    parts = []
    for bottom, top in zip(_runs(low), _runs(high), strict=True):
        around = [_place(px, py, x, y) for px, py in [*top, *reversed(bottom)]]
        parts.append("M" + "L".join(f"{px} {py}" for px, py in around) + "Z")
    return "".join(parts)


def _runs(points: Points) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for px, py in zip(*points, strict=True):
        if px is None or py is None:
            runs.append([])
        else:
            runs[-1].append((px, py))
    return [run for run in runs if run]


def _place(px: float, py: float, x: Axis, y: Axis) -> tuple[int, str]:
    return round(x.place(px) * WIDTH), f"{(1 - y.place(py)) * HEIGHT:.4g}"
