"""Prints a verdict: the table and where the report is, or one JSON document."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import Any

import click

from pipeline.judge.verdict import Verdict
from pipeline.report import jsonout, terminal
from pipeline.runs.directory import RunDirectory

__all__ = ["show_series_verdict", "show_verdict"]


def show_verdict(directory: RunDirectory, run: Mapping[str, Any], verdict: Verdict, *, as_json: bool) -> None:
    """The verdict on stdout. Colours only on a terminal, and not with NO_COLOR (no-color.org)."""
    _show({**run, "directory": str(directory.path)}, verdict, as_json)
    if not as_json:
        click.echo(f"report: {directory.path / 'report.html'}")


def show_series_verdict(names: Mapping[str, str], verdict: Verdict, *, as_json: bool) -> None:
    """The verdict on two sets of series, on stdout; `names` says what `baseline` and `canary` are."""
    _show({arm: {"ref": name} for arm, name in names.items()}, verdict, as_json)


def _show(facts: Mapping[str, Any], verdict: Verdict, as_json: bool) -> None:
    if as_json:
        click.echo(jsonout.render(verdict, facts))
        return
    color = terminal.wants_color(sys.stdout)
    width = shutil.get_terminal_size((100, 24)).columns
    click.echo(terminal.render(verdict, facts, width=width, color=color), color=color)
