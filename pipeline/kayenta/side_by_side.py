"""Kayenta's verdict and ours on the same series: one table, where they differ, and both scores."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from pipeline.base.table import wrapped
from pipeline.base.text import clean
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, MetricVerdict, Outcome, Verdict
from pipeline.kayenta.classify import Label
from pipeline.kayenta.judge import KayentaVerdict, MetricResult, titled
from pipeline.kayenta.report import classification, coloured, name_cell, score_line, strict, table_lines, wide
from pipeline.report.text import DECISIONS, MISSING, between, short, threshold

__all__ = ["Both", "render", "render_json"]

_TITLES: Final = ("metric", "baseline", "canary", "ratio", "between", "allowed", "Kayenta", "pipeline")
_UNNEEDED: Final = (
    "between",
    "allowed",
    "ratio",
    "baseline",
    "canary",
)  # what goes first where there is no room
_NAMES: Final = (32, 20, 12)  # cells of a metric's name, where there is less and less room
_COLOURS: Final[Mapping[Decision | Outcome, str]] = {
    Decision.PASS: "green",
    Decision.FAIL: "red",
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.INVALID: "magenta",
}
# What Kayenta's words and ours have in common; other words of either agree with none.
_ALIKE: Final = {
    Label.PASS: Decision.PASS,
    Label.HIGH: Decision.FAIL,
    Label.LOW: Decision.FAIL,
    Label.NODATA: Decision.NODATA,
}


@dataclass(frozen=True, slots=True)
class Both:
    """Two verdicts on the same series. `names` has our metric of each of Kayenta's results; None where it is muted."""

    kayenta: KayentaVerdict
    pipeline: Verdict
    names: Sequence[str | None]

    def rows(self) -> Iterator[tuple[MetricResult, MetricVerdict | None]]:
        """Each of Kayenta's results with ours."""
        own = {metric.name: metric for metric in self.pipeline.metrics}
        for theirs, name in zip(self.kayenta.metrics, self.names, strict=True):
            yield theirs, own.get(name) if name is not None else None


def render(both: Both, *, color: bool, width: int) -> str:
    """What to do by our judge, the table, where the two differ, our reasons, the notes, and last both scores.

    `width` is in terminal cells; no line is wider. No newline at the end.
    """
    verdict = both.pipeline
    first = wrapped(clean(headline(verdict)), width)
    if color:
        first = [click.style(line, fg=_COLOURS.get(verdict.outcome, "yellow"), bold=True) for line in first]
    scored = both.kayenta.score.reason
    notes = dict.fromkeys((*both.kayenta.notes, *verdict.notes))
    said = [
        *(part for text in _differences(both) for part in wrapped(text, width, "differs: ")),
        *(part for reason in verdict.reasons for part in wrapped(clean(reason), width, "- ")),
        *(wrapped(f"Kayenta's score is 0: {clean(scored)}", width, "- ") if scored else ()),
        *(part for note in notes for part in wrapped(clean(note), width, "note: ")),
    ]
    blocks = [first, _table(both, color, width), said, _scores(both, color)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _table(both: Both, color: bool, width: int) -> list[str]:
    leave = 0
    for leave in range(len(_UNNEEDED) + 1):
        titles = [title for title in _TITLES if title not in _UNNEEDED[:leave]]
        for most in _NAMES:
            rows = [titles, *([_cell(title, *row, color, most) for title in titles] for row in both.rows())]
            if wide(rows) <= width:
                return [*table_lines(rows), *_legend(both, titles, width)]
    return table_lines(rows)


def _legend(both: Both, titles: Sequence[str], width: int) -> list[str]:
    said = ["between, allowed: pipeline's; + is worse"] if "between" in titles else []
    if any(metric.critical for metric in both.pipeline.metrics):
        said.append("* critical: fails the canary alone")
    return [line for text in said for line in wrapped(text, width)]


def _cell(title: str, theirs: MetricResult, own: MetricVerdict | None, color: bool, most: int) -> str:
    match title:
        case "metric":
            return name_cell(titled(theirs.config.name, theirs.tags), most)
        case "baseline":
            return f"{theirs.baseline.mean:.4g}" if theirs.baseline.count else MISSING
        case "canary":
            return f"{theirs.canary.mean:.4g}" if theirs.canary.count else MISSING
        case "ratio":
            ratio = theirs.result.ratio
            compared = theirs.baseline.count and theirs.canary.count and not math.isnan(ratio)
            return f"{ratio:.4g}" if compared else MISSING
        case "between":
            return MISSING if own is None else short(between(own))
        case "allowed":
            return MISSING if own is None else short(threshold(own))
        case "Kayenta":
            return coloured(theirs) if color else classification(theirs)
    return _decision(own, color)


def _decision(own: MetricVerdict | None, color: bool) -> str:
    if own is None:
        return MISSING
    words = DECISIONS[own.decision] + (" *" if own.critical else "")
    return click.style(words, fg=_COLOURS.get(own.decision, "yellow")) if color else words


def _differences(both: Both) -> Iterator[str]:
    """Each metric of which the two say another thing, with both reasons."""
    for theirs, own in both.rows():
        if own is None or _ALIKE.get(theirs.result.label) is own.decision:
            continue
        name = clean(titled(theirs.config.name, theirs.tags), 200)
        why = f" ({clean(theirs.result.reason)})" if theirs.result.reason else ""
        yield f"{name}: Kayenta says {classification(theirs)}{why}, pipeline {DECISIONS[own.decision]}"


def _scores(both: Both, color: bool) -> list[str]:
    verdict = both.pipeline
    score = "no canary score" if verdict.score is None else f"canary score {verdict.score:.0f}/100"
    said = f"{score}: {verdict.outcome.value}"
    if color:
        said = click.style(said, fg=_COLOURS.get(verdict.outcome, "yellow"), bold=True)
    return [score_line(both.kayenta, color), f"{said} (pipeline: passes from {verdict.pass_score:g})"]


def render_json(both: Both, pipeline: str) -> str:
    """One strict JSON document with both; `pipeline` is our verdict's. The outcome is ours."""
    document: dict[str, Any] = {
        "format": 1,
        "judge": "both",
        "outcome": both.pipeline.outcome.value,
        "kayenta": strict(both.kayenta.to_dict()),
        "pipeline": json.loads(pipeline),
        "names": list(both.names),
    }
    return json.dumps(document, indent=2, allow_nan=False)
