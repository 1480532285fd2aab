"""Prints a verdict, writes it where asked, and gives its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from pipeline import __version__
from pipeline.base.errors import EnvironmentError_, Exit
from pipeline.base.table import terminal_width
from pipeline.base.text import printable
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.report import jsonout, terminal
from pipeline.report.annotations import github_annotations, inert, inert_json, on_github
from pipeline.report.log import log_of
from pipeline.report.outputs import Outputs, Told
from pipeline.runs.directory import Run
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record
from pipeline.series.evidence import Case

__all__ = [
    "echo_verdict",
    "exit_code",
    "series_record",
    "show_gate_verdict",
    "show_series_verdict",
    "show_verdict",
]

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


def show_verdict(run: Run, verdict: Verdict, *, as_json: bool, outputs: Outputs | None = None) -> Exit:
    """The verdict on stdout and in `outputs`; gives the exit code.

    Colours only on a terminal, and not with NO_COLOR (no-color.org).
    """
    log = log_of(run.path, verdict)
    _show(run.record, verdict, as_json, str(run.path), log)
    _say_page(run.path, as_json)
    _annotate(verdict, outputs, as_json)
    if outputs is None or not outputs.any:
        return exit_code(verdict.outcome)
    return _write(outputs, Told(verdict, run.record, run.evidence, str(run.path), log))


def show_gate_verdict(
    record: Record, path: Path, case: Case, verdict: Verdict, *, as_json: bool, outputs: Outputs | None = None
) -> Exit:
    """A gate's verdict on stdout and in `outputs`, `path` being its run directory; gives the exit code."""
    _show(record, verdict, as_json, str(path))
    _say_page(path, as_json)
    _annotate(verdict, outputs, as_json)
    if outputs is None or not outputs.any:
        return exit_code(verdict.outcome)
    return _write(outputs, Told(verdict, record, case.evidence, str(path), questions=case.questions))


def show_series_verdict(
    case: Case, verdict: Verdict, *, as_json: bool, outputs: Outputs | None = None
) -> Exit:
    """The verdict on two sets of series, on stdout and in `outputs`; gives the exit code."""
    record = series_record(case)
    _show(record, verdict, as_json)
    _annotate(verdict, outputs, as_json)
    if outputs is None:
        return exit_code(verdict.outcome)
    return _write(outputs, Told(verdict, record, case.evidence, questions=case.questions))


def _say_page(directory: Path, as_json: bool) -> None:
    """Where a run's page is, or how it is made: one that was killed or interrupted has none yet, nor has a gate."""
    page = directory / "report.html"
    if not as_json:
        click.echo(f"report: {page if page.exists() else f'pipeline report {directory}'}")


def _annotate(verdict: Verdict, outputs: Outputs | None, as_json: bool) -> None:
    """After the text on its stream; a JSON document has its own to itself."""
    if outputs is not None and outputs.annotate:
        click.echo("\n".join(github_annotations(verdict)), err=as_json)


def _write(outputs: Outputs, told: Told) -> Exit:
    """A file that could not be written is told; the exit code of a verdict that is not a pass stays what it is."""
    code = exit_code(told.verdict.outcome)
    try:
        outputs.write(told)
    except EnvironmentError_ as error:
        for line in error.message.splitlines():
            click.echo(f"pipeline: {printable(line)}", err=True)
        return code or error.exit_code
    return code


def _show(
    record: Record, verdict: Verdict, as_json: bool, directory: str = "", log: Sequence[LogLine] = ()
) -> None:
    if as_json:
        echo_verdict(jsonout.render(verdict, record, directory, log), as_json=True)
        return
    color = terminal.wants_color(sys.stdout)
    text = terminal.render(verdict, record, width=terminal_width(), color=color, log=log)
    echo_verdict(text, as_json=False, color=color)


def series_record(case: Case) -> Record:
    """What a run's record would say of two sets of series: what the versions are called."""
    return Record.from_dict({"tool": __version__, **{arm: {"ref": name} for arm, name in case.names.items()}})


def echo_verdict(text: str, *, as_json: bool, color: bool = False) -> None:
    """A verdict's text or document on stdout. On GitHub nothing in it is a command to the runner."""
    if on_github(os.environ):
        text = inert_json(text) if as_json else inert(text)
    click.echo(text, color=color)
