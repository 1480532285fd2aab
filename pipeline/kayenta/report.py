"""Kayenta's verdict as a table for the terminal, and as one JSON document."""

from __future__ import annotations

import json
import math
from typing import Any

import click
from rich.cells import cell_len
from tabulate import tabulate

from pipeline.base.table import narrow, wrapped
from pipeline.base.text import clean
from pipeline.kayenta.classify import Label
from pipeline.kayenta.judge import KayentaVerdict, MetricResult, titled
from pipeline.kayenta.score import Group, ScoreLabel

__all__ = [
    "classification",
    "coloured",
    "name_cell",
    "render",
    "render_json",
    "score_line",
    "strict",
    "table_lines",
    "wide",
]

_METRIC_COLOURS = {Label.PASS: "green", Label.NODATA: "yellow", Label.ERROR: "yellow"}  # others: red
_SCORE_COLOURS = {ScoreLabel.PASS: "green", ScoreLabel.MARGINAL: "yellow", ScoreLabel.FAIL: "red"}
_NAME = 32  # cells for a metric's or a group's name
_NARROW = 20  # ... where the terminal is


def render(verdict: KayentaVerdict, *, color: bool, width: int) -> str:
    """Metrics, groups, reasons and notes, and one last line with the score. No newline at the end.

    `width` is in terminal cells. Where that is little, names are cut, and the metrics' groups left out.
    """
    metrics = _metrics(verdict, color, _NAME)
    if wide(metrics) > width:
        metrics = [[*row[:4], row[5]] for row in _metrics(verdict, color, _NARROW)]
    groups = [["group", "weight", "score"], *(_group_row(group) for group in verdict.score.groups)]
    said = [
        *(
            part
            for metric in verdict.metrics
            if metric.result.reason
            for part in wrapped(
                f"{clean(titled(metric.config.name, metric.tags))}: {clean(metric.result.reason)}",
                width,
                "- ",
            )
        ),
        *(
            wrapped(f"{clean(verdict.score.reason)}: the score is 0", width, "- ")
            if verdict.score.reason
            else ()
        ),
        *(part for note in verdict.notes for part in wrapped(clean(note), width, "note: ")),
    ]
    blocks = [table_lines(metrics), table_lines(groups), said, [score_line(verdict, color)]]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _metrics(verdict: KayentaVerdict, color: bool, most: int) -> list[list[str]]:
    titles = ["metric", "baseline", "canary", "ratio", "groups", "classification"]
    return [titles, *(_metric_row(metric, color, most) for metric in verdict.metrics)]


def wide(rows: list[list[str]]) -> int:
    """How many cells a table takes."""
    return max((cell_len(click.unstyle(line)) for line in table_lines(rows)), default=0)


def table_lines(rows: list[list[str]]) -> list[str]:
    """Rows under their titles as aligned lines; none without a row."""
    if len(rows) == 1:
        return []
    left = ("metric", "group", "groups", "classification", "Kayenta", "pipeline")
    align = ["left" if title in left else "right" for title in rows[0]]
    lines = tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=align).splitlines()
    lines = [line.rstrip() for line in lines]
    return [lines[0], "-" * max(cell_len(click.unstyle(line)) for line in lines), *lines[1:]]


def _metric_row(metric: MetricResult, color: bool, most: int) -> list[str]:
    compared = metric.baseline.count and metric.canary.count
    return [
        name_cell(titled(metric.config.name, metric.tags), most),
        f"{metric.baseline.mean:.5g}" if metric.baseline.count else "-",
        f"{metric.canary.mean:.5g}" if metric.canary.count else "-",
        f"{metric.result.ratio:.4g}" if compared and not math.isnan(metric.result.ratio) else "-",
        name_cell(", ".join(metric.config.groups)),
        coloured(metric) if color else classification(metric),
    ]


def classification(metric: MetricResult) -> str:
    """What Kayenta says of a metric."""
    words = metric.result.label.value + (" (critical)" if metric.result.critical else "")
    return words + (" (muted)" if metric.config.analysis.muted else "")


def coloured(metric: MetricResult) -> str:
    """The same for a terminal that has colours."""
    return click.style(classification(metric), fg=_METRIC_COLOURS.get(metric.result.label, "red"))


def _group_row(group: Group) -> list[str]:
    said = "no data, counts as 100" if group.no_data else f"{group.score:.4g}"
    return [name_cell(group.name), f"{group.weight:g} %", said]


def name_cell(text: str, most: int = _NAME) -> str:
    """A name of any characters in at most so many cells."""
    name = narrow(text)
    return name if len(name) <= most else f"{name[: most - 1]}…"


def score_line(verdict: KayentaVerdict, color: bool) -> str:
    """The score, what it is classified as, and from where on it passes."""
    label, limits = verdict.score.label, verdict.thresholds
    said = f"canary score {verdict.score.score:g}/100: {label.value}"
    styled = click.style(said, fg=_SCORE_COLOURS[label], bold=True) if color else said
    return f"{styled} (Kayenta: passes from {limits.pass_score:g}, marginal from {limits.marginal:g})"


def render_json(verdict: KayentaVerdict) -> str:
    """One strict JSON document; a number that is none is the text "NaN", "Infinity" or "-Infinity", as from Kayenta."""
    return json.dumps(strict(verdict.to_dict()), indent=2, allow_nan=False)


def strict(value: Any) -> Any:
    """The value with a text in the place of each number that JSON has not."""
    if isinstance(value, dict):
        return {key: strict(child) for key, child in value.items()}
    if isinstance(value, list):
        return [strict(child) for child in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
