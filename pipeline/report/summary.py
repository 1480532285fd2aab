"""A verdict as Markdown: for the summary of a GitHub step, a comment in GitLab, a chat.

Everything from outside is escaped: neither a ref nor a line of a log can make a link, a picture, a mention or markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pipeline.base.text import clean, plural
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, MetricVerdict, Verdict
from pipeline.judge.words import amount
from pipeline.report.advice import advice
from pipeline.report.facts import read_facts
from pipeline.report.log import TITLE, sentence
from pipeline.report.text import DECISIONS, TELLING, capital, change, outcome_words, plain, threshold
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record

__all__ = ["LARGEST", "summary"]

LARGEST: Final = 1 << 20  # bytes; GitHub shows nothing of a larger one
_ROOM: Final = 2048  # bytes for what stands after the rows
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>|~#!$&])")
_HEAD: Final = (
    "| metric | baseline | canary | change | allowed | decision |\n| --- | ---: | ---: | ---: | ---: | --- |"
)


def summary(verdict: Verdict, record: Record, log: Sequence[LogLine] = (), *, largest: int = LARGEST) -> str:
    """The verdict, what to do, what only the canary logged, and the metrics: those that decide open, the rest folded.

    Args:
        verdict: What was decided.
        record: Names the two versions; whatever else it lacks is left out.
        log: What only the canary logged.
        largest: How many bytes it may have; rows that do not fit are counted.
    """
    facts = read_facts(record)
    parts = [
        f"## {outcome_words(verdict)}: {_escaped(facts.compared)}",
        f"**{_escaped(capital(headline(verdict)))}**",
    ]
    if facts.trouble:
        parts.append(f"**{_escaped(capital(facts.trouble))}**")
    if log:
        parts.append(f"{TITLE}:\n\n{_fenced([sentence(line) for line in log])}")
    if (next_step := advice(verdict, facts)) is not None:
        parts.append(_escaped(capital(next_step)))
    compared = [metric for metric in verdict.metrics if metric.decision is not Decision.NODATA]
    telling = [metric for metric in compared if metric.decision is TELLING.get(verdict.outcome)]
    rest = [metric for metric in compared if metric not in telling]
    open_rows, room = _rows(telling, largest - _size("\n\n".join(parts)) - _ROOM)
    if open_rows:
        parts.append(open_rows)
    folded, _ = _rows(rest, room)
    if folded:
        said = f"{plural(len(rest), 'metric')}{', less telling' if telling else ''}"
        parts.append(f"<details><summary>{said}</summary>\n\n{folded}\n\n</details>")
    if len(compared) < len(verdict.metrics):
        parts.append(f"{plural(len(verdict.metrics) - len(compared), 'metric')} had nothing to compare.")
    score = (
        "no score"
        if verdict.score is None
        else f"score {verdict.score:.0f} of 100, {verdict.pass_score:g} passes"
    )
    tool = f", pipeline {_escaped(facts.tool_version)}" if facts.tool_version else ""
    parts.append(f"<sub>{score}{tool}</sub>")
    return "\n\n".join(parts) + "\n"


def _rows(metrics: Sequence[MetricVerdict], room: int) -> tuple[str, int]:
    """A table of as many metrics as fit, the failed first, and the room that is left."""
    if not metrics:
        return "", room
    lines, left = [_HEAD], room - _size(_HEAD)
    ordered = sorted(metrics, key=lambda metric: metric.decision is not Decision.FAIL)
    for number, metric in enumerate(ordered):
        line = _row(metric)
        left -= _size(line) + 1
        if left < 0:
            lines.append(f"\n... and {len(ordered) - number} more")
            break
        lines.append(line)
    return "\n".join(lines), max(left, 0)


def _row(metric: MetricVerdict) -> str:
    name = clean(metric.title or metric.name, 200)
    word = DECISIONS[metric.decision] + (" (critical)" if metric.critical else "")
    values = (amount(metric.baseline.value, metric.unit), amount(metric.canary.value, metric.unit))
    cells = (name, *values, plain(change(metric)), plain(threshold(metric)), word)
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    """One line that Markdown shows as it is, and in which nobody is mentioned.

    >>> _escaped("a|b <img> @all")
    'a\\\\|b \\\\<img\\\\> &#64;all'
    """
    return _SPECIAL.sub(r"\\\1", clean(text)).replace("@", "&#64;")


def _fenced(lines: Iterable[str]) -> str:
    """Lines as they are, in a fence that is longer than any run of backticks in them."""
    text = "\n".join(clean(line) for line in lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _size(text: str) -> int:
    return len(text.encode())
