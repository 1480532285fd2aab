"""Reports of a run: `terminal` and `jsonout` for stdout, `html` for the page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.judge.verdict import Verdict
    from pipeline.runs.directory import RunDirectory

__all__ = ["write_report"]


def write_report(directory: RunDirectory, run: Mapping[str, Any], verdict: Verdict) -> Path:
    """Write report.html of a run whose samples `directory` holds; returns its path.

    The file is replaced whole or not at all. Raises RunDirectoryError where the samples cannot be read.
    """
    from pipeline.report import html  # numpy and jinja2 stay out of commands that write no page

    path = Path(directory.path) / "report.html"
    page = html.render(verdict, {**run, "directory": str(directory.path)}, directory.read_evidence())
    fresh = path.with_name(f".report.{os.getpid()}.tmp")
    try:
        fresh.write_text(page, encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path
