"""Directories of runs that are over, for what lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tests.support.report_samples as samples
from pipeline.judge.verdict import Outcome
from pipeline.runs.directory import write_record, write_verdict
from pipeline.runs.record import FORMAT, Record

__all__ = ["past_run"]


def past_run(
    directory: Path, name: str, day: int, outcome: Outcome | None = Outcome.PASSED, **record: Any
) -> Path:
    """A run's directory `name`, made on that day of a month; without an `outcome` it has no verdict."""
    path = directory / name
    path.mkdir(parents=True)
    write_record(
        path,
        Record.from_dict({"format": FORMAT, **samples.run(created=f"2026-11-{day:02}T10:00:00Z", **record)}),
    )
    if outcome is not None:
        write_verdict(path, samples.verdict(outcome=outcome))
    return path
