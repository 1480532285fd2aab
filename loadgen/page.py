"""The page of one run: its summary, and what happened in each second. One file, no script, no request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import jinja2

from loadgen.output import summary_rows
from loadgen.plan import Plan
from loadgen.words import NAMES, milliseconds, printable

__all__ = ["Page"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_COUNTS: Final = {
    "completed": "done",
    "errors": "errors",
    "wrong_bodies": "wrong bodies",
    "skipped": "skipped",
}
_MOST_POINTS: Final = 500  # a drawing is not wider
_WIDTH, _HEIGHT = 1000, 160  # of a drawing, in its own units
_HEADROOM: Final = 1.05


class _Second(NamedTuple):
    t: float
    sent: float
    completed: float
    errors: float
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class _Line:
    """A path of a drawing."""

    name: str
    role: str
    d: str


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    highest: str
    lines: tuple[_Line, ...]


class Page:
    """Listens to a run's events; `text` is the page at its end."""

    def __init__(self, plan: Plan) -> None:
        url = plan.url.partition("#")[0].partition("?")[0]  # the query may hold a key
        self._target = url if plan.mix else f"{plan.method} {url}"
        self._timeout_ms = plan.timeout * 1000
        self._seconds: list[_Second] = []

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] != "second":
            return
        beyond = self._timeout_ms if event["beyond"] else None
        # After a freeze one event is of more than a second.
        took = max(1.0, event["t"] - (self._seconds[-1].t if self._seconds else 0.0))
        self._seconds.append(
            _Second(
                event["t"],
                event["sent"] / took,
                event["completed"] / took,
                event["errors"] / took,
                beyond if event["p50_ms"] is None else event["p50_ms"],
                beyond if event["p99_ms"] is None else event["p99_ms"],
            )
        )

    def text(self, summary: Mapping[str, Any]) -> str:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        beyond = f"> {summary['timeout_s']:g} s"
        kinds = {
            "since it was due": (summary["latency_ms"], beyond),
            "since it was sent": (summary["service_ms"], "timed out"),
            "the loader's own lateness": (summary["lateness_ms"], beyond),
        }
        return environment.get_template("page.html.j2").render(
            target=self._target,
            when=datetime.fromtimestamp(summary["t0_unix"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            outcome=_outcome(summary),
            reasons=[*([] if summary["valid"] else [summary["reason"]]), *summary["failures"]],
            names=list(NAMES.values()),
            counts=list(_COUNTS.values()),
            percentiles={
                name: [milliseconds(values[key], none) for key in NAMES]
                for name, (values, none) in kinds.items()
                if values
            },
            requests=_requests(summary.get("by_request", {}), beyond),
            rows=[(name.strip(), printable(text)) for name, text in summary_rows(summary, by_request=False)],
            charts=self._charts(),
            length=f"{self._seconds[-1].t:.0f} s" if self._seconds else "",
            width=_WIDTH,
            height=_HEIGHT,
        )

    def _charts(self) -> list[_Chart]:
        seconds = self._seconds
        if len(seconds) < 2:  # one point is no line
            return []
        times = [second.t for second in seconds]
        p50, p99 = [second.p50 for second in seconds], [second.p99 for second in seconds]
        sent, completed = [second.sent for second in seconds], [second.completed for second in seconds]
        errors = [second.errors for second in seconds]
        charts = [
            _chart("Latency, milliseconds", times, {"p99": ("second", p99), "p50": ("first", p50)}),
            _chart("Requests a second", times, {"sent": ("second", sent), "completed": ("first", completed)}),
        ]
        if any(errors):
            charts.append(_chart("Errors a second", times, {"errors": ("bad", errors)}))
        return charts


def _requests(by_request: Mapping[str, Any], beyond: str) -> dict[str, list[str]]:
    """The cells of each of several requests: counts, then percentiles."""
    return {
        name: [
            *(f"{each[count]:,}" for count in _COUNTS),
            *(
                "" if (known := each["latency_ms"]) is None else milliseconds(known[key], beyond)
                for key in NAMES
            ),
        ]
        for name, each in by_request.items()
    }


def _outcome(summary: Mapping[str, Any]) -> str:
    if not summary["valid"]:
        return "invalid"
    if summary["failures"]:
        return "failed"
    return "interrupted" if summary.get("interrupted") else "done"


def _chart(
    title: str, times: Sequence[float], series: Mapping[str, tuple[str, Sequence[float | None]]]
) -> _Chart:
    """A chart from zero to a little above the highest value."""
    told = [value for _, values in series.values() for value in values if value is not None]
    highest = max(told, default=0.0) or 1.0
    lines = tuple(
        _Line(name, role, _path(*_thinned(times, values), highest * _HEADROOM))
        for name, (role, values) in series.items()
    )
    return _Chart(title, f"{highest:,.4g}", lines)


def _thinned(
    times: Sequence[float], values: Sequence[float | None]
) -> tuple[list[float], list[float | None]]:
    """As many points as a drawing has room for: of neighbours the highest, which is the one that matters.

    >>> _thinned([1, 2], [5, None])
    ([1, 2], [5, None])
    """
    step = math.ceil(len(times) / _MOST_POINTS)
    groups = [list(values[at : at + step]) for at in range(0, len(values), step)]
    highest = [max((each for each in group if each is not None), default=None) for group in groups]
    return list(times[::step]), highest


def _path(times: Sequence[float], values: Sequence[float | None], highest: float) -> str:
    """An SVG path; what is not known leaves a gap."""
    first, last = times[0], times[-1]
    parts, pen = list[str](), "M"
    for t, value in zip(times, values, strict=True):
        if value is None:
            pen = "M"
            continue
        x = _WIDTH * (t - first) / ((last - first) or 1)
        parts.append(f"{pen}{x:.1f} {_HEIGHT * (1 - value / highest):.1f}")
        pen = "L"
    return "".join(parts)
