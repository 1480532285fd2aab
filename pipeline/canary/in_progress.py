"""A run that is under way: its directory, and its record as far as it is known."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from pipeline.base.mask import hide
from pipeline.judge.evidence import Problem
from pipeline.runs.directory import write_record
from pipeline.runs.entries import Entries
from pipeline.runs.record import Record

__all__ = ["RunInProgress"]


class RunInProgress:
    """The one place where a record changes: `record` is replaced by a larger one whenever something is found out.

    Whatever reads a run takes the frozen `record`. What was found out is kept in it also when the run breaks off.
    """

    def __init__(self, path: Path, record: Record) -> None:
        self.path = path
        self.record = record

    def add(self, **entries: Unpack[Entries]) -> None:
        """Add `entries` to the record, in place of those of the same name."""
        self.record = self.record.grown(**entries)

    def add_problem(self, problem: Problem) -> None:
        """Something is wrong with the experiment. What a service said of it may hold a secret of its own."""
        entry = {"effect": problem.effect, "message": hide(problem.message)}
        self.add(problems=[*self.record.document.get("problems", ()), entry])

    def save(self) -> None:
        """Write the record as it is now to run.json."""
        write_record(self.path, self.record)
