"""A verdict for people and programs: `terminal` and `jsonout` for stdout, `html` for the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.files import write_whole

if TYPE_CHECKING:
    from pipeline.judge.evidence import Evidence
    from pipeline.judge.verdict import Verdict
    from pipeline.runs.directory import Run
    from pipeline.series.asked import Questions

__all__ = ["write_report"]


def write_report(
    run: Run, verdict: Verdict, evidence: Evidence | None = None, questions: Questions | None = None
) -> Path:
    """Write report.html into the run's directory, whole or not at all; returns its path.

    `evidence` and `questions` are those of a run of series, which has no samples of requests. Raises
    RunDirectoryError where the samples cannot be read.
    """
    from pipeline.report import html  # numpy and jinja2 stay out of commands that write no page
    from pipeline.report.log import log_of

    path = run.path / "report.html"
    log = log_of(run.path, verdict)
    seen = run.evidence if evidence is None else evidence
    write_whole(path, html.render(verdict, run.record, seen, str(run.path), log, questions=questions))
    return path
