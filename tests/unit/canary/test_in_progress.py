"""The record of a run while the run is under way."""

from __future__ import annotations

from pathlib import Path

from pipeline.canary.in_progress import RunInProgress
from pipeline.judge.evidence import Problem
from pipeline.runs.directory import load
from pipeline.runs.record import Record


def test_what_is_found_out_is_added_and_saved(tmp_path: Path) -> None:
    run = RunInProgress(tmp_path, Record.from_dict({"format": 1, "problems": [], "promoted": None}))
    begun = run.record
    run.add(provider="lxc", routes={"baseline": "/preview"})
    run.add_problem(Problem("note", "the books do not agree"))
    run.add_problem(Problem("invalid", "the loader could not keep its schedule"))
    run.add(promoted=False)
    run.save()
    again = load(tmp_path).record
    assert again.to_dict() == run.record.to_dict()
    assert list(again.to_dict()) == ["format", "problems", "promoted", "provider", "routes"]
    assert [problem.effect for problem in again.problems] == ["note", "invalid"]
    assert (begun.problems, begun.provider) == ((), "")
