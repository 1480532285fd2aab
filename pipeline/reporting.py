"""Writes a run's report.html from its directory. Offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.judge.verdict import Verdict
from pipeline.rundir import RunDirectory

__all__ = ["write_report"]


def write_report(directory: RunDirectory, run: Mapping[str, Any], verdict: Verdict) -> None:
    """Render `verdict` and the samples it rests on into report.html. Raises RunDirectoryError when they cannot be read."""
    from pipeline.report import html

    page = html.render(verdict, {**run, "directory": directory.path.name}, directory.read_evidence())
    (directory.path / "report.html").write_text(page, encoding="utf-8")
