"""Judges a run directory, offline; the same samples give the same verdict."""

from __future__ import annotations

from pipeline.judge.verdict import Verdict
from pipeline.rundir import RunDirectory

__all__ = ["judge_run"]


def judge_run(directory: RunDirectory) -> Verdict:
    """Judge what `directory` holds and write verdict.json. Raises RunDirectoryError when it cannot be read."""
    from pipeline.judge import (
        judge,
    )  # scipy takes a third of a second to import: only who judges waits for it

    verdict = judge(directory.read_evidence(), directory.rules(), directory.policy())
    directory.write_verdict(verdict)
    return verdict
