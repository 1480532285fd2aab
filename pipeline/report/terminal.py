"""The verdict as a table and a few sentences for the terminal.

`render` is pure: whether colours are wanted is the caller's to find out, with `wants_color`. Each decision is
a word, so colour only helps the eye. Every line fits `width`: at 80 columns and below names are shortened and
the columns that explain least are left out before anything wraps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TextIO

import click
from rich.cells import cell_len, set_cell_size
from tabulate import tabulate

from pipeline.base.table import narrow, wrapped
from pipeline.base.text import clean
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, GroupScore, MetricVerdict, Outcome, Verdict
from pipeline.judge.words import amount, percent
from pipeline.report.advice import advice
from pipeline.report.facts import ArmFacts, RunFacts, read_facts
from pipeline.report.log import TITLE, sentence
from pipeline.report.text import DECISIONS, between, change, short, threshold, worse_by
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record

__all__ = ["render", "wants_color"]

_INDENT = "  "  # of a metric under its group
_NAME_AT_LEAST = 18  # below this a metric's name says nothing, so a column goes instead
_GAP = 2  # what tabulate's "plain" format puts between columns

_COLOURS = {
    Decision.PASS: "green",
    Decision.FAIL: "red",
    Decision.INCONCLUSIVE: "yellow",
    Decision.NODATA: "yellow",
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.INVALID: "magenta",
}

_Column = tuple[str, Callable[[MetricVerdict], str]]

_DECISION: _Column = ("decision", lambda m: DECISIONS[m.decision] + (" *" if m.critical else ""))
_WIDE: tuple[_Column, ...] = (
    ("baseline", lambda m: amount(m.baseline.value, m.unit)),
    ("canary", lambda m: amount(m.canary.value, m.unit)),
    ("change", lambda m: short(change(m))),
    ("between", lambda m: short(between(m))),
    ("allowed", lambda m: short(threshold(m))),
    _DECISION,
)
_NARROW: tuple[_Column, ...] = (  # a metric's name says whether it is in cores
    ("baseline", lambda m: amount(m.baseline.value, m.unit).removesuffix(" cores")),
    ("canary", lambda m: amount(m.canary.value, m.unit).removesuffix(" cores")),
    ("worse by", lambda m: short(worse_by(m))),
    ("between", lambda m: short(between(m))),
    ("allowed", lambda m: short(threshold(m))),
    _DECISION,
)
_UNNEEDED = ("between", "allowed", "worse by", "baseline", "canary")  # what goes first where there is no room


def wants_color(stream: TextIO) -> bool:
    """True on a terminal that has colours, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _fit(text: str, width: int) -> str:
    """`text` in at most `width` cells, its end replaced by an ellipsis where it is longer."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…" if width > 0 else ""


def _columns(metrics: Sequence[MetricVerdict], width: int) -> tuple[list[str], list[list[str]], int]:
    """Titles and cells of the columns that fit, and the room they leave for names."""

    def filled(columns: Sequence[_Column]) -> tuple[list[str], list[list[str]], int]:
        cells = [[title, *(cell(m) for m in metrics)] for title, cell in columns]
        used = sum(_GAP + max(map(cell_len, column)) for column in cells)
        rows = [list(row) for row in zip(*cells, strict=True)]
        return rows[0], rows[1:], width - used

    names = max(cell_len(_name(metric)) for metric in metrics) + len(_INDENT)
    wide = filled(_WIDE)
    if wide[2] >= names:
        return wide
    columns = list(_NARROW)
    for unneeded in _UNNEEDED:
        if filled(columns)[2] >= min(names, _NAME_AT_LEAST):
            break
        columns = [column for column in columns if column[0] != unneeded]
    return filled(columns)


def _name(metric: MetricVerdict) -> str:
    return narrow(metric.title or metric.name)


def _by_group(verdict: Verdict) -> list[tuple[GroupScore | None, str, list[MetricVerdict]]]:
    """Metrics under their groups, in the verdict's order of groups; a group without a score comes last."""
    names = list(dict.fromkeys([g.name for g in verdict.groups] + [m.group for m in verdict.metrics]))
    scores = {g.name: g for g in verdict.groups}
    grouped = [(scores.get(name), name, [m for m in verdict.metrics if m.group == name]) for name in names]
    return [entry for entry in grouped if entry[2]]


def _heading(name: str, score: GroupScore | None) -> str:
    if score is None:
        return clean(name)
    value = "no data" if score.score is None else f"score {score.score:.0f}"
    return f"{clean(name)} (weight {score.weight:g}, {value})"


def _table(verdict: Verdict, width: int, color: bool) -> list[str]:
    grouped = _by_group(verdict)
    metrics = [metric for _, _, group in grouped for metric in group]
    if not metrics:
        return []
    titles, cells, room = _columns(metrics, width)
    for metric, row in zip(metrics, cells, strict=True):
        if color:
            row[-1] = click.style(
                row[-1], fg=_COLOURS[metric.decision], bold=metric.decision is Decision.FAIL
            )
        row.insert(0, _INDENT + _fit(_name(metric), max(room - len(_INDENT), 1)))
    # the titles are a row like any other: tabulate would pad real headers by two cells that are wanted here
    aligned = tabulate(
        [["metric", *titles], *cells],
        tablefmt="plain",
        disable_numparse=True,
        preserve_whitespace=True,
        colalign=["left", *("left" if title == "decision" else "right" for title in titles)],
    ).splitlines()
    rows = (line.rstrip() for line in aligned)
    lines = [next(rows), "-" * max(cell_len(click.unstyle(line).rstrip()) for line in aligned)]
    for score, name, group in grouped:
        heading = _fit(_heading(name, score), width)
        lines.append(click.style(heading, bold=True) if color else heading)
        lines.extend(next(rows) for _ in group)
    if any(metric.critical for metric in metrics):
        lines.append(_fit("* critical: fails the canary alone", width))
    if "between" in titles:
        lines.append(_fit("between: where the change lies, + is worse", width))
    if any(" pp" in cell for row in cells for cell in row):
        lines.append(_fit("pp: percentage points", width))
    lines.append(_fit(f"chance of a false alarm in the whole run: {percent(verdict.alpha)} (alpha)", width))
    if verdict.undecided != "inconclusive":
        lines.append(_fit(f"undecided: {clean(verdict.undecided)}, where no harm is shown", width))
    return lines


def _sentences(verdict: Verdict, record: Record, width: int) -> list[str]:
    """The verdict's reasons, then its notes and the run's, as wrapped list items."""
    lines: list[str] = []
    for mark, sentences in (("- ", verdict.reasons), ("note: ", (*verdict.notes, *record.notes))):
        for said in sentences:
            lines += wrapped(clean(said), width, mark)
    return lines


def _version(role: str, arm: ArmFacts, width: int) -> str:
    commit = arm.commit[:7]
    # a commit that was given as one is said once
    ref = "" if arm.commit and arm.commit.startswith(arm.ref) else arm.ref
    room = max(width - len(role) - len(commit) - 2, 8)
    return " ".join(part for part in (role, _fit(ref, room), commit) if part)


def _verdict_line(verdict: Verdict, facts: RunFacts, width: int, color: bool) -> str:
    score = "no canary score" if verdict.score is None else f"canary score {verdict.score:.0f}/100"
    said = f"{score}: {verdict.outcome.value}{', no harm shown' if verdict.let_pass else ''}"
    room = (width - len(said) - len(" (, )")) // 2
    arms = f"{_version('baseline', facts.baseline, room)}, {_version('canary', facts.canary, room)}"
    line = _fit(f"{said} ({arms})", width)
    if not color:
        return line
    return click.style(line[: len(said)], fg=_COLOURS[verdict.outcome], bold=True) + line[len(said) :]


def _logged(log: Sequence[LogLine], width: int) -> list[str]:
    first = [part for line in log[:1] for part in wrapped(f"{TITLE}: {sentence(line)}", width)]
    return first + [part for line in log[1:] for part in wrapped(sentence(line), width, "  ")]


def _first_lines(verdict: Verdict, facts: RunFacts, width: int, color: bool) -> list[str]:
    """What must be put right, in red; then what to do about the verdict, in the outcome's colour."""
    said = ((facts.trouble, "red"), (clean(headline(verdict)), _COLOURS[verdict.outcome]))
    lines = [(line, fg) for text, fg in said if text for line in wrapped(text, width)]
    return [click.style(line, fg=fg, bold=True) if color else line for line, fg in lines]


def render(verdict: Verdict, record: Record, *, width: int, color: bool, log: Sequence[LogLine] = ()) -> str:
    """What to do, what only the canary logged, the table by groups, the reasons, and last the score and both commits.

    `width` is in terminal cells. No line is wider, colour codes not counted. No newline at the end.
    """
    facts = read_facts(record)
    blocks = [
        _first_lines(verdict, facts, width, color) + _logged(log, width),
        _table(verdict, width, color),
        _sentences(verdict, record, width),
    ]
    if facts.stopped_early:
        blocks.append(wrapped(f"stopped early: {facts.stopped_early}", width))
    if (next_step := advice(verdict, facts)) is not None:
        blocks.append(wrapped(next_step, width))
    if facts.sample:
        sample = "SAMPLE CODE: this judges the bundled sample repository, not yours"
        why = f" ({facts.sample_why})" if facts.sample_why else ""
        blocks.append(wrapped(sample + why, width))
    blocks.append([_verdict_line(verdict, facts, width, color)])
    return "\n\n".join("\n".join(block) for block in blocks if block)
