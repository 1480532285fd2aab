"""Prints a verdict, the table and where the report is or one JSON document, and gives its exit code."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from pipeline.base.errors import Exit
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.report import jsonout, terminal
from pipeline.report.log import log_of
from pipeline.runs.directory import Run
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record

__all__ = ["exit_code", "show_series_verdict", "show_verdict"]

_EXITS: Final[Mapping[Outcome, Exit]] = {
    Outcome.PASSED: Exit.OK,
    Outcome.FAILED: Exit.FAILED,
    Outcome.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Outcome.INVALID: Exit.INVALID,
}


def exit_code(outcome: Outcome) -> Exit:
    """The exit code that says the same as a verdict.

    >>> exit_code(Outcome.PASSED)
    <Exit.OK: 0>
    """
    return _EXITS[outcome]


def show_verdict(run: Run, verdict: Verdict, *, as_json: bool) -> None:
    """The verdict on stdout. Colours only on a terminal, and not with NO_COLOR (no-color.org)."""
    _show(run.record, verdict, as_json, str(run.path), log_of(run.path, verdict))
    page = run.path / "report.html"
    if not as_json:  # a run that was killed or interrupted has none yet
        click.echo(f"report: {page if page.exists() else f'pipeline report {run.path}'}")


def show_series_verdict(names: Mapping[str, str], verdict: Verdict, *, as_json: bool) -> None:
    """The verdict on two sets of series, on stdout; `names` says what `baseline` and `canary` are."""
    _show(Record.from_dict({arm: {"ref": name} for arm, name in names.items()}), verdict, as_json)


def _show(
    record: Record, verdict: Verdict, as_json: bool, directory: str = "", log: Sequence[LogLine] = ()
) -> None:
    if as_json:
        click.echo(jsonout.render(verdict, record, directory, log))
        return
    color = terminal.wants_color(sys.stdout)
    width = shutil.get_terminal_size((100, 24)).columns
    click.echo(terminal.render(verdict, record, width=width, color=color, log=log), color=color)
